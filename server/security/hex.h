/* Hexadecimal digits, as GUIDs, SIDs and access masks write them. */
#ifndef SECURITY_HEX_H
#define SECURITY_HEX_H

#include "base/bytes.h"

/* 0-15, or -1 for any other character. */
int hex_digit_value(char digit);
/* 1 to digits_max (at most 16) digits of any case and nothing else. */
bool hex_to_u64(struct bytes text, size_t digits_max, uint64_t *out);

#endif

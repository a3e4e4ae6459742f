/* The characters of atoms, RFC 5322 3.2.3. */
#ifndef MAIL_ATEXT_H
#define MAIL_ATEXT_H

#include <stdbool.h>
#include <stdint.h>

/* Printable ASCII but the blank and ()<>[]:;@\,." */
static inline bool atext_holds(char c)
{
    /* One bit a character, 0-63 and 64-127. */
    static const uint64_t members[2] = {0xa3ffacfa00000000, 0x7fffffffc7fffffe};
    unsigned char octet = (unsigned char)c;

    return octet < 0x80 && members[octet >> 6] >> (octet & 63) & 1;
}

#endif

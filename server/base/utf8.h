/* UTF-8, strictly as RFC 3629 has it. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/bytes.h"

/* The length of the character at the beginning, or 0 where there is none: empty, cut off, overlong, a
 * surrogate, past U+10FFFF or a stray byte. */
size_t utf8_first(struct bytes text, uint32_t *out_code_point);
/* The whole text is such characters. */
bool utf8_is_valid(struct bytes text);
/* No octet above 127. */
bool utf8_is_ascii(struct bytes text);

#endif

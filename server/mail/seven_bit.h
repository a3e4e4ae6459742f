/* A message with eight-bit or binary parts → the same message in lines of seven bits, for a next hop that
 * takes no other: text becomes quoted-printable, all else base64, and every octet outside those parts and
 * their Content-Transfer-Encoding stays. Streaming, pure. Spec: RFC 6152 3, RFC 2045 6, RFC 2046 5.1. */
#ifndef MAIL_SEVEN_BIT_H
#define MAIL_SEVEN_BIT_H

#include "base/buffer.h"

struct seven_bit;

/* At the start of a message's content; NULL without memory. */
struct seven_bit *seven_bit_new(void);
/* NULL is a no-op. */
void seven_bit_free(struct seven_bit *state);
/* Appends what the next run becomes, at most some 3.3 times its length; any split of the content gives the
 * same bytes. ERROR_SYNTAX: no standard says how: octets above 127 or lines that DATA would change outside of
 * a part declared 8bit or binary, signed parts (RFC 1847 2.1), a structure that two readers may take for two.
 * ERROR_LIMIT, ERROR_TEMPORARY: memory. After an error only seven_bit_free. */
MUST_USE enum error seven_bit_append(struct seven_bit *state, struct bytes run, struct buffer *out);
/* Appends the end, which is a line's end. */
MUST_USE enum error seven_bit_finish(struct seven_bit *state, struct buffer *out);

#endif

/* The header block of a message as a list of fields over its untouched bytes. */
#ifndef MAIL_HEADER_BLOCK_H
#define MAIL_HEADER_BLOCK_H

#include "base/buffer.h"

/* name and body of one field; all three borrow the block. A line that is no field (no colon, bytes a name may not
 * hold) has an empty name and is kept as it is. */
struct header_field {
    struct bytes name;  /* without the colon and without blanks before it (matrix F15: "Name :" is Name) */
    struct bytes body;  /* after the colon, folding and the last CRLF included */
    struct bytes whole; /* from the name's first byte to the CRLF that ends the field */
};

/* Walks the fields in order. block: CRLF-terminated lines, without the empty line that ends the header.
 * *rest starts as the whole block; false at its end. Linear over a full walk. Pure. */
bool header_next(struct bytes *rest, struct header_field *out);

/* How many fields have this name (any case). */
size_t header_count(struct bytes block, const char *name);
/* The first field of this name; false when there is none. */
bool header_find(struct bytes block, const char *name, struct header_field *out);
/* Appends the block without the fields that is_removed says true to; the others stay byte for byte. Returns the
 * number removed, or an error through *out_error from the buffer. */
size_t header_remove(struct bytes block, bool (*is_removed)(const struct header_field *field, void *owner),
                     void *owner, struct buffer *out, enum error *out_error);

/* The addresses of a From or Sender field: calls each(address text, owner) for every mailbox found, unfolded, comments
 * and display names dropped, groups walked into. Returns false when the field cannot be parsed (matrix F15: then the
 * sender check refuses). Spec: RFC 5322 3.4. */
bool header_each_address(struct bytes body, void (*each)(struct bytes address, void *owner), void *owner);

#endif

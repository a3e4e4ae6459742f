/* The header block of a message as a list of fields over its untouched bytes. */
#ifndef MAIL_HEADER_BLOCK_H
#define MAIL_HEADER_BLOCK_H

#include "base/buffer.h"

/* name and body of one field; all three borrow the block. A field without any colon has an empty name and an
 * empty body and is kept as it is. */
struct header_field {
    struct bytes name; /* as it stands before the first colon, without blanks at both ends ("Name :" is Name).
                        * In a malformed field it holds whatever stands there, even a folded line: compare
                        * names with header_name_is and header_name_starts only */
    struct bytes body; /* after the colon, folding and the last CRLF included */
    struct bytes whole; /* from the name's first byte to the CRLF that ends the field */
    bool is_plain; /* nobody can see a field begin inside it: the name stands on its first line, and no CR
                    * without an LF anywhere */
};

/* Walks the fields in order. block: CRLF-terminated lines, without the empty line that ends the header.
 * *rest starts as the whole block; false at its end. Linear over a full walk. Pure. */
bool header_next(struct bytes *rest, struct header_field *out);

/* The field's name is this one / begins with this prefix, as any later parser may read it (matrix F15): any
 * case, and control characters, blanks, line ends and octets above 127 inside the name count as absent, since
 * some parser drops them; a fold inside the name, and a bare CR anywhere, may be where a later parser sees a
 * field begin. So a malformed field may match several names. name and prefix: printable ASCII. */
bool header_name_is(const struct header_field *field, const char *name);
bool header_name_starts(const struct header_field *field, const char *prefix);

/* For a walk that asks for many names: only those that begin with this letter (lower case) can fit;
 * HEADER_ANY: all can. */
#define HEADER_ANY '\0'
char header_first_letter(const struct header_field *field);
/* Is the line, that begins with no blank, one that begins a field? */
bool header_begins_field(struct bytes line);

/* The body without blanks and line ends at both of its ends. */
struct bytes header_value(const struct header_field *field);

/* How many fields have this name, by header_name_is. */
size_t header_count(struct bytes block, const char *name);
/* The first field of this name; false when there is none. */
bool header_find(struct bytes block, const char *name, struct header_field *out);
/* Appends the block without the fields that is_removed says true to; the others stay byte for byte. Returns
 * the number removed, or an error through *out_error from the buffer. */
size_t header_remove(struct bytes block, bool (*is_removed)(const struct header_field *field, void *owner),
                     void *owner, struct buffer *out, enum error *out_error);

/* The addresses of a From or Sender field: calls each(address text, owner) for every mailbox found, unfolded,
 * comments and display names dropped, groups walked into, source routes dropped. The text lives until each
 * returns; it is for address_parse. Returns false when the field cannot be parsed, has no mailbox at all (an
 * empty group is allowed), or holds one without a domain or of more than 1024 octets (matrix F15: then the
 * sender check refuses); some mailboxes may have been told by then. Linear. Spec: RFC 5322 3.4 and 4.4.
 * Differs: '[' and ']' are taken in display names. */
bool header_each_address(struct bytes body, void (*each)(struct bytes address, void *owner), void *owner);

#endif

/* The only way to build filters and DNs, and the one normal form DNs are compared in. Matrix D3. */
#ifndef DIRECTORY_FILTER_TEXT_H
#define DIRECTORY_FILTER_TEXT_H

#include "base/buffer.h"

/* Appends "(attribute=value)" with the value escaped by RFC 4515; attribute is ours, never input. */
MUST_USE enum error filter_append_equal(struct buffer *out, const char *attribute, struct bytes value);
/* Appends the value escaped for an RDN by RFC 4514. */
MUST_USE enum error dn_append_value(struct buffer *out, struct bytes value);
/* Normal form: attribute types and values lower case, blanks folded, escapes in one spelling, no blanks
 * around separators. ERROR_SYNTAX: not a DN. */
MUST_USE enum error dn_normalize(struct bytes dn, struct buffer *out);
/* Both normal forms: dn is ancestor or below it. */
bool dn_is_within(struct bytes dn, struct bytes ancestor);
/* The parent's part of a DN (normal form or not), empty at the top. */
struct bytes dn_parent(struct bytes dn);

#endif

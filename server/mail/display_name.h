/* The name in front of a sender's address: whether a From field has one, and writing one there. Pure. */
#ifndef MAIL_DISPLAY_NAME_H
#define MAIL_DISPLAY_NAME_H

#include "mail/address.h"
#include "mail/header_block.h"

#define DISPLAY_NAME_MAX 256 /* octets; a longer one is not used */

/* A From field that is an address and nothing else. */
struct bare_from {
    struct header_field field;
    struct bytes text; /* the address as it is written, without angle brackets; borrows the block */
    struct address address;
};

/* The block's one From is an address and nothing else, "<chris@contoso.com>" or without brackets. A name, a
 * comment, a second address or field, a group, a fold inside: false, and then it stays as it came; so does
 * one that is signed (DKIM-Signature, RFC 6376 5.4: always From among others). */
bool display_name_is_missing(struct bytes block, struct bare_from *out);

/* Appends the block with this name in From, every other byte as it was. A name of printable ASCII is quoted,
 * another is written in encoded words (RFC 2047, UTF-8 in base64), folded. ERROR_SYNTAX: with this name the
 * block is better left alone: it is empty, too long, no UTF-8 or has control characters; out is as before.
 * ERROR_LIMIT, ERROR_TEMPORARY of the buffer. */
MUST_USE enum error display_name_insert(struct bytes block, const struct bare_from *from, struct bytes name,
                                        struct buffer *out);

#endif

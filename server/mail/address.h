/* Envelope addresses: RFC 5321 paths with RFC 6531 text. One parsed value serves every decision and the wire.
 */
#ifndef MAIL_ADDRESS_H
#define MAIL_ADDRESS_H

#include "mail/domain.h"

#define ADDRESS_LOCAL_MAX 64  /* octets of the local part as written on the wire */
#define ADDRESS_TEXT_SIZE 324 /* local part, '@', domain, terminator */

/* A value; copying it copies the address. text is "local@domain" in canonical form: the local part quoted
 * only where RFC 5321 needs it and with its case kept, the domain in normal form (or a literal as written).
 * Source routes are parsed and dropped; percent and bang signs are opaque characters of the local part
 * (matrix A1-A4). */
struct address {
    char text[ADDRESS_TEXT_SIZE];
    uint16_t local_len;  /* octets before '@' in text */
    uint16_t domain_len; /* 0: no domain (postmaster alone), or the null path */
    bool is_literal;     /* the domain is an address literal */
    bool needs_utf8;     /* the local part holds octets above 127 */
};

enum address_flaw {
    ADDRESS_OK,
    ADDRESS_INVALID,   /* 501 5.1.3 / 5.1.7 Invalid address */
    ADDRESS_TOO_LONG,  /* 501 … Long addresses not supported */
    ADDRESS_NOT_ASCII, /* 501 5.1.8 / 5.1.9 UTF-8 addresses not supported */
};

/* Parses the path at the start of text: "<…>" or, as the relay document types it, bare up to the first blank.
 * "<>" gives the null path (local_len and domain_len 0). "Postmaster" without a domain is allowed.
 * Blanks before it are
 * skipped, as many clients write one behind the colon. A bare path has neither blanks nor a source route.
 * allow_utf8: SMTPUTF8 was given. *out_rest: what follows the path, from the first blank on. Pure, linear.
 * ADDRESS_INVALID also for unbalanced quotes or brackets, comments, control characters and malformed UTF-8.
 */
MUST_USE enum address_flaw address_parse_path(struct bytes text, bool allow_utf8, struct address *out,
                                              struct bytes *out_rest);
/* Parses a whole bare "local@domain" with nothing before or behind it, as directory values and headers hold
 * it; without a domain it is ADDRESS_INVALID. */
MUST_USE enum address_flaw address_parse(struct bytes text, bool allow_utf8, struct address *out);

bool address_is_null(const struct address *address);
/* The local part is "postmaster" in any case. */
bool address_is_postmaster(const struct address *address);
struct bytes address_local(const struct address *address);
struct bytes address_domain(const struct address *address); /* empty when there is none */
struct bytes address_text(const struct address *address);   /* empty for the null path */
/* Local parts compare with their case, domains are in normal form already. */
bool address_equal(const struct address *a, const struct address *b);

#endif

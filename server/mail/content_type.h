/* The Content-Type field: as much of it as tells how a part may be encoded. Pure. Spec: RFC 2045 5.1, RFC
 * 2046 5. */
#ifndef MAIL_CONTENT_TYPE_H
#define MAIL_CONTENT_TYPE_H

#include "base/bytes.h"

#define CONTENT_BOUNDARY_MAX 70

enum content_kind {
    CONTENT_ABSENT, /* no field: text, or a message inside a digest */
    CONTENT_TEXT,
    CONTENT_MULTIPART,
    CONTENT_MESSAGE, /* message/rfc822 */
    CONTENT_SEALED,  /* must not be changed: signed or encrypted parts, other kinds of message */
    CONTENT_OTHER,
};

struct content_type {
    enum content_kind kind;
    bool is_digest;
    char boundary[CONTENT_BOUNDARY_MAX]; /* of a multipart */
    size_t boundary_len;                 /* 0: none is given */
};

/* body: of the field, folding included. ERROR_SYNTAX: comments, a parameter twice, a boundary that is none:
 * readers could differ about it. */
MUST_USE enum error content_type_parse(struct bytes body, struct content_type *out);

#endif

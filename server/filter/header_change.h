/* Changes that a filter asks for in a header block. Pure. What a filter sends is foreign text: nothing in it
 * may begin a field of its own. */
#ifndef FILTER_HEADER_CHANGE_H
#define FILTER_HEADER_CHANGE_H

#include "mail/header_block.h"

enum header_change_kind {
    HEADER_ADD,    /* below all others */
    HEADER_INSERT, /* before the field at index (0: on top) */
    HEADER_CHANGE, /* the index-th field of this name (from 1); an empty value takes it away */
};

struct header_change {
    enum header_change_kind kind;
    uint32_t index;
    struct bytes name;
    struct bytes value; /* lines end with LF or CRLF */
    bool has_own_blank; /* the value begins with the blank behind the colon, if it wants one */
};

/* Appends the block with the change made; a CHANGE of a field that is not there adds it, unless its value is
 * empty. ERROR_PROTOCOL: no name of a field; ERROR_LIMIT, ERROR_TEMPORARY of the buffer. */
MUST_USE enum error header_change_apply(struct bytes block, const struct header_change *change,
                                        struct buffer *out);

#endif

/* Between liblber's counted strings and ours. Internal to the room. */
#ifndef DIRECTORY_BERVAL_H
#define DIRECTORY_BERVAL_H

#include "base/bytes.h"

#include <lber.h>

static inline struct bytes bytes_of_berval(const struct berval *value)
{
    return (struct bytes){value->bv_val, value->bv_val ? value->bv_len : 0};
}

/* Borrows; libldap does not write to what it is given. */
static inline struct berval berval_of_bytes(struct bytes bytes)
{
    return (struct berval){bytes.len, (char *)(uintptr_t)bytes.ptr};
}

#endif

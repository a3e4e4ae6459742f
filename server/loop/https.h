/* One HTTPS request by libcurl, for a job (jobs.h): it blocks. */
#ifndef LOOP_HTTPS_H
#define LOOP_HTTPS_H

#include "base/buffer.h"

#include <stdatomic.h>

struct https_request {
    const char *url;     /* https:// only */
    const char *ca_file; /* PEM, the anchors; NULL: the system's */
    struct bytes form;   /* application/x-www-form-urlencoded; posted */
    uint64_t timeout_ms;
    const atomic_bool *is_canceled; /* looked at once a second at least; may be NULL */
};

/* On the main thread or before there is another that asks. ERROR_TEMPORARY. */
MUST_USE enum error https_prepare(void);
/* Any thread. No redirect is followed; TLS 1.2 or newer, certificate and name must be good. *out_status: the
 * answer's, whatever it says; the body is appended to out. ERROR_LIMIT: it is longer than out may be;
 * ERROR_CANCELED; ERROR_TEMPORARY with a note: no connection, no TLS, too slow, no memory. */
MUST_USE enum error https_post(const struct https_request *request, unsigned *out_status, struct buffer *out,
                               struct note *note);

#endif

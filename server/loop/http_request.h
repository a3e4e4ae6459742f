/* One HTTP request by libcurl, for a job (jobs.h): it blocks. Proxies are those of the environment
 * (http_proxy, https_proxy, no_proxy). */
#ifndef LOOP_HTTP_REQUEST_H
#define LOOP_HTTP_REQUEST_H

#include "base/buffer.h"

#include <stdatomic.h>

struct http_request {
    const char *url;
    const char *scheme;  /* "https" or "http": no other is spoken */
    const char *ca_file; /* PEM, the anchors; NULL: the system's */
    const char *accept;  /* the media type that is asked for */
    struct bytes form;   /* application/x-www-form-urlencoded, posted; empty: GET */
    uint64_t timeout_ms;
    const atomic_bool *is_canceled; /* looked at once a second at least; may be NULL */
};

struct http_answer {
    unsigned status;
    char media_type[64]; /* Content-Type as it came, cut */
};

/* On the main thread or before there is another that asks. ERROR_TEMPORARY. */
MUST_USE enum error http_request_prepare(void);
/* Any thread. No redirect is followed; with https TLS 1.2 or newer, certificate and name must be good. *out:
 * the answer's head, whatever it says; the content is appended to content. ERROR_LIMIT: it is longer than
 * content may be; ERROR_CANCELED; ERROR_TEMPORARY with a note: no connection, no TLS, too slow, no memory. */
MUST_USE enum error http_request_run(const struct http_request *request, struct http_answer *out,
                                     struct buffer *content, struct note *note);

#endif

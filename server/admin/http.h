/* The small HTTP server of /metrics, /healthz and /readyz. Contract 6. */
#ifndef ADMIN_HTTP_H
#define ADMIN_HTTP_H

#include "base/buffer.h"
#include "base/ip.h"
#include "loop/loop.h"

struct http;

/* One page: fills the body, answers the status. Called on the loop. */
struct http_page {
    const char *path;
    const char *content_type;
    int (*make)(void *owner, struct buffer *body);
};

/* pages ends with a NULL path and is borrowed. ERROR_IO with a note. On the loop. */
MUST_USE enum error http_start(struct loop *loop, const struct ip_endpoint *endpoint,
                               const struct http_page *pages, void *owner, struct http **out,
                               struct note *note);
/* Closes the socket and all connections. NULL is a no-op. */
void http_stop(struct http *http);

#endif

/* Names to addresses, asynchronously (libunbound): the machine's resolv.conf and hosts file. */
#ifndef LOOP_RESOLVER_H
#define LOOP_RESOLVER_H

#include "base/ip.h"
#include "loop/loop.h"

#define RESOLVER_ADDRESS_MAX 16

struct resolver;

/* Caller-owned; the callback comes exactly once, on the loop, never before the call returns. */
struct resolver_query {
    struct resolver *resolver;                         /* private */
    void *state;                                       /* private */
    struct ip_address addresses[RESOLVER_ADDRESS_MAX]; /* the answer: IPv6 and IPv4 as the name has them */
    size_t count;
    /* OK; ERROR_NOT_FOUND: no such name or no address (permanent); ERROR_TEMPORARY; ERROR_TIMEOUT;
     * ERROR_CANCELED. */
    void (*on_done)(struct resolver_query *query, enum error error);
};

/* The owner frees it before the loop can end. ERROR_TEMPORARY, ERROR_IO with a note. */
MUST_USE enum error resolver_new(struct loop *loop, struct resolver **out, struct note *note);
/* One that knows no hosts file and asks this server only: for tests. */
MUST_USE enum error resolver_new_at(struct loop *loop, const struct ip_endpoint *server,
                                    struct resolver **out, struct note *note);
/* Queries still open are answered with ERROR_CANCELED on the loop, after this has returned. */
void resolver_free(struct resolver *resolver);
/* name in normal form; the text of an IP address answers itself. An open query may take RESOLVER_TIMEOUT_MS.
 */
#define RESOLVER_TIMEOUT_MS 20000u
void resolver_addresses(struct resolver *resolver, const char *name, struct resolver_query *query);
/* on_done comes all the same, with ERROR_CANCELED unless the answer was there already. */
void resolver_cancel(struct resolver_query *query);

#endif

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

MUST_USE enum error resolver_new(struct loop *loop, struct resolver **out, struct note *note);
void resolver_free(struct resolver *resolver);
/* name in normal form. */
void resolver_addresses(struct resolver *resolver, const char *name, struct resolver_query *query);
void resolver_cancel(struct resolver_query *query);

#endif

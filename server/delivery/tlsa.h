/* What the DNS says of an exchanger's certificate. On the delivery loop. Spec: RFC 7672 2.2. */
#ifndef DELIVERY_TLSA_H
#define DELIVERY_TLSA_H

#include "loop/dane.h"
#include "loop/resolver.h"

struct tlsa;

/* Caller-owned; zeroed before its only use. */
struct tlsa_lookup {
    /* Once, on the loop, never inside a call: OK, also where there is nothing to go by; any other error: it
     * is not known, and the host is not to be tried. */
    void (*on_done)(struct tlsa_lookup *lookup, enum error error);
    struct resolver_record_query query; /* private, as all below */
    struct resolver *resolver;
    const char *host;
    const char *next_host; /* to be asked when host has none; NULL: no other */
    uint16_t port;
    bool is_open;
    struct tlsa *found;
};

/* host: the exchanger; canonical: behind its aliases, or "". Both borrowed until on_done. To be asked only of
 * hosts whose addresses DNSSEC vouches for. */
void tlsa_find(struct tlsa_lookup *lookup, struct resolver *resolver, const char *host, const char *canonical,
               uint16_t port);
/* on_done comes all the same, with ERROR_CANCELED. A no-op when nothing is open. */
void tlsa_cancel(struct tlsa_lookup *lookup);
/* What DNSSEC vouches for; NULL: nothing. As long as the look-up. */
struct dane *tlsa_found(const struct tlsa_lookup *lookup);
/* Never while on_done is still to come. */
void tlsa_done(struct tlsa_lookup *lookup);

#endif

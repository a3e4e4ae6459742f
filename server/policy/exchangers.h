/* Which hosts take a domain's mail, in which order. Pure. Matrix R14. Spec: RFC 5321 5.1, RFC 7505. */
#ifndef POLICY_EXCHANGERS_H
#define POLICY_EXCHANGERS_H

#include "base/ip.h"
#include "organization/organization.h"

#define EXCHANGERS_MAX          16 /* hosts that are looked up */
#define EXCHANGER_ADDRESSES_MAX 32 /* addresses that are tried */

struct exchanger {
    uint16_t preference;
    const char *name; /* normal form; "" for the root */
    /* What its name has; filled between the two steps. */
    const struct ip_address *addresses;
    size_t address_count;
    bool is_unknown; /* a look-up failed for now: it is not to be tried */
};

/* What we answer to ourselves. */
struct exchange_self {
    const struct organization *organization;
    const struct ip_address *addresses; /* of the machine's interfaces */
    size_t address_count;
    uint16_t port; /* the connection's */
};

enum exchange_fate {
    EXCHANGE_HOSTS,   /* go on with them */
    EXCHANGE_NULL_MX, /* the domain takes no mail: permanent */
    EXCHANGE_LOOP,    /* only we ourselves are left: permanent */
    EXCHANGE_NO_HOST, /* none of them has a usable address: permanent */
    EXCHANGE_UNKNOWN, /* none of them can be looked up now: temporary */
};

/* Step 1, by names: takes the *count records of a domain's MX answer (none: the domain itself is its only
 * host), puts them into the order in which they are tried, alike preferences shuffled by the seed, drops
 * doubles, ours and what is no better than ours, and cuts to EXCHANGERS_MAX. list has room for at least one.
 * EXCHANGE_HOSTS, EXCHANGE_NULL_MX or EXCHANGE_LOOP. */
enum exchange_fate exchangers_order(struct exchanger *list, size_t *count, const char *domain,
                                    const struct exchange_self *self, uint64_t seed);

struct exchange_target {
    struct ip_address address;
    const char *name; /* the exchanger's, borrowed */
    size_t index;     /* and its place in the list */
};

/* Step 2, by addresses: the hosts of step 1 without ours and what is no better; at most
 * EXCHANGER_ADDRESSES_MAX targets, the better hosts' first; none of a loopback, link-local or multicast
 * address. EXCHANGE_HOSTS, EXCHANGE_LOOP, EXCHANGE_NO_HOST or EXCHANGE_UNKNOWN. */
enum exchange_fate exchangers_targets(const struct exchanger *list, size_t count,
                                      const struct exchange_self *self,
                                      struct exchange_target out[EXCHANGER_ADDRESSES_MAX], size_t *out_count);

#endif

/* The MTA-STS policies of domains: asked for in the DNS, fetched over HTTPS off the loop, kept as long as
 * they say. On the delivery loop. Spec: RFC 8461. */
#ifndef DELIVERY_STS_H
#define DELIVERY_STS_H

#include "loop/resolver.h"
#include "policy/sts_policy.h"

struct sts;

/* Caller-owned while it is open. */
struct sts_query {
    /* Once, on the loop, never inside a call. policy: for the call, and as long as sts_hold says; NULL: the
     * domain has none, or it cannot be known. */
    void (*on_done)(struct sts_query *query, const struct sts_policy *policy);
    struct list link; /* private */
};

struct sts_config {
    struct loop *loop;
    const struct clock *clock;
    const char *ca_file; /* anchors of the policies' hosts, borrowed; NULL: the system's */
};

/* NULL without memory. */
struct sts *sts_new(const struct sts_config *config);
/* Fetches end soon, without a policy. */
void sts_stop(struct sts *sts);
/* When no query is open and the loop has ended. NULL is a no-op. */
void sts_free(struct sts *sts);

/* The domain, in normal form, is copied. */
void sts_find(struct sts *sts, struct resolver *resolver, const char *domain, struct sts_query *query);
/* on_done does not come any more. */
void sts_cancel(struct sts_query *query);
/* Keeps the policy beyond its call. */
void sts_hold(const struct sts_policy *policy);
/* NULL is a no-op. */
void sts_release(const struct sts_policy *policy);

#endif

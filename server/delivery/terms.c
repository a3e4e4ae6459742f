#include "delivery/delivery_internal.h"

#include "policy/domain_security.h"

/* What a session must come to: by the connector, by the lists of domain security, by the domain's owner. */

/* Where the connector leaves it open the domain's owner has a say: by the DNS where that can be trusted, else
 * by a policy. */
static void heed_domain(const struct destination *destination, const struct exchange_target *target,
                        struct session_terms *terms)
{
    const struct dane *dane = destination_dane(destination, target);
    enum sts_mode mode = dane ? STS_MODE_NONE : destination_sts_mode(destination);
    if (dane)
        security_demand_dane(dane, &terms->demand);
    if (mode == STS_MODE_ENFORCE)
        security_demand_sts(&target->name, &terms->demand);
    if (mode == STS_MODE_TESTING)
        security_demand_sts(&target->name, &terms->wish);
    terms->policy = dane ? "dane" : mode == STS_MODE_ENFORCE ? "mta-sts" : NULL;
    terms->is_tested = mode == STS_MODE_TESTING;
}

void terms_make(const struct hop *hop, const struct destination *destination,
                const struct exchange_target *target, bool in_clear, struct session_terms *out)
{
    const char *domain = hop->key.domain;
    bool is_secure =
        domain_security_sends(hop->connector, &hop->organization->settings, bytes_of_text(domain));
    *out = (struct session_terms){0};
    security_demand(hop->connector, domain, in_clear, &out->demand);
    if (is_secure)
        security_demand_mutual(domain, &out->demand);
    else
        heed_domain(destination, target, out);
}

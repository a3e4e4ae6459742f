/* Domains whose recipients are taken. Facts 1.5, 2.5. */
#ifndef ORGANIZATION_ACCEPTED_DOMAIN_H
#define ORGANIZATION_ACCEPTED_DOMAIN_H

#include "base/arena.h"
#include "security/guid.h"

enum accepted_domain_type { DOMAIN_AUTHORITATIVE = 0, DOMAIN_EXTERNAL_RELAY = 1, DOMAIN_INTERNAL_RELAY = 2 };

struct accepted_domain {
    struct guid id;
    const char *dn;
    const char *name;        /* normal form without "*."; "*" alone is every domain */
    bool with_subdomains;    /* "*.contoso.com" or the MatchSubDomains bit */
    bool is_subdomains_only; /* "*.contoso.com" without MatchSubDomains: contoso.com itself is not meant */
    bool is_default;
    bool allow_open_relay;
    enum accepted_domain_type type;
};

/* "*": it takes the recipients of all domains and makes none of them ours. */
static inline bool accepted_domain_is_every(const struct accepted_domain *domain)
{
    return domain->name[0] == '*';
}

struct domain_index;
/* Part of organization_finish. A "*" without allow_open_relay is left out: it accepts nothing. ERROR_LIMIT.
 */
MUST_USE enum error domain_index_build(const struct accepted_domain *domains, size_t count,
                                       struct arena *arena, const struct domain_index **out);

struct organization;
/* The most specific accepted domain that holds the name (normal form), or NULL. Logarithmic for each label.
 * Pure. */
const struct accepted_domain *accepted_domain_find(const struct organization *organization,
                                                   struct bytes name);

#endif

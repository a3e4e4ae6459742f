/* Domains whose recipients are taken. Facts 1.5, 2.5. */
#ifndef ORGANIZATION_ACCEPTED_DOMAIN_H
#define ORGANIZATION_ACCEPTED_DOMAIN_H

#include "base/bytes.h"
#include "security/guid.h"

enum accepted_domain_type { DOMAIN_AUTHORITATIVE = 0, DOMAIN_EXTERNAL_RELAY = 1, DOMAIN_INTERNAL_RELAY = 2 };

struct accepted_domain {
    struct guid id;
    const char *dn;
    const char *name; /* normal form without "*."; "*" alone is every domain */
    bool with_subdomains; /* "*.contoso.com" or the MatchSubDomains bit */
    bool is_subdomains_only; /* "*.contoso.com" without MatchSubDomains: contoso.com itself is not meant */
    bool is_default;
    bool allow_open_relay;
    enum accepted_domain_type type;
};

struct organization;
/* The most specific accepted domain that holds the name (normal form), or NULL. Logarithmic. Pure. */
const struct accepted_domain *accepted_domain_find(const struct organization *organization, struct bytes name);

#endif

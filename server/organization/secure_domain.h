/* A partner's domain, towards which or from which mail needs mutual TLS: a value of TLSSendDomainSecureList
 * or TLSReceiveDomainSecureList. Facts 1.6, 10.4. */
#ifndef ORGANIZATION_SECURE_DOMAIN_H
#define ORGANIZATION_SECURE_DOMAIN_H

#include "base/arena.h"

struct secure_domain {
    const char *name;     /* normal form */
    bool with_subdomains; /* "*.contoso.com": contoso.com and all below it */
};

/* ERROR_SYNTAX with a note; ERROR_LIMIT without memory. */
MUST_USE enum error secure_domain_parse(struct bytes text, struct arena *arena, struct secure_domain *out,
                                        struct note *note);
/* Is this domain (normal form) one of them? Linear. Pure. */
bool secure_domain_lists(const struct secure_domain *list, size_t count, struct bytes domain);

#endif

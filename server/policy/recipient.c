#include "policy/recipient.h"

#include "policy/route.h"

#include <string.h>

/* Mail for literals is not delivered: no right and no accepted domain opens them (matrix A5). */
static struct decision check_right(const struct organization *organization,
                                   const struct session_rights *rights, const struct address *recipient)
{
    if (recipient->is_literal) {
        return decision_deny(REASON_RELAY);
    }
    bool is_local_postmaster = recipient->domain_len == 0 && address_is_postmaster(recipient);
    if (is_local_postmaster || session_rights_has(rights, RIGHT_SMTP_ACCEPT_ANY_RECIPIENT) ||
        accepted_domain_find(organization, address_domain(recipient)) != NULL) {
        return decision_allow();
    }
    return decision_deny_right(REASON_RELAY, RIGHT_SMTP_ACCEPT_ANY_RECIPIENT);
}

struct decision recipient_check(const struct organization *organization, const struct session_rights *rights,
                                const struct address *recipient)
{
    struct decision decision = check_right(organization, rights, recipient);
    if (decision.verdict != VERDICT_ALLOW) {
        return decision;
    }
    struct address resolved;
    const struct send_connector *route;
    bool has_route = recipient_resolve(organization, recipient, &resolved) &&
                     route_find(organization, address_domain(&resolved), &route, 1) == 1;
    return has_route ? decision : decision_deny(REASON_NO_ROUTE);
}

/* Is it postmaster alone, or at a domain of ours? */
static bool is_our_postmaster(const struct organization *organization, const struct address *recipient)
{
    if (!address_is_postmaster(recipient) || recipient->is_literal) {
        return false;
    }
    const struct accepted_domain *domain = accepted_domain_find(organization, address_domain(recipient));
    return recipient->domain_len == 0 || (domain != NULL && !accepted_domain_is_every(domain));
}

static bool postmaster_at_default(const struct organization *organization, struct address *out)
{
    static const char PREFIX[] = "postmaster@";
    for (size_t i = 0; i < organization->domain_count; i++) {
        const struct accepted_domain *domain = &organization->domains[i];
        struct bytes name = bytes_of_text(domain->name);
        if (domain->is_default && !accepted_domain_is_every(domain) &&
            name.len + sizeof(PREFIX) <= ADDRESS_TEXT_SIZE) {
            char text[ADDRESS_TEXT_SIZE];
            memcpy(text, PREFIX, sizeof(PREFIX) - 1);
            memcpy(text + sizeof(PREFIX) - 1, name.ptr, name.len);
            return address_parse((struct bytes){text, sizeof(PREFIX) - 1 + name.len}, false, out) ==
                   ADDRESS_OK;
        }
    }
    return false;
}

bool recipient_resolve(const struct organization *organization, const struct address *recipient,
                       struct address *out)
{
    if (!is_our_postmaster(organization, recipient)) {
        *out = *recipient;
        return true;
    }
    struct bytes external = bytes_of_text(organization->settings.external_postmaster);
    if (external.len > 0 && address_parse(external, false, out) == ADDRESS_OK) {
        return true;
    }
    return postmaster_at_default(organization, out);
}

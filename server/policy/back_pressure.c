#include "policy/back_pressure.h"

static bool is_from_outside(const struct organization *organization, enum identity identity,
                            const struct address *sender)
{
    if (identity != IDENTITY_ANONYMOUS && identity != IDENTITY_PARTNER) {
        return false;
    }
    if (sender->domain_len == 0 || sender->is_literal) {
        return true;
    }
    const struct accepted_domain *domain = accepted_domain_find(organization, address_domain(sender));
    return domain == NULL || domain->type == DOMAIN_EXTERNAL_RELAY || accepted_domain_is_every(domain);
}

bool back_pressure_refuses(enum pressure_level level, const struct organization *organization,
                           enum identity identity, const struct address *sender)
{
    switch (level) {
    case PRESSURE_LOW:
        return false;
    case PRESSURE_MEDIUM:
        return is_from_outside(organization, identity, sender);
    case PRESSURE_HIGH:
        break;
    }
    return true;
}

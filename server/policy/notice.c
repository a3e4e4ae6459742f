#include "policy/notice.h"

#include "mail/address.h"

static bool is_internal(const struct organization *organization, struct bytes sender)
{
    struct address address;
    if (address_parse(sender, true, &address) != ADDRESS_OK || address.domain_len == 0 ||
        address.is_literal) {
        return false;
    }
    const struct accepted_domain *domain = accepted_domain_find(organization, address_domain(&address));
    return domain != NULL && domain->type != DOMAIN_EXTERNAL_RELAY && !accepted_domain_is_every(domain);
}

struct notice_rules notice_rules_for(const struct organization *organization, struct bytes sender)
{
    const struct transport_settings *settings = &organization->settings;
    struct notice_rules rules = {.may_warn = !(settings->flags & SETTING_INTERNAL_DELAY_DSN_DISABLED),
                                 .reporting_name = organization->server.fqdn,
                                 .body_bytes_max = SIZE_MAX};
    if (is_internal(organization, sender)) {
        return rules;
    }
    rules.may_warn = !(settings->flags & SETTING_EXTERNAL_DELAY_DSN_DISABLED);
    if (settings->external_reporting_name != NULL) {
        rules.reporting_name = settings->external_reporting_name;
    }
    if (settings->max_external_notice_bytes != UNLIMITED) {
        rules.body_bytes_max = settings->max_external_notice_bytes;
    }
    return rules;
}

bool notice_is_copied(const struct organization *organization, struct bytes status)
{
    const struct transport_settings *settings = &organization->settings;
    for (size_t i = 0; i < settings->copied_status_count; i++) {
        if (bytes_equal(status, bytes_of_text(settings->copied_statuses[i]))) {
            return true;
        }
    }
    return false;
}

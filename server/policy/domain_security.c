#include "policy/domain_security.h"

bool domain_security_asks(const struct organization *organization, const struct session_rights *rights,
                          const struct address *sender)
{
    const struct transport_settings *settings = &organization->settings;
    return rights->identity == IDENTITY_ANONYMOUS && !address_is_null(sender) && !sender->is_literal &&
           secure_domain_lists(settings->receive_secure, settings->receive_secure_count,
                               address_domain(sender));
}

bool domain_security_sends(const struct send_connector *connector, const struct transport_settings *settings,
                           struct bytes domain)
{
    return (connector->send_flags & SEND_DOMAIN_SECURE) &&
           secure_domain_lists(settings->send_secure, settings->send_secure_count, domain);
}

struct decision domain_security_check(const struct receive_connector *connector,
                                      const struct partner_evidence *evidence)
{
    if (!(connector->protocol_options & OPTION_DOMAIN_SECURE)) {
        return decision_deny(REASON_SECURE_DOMAIN_CLOSED);
    }
    if (!evidence->has_certificate) {
        return decision_deny(REASON_PARTNER_UNPROVEN);
    }
    bool is_partner = evidence->is_good && evidence->is_its;
    return is_partner ? decision_allow() : decision_deny(REASON_PARTNER_CERTIFICATE);
}

/* The rules of lint about domain security: a listed domain that nothing secures. */
#include "policy/lint_report.h"
#include "policy/route.h"

static void add(struct lint_report *report, const char *rule, const char *dn, const char *why,
                const char *name)
{
    struct lint_item item = {.finding = {.severity = LINT_WARNING, .rule = rule, .dn = dn}};
    lint_add(report, &item, "%s: %s", name, why);
}

/* Mail for it goes by the connector of its route, whatever the list says. */
static void check_sending(struct lint_report *report, const struct secure_domain *domain)
{
    const struct send_connector *connector;
    if (route_find(report->organization, bytes_of_text(domain->name), &connector, 1) == 1 &&
        !(connector->send_flags & SEND_DOMAIN_SECURE)) {
        add(report, "unsecured-domain", connector->dn,
            "mail for this domain of TLSSendDomainSecureList leaves here without mutual TLS, since "
            "DomainSecureEnabled is off",
            domain->name);
    }
}

/* A listed sender is taken where the connector asks for certificates and lets partners submit. */
static bool takes_partners(const struct receive_connector *connector)
{
    return connector->is_enabled && connector->refused == NULL &&
           (connector->protocol_options & OPTION_DOMAIN_SECURE) &&
           (connector->fixed[IDENTITY_PARTNER].granted & RIGHT_BIT(RIGHT_SMTP_SUBMIT));
}

void lint_domain_security(struct lint_report *report)
{
    const struct organization *organization = report->organization;
    const struct transport_settings *settings = &organization->settings;
    bool takes_any = false;
    for (size_t i = 0; i < settings->send_secure_count; i++) {
        check_sending(report, &settings->send_secure[i]);
    }
    for (size_t i = 0; i < organization->receive_count && !takes_any; i++) {
        takes_any = takes_partners(&organization->receive[i]);
    }
    if (settings->receive_secure_count > 0 && !takes_any) {
        add(report, "unreachable-partner", settings->dn,
            "no connector takes mail from the domains of TLSReceiveDomainSecureList: one needs "
            "DomainSecureEnabled and the Partners permission group",
            settings->receive_secure[0].name);
    }
}

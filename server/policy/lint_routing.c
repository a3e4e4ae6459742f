/* The rules of lint about refusals, accepted domains and send connectors. */
#include "policy/lint_report.h"

#include <stdio.h>

static struct lint_item item_of(enum lint_severity severity, const char *rule, const char *dn)
{
    return (struct lint_item){.finding = {.severity = severity, .rule = rule, .dn = dn}};
}

static bool is_listed(const struct organization *organization, const char *dn)
{
    for (size_t i = 0; i < organization->refused_count; i++) {
        if (bytes_equal_text_nocase(bytes_of_text(organization->refused[i].dn), dn)) {
            return true;
        }
    }
    return false;
}

static void add_refused(struct lint_report *report, const char *dn, const char *why)
{
    if (why != NULL && !is_listed(report->organization, dn)) {
        struct lint_item item = item_of(LINT_ERROR, "refused", dn);
        lint_add(report, &item, "%s", why);
    }
}

void lint_refusals(struct lint_report *report)
{
    const struct organization *organization = report->organization;
    for (size_t i = 0; i < organization->refused_count; i++) {
        struct lint_item item = item_of(LINT_ERROR, "refused", organization->refused[i].dn);
        lint_add(report, &item, "%s%s", organization->refused[i].why,
                 organization->refused[i].is_kept ? "; its previous good version still serves" : "");
    }
    for (size_t i = 0; i < organization->receive_count; i++) {
        add_refused(report, organization->receive[i].dn, organization->receive[i].refused);
    }
    for (size_t i = 0; i < organization->send_count; i++) {
        add_refused(report, organization->send[i].dn, organization->send[i].refused);
    }
}

/* Bits of msExchAcceptedDomainFlags, facts 2.5. */
enum { FLAG_DEFAULT = 4, FLAG_SUBDOMAINS = 65536 };

static const char *fix_of_flags(struct lint_report *report, const struct accepted_domain *domain,
                                bool is_default, bool with_subdomains)
{
    char text[16];
    (void)snprintf(text, sizeof(text), "%d",
                   (int)domain->type + (is_default ? FLAG_DEFAULT : 0) +
                       (with_subdomains ? FLAG_SUBDOMAINS : 0));
    return lint_fix(report, domain->dn, "replace", "msExchAcceptedDomainFlags", text);
}

static void check_domain(struct lint_report *report, const struct accepted_domain *domain)
{
    struct bytes name = bytes_of_text(domain->name);
    if (accepted_domain_is_every(domain) && !domain->allow_open_relay) {
        struct lint_item item = item_of(LINT_ERROR, "open-domain", domain->dn);
        item.finding.fix = lint_fix_delete(report, domain->dn);
        lint_add(report, &item,
                 "an accepted domain \"*\" makes everybody who may submit a relay host; it is not "
                 "taken without dirrelayAllowOpenRelay");
    } else if (accepted_domain_is_every(domain)) {
        struct lint_item item = item_of(LINT_INFO, "open-domain-acknowledged", domain->dn);
        lint_add(report, &item,
                 "everybody who may submit may relay (acknowledged by dirrelayAllowOpenRelay)");
    } else if (domain->with_subdomains && bytes_find(name, '.') == name.len) {
        struct lint_item item = item_of(LINT_WARNING, "wide-domain", domain->dn);
        item.finding.fix = domain->is_subdomains_only
                               ? lint_fix_delete(report, domain->dn)
                               : fix_of_flags(report, domain, domain->is_default, false);
        lint_add(report, &item, "everybody who may submit may send to every domain below %s", domain->name);
    }
}

void lint_domains(struct lint_report *report)
{
    const struct organization *organization = report->organization;
    bool has_default = organization->settings.external_postmaster != NULL;
    const struct accepted_domain *first = NULL;
    for (size_t i = 0; i < organization->domain_count; i++) {
        const struct accepted_domain *domain = &organization->domains[i];
        has_default = has_default || (domain->is_default && !accepted_domain_is_every(domain));
        first = first == NULL && !accepted_domain_is_every(domain) ? domain : first;
        check_domain(report, domain);
    }
    if (!has_default) {
        struct lint_item item = item_of(LINT_WARNING, "no-postmaster", organization->settings.dn);
        item.finding.fix = first == NULL ? NULL
                                         : fix_of_flags(report, first, true,
                                                        first->with_subdomains && !first->is_subdomains_only);
        lint_add(report, &item,
                 "neither an external postmaster address nor a default accepted domain: mail for "
                 "postmaster has nowhere to go");
    }
}

/* Whom the next hops of a connector are, or prove to be. */
static enum identity expected_peer(const struct send_connector *connector)
{
    bool is_exchange = (connector->send_flags & SEND_AUTH_MASK) == SEND_AUTH_EXCHANGE_SERVER;
    return is_exchange ? IDENTITY_HUB : send_connector_peer(connector);
}

static bool sends_routing_headers(const struct send_connector *connector, enum identity peer)
{
    uint32_t granted = connector->fixed[peer].granted;
    if (peer == IDENTITY_HUB) {
        granted |= connector->fixed[IDENTITY_EDGE].granted | connector->fixed[IDENTITY_LEGACY].granted;
    }
    return (granted & RIGHT_BIT(RIGHT_SEND_HEADERS_ROUTING)) != 0;
}

static void check_send_rights(struct lint_report *report, const struct send_connector *connector)
{
    static const struct {
        const char *name, *fix;
    } PEERS[IDENTITY_FIXED_COUNT] = {
        [IDENTITY_ANONYMOUS] = {"anonymous", "allow ms-Exch-Send-Headers-Routing to anonymous"},
        [IDENTITY_HUB] = {"hub, edge or legacy servers", "allow ms-Exch-Send-Headers-Routing to hub-servers"},
        [IDENTITY_EXTERNALLY_SECURED] = {"externally secured servers",
                                         "allow ms-Exch-Send-Headers-Routing to externally-secured-servers"},
    };
    const enum identity peer = expected_peer(connector);
    if (connector->grants_nothing) {
        struct lint_item item = item_of(LINT_ERROR, "grants-nothing", connector->dn);
        lint_add(report, &item, "the connector grants nothing to anybody: %s",
                 connector->grants_nothing_why != NULL ? connector->grants_nothing_why : "it has no DACL");
    } else if (!sends_routing_headers(connector, peer)) {
        struct lint_item item = item_of(LINT_INFO, "routing-headers-removed", connector->dn);
        item.finding.fix = lint_fix(report, connector->dn, "add", "dirrelayAce", PEERS[peer].fix);
        lint_add(report, &item, "without %s for %s the next hop sees no earlier Received lines",
                 right_name(RIGHT_SEND_HEADERS_ROUTING), PEERS[peer].name);
    }
}

/* TLS where it is offered keeps no secret from whoever takes the offer away. */
static void check_login(struct lint_report *report, const struct send_connector *connector)
{
    if ((connector->send_flags & SEND_AUTH_MASK) != SEND_AUTH_BASIC ||
        (connector->outbound_security & OUTBOUND_REQUIRE_TLS)) {
        return;
    }
    struct lint_item item = item_of(LINT_WARNING, "login-in-clear", connector->dn);
    char flags[16];
    (void)snprintf(flags, sizeof(flags), "%u", connector->outbound_security | OUTBOUND_REQUIRE_TLS);
    if ((connector->outbound_security & (OUTBOUND_IGNORE_STARTTLS | OUTBOUND_FORCE_HELO)) == 0) {
        item.finding.fix =
            lint_fix(report, connector->dn, "replace", "msExchSmtpOutboundSecurityFlag", flags);
    }
    lint_add(report, &item, "BasicAuth without RequireTLS: whoever sits between can read the password");
}

void lint_send_connectors(struct lint_report *report)
{
    const struct organization *organization = report->organization;
    bool is_any_in_service = false;
    for (size_t i = 0; i < organization->send_count; i++) {
        const struct send_connector *connector = &organization->send[i];
        if (!connector->is_enabled || connector->refused != NULL || !connector->is_for_this_server) {
            continue;
        }
        is_any_in_service = true;
        check_send_rights(report, connector);
        check_login(report, connector);
    }
    if (!is_any_in_service) {
        struct lint_item item = item_of(LINT_WARNING, "no-send-connector", organization->server.dn);
        lint_add(report, &item, "no send connector is in service for this server: nothing can be delivered");
    }
}

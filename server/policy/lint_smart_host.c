/* The rules of lint about smart hosts that lead back to us or to the link's own services (matrix R21). */
#include "policy/lint_report.h"

/* Do we listen at this address of ours, or under any of them? */
static bool is_listened_on(const struct organization *organization, const struct ip_address *address,
                           uint16_t port)
{
    for (size_t i = 0; i < organization->receive_count; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        for (size_t j = 0; connector->is_enabled && j < connector->binding_count; j++) {
            const struct ip_endpoint *binding = &connector->bindings[j];
            if (binding->port == port && binding->address.family == address->family &&
                (ip_is_any(&binding->address) || ip_compare(&binding->address, address) == 0)) {
                return true;
            }
        }
    }
    return false;
}

/* Is it a name that we greet with at this port? */
static bool is_our_name(const struct organization *organization, const char *name, uint16_t port)
{
    for (size_t i = 0; i < organization->receive_count; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        for (size_t j = 0; connector->is_enabled && j < connector->binding_count; j++) {
            if (connector->bindings[j].port == port &&
                bytes_equal_text_nocase(bytes_of_text(connector->fqdn), name)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_self(const struct lint_report *report, const struct send_connector *connector,
                    const struct smart_host *host)
{
    const struct organization *organization = report->organization;
    if (host->name != NULL) {
        return is_our_name(organization, host->name, connector->port);
    }
    bool is_own = machine_is_own(report->facts->machine, &host->address) || ip_is_loopback(&host->address);
    return smart_host_is_own(&host->address, connector->port, organization->receive,
                             organization->receive_count) ||
           (is_own && is_listened_on(organization, &host->address, connector->port));
}

static bool is_link_local(const struct smart_host *host)
{
    return host->name == NULL && ip_is_link_local(&host->address);
}

static const char *text_of(struct lint_report *report, const struct smart_host *host)
{
    char address[IP_TEXT_SIZE];
    return host->name != NULL
               ? host->name
               : arena_printf(report->arena, "[%s]", ip_format_address(&host->address, address));
}

/* The smart hosts that are neither, or, where none is left, the end of the connector's service. */
static const char *fix_of(struct lint_report *report, const struct send_connector *connector)
{
    const char *left = "";
    for (size_t i = 0; i < connector->smart_host_count; i++) {
        const struct smart_host *host = &connector->smart_hosts[i];
        const char *text = text_of(report, host);
        if (left != NULL && text != NULL && !is_link_local(host) && !is_self(report, connector, host)) {
            left = arena_printf(report->arena, "%s%s%s", left, left[0] == '\0' ? "" : ",", text);
        }
    }
    if (left == NULL || left[0] == '\0') {
        return lint_fix(report, connector->dn, "replace", "msExchSmtpSendEnabled", "FALSE");
    }
    return lint_fix(report, connector->dn, "replace", "msExchSmtpSmartHost", left);
}

static void check(struct lint_report *report, const struct send_connector *connector)
{
    for (size_t i = 0; i < connector->smart_host_count; i++) {
        const struct smart_host *host = &connector->smart_hosts[i];
        struct lint_item item = {.finding = {.severity = LINT_ERROR, .dn = connector->dn}};
        if (is_link_local(host)) {
            item.finding.rule = "smart-host-link-local";
            item.finding.fix = fix_of(report, connector);
            lint_add(report, &item,
                     "%s is a link-local address: services of the host or the cloud, no mail server",
                     text_of(report, host));
        } else if (is_self(report, connector, host)) {
            item.finding.rule = "smart-host-is-self";
            item.finding.fix = fix_of(report, connector);
            lint_add(report, &item, "%s at port %u is this server: mail would go round in a loop",
                     text_of(report, host), connector->port);
        }
    }
}

void lint_smart_hosts(struct lint_report *report)
{
    for (size_t i = 0; i < report->organization->send_count; i++) {
        const struct send_connector *connector = &report->organization->send[i];
        if (connector->is_enabled && connector->is_for_this_server) {
            check(report, connector);
        }
    }
}

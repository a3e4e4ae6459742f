/* The rule of lint about gateways in the ranges of connectors that let hosts relay. */
#include "policy/gateway.h"
#include "policy/lint_report.h"

#define FIX_RANGES_MAX 200 /* nobody pastes more */

/* What is left of the connector's ranges without one address, as texts; each range leaves two at most. */
struct remainder {
    struct lint_report *report;
    const char **texts;
    size_t count;
};

static void add_text(struct remainder *remainder, ip_number low, ip_number high, enum ip_family family)
{
    struct ip_range range = {ip_number_to_address(low, family), ip_number_to_address(high, family)};
    char text[2 * IP_TEXT_SIZE];
    remainder->texts[remainder->count] =
        arena_printf(remainder->report->arena, "%s", ip_format_range(&range, text));
    remainder->count += remainder->texts[remainder->count] != NULL;
}

static void add_range(struct remainder *remainder, const struct ip_range *range,
                      const struct ip_address *without)
{
    const enum ip_family family = range->low.family;
    const ip_number low = ip_number_of(&range->low);
    const ip_number high = ip_number_of(&range->high);
    const ip_number hole = ip_number_of(without);
    if (!ip_range_contains(range, without)) {
        add_text(remainder, low, high, family);
        return;
    }
    if (low < hole) {
        add_text(remainder, low, hole - 1, family);
    }
    if (hole < high) {
        add_text(remainder, hole + 1, high, family);
    }
}

/* The ranges with the gateway cut out: whoever it hides is then another connector's client. */
static const char *fix_of(struct lint_report *report, const struct receive_connector *connector,
                          const struct ip_address *gateway)
{
    struct remainder remainder = {.report = report};
    if (connector->range_count <= FIX_RANGES_MAX) {
        remainder.texts = arena_array(report->arena, 2 * connector->range_count, sizeof(*remainder.texts));
    }
    for (size_t i = 0; remainder.texts != NULL && i < connector->range_count; i++) {
        add_range(&remainder, &connector->ranges[i], gateway);
    }
    return lint_fix_values(report, connector->dn, "msExchSmtpReceiveRemoteIPRanges", remainder.texts,
                           remainder.count);
}

void lint_gateways(struct lint_report *report)
{
    for (size_t i = 0; i < report->organization->receive_count; i++) {
        const struct receive_connector *connector = &report->organization->receive[i];
        const struct ip_address *gateway = gateway_in_range(report->facts->machine, connector);
        char text[IP_TEXT_SIZE];
        if (gateway == NULL) {
            continue;
        }
        struct lint_item item = {.finding = {.severity = LINT_WARNING,
                                             .rule = "gateway-in-range",
                                             .dn = connector->dn,
                                             .fix = fix_of(report, connector, gateway)}};
        lint_add(
            report, &item,
            "%s may relay here and is a gateway of this machine: whoever a proxy or NAT hides comes from it, "
            "so the relay right is withheld from it; let clients keep their addresses: " GATEWAY_MEND,
            ip_format_address(gateway, text));
    }
}

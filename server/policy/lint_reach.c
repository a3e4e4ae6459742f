/* The rules of lint that look at the receive connectors' ranges together. */
#include "organization/connector_index.h"
#include "policy/lint_report.h"

#include <stdlib.h>

struct reach {
    const struct organization *organization;
    bool *is_reached; /* by connector: some client gets it */
    uint32_t *tie;    /* by connector: one that loses a tie against it, or SEGMENT_NOBODY */
};

static ip_number span_of(const struct reach *reach, const struct connector_segment *segment)
{
    return ip_number_span(&reach->organization->receive[segment->connector].ranges[segment->range]);
}

static const struct connector_segment *end_of(const struct connector_group *group)
{
    return group->segments + group->segment_count;
}

/* Walks the wildcard group's segments below one segment of a specific group, until one leaves its winner a
 * client. */
static void check_segment(struct reach *reach, const struct connector_group *group,
                          const struct connector_segment *segment, const struct connector_group *wildcard)
{
    bool has_next = segment + 1 < end_of(group);
    const struct connector_segment *other = connector_group_segment(wildcard, segment->start);
    for (; other < end_of(wildcard) && (!has_next || other->start < segment[1].start); other++) {
        if (other->connector == SEGMENT_NOBODY || span_of(reach, other) > span_of(reach, segment)) {
            reach->is_reached[segment->connector] = true;
        } else if (span_of(reach, other) == span_of(reach, segment)) {
            reach->is_reached[segment->connector] = true;
            if (other->connector != segment->connector) {
                reach->tie[segment->connector] = other->connector;
            }
        }
        if (reach->is_reached[segment->connector]) {
            return;
        }
    }
}

static void check_group(struct reach *reach, const struct connector_group *group)
{
    struct ip_endpoint any = {.address = {.family = group->local.address.family}, .port = group->local.port};
    const struct connector_group *wildcard =
        ip_is_any(&group->local.address) ? NULL
                                         : connector_index_group(reach->organization->connectors, &any);
    for (size_t i = 0; i < group->segment_count; i++) {
        const struct connector_segment *segment = &group->segments[i];
        if (segment->connector == SEGMENT_NOBODY) {
            continue;
        }
        if (wildcard == NULL) {
            reach->is_reached[segment->connector] = true;
        } else {
            check_segment(reach, group, segment, wildcard);
        }
    }
}

static void report_connector(struct lint_report *report, const struct reach *reach, size_t index)
{
    const struct receive_connector *connector = &report->organization->receive[index];
    if (!reach->is_reached[index]) {
        struct lint_item item = {.finding = {.severity = LINT_WARNING,
                                             .rule = "never-matched",
                                             .dn = connector->dn,
                                             .fix = lint_fix(report, connector->dn, "replace",
                                                             "msExchSmtpReceiveEnabled", "FALSE")}};
        lint_add(report, &item,
                 "no client ever reaches it: others hold all of its addresses more specifically");
    } else if (reach->tie[index] != SEGMENT_NOBODY) {
        struct lint_item item = {
            .finding = {.severity = LINT_INFO, .rule = "range-tie", .dn = connector->dn}};
        lint_add(report, &item,
                 "%s holds a range of the same width; this one wins, being bound to the very address",
                 report->organization->receive[reach->tie[index]].display);
    }
}

void lint_reach(struct lint_report *report)
{
    const struct organization *organization = report->organization;
    size_t count = organization->receive_count;
    if (count == 0 || organization->connectors == NULL) {
        return;
    }
    struct reach reach = {.organization = organization,
                          .is_reached = calloc(count, sizeof(*reach.is_reached)),
                          .tie = calloc(count, sizeof(*reach.tie))};
    if (reach.is_reached == NULL || reach.tie == NULL) {
        report->error = ERROR_LIMIT;
    } else {
        for (size_t i = 0; i < count; i++) {
            reach.tie[i] = SEGMENT_NOBODY;
        }
        for (size_t i = 0; i < organization->connectors->group_count; i++) {
            check_group(&reach, &organization->connectors->groups[i]);
        }
        for (size_t i = 0; i < count; i++) {
            if (organization->receive[i].is_enabled && organization->receive[i].refused == NULL) {
                report_connector(report, &reach, i);
            }
        }
    }
    free(reach.is_reached);
    free(reach.tie);
}

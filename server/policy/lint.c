#include "policy/lint.h"

#include "policy/lint_report.h"

#include <stdlib.h>

static int compare_items(const void *left, const void *right)
{
    const struct lint_item *a = left;
    const struct lint_item *b = right;
    if (a->finding.severity != b->finding.severity) {
        return a->finding.severity < b->finding.severity ? -1 : 1;
    }
    if (a->weight != b->weight) {
        return a->weight > b->weight ? -1 : 1;
    }
    int order = bytes_compare_nocase(bytes_of_text(a->finding.dn), bytes_of_text(b->finding.dn));
    if (order == 0) {
        order = bytes_compare_nocase(bytes_of_text(a->finding.rule), bytes_of_text(b->finding.rule));
    }
    return order != 0 ? order
                      : bytes_compare_nocase(bytes_of_text(a->finding.why), bytes_of_text(b->finding.why));
}

enum error lint_organization(const struct organization *organization, const struct lint_facts *facts,
                             struct arena *arena, const struct lint_finding **out, size_t *out_count)
{
    struct lint_report report = {.organization = organization, .facts = facts, .arena = arena};
    lint_refusals(&report);
    lint_receive_connectors(&report);
    lint_reach(&report);
    lint_gateways(&report);
    lint_domains(&report);
    lint_send_connectors(&report);
    lint_smart_hosts(&report);
    lint_domain_security(&report);
    lint_writers(&report);
    struct lint_finding *findings = NULL;
    if (report.error == OK) {
        findings = arena_array(arena, report.count + 1, sizeof(*findings));
        report.error = findings == NULL ? ERROR_LIMIT : OK;
    }
    if (report.error == OK && report.count > 0) {
        qsort(report.items, report.count, sizeof(*report.items), compare_items);
    }
    if (report.error == OK) {
        for (size_t i = 0; i < report.count; i++) {
            findings[i] = report.items[i].finding;
        }
        *out = findings;
        *out_count = report.count;
    }
    free(report.items);
    return report.error;
}

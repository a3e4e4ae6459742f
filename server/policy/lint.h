/* What an administrator should look at, worst first, on top of what the loader refuses. */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "base/machine.h"
#include "organization/organization.h"

enum lint_severity { LINT_ERROR, LINT_WARNING, LINT_INFO };

struct lint_finding {
    enum lint_severity severity;
    const char *rule; /* stable id: "open-relay", … */
    const char *dn;
    const char *why;
    const char *fix; /* the LDIF of an ldapmodify that mends it, or NULL */
};

/* Findings in the order error, warning, info; within those relay connectors by the number of addresses that
 * may use them, then by DN. machine is the one that the server runs on. All texts
 * live in the arena or in the organization. ERROR_LIMIT. */
MUST_USE enum error lint_organization(const struct organization *organization, const struct machine *machine,
                                      struct arena *arena, const struct lint_finding **out,
                                      size_t *out_count);

#endif

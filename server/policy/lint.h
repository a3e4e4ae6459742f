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

/* An object that the directory would let somebody write who should not. */
struct lint_write {
    const char *dn;
    bool is_anonymous; /* whoever connects; else the relay's own account */
};

/* What is known beside the organization; lint itself asks nobody. */
struct lint_facts {
    const struct machine *machine; /* the one that the server runs on */
    const struct lint_write *writes;
    size_t write_count;
    bool are_other_writers_unseen; /* the directory does not show its access rules */
};

/* Findings in the order error, warning, info; within those relay connectors by the number of addresses that
 * may use them, then by DN. All texts
 * live in the arena or in the organization. ERROR_LIMIT. */
MUST_USE enum error lint_organization(const struct organization *organization, const struct lint_facts *facts,
                                      struct arena *arena, const struct lint_finding **out,
                                      size_t *out_count);

#endif

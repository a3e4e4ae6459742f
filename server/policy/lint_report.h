/* What the rules of lint write into. Private to the lint_* files. */
#ifndef POLICY_LINT_REPORT_H
#define POLICY_LINT_REPORT_H

#include "organization/ip_number.h"
#include "policy/lint.h"

struct lint_item {
    struct lint_finding finding;
    ip_number weight; /* heavier ones of a severity come first */
};

struct lint_report {
    const struct organization *organization;
    const struct lint_facts *facts;
    struct arena *arena;
    struct lint_item *items; /* on the heap */
    size_t count;
    size_t capacity;
    enum error error; /* the first; later additions do nothing */
};

/* Adds a finding; keeps rule, dn and fix. */
void lint_add(struct lint_report *report, const struct lint_item *item, const char *why, ...)
    PRINTF_LIKE(3, 4);
/* The LDIF that does `operation` ("add", "delete", "replace") with one value of an attribute (NULL:
 * without any, which takes the attribute away); values that LDIF cannot show as they are go in base64. NULL
 * without memory. */
const char *lint_fix(struct lint_report *report, const char *dn, const char *operation, const char *attribute,
                     const char *value);
/* The LDIF that replaces an attribute's values by these; NULL for none of them. */
const char *lint_fix_values(struct lint_report *report, const char *dn, const char *attribute,
                            const char *const *values, size_t count);
/* The LDIF that deletes the object. */
const char *lint_fix_delete(struct lint_report *report, const char *dn);
/* The LDIF that takes an ACE line away where it stands, or NULL for an ACE that is no line. */
const char *lint_fix_ace(struct lint_report *report, const struct ace_origin *ace);

/* The rules. */
void lint_refusals(struct lint_report *report);
void lint_receive_connectors(struct lint_report *report);
void lint_reach(struct lint_report *report);
void lint_gateways(struct lint_report *report);
void lint_domains(struct lint_report *report);
void lint_send_connectors(struct lint_report *report);
void lint_smart_hosts(struct lint_report *report);
void lint_domain_security(struct lint_report *report);
void lint_writers(struct lint_report *report);

#endif

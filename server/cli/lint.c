/* dirrelay lint: findings over the organization as the loader sees it. */
#include "policy/lint.h"
#include "cli/lint_access.h"
#include "cli/organization_source.h"
#include "loop/machine_read.h"

#include <jansson.h>

#define LINT_ARENA (64u << 20)

static const char *const SEVERITIES[] = {"error", "warning", "info"};

static void print_json(FILE *out, const struct lint_finding *findings, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(array,
                              json_pack("{s:s,s:s,s:s,s:s,s:s?}", "severity",
                                        SEVERITIES[findings[i].severity], "rule", findings[i].rule, "dn",
                                        findings[i].dn, "why", findings[i].why, "fix", findings[i].fix));
    }
    json_t *object = json_pack("{s:o}", "findings", array);
    json_dumpf(object, out, JSON_INDENT(1));
    fputc('\n', out);
    json_decref(object);
}

static void print_text(FILE *out, const struct lint_finding *findings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct lint_finding *finding = &findings[i];
        fprintf(out, "%s: %s: %s\n  %s\n", SEVERITIES[finding->severity], finding->rule, finding->dn,
                finding->why);
        if (finding->fix)
            fprintf(out, "  mend with ldapmodify:\n%s\n", finding->fix);
    }
    fprintf(out, "%zu findings\n", count);
}

int command_lint(struct command_context *context, int argc, char **argv)
{
    const struct organization *organization;
    if (argc > 1)
        return command_fail(context, EXIT_USAGE, "lint takes no argument \"%s\"", argv[1]);
    int code = organization_source_load(context, &organization);
    if (code >= 0)
        return code;
    struct arena arena;
    struct machine machine;
    const struct lint_finding *findings = NULL;
    size_t count = 0;
    struct lint_facts facts = {.machine = &machine};
    machine_read(&machine);
    arena_init(&arena, LINT_ARENA);
    lint_access_read(context, organization, &arena, &facts);
    if (lint_organization(organization, &facts, &arena, &findings, &count)) {
        code = command_fail(context, EXIT_INVALID, "lint: out of memory");
    } else {
        (context->json ? print_json : print_text)(context->out, findings, count);
        code = count > 0 && findings[0].severity == LINT_ERROR ? EXIT_NEGATIVE : EXIT_DONE;
    }
    arena_done(&arena);
    organization_unref(organization);
    return code;
}

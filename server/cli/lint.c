/* dirrelay lint: findings over the organization as the loader sees it. */
#include "policy/lint.h"
#include "cli/lint_access.h"
#include "cli/lint_relay.h"
#include "cli/organization_source.h"
#include "loop/machine_read.h"

#include <jansson.h>
#include <string.h>

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

/* The findings; exit 1 when one is an error. */
static int lint_findings(struct command_context *context, const struct organization *organization,
                         const struct machine *machine)
{
    struct arena arena;
    const struct lint_finding *findings = NULL;
    size_t count = 0;
    int code;
    struct lint_facts facts = {.machine = machine};
    arena_init(&arena, LINT_ARENA);
    lint_access_read(context, organization, &arena, &facts);
    if (lint_organization(organization, &facts, &arena, &findings, &count)) {
        code = command_fail(context, EXIT_INVALID, "lint: out of memory");
    } else {
        (context->json ? print_json : print_text)(context->out, findings, count);
        code = count > 0 && findings[0].severity == LINT_ERROR ? EXIT_NEGATIVE : EXIT_DONE;
    }
    arena_done(&arena);
    return code;
}

int command_lint(struct command_context *context, int argc, char **argv)
{
    const struct organization *organization;
    struct machine machine;
    bool is_relay = argc == 2 && strcmp(argv[1], "--who-may-relay") == 0;
    if (argc > 1 && !is_relay)
        return command_fail(context, EXIT_USAGE, "lint [--who-may-relay]");
    int code = organization_source_load(context, &organization);
    if (code >= 0)
        return code;
    machine_read(&machine);
    code = (is_relay ? lint_relay : lint_findings)(context, organization, &machine);
    organization_unref(organization);
    return code;
}

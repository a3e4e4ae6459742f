#include "daemon/check.h"

#include "base/exit_code.h"
#include "daemon/process_internal.h"
#include "loop/machine_read.h"
#include "policy/lint.h"
#include "source/load_once.h"

#include <stdio.h>

#define TIMEOUT_MS 30000
#define LINT_ARENA (64u << 20)

/* Prints lint's findings, what the loader refused among them; true when one is an error. */
static bool print_findings(const struct organization *organization)
{
    static const char *const SEVERITIES[] = {"error", "warning", "info"};
    struct arena arena;
    struct machine machine;
    const struct lint_finding *findings = NULL;
    size_t count = 0;
    bool has_error = false;
    const struct lint_facts facts = {.machine = &machine};
    machine_read(&machine);
    arena_init(&arena, LINT_ARENA);
    if (lint_organization(organization, &facts, &arena, &findings, &count))
        has_error = printf("error: lint: out of memory\n") > 0;
    for (size_t i = 0; i < count; i++) {
        printf("%s: %s: %s: %s\n", SEVERITIES[findings[i].severity], findings[i].rule, findings[i].dn,
               findings[i].why);
        has_error |= findings[i].severity == LINT_ERROR;
    }
    arena_done(&arena);
    return has_error;
}

/* The files that certificates of next hops are held against; true when one cannot be used. */
static bool print_trust(const struct config *config)
{
    struct tls_context *context = NULL;
    struct note note = {0};
    bool is_bad = trust_part_read(config, &context, &note) != OK || note.text[0];
    tls_context_free(context);
    if (is_bad)
        printf("error: trust: %s\n", note.text);
    return is_bad;
}

/* Of a failed load: what is there cannot be used, or nothing answers. */
static int exit_of(enum error error)
{
    return error == ERROR_SYNTAX || error == ERROR_NOT_FOUND ? EXIT_INVALID : EXIT_UNREACHABLE;
}

int check_run(const struct config *config)
{
    struct note note = {0};
    struct arena arena;
    struct directory_config directory;
    const struct organization *organization = NULL;
    arena_init(&arena, 1u << 20);
    enum error error = config_directory(config, NULL, &arena, &directory, &note);
    int code = EXIT_USAGE;
    if (!error) {
        directory_prepare_process(config_client_keytab(config));
        struct load_once_request request = {
            .directory = &directory,
            .config_base = config->directory.config_base,
            .organization_name = config->server.organization,
            .server_name = config->server.name,
            .host_fqdn = config->server.host_name,
            .timeout_ms = TIMEOUT_MS,
        };
        error = load_once(&request, &organization, &note);
        code = exit_of(error);
    }
    arena_done(&arena);
    if (error) {
        fprintf(stderr, "dirrelayd: %s\n", note.text[0] ? note.text : error_name(error));
        return code;
    }
    bool has_errors = print_trust(config);
    has_errors |= print_findings(organization);
    printf("organization \"%s\", server \"%s\": %zu receive connectors, %zu send connectors, %zu accepted "
           "domains, %zu refused\n",
           organization->name, organization->server.name, organization->receive_count,
           organization->send_count, organization->domain_count, organization->refused_count);
    organization_unref(organization);
    return has_errors ? EXIT_NEGATIVE : EXIT_DONE;
}

#include "cli/lint_relay.h"

#include <jansson.h>
#include <string.h>

#define REACH_ARENA (256u << 20)

static json_t *identities_json(const struct relay_run *run)
{
    json_t *array = json_array();
    for (int i = 0; i < IDENTITY_FIXED_COUNT; i++) {
        if (run->identities & 1u << i)
            json_array_append_new(array, json_string(identity_name((enum identity)i)));
    }
    if (run->is_every_account)
        json_array_append_new(array, json_string("every account"));
    return array;
}

static json_t *accounts_json(const struct relay_run *run)
{
    json_t *array = json_array();
    for (size_t i = 0; i < run->account_count; i++)
        json_array_append_new(array, json_string(run->accounts[i]->text));
    return array;
}

static json_t *run_json(const struct relay_run *run)
{
    char local[IP_ENDPOINT_TEXT_SIZE], clients[2 * IP_TEXT_SIZE];
    return json_pack("{s:s,s:s,s:s,s:o,s:o}", "local", ip_format_endpoint(&run->local, local), "clients",
                     ip_format_range(&run->clients, clients), "connector", run->connector->display,
                     "identities", identities_json(run), "accounts", accounts_json(run));
}

static void print_json(FILE *out, const struct relay_run *runs, size_t count)
{
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, run_json(&runs[i]));
    json_t *object = json_pack("{s:o}", "relay", array);
    json_dumpf(object, out, JSON_INDENT(1));
    fputc('\n', out);
    json_decref(object);
}

static void print_run(FILE *out, const struct relay_run *run)
{
    char clients[2 * IP_TEXT_SIZE];
    const char *separator = "";
    fprintf(out, "  %-33s %-32s ", ip_format_range(&run->clients, clients), run->connector->display);
    for (int i = 0; i < IDENTITY_FIXED_COUNT; i++) {
        if (run->identities & 1u << i) {
            fprintf(out, "%s%s", separator, identity_name((enum identity)i));
            separator = ", ";
        }
    }
    fprintf(out, "%s\n", run->is_every_account ? (separator[0] ? ", every account" : "every account") : "");
    for (size_t i = 0; i < run->account_count; i++)
        fprintf(out, "      accounts: %s\n", run->accounts[i]->text);
}

static void print_text(FILE *out, const struct relay_run *runs, size_t count)
{
    char previous[IP_ENDPOINT_TEXT_SIZE] = "";
    for (size_t i = 0; i < count; i++) {
        char local[IP_ENDPOINT_TEXT_SIZE];
        (void)ip_format_endpoint(&runs[i].local, local);
        if (strcmp(local, previous) != 0)
            fprintf(out, "%s\n", local);
        memcpy(previous, local, sizeof previous);
        print_run(out, &runs[i]);
    }
    fprintf(out, "%zu runs of addresses may reach any recipient\n", count);
}

int lint_relay(struct command_context *context, const struct organization *organization,
               const struct machine *machine)
{
    struct arena arena;
    const struct relay_run *runs = NULL;
    size_t count = 0;
    int code;
    arena_init(&arena, REACH_ARENA);
    if (relay_reach(organization, machine, &arena, &runs, &count)) {
        code = command_fail(context, EXIT_INVALID, "lint: out of memory");
    } else {
        (context->json ? print_json : print_text)(context->out, runs, count);
        code = count > 0 ? EXIT_DONE : EXIT_NEGATIVE;
    }
    arena_done(&arena);
    return code;
}

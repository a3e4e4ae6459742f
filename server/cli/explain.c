/* dirrelay explain: what the server would do with a client, and why. Contract 4. */
#include "cli/account_load.h"
#include "cli/certificate_source.h"
#include "cli/explain_report.h"
#include "cli/organization_source.h"
#include "cli/simulation.h"
#include "loop/machine_read.h"
#include "mail/address.h"
#include "organization/connector_match.h"

#include <string.h>

/* What a server has that reads its accounts from a directory; whether it has a keytab too is not looked at. A
 * user is taken to have whatever his mechanism needs. */
#define MECHANISMS     (SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_LOGIN))
#define ALL_MECHANISMS (SASL_BIT(SASL_MECHANISM_COUNT) - 1)

struct options {
    const char *client;
    const char *local;
    const char *size;
    const char *user;
    struct simulation_request request;
};

/* Takes one option with its value; false: not known. */
static bool take(struct options *options, const char *name, const char *value)
{
    struct simulation_request *request = &options->request;
    const struct {
        const char *name;
        const char **field;
    } rows[] = {
        {"--client", &options->client}, {"--local", &options->local}, {"--helo", &request->helo},
        {"--from", &request->from},     {"--size", &options->size},   {"--user", &options->user},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *rows[i].field = value;
            return true;
        }
    }
    if (strcmp(name, "--to") != 0 || request->recipient_count == SIMULATION_RECIPIENTS_MAX)
        return false;
    request->recipients[request->recipient_count++] = value;
    return true;
}

/* Fills the options; -1 to go on, else the exit code. */
static int parse(struct command_context *context, int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--anonymous") == 0)
            continue; /* what a session without AUTH is anyway */
        if (strcmp(argv[i], "--tls") == 0) {
            options->request.is_tls = true;
            continue;
        }
        if (i + 1 == argc || !take(options, argv[i], argv[i + 1]))
            return command_fail(context, EXIT_USAGE, "explain: %s: unknown, or without its value", argv[i]);
        i++;
    }
    struct simulation_request *request = &options->request;
    if (!options->client || ip_parse_address(bytes_of_text(options->client), &request->client.address))
        return command_fail(context, EXIT_USAGE, "explain: --client needs an IP address");
    request->client.port = 40000;
    if (options->local && ip_parse_endpoint(bytes_of_text(options->local), &request->local))
        return command_fail(context, EXIT_USAGE, "explain: --local needs ADDRESS:PORT");
    request->has_size = options->size != NULL;
    if (options->size && bytes_to_u64(bytes_of_text(options->size), UINT64_MAX, &request->size_bytes))
        return command_fail(context, EXIT_USAGE, "explain: --size needs a number of bytes");
    return -1;
}

/* Without --local: port 25 where a connector listens there, else the first binding that takes the client's
 * family. */
static bool choose_local(const struct organization *organization, enum ip_family family,
                         struct ip_endpoint *out)
{
    static const struct ip_address LOOPBACK_V4 = {IP_V4, {127, 0, 0, 1}};
    static const struct ip_address LOOPBACK_V6 = {IP_V6, {[15] = 1}};
    const struct ip_endpoint *best = NULL;
    for (size_t i = 0; i < organization->receive_count; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        for (size_t b = 0; connector->is_enabled && b < connector->binding_count; b++) {
            const struct ip_endpoint *binding = &connector->bindings[b];
            if (binding->address.family == family && (!best || (binding->port == 25 && best->port != 25)))
                best = binding;
        }
    }
    if (!best)
        return false;
    *out = *best;
    if (ip_is_any(&best->address))
        out->address = family == IP_V4 ? LOOPBACK_V4 : LOOPBACK_V6;
    return true;
}

/* The address of MAIL as the session will ask for it; empty where it is none. */
static struct bytes sender_of(const struct simulation_request *request, struct address *sender)
{
    struct bytes rest;
    bool is_address =
        request->from && address_parse_path(bytes_of_text(request->from), true, sender, &rest) == ADDRESS_OK;
    return is_address ? address_text(sender) : (struct bytes){0};
}

int command_explain(struct command_context *context, int argc, char **argv)
{
    struct options options = {0};
    struct machine machine;
    const struct organization *organization;
    struct address sender;
    int code = parse(context, argc, argv, &options);
    if (code < 0)
        code = organization_source_load(context, &organization);
    if (code >= 0)
        return code;
    struct simulation_request *request = &options.request;
    if (!options.local && !choose_local(organization, request->client.address.family, &request->local)) {
        organization_unref(organization);
        return command_fail(context, EXIT_NEGATIVE, "no connector listens for this family of addresses");
    }
    machine_read(&machine);
    request->machine = &machine;
    request->certificates = certificate_source_load(context);
    request->mechanisms = options.user ? ALL_MECHANISMS : MECHANISMS;
    code = options.user ? account_load(context, options.user, sender_of(request, &sender), &request->loaded)
                        : -1;
    if (code < 0)
        code = explain_report(context, organization, request);
    loaded_account_done(&request->loaded);
    certificate_set_unref(request->certificates);
    organization_unref(organization);
    return code;
}

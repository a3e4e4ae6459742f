/* dirrelay connector list|show (new|set|remove: connector_edit.c): the connectors as the loader understood
 * them, with the cmdlets' names. Contract 4. */
#include "cli/connector_edit.h"
#include "cli/organization_source.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

struct bit_name {
    uint32_t bit;
    const char *name;
};

static const struct bit_name MECHANISMS[] = {
    {AUTH_TLS, "Tls"},
    {AUTH_INTEGRATED, "Integrated"},
    {AUTH_BASIC, "BasicAuth"},
    {AUTH_BASIC_REQUIRE_TLS, "BasicAuthRequireTLS"},
    {AUTH_EXCHANGE_SERVER, "ExchangeServer"},
    {AUTH_EXTERNAL_AUTHORITATIVE, "ExternalAuthoritative"},
    {0, NULL},
};

static const struct bit_name ROLES[] = {
    {ROLE_HUB, "HubTransport"},
    {ROLE_FRONTEND, "FrontendTransport"},
    {ROLE_EDGE, "Edge"},
    {ROLE_MAILBOX, "Mailbox"},
    {0, NULL},
};

static const struct bit_name GROUPS[] = {
    {GROUP_ANONYMOUS_USERS, "AnonymousUsers"},
    {GROUP_EXCHANGE_USERS, "ExchangeUsers"},
    {GROUP_EXCHANGE_SERVERS, "ExchangeServers"},
    {GROUP_EXCHANGE_LEGACY_SERVERS, "ExchangeLegacyServers"},
    {GROUP_PARTNERS, "Partners"},
    {GROUP_CUSTOM, "Custom"},
    {0, NULL},
};

static json_t *bits_json(uint32_t bits, const struct bit_name *names)
{
    json_t *array = json_array();
    for (; names->name; names++) {
        if (bits & names->bit)
            json_array_append_new(array, json_string(names->name));
    }
    return array;
}

static json_t *bindings_json(const struct receive_connector *connector)
{
    json_t *array = json_array();
    char text[IP_ENDPOINT_TEXT_SIZE];
    for (size_t i = 0; i < connector->binding_count; i++)
        json_array_append_new(array, json_string(ip_format_endpoint(&connector->bindings[i], text)));
    return array;
}

static json_t *ranges_json(const struct receive_connector *connector)
{
    json_t *array = json_array();
    char text[2 * IP_TEXT_SIZE];
    for (size_t i = 0; i < connector->range_count; i++)
        json_array_append_new(array, json_string(ip_format_range(&connector->ranges[i], text)));
    return array;
}

static json_t *receive_json(const struct receive_connector *connector)
{
    json_t *object =
        json_pack("{s:s,s:s,s:s,s:s,s:b,s:o,s:o,s:o,s:o,s:o,s:s?,s:s?,s:s?}", "Identity", connector->display,
                  "Name", connector->name, "Type", "receive", "DistinguishedName", connector->dn, "Enabled",
                  connector->is_enabled, "TransportRole", bits_json(connector->role, ROLES), "Bindings",
                  bindings_json(connector), "RemoteIPRanges", ranges_json(connector), "AuthMechanism",
                  bits_json(connector->auth_mechanism, MECHANISMS), "PermissionGroups",
                  bits_json(connector->permission_groups, GROUPS), "Fqdn", connector->fqdn, "Refused",
                  connector->refused, "GrantsNothing",
                  connector->grants_nothing ? connector->grants_nothing_why : NULL);
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {
        {"ConnectionTimeout", connector->connection_timeout_s},
        {"ConnectionInactivityTimeout", connector->inactivity_timeout_s},
        {"MaxInboundConnection", connector->max_inbound_connections},
        {"MaxInboundConnectionPerSource", connector->max_inbound_connections_per_source},
        {"MaxInboundConnectionPercentagePerSource", connector->max_inbound_percent_per_source},
        {"MaxHeaderSize", connector->max_header_bytes},
        {"MaxHopCount", connector->max_hops},
        {"MaxMessageSize", connector->max_message_bytes},
        {"MaxProtocolErrors", connector->max_protocol_errors},
        {"MaxRecipientsPerMessage", connector->max_recipients},
        {"TarpitInterval", connector->tarpit_s},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        json_object_set_new(object, numbers[i].name, json_integer(numbers[i].value));
    return object;
}

static json_t *send_json(const struct send_connector *connector)
{
    json_t *spaces = json_array(), *hosts = json_array();
    for (size_t i = 0; i < connector->space_count; i++) {
        const struct address_space *space = &connector->spaces[i];
        json_array_append_new(spaces, json_sprintf("SMTP:%s%s;%u", space->with_subdomains ? "*." : "",
                                                   space->domain, space->cost));
    }
    for (size_t i = 0; i < connector->smart_host_count; i++) {
        char text[IP_TEXT_SIZE];
        const struct smart_host *host = &connector->smart_hosts[i];
        json_array_append_new(hosts, host->name
                                         ? json_string(host->name)
                                         : json_sprintf("[%s]", ip_format_address(&host->address, text)));
    }
    return json_pack("{s:s,s:s,s:s,s:s,s:b,s:o,s:o,s:i,s:I,s:s?}", "Identity", connector->name, "Name",
                     connector->name, "Type", "send", "DistinguishedName", connector->dn, "Enabled",
                     connector->is_enabled, "AddressSpaces", spaces, "SmartHosts", hosts, "Port",
                     connector->port, "MaxMessageSize", (json_int_t)connector->max_message_bytes, "Refused",
                     connector->refused);
}

/* "a, b" of an array, or the value itself. */
static void print_value(FILE *out, const json_t *value)
{
    size_t index;
    json_t *item;
    if (json_is_array(value)) {
        json_array_foreach(value, index, item)
            fprintf(out, "%s%s", index ? ", " : "", json_string_value(item));
    } else if (json_is_string(value)) {
        fputs(json_string_value(value), out);
    } else if (json_is_boolean(value)) {
        fputs(json_is_true(value) ? "True" : "False", out);
    } else if (json_is_integer(value)) {
        fprintf(out, "%lld", (long long)json_integer_value(value));
    }
}

static void print_text(FILE *out, json_t *array, bool is_long)
{
    size_t index;
    json_t *connector, *value;
    const char *key;
    json_array_foreach(array, index, connector)
    {
        if (!is_long) {
            fprintf(out, "%-8s %-44s %s\n", json_string_value(json_object_get(connector, "Type")),
                    json_string_value(json_object_get(connector, "Identity")),
                    json_is_string(json_object_get(connector, "Refused")) ? "refused"
                    : json_is_true(json_object_get(connector, "Enabled")) ? "enabled"
                                                                          : "disabled");
            continue;
        }
        json_object_foreach(connector, key, value)
        {
            fprintf(out, "%-40s: ", key);
            print_value(out, value);
            fputc('\n', out);
        }
        fputc('\n', out);
    }
}

/* Every connector, or the one of that name. */
static json_t *collect(const struct organization *organization, const char *type, const char *name)
{
    json_t *array = json_array();
    struct bytes wanted = bytes_of_text(name);
    for (size_t i = 0; i < organization->receive_count && (!type || strcmp(type, "receive") == 0); i++) {
        const struct receive_connector *connector = &organization->receive[i];
        if (!name || connector == organization_receive_by_name(organization, wanted))
            json_array_append_new(array, receive_json(connector));
    }
    for (size_t i = 0; i < organization->send_count && (!type || strcmp(type, "send") == 0); i++) {
        if (!name || strcasecmp(organization->send[i].name, name) == 0)
            json_array_append_new(array, send_json(&organization->send[i]));
    }
    return array;
}

int command_connector(struct command_context *context, int argc, char **argv)
{
    const char *type = NULL, *name = NULL, *server = NULL;
    static const char *const edits[] = {"new", "set", "remove"};
    for (size_t i = 0; argc > 1 && i < sizeof edits / sizeof edits[0]; i++) {
        if (strcmp(argv[1], edits[i]) == 0)
            return connector_edit(context, argc, argv);
    }
    bool is_show = argc > 1 && strcmp(argv[1], "show") == 0;
    bool is_usage_error = argc < 2 || (!is_show && strcmp(argv[1], "list") != 0);
    for (int i = 2; i < argc && !is_usage_error; i++) {
        if (strcmp(argv[i], "--type") == 0 && i + 1 < argc)
            type = argv[++i];
        else if (strcmp(argv[i], "--server") == 0 && i + 1 < argc)
            server = argv[++i];
        else if (argv[i][0] != '-' && !name)
            name = argv[i];
        else
            is_usage_error = true;
    }
    if (is_usage_error || (type && strcmp(type, "receive") != 0 && strcmp(type, "send") != 0))
        return command_fail(
            context, EXIT_USAGE,
            "connector list|show [NAME] [--type receive|send] [--server NAME], or new|set|remove NAME ...");
    const struct organization *organization;
    int code = organization_source_load_as(context, server, NULL, &organization);
    if (code >= 0)
        return code;
    json_t *array = collect(organization, type, name);
    code = json_array_size(array) ? EXIT_DONE : EXIT_NEGATIVE;
    if (!context->json) {
        print_text(context->out, array, is_show);
    } else {
        json_dumpf(is_show && name && code == EXIT_DONE ? json_array_get(array, 0) : array, context->out,
                   JSON_INDENT(1));
        fputc('\n', context->out);
    }
    if (code == EXIT_NEGATIVE)
        command_fail(context, code, "no such connector");
    json_decref(array);
    organization_unref(organization);
    return code;
}

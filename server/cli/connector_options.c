#include "cli/connector_options.h"

#include <stdio.h>
#include <string.h>

enum { FOR_RECEIVE = 1, FOR_SEND = 2, FOR_BOTH = 3 };

#define VALUES_MAX 100000

struct translation {
    const struct connector_options *options;
    struct connector_attributes *out;
    uint32_t security;
    uint32_t flags;
    struct note *note;
};

struct word {
    const char *name;
    uint32_t value;
};

static const struct word ROLES[] = {
    {"HubTransport", ROLE_HUB}, {"FrontendTransport", ROLE_FRONTEND}, {"Edge", ROLE_EDGE}, {NULL, 0}};
static const struct word MECHANISMS[] = {{"None", 0},
                                         {"Tls", AUTH_TLS},
                                         {"Integrated", AUTH_INTEGRATED},
                                         {"BasicAuth", AUTH_BASIC},
                                         {"BasicAuthRequireTLS", AUTH_BASIC_REQUIRE_TLS},
                                         {"ExchangeServer", AUTH_EXCHANGE_SERVER},
                                         {"ExternalAuthoritative", AUTH_EXTERNAL_AUTHORITATIVE},
                                         {NULL, 0}};
static const struct word SMART_HOST_MECHANISMS[] = {
    {"None", 0},
    {"BasicAuth", SEND_AUTH_BASIC},
    {"BasicAuthRequireTLS", SEND_AUTH_BASIC_REQUIRE_TLS},
    {"ExchangeServer", SEND_AUTH_EXCHANGE_SERVER},
    {"ExternalAuthoritative", SEND_AUTH_EXTERNAL_AUTHORITATIVE},
    {NULL, 0}};
static const struct word ANSWERS[] = {{"yes", 1}, {"no", 0}, {NULL, 0}};

/* -- attributes -- */

static struct directory_edit *find(struct connector_attributes *attributes, const char *name)
{
    for (size_t i = 0; i < attributes->count; i++) {
        if (bytes_equal_text_nocase(bytes_of_text(name), attributes->edits[i].attribute))
            return &attributes->edits[i];
    }
    return NULL;
}

enum error connector_attributes_clear(struct connector_attributes *attributes, const char *name)
{
    struct directory_edit *edit = find(attributes, name);
    if (!edit && attributes->count == CONNECTOR_ATTRIBUTES_MAX)
        return ERROR_LIMIT;
    if (!edit)
        edit = &attributes->edits[attributes->count++];
    *edit = (struct directory_edit){.kind = attributes->edit, .attribute = name};
    return OK;
}

enum error connector_attributes_add(struct connector_attributes *attributes, const char *name,
                                    struct bytes value)
{
    struct directory_edit *edit = find(attributes, name);
    enum error error = edit ? OK : connector_attributes_clear(attributes, name);
    edit = error == OK ? find(attributes, name) : NULL;
    if (!edit || edit->value_count == VALUES_MAX)
        return ERROR_LIMIT;
    /* Room for one, two, four, … values. */
    if ((edit->value_count & (edit->value_count - 1)) == 0) {
        size_t capacity = edit->value_count ? 2 * edit->value_count : 1;
        struct bytes *values = arena_array(attributes->arena, capacity, sizeof *values);
        if (!values)
            return ERROR_LIMIT;
        for (size_t i = 0; i < edit->value_count; i++)
            values[i] = edit->values[i];
        edit->values = values;
    }
    ((struct bytes *)(uintptr_t)edit->values)[edit->value_count++] = value;
    return OK;
}

static enum error add_number(struct connector_attributes *attributes, const char *name, uint32_t number)
{
    const char *text = arena_printf(attributes->arena, "%d", (int32_t)number);
    enum error error = text ? connector_attributes_clear(attributes, name) : ERROR_LIMIT;
    return error ? error : connector_attributes_add(attributes, name, bytes_of_text(text));
}

/* -- translating -- */

/* The bits of a comma separated list of words. */
static enum error read_words(struct translation *translation, const char *text, const struct word *words,
                             uint32_t *out)
{
    struct bytes rest = bytes_of_text(text), part;
    *out = 0;
    while (bytes_next(&rest, ',', &part)) {
        const struct word *word = words;
        while (word->name && !bytes_equal_text_nocase(bytes_trim(part), word->name))
            word++;
        if (!word->name) {
            note_set(translation->note, "\"%.*s\" is not a value here", BYTES_ARG(bytes_trim(part)));
            return ERROR_SYNTAX;
        }
        *out |= word->value;
    }
    return OK;
}

static enum error take_text(struct translation *translation, const char *attribute, const char *value)
{
    enum error error = connector_attributes_clear(translation->out, attribute);
    return error || !value[0] ? error
                              : connector_attributes_add(translation->out, attribute, bytes_of_text(value));
}

static enum error take_list(struct translation *translation, const char *attribute, const char *value)
{
    struct bytes rest = bytes_of_text(value), part;
    enum error error = connector_attributes_clear(translation->out, attribute);
    while (error == OK && bytes_next(&rest, ',', &part)) {
        part = bytes_trim(part);
        if (part.len && !bytes_equal_text_nocase(part, "None"))
            error = connector_attributes_add(translation->out, attribute, part);
    }
    return error;
}

static enum error take_role(struct translation *translation, const char *attribute, const char *value)
{
    uint32_t role;
    enum error error = read_words(translation, value, ROLES, &role);
    return error ? error : add_number(translation->out, attribute, role);
}

static enum error take_mechanisms(struct translation *translation, const char *attribute, const char *value)
{
    uint32_t flags;
    enum error error = read_words(translation, value, MECHANISMS, &flags);
    return error ? error : add_number(translation->out, attribute, flags);
}

static enum error take_answer(struct translation *translation, const char *attribute, const char *value)
{
    uint32_t answer;
    enum error error = read_words(translation, value, ANSWERS, &answer);
    return error ? error : take_text(translation, attribute, answer ? "TRUE" : "FALSE");
}

static enum error take_require_tls(struct translation *translation, const char *attribute, const char *value)
{
    uint32_t answer;
    bool is_send = translation->options->kind == CONNECTOR_SEND;
    uint32_t bit = is_send ? (uint32_t)OUTBOUND_REQUIRE_TLS : (uint32_t)RESTRICTION_REQUIRE_TLS;
    enum error error = read_words(translation, value, ANSWERS, &answer);
    if (error)
        return error;
    uint32_t security = answer ? translation->security | bit : translation->security & ~bit;
    return add_number(translation->out, is_send ? "msExchSmtpOutboundSecurityFlag" : attribute, security);
}

static enum error take_smart_host_auth(struct translation *translation, const char *attribute,
                                       const char *value)
{
    uint32_t flags;
    enum error error = read_words(translation, value, SMART_HOST_MECHANISMS, &flags);
    return error ? error
                 : add_number(translation->out, attribute, (translation->flags & ~SEND_AUTH_MASK) | flags);
}

/* One value with commas; addresses stand in brackets there. */
static enum error take_smart_hosts(struct translation *translation, const char *attribute, const char *value)
{
    struct bytes rest = bytes_of_text(value), part;
    const char *text = "";
    while (text && bytes_next(&rest, ',', &part)) {
        struct ip_address unused;
        part = bytes_trim(part);
        bool is_address = ip_parse_address(part, &unused) == OK;
        text = arena_printf(translation->out->arena, "%s%s%s%.*s%s", text, text[0] ? "," : "",
                            is_address ? "[" : "", BYTES_ARG(part), is_address ? "]" : "");
    }
    return text ? take_text(translation, attribute, text) : ERROR_LIMIT;
}

/* "contoso.com" or "contoso.com;5" is said for "SMTP:contoso.com;1", "SMTP:contoso.com;5". */
static enum error take_address_spaces(struct translation *translation, const char *attribute,
                                      const char *value)
{
    struct bytes rest = bytes_of_text(value), part;
    enum error error = connector_attributes_clear(translation->out, attribute);
    while (error == OK && bytes_next(&rest, ',', &part)) {
        part = bytes_trim(part);
        const char *text = arena_printf(translation->out->arena, "%s%.*s%s",
                                        bytes_find(part, ':') < part.len ? "" : "SMTP:", BYTES_ARG(part),
                                        bytes_find(part, ';') < part.len ? "" : ";1");
        error =
            text ? connector_attributes_add(translation->out, attribute, bytes_of_text(text)) : ERROR_LIMIT;
    }
    return error;
}

/* Where an attribute has another name for send connectors, that stands second. */
static const struct {
    const char *name;
    int kinds;
    enum error (*take)(struct translation *translation, const char *attribute, const char *value);
    const char *attribute;
    const char *send_attribute;
} ROWS[GIVEN_COUNT] = {
    [GIVEN_TRANSPORT_ROLE] = {"--transport-role", FOR_RECEIVE, take_role, "msExchSmtpReceiveRole", NULL},
    [GIVEN_ENABLED] = {"--enabled", FOR_BOTH, take_answer, "msExchSmtpReceiveEnabled",
                       "msExchSmtpSendEnabled"},
    [GIVEN_FQDN] = {"--fqdn", FOR_BOTH, take_text, "msExchSMTPReceiveConnectorFQDN",
                    "msExchSMTPSendConnectorFQDN"},
    [GIVEN_BINDINGS] = {"--bindings", FOR_RECEIVE, take_list, "msExchSmtpReceiveBindings", NULL},
    [GIVEN_REMOTE_IP_RANGES] = {"--remote-ip-ranges", FOR_RECEIVE, take_list,
                                "msExchSmtpReceiveRemoteIPRanges", NULL},
    [GIVEN_PERMISSION_GROUPS] = {"--permission-groups", FOR_RECEIVE, take_list, "dirrelayPermissionGroups",
                                 NULL},
    [GIVEN_AUTH_MECHANISM] = {"--auth-mechanism", FOR_RECEIVE, take_mechanisms,
                              "msExchSMTPReceiveInboundSecurityFlag", NULL},
    [GIVEN_REQUIRE_TLS] = {"--require-tls", FOR_BOTH, take_require_tls,
                           "msExchSmtpReceiveProtocolRestrictions", NULL},
    [GIVEN_SMART_HOSTS] = {"--smart-hosts", FOR_SEND, take_smart_hosts, "msExchSmtpSmartHost", NULL},
    [GIVEN_SMART_HOST_AUTH] = {"--smart-host-auth", FOR_SEND, take_smart_host_auth, "msExchSmtpSendFlags",
                               NULL},
    [GIVEN_ADDRESS_SPACES] = {"--address-spaces", FOR_SEND, take_address_spaces, "routingList", NULL},
    [GIVEN_USAGE] = {"--usage", FOR_BOTH, NULL, NULL, NULL},
};

static enum error take_set(struct translation *translation, const char *set)
{
    size_t len = strcspn(set, "=");
    const char *name = arena_copy(translation->out->arena, (struct bytes){set, len}).ptr;
    if (!name)
        return ERROR_LIMIT;
    return set[len + 1] ? connector_attributes_add(translation->out, name, bytes_of_text(set + len + 1)) : OK;
}

/* An attribute that is named once is replaced by all of its values. */
static enum error clear_sets(struct translation *translation)
{
    enum error error = OK;
    for (size_t i = 0; i < translation->options->set_count && error == OK; i++) {
        struct bytes set = bytes_of_text(translation->options->sets[i]);
        const char *name = arena_copy(translation->out->arena, bytes_first(set, bytes_find(set, '='))).ptr;
        error = name ? connector_attributes_clear(translation->out, name) : ERROR_LIMIT;
    }
    return error;
}

enum error connector_options_translate(const struct connector_options *options, uint32_t security,
                                       uint32_t flags, struct connector_attributes *out, struct note *note)
{
    struct translation translation = {options, out, security, flags, note};
    enum error error = OK;
    for (int i = 0; i < GIVEN_COUNT && error == OK; i++) {
        bool is_send = options->kind == CONNECTOR_SEND && ROWS[i].send_attribute;
        const char *attribute = is_send ? ROWS[i].send_attribute : ROWS[i].attribute;
        if (options->values[i] && ROWS[i].take)
            error = ROWS[i].take(&translation, attribute, options->values[i]);
        if (error == ERROR_SYNTAX)
            note_wrap(note, "%s", ROWS[i].name);
    }
    if (error == OK)
        error = clear_sets(&translation);
    for (size_t i = 0; i < options->set_count && error == OK; i++)
        error = take_set(&translation, options->sets[i]);
    return error;
}

/* -- reading the line -- */

static bool take_option(struct connector_options *out, const char *name, const char *value)
{
    for (int i = 0; i < GIVEN_COUNT; i++) {
        if (strcmp(name, ROWS[i].name) == 0 && !out->values[i]) {
            out->values[i] = value;
            return true;
        }
    }
    return false;
}

static bool take_pair(struct connector_options *out, const char **sets, const char *name, const char *value)
{
    if (strcmp(name, "--set") == 0 && strchr(value, '=') && value[0] != '=')
        sets[out->set_count++] = value;
    else if (strcmp(name, "--type") == 0 && strcmp(value, "receive") == 0)
        out->kind = CONNECTOR_RECEIVE;
    else if (strcmp(name, "--type") == 0 && strcmp(value, "send") == 0)
        out->kind = CONNECTOR_SEND;
    else if (strcmp(name, "--server") == 0)
        out->server = value;
    else
        return take_option(out, name, value);
    return true;
}

/* The type that all options are for; unknown when they leave it open. */
static enum error check_kinds(struct connector_options *out, struct note *note)
{
    int kinds = out->kind == CONNECTOR_RECEIVE ? FOR_RECEIVE
                : out->kind == CONNECTOR_SEND  ? FOR_SEND
                                               : FOR_BOTH;
    for (int i = 0; i < GIVEN_COUNT; i++) {
        if (!out->values[i])
            continue;
        kinds &= ROWS[i].kinds;
        if (!kinds) {
            note_set(note, "%s does not fit the type of the connector", ROWS[i].name);
            return ERROR_SYNTAX;
        }
    }
    if (kinds != FOR_BOTH)
        out->kind = kinds == FOR_SEND ? CONNECTOR_SEND : CONNECTOR_RECEIVE;
    return OK;
}

enum error connector_options_parse(int argc, char **argv, struct arena *arena, struct connector_options *out,
                                   struct note *note)
{
    const char **sets = arena_array(arena, (size_t)argc, sizeof *sets);
    *out = (struct connector_options){.verb = argv[1], .sets = sets};
    for (int i = 2; i < argc && sets; i++) {
        bool is_taken = true;
        if (strcmp(argv[i], "--dry-run") == 0)
            out->is_dry_run = true;
        else if (argv[i][0] == '-')
            is_taken = i + 1 < argc && take_pair(out, sets, argv[i], argv[i + 1]), i++;
        else if (!out->name)
            out->name = argv[i];
        else
            is_taken = false;
        if (!is_taken) {
            note_set(note, "\"%s\" is not an option here, or lacks a value", argv[i < argc ? i : argc - 1]);
            return ERROR_SYNTAX;
        }
    }
    if (!sets || !out->name || !out->name[0]) {
        note_set(note, "NAME of the connector is missing");
        return ERROR_SYNTAX;
    }
    return check_kinds(out, note);
}

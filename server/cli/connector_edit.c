/* Happy path: the organization is loaded -> the change is worked out -> it is loaded once more as if the
 * change had been made -> nothing is refused that was not before -> written. Failures: an option (2), no such
 * connector, or one of that name already (1), what the server would refuse (4), the directory (3). */
#include "cli/connector_edit.h"

#include "cli/connector_options.h"
#include "cli/organization_source.h"
#include "cli/printable.h"
#include "directory/filter_text.h"
#include "directory/ldif.h"
#include "organization/usage_type.h"
#include "source/object_change.h"
#include "source/what_if.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#define TIMEOUT_MS 15000
#define LDIF_MAX   (16u << 20)
#define ARENA_MAX  (64u << 20)
#define DN_MAX     8192

/* What setup writes at creation (facts 1.3). */
static const struct {
    const char *attribute;
    const char *value;
} LIMITS[] = {
    {"msExchSmtpReceiveMaxInboundConnections", "5000"},
    {"msExchSmtpReceiveMaxInboundConnectionsPerSource", "20"},
    {"msExchSmtpReceiveMaxProtocolErrors", "5"},
};

/* One run of the command. */
struct edit {
    struct command_context *context;
    struct connector_options options;
    struct arena *arena;
    const struct organization *organization;
    const struct receive_connector *receive; /* the one of that name, or NULL */
    const struct send_connector *send;
    const char *dn;
    enum directory_change change;
    struct connector_attributes attributes;
    struct note note;
};

/* -- which connector -- */

static void find_connector(struct edit *edit)
{
    const struct organization *organization = edit->organization;
    struct bytes name = bytes_of_text(edit->options.name);
    if (edit->options.kind != CONNECTOR_SEND)
        edit->receive = organization_receive_by_name(organization, name);
    for (size_t i = 0;
         edit->options.kind != CONNECTOR_RECEIVE && !edit->receive && i < organization->send_count; i++) {
        if (bytes_equal_text_nocase(name, organization->send[i].name))
            edit->send = &organization->send[i];
    }
    edit->dn = edit->receive ? edit->receive->dn : edit->send ? edit->send->dn : NULL;
}

/* Where connectors of this kind stand: beside another one, else where setup would put it. */
static const char *parent_of_new(const struct edit *edit)
{
    const struct organization *organization = edit->organization;
    bool is_send = edit->options.kind == CONNECTOR_SEND;
    struct bytes server = bytes_of_text(organization->server.dn);
    struct bytes beside = {0};
    if (is_send && organization->send_count)
        beside = dn_parent(bytes_of_text(organization->send[0].dn));
    else if (!is_send && organization->receive_count)
        beside = dn_parent(bytes_of_text(organization->receive[0].dn));
    if (beside.len)
        return arena_printf(edit->arena, "%.*s", BYTES_ARG(beside));
    if (!is_send)
        return arena_printf(edit->arena, "CN=SMTP Receive Connectors,CN=Protocols,%s",
                            organization->server.dn);
    return arena_printf(edit->arena,
                        "CN=Connections,CN=Routing Group (DWBGZMFD01QNBJR),CN=Routing Groups,%.*s",
                        BYTES_ARG(dn_parent(dn_parent(server))));
}

static enum error make_dn(struct edit *edit)
{
    struct buffer name;
    const char *parent = parent_of_new(edit);
    buffer_init(&name, DN_MAX);
    enum error error = parent ? dn_append_value(&name, bytes_of_text(edit->options.name)) : ERROR_LIMIT;
    if (error == OK)
        edit->dn = arena_printf(edit->arena, "CN=%.*s,%s", BYTES_ARG(buffer_bytes(&name)), parent);
    buffer_done(&name);
    return error == OK && !edit->dn ? ERROR_LIMIT : error;
}

/* -- what it is given -- */

static enum error add(struct edit *edit, const char *attribute, const char *value)
{
    return value ? connector_attributes_add(&edit->attributes, attribute, bytes_of_text(value)) : ERROR_LIMIT;
}

static enum error add_number(struct edit *edit, const char *attribute, uint32_t number)
{
    return add(edit, attribute, arena_printf(edit->arena, "%d", (int32_t)number));
}

/* Models before front ends had no roles. */
static enum error add_role(struct edit *edit)
{
    const struct server *server = &edit->organization->server;
    uint32_t role = server->roles & ROLE_EDGE  ? ROLE_EDGE
                    : server->roles & ROLE_HUB ? ROLE_HUB
                                               : ROLE_FRONTEND;
    return server->model == PERMISSION_MODEL_2007 ? OK : add_number(edit, "msExchSmtpReceiveRole", role);
}

static enum error add_receive_defaults(struct edit *edit, enum usage_type usage)
{
    struct receive_usage made;
    const struct server *server = &edit->organization->server;
    usage_type_receive(usage, server->model, server->roles & ROLE_EDGE, &made);
    if (!made.binding && !edit->options.values[GIVEN_BINDINGS]) {
        note_set(&edit->note, "usage Custom needs --bindings");
        return ERROR_SYNTAX;
    }
    enum error error = add(edit, "objectClass", "msExchSmtpReceiveConnector");
    if (error == OK && made.binding)
        error = add(edit, "msExchSmtpReceiveBindings", made.binding);
    if (error == OK)
        error = add(edit, "msExchSmtpReceiveRemoteIPRanges", "0.0.0.0-255.255.255.255");
    if (error == OK)
        error = add_number(edit, "msExchSMTPReceiveInboundSecurityFlag", made.auth_mechanism);
    if (error == OK)
        error = add_number(edit, "msExchSmtpReceiveProtocolOptions", made.protocol_options);
    if (error == OK && made.percent_per_source == 100)
        error = add_number(edit, "msExchSMTPReceiveMaxInboundConnectionsPercPerSource", 100);
    for (uint32_t group = 1; group < GROUP_CUSTOM && error == OK; group <<= 1) {
        if (made.groups & group)
            error =
                add(edit, "dirrelayPermissionGroups", permission_group_name((enum permission_group)group));
    }
    for (size_t i = 0; i < sizeof LIMITS / sizeof LIMITS[0] && error == OK; i++)
        error = add(edit, LIMITS[i].attribute, LIMITS[i].value);
    return error ? error : add_role(edit);
}

static enum error add_send_defaults(struct edit *edit, enum usage_type usage, uint32_t *out_flags)
{
    struct send_usage made;
    if (!usage_type_send(usage, edit->organization->server.model, &made)) {
        note_set(&edit->note, "--usage: there is no send connector for clients");
        return ERROR_SYNTAX;
    }
    enum error error = add(edit, "objectClass", "msExchRoutingSMTPConnector");
    for (size_t i = 0; made.aces[i] && error == OK; i++)
        error = add(edit, "dirrelayAce", made.aces[i]);
    if (error == OK && made.flags && edit->options.values[GIVEN_SMART_HOSTS]) {
        *out_flags = made.flags;
        error = add_number(edit, "msExchSmtpSendFlags", made.flags);
    }
    return error;
}

static enum error make_new(struct edit *edit)
{
    enum usage_type usage = USAGE_CUSTOM;
    const char *given = edit->options.values[GIVEN_USAGE];
    uint32_t flags = 0;
    if (given && !usage_type_by_name(bytes_of_text(given), &usage)) {
        note_set(&edit->note, "--usage: \"%s\" is none of Client, Custom, Internal, Internet, Partner",
                 given);
        return ERROR_SYNTAX;
    }
    edit->change = CHANGE_ADD;
    edit->attributes.edit = EDIT_ADD;
    enum error error = make_dn(edit);
    if (error == OK)
        error = edit->options.kind == CONNECTOR_SEND ? add_send_defaults(edit, usage, &flags)
                                                     : add_receive_defaults(edit, usage);
    if (error == OK)
        error = add(edit, "cn", edit->options.name);
    return error ? error
                 : connector_options_translate(&edit->options, 0, flags, &edit->attributes, &edit->note);
}

static enum error make_set(struct edit *edit)
{
    uint32_t security = edit->receive ? edit->receive->protocol_restrictions : edit->send->outbound_security;
    uint32_t flags = edit->send ? edit->send->send_flags : 0;
    edit->change = CHANGE_EDIT;
    edit->attributes.edit = EDIT_REPLACE;
    if (edit->options.values[GIVEN_USAGE]) {
        note_set(&edit->note, "--usage is for new connectors");
        return ERROR_SYNTAX;
    }
    enum error error =
        connector_options_translate(&edit->options, security, flags, &edit->attributes, &edit->note);
    if (error == OK && edit->attributes.count == 0) {
        note_set(&edit->note, "nothing is to be set");
        error = ERROR_SYNTAX;
    }
    return error;
}

static enum error make_change(struct edit *edit)
{
    edit->attributes.arena = edit->arena;
    if (strcmp(edit->options.verb, "new") == 0)
        return make_new(edit);
    if (strcmp(edit->options.verb, "set") == 0)
        return make_set(edit);
    edit->change = CHANGE_DELETE;
    return OK;
}

/* -- what the server would say -- */

static const char *refusal_of(const struct organization *organization, const char *dn)
{
    for (size_t i = 0; i < organization->refused_count; i++) {
        if (strcasecmp(organization->refused[i].dn, dn) == 0)
            return organization->refused[i].why;
    }
    return NULL;
}

/* Custom connectors begin without any right: they serve, and grant nothing until somebody adds some. */
static bool is_merely_bare(const struct organization *organization, const char *dn)
{
    for (size_t i = 0; i < organization->receive_count; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        if (strcasecmp(connector->dn, dn) == 0)
            return !connector->refused && connector->access.acl.state == ACL_ABSENT;
    }
    for (size_t i = 0; i < organization->send_count; i++) {
        const struct send_connector *connector = &organization->send[i];
        if (strcasecmp(connector->dn, dn) == 0)
            return !connector->refused && connector->access.acl.state == ACL_ABSENT;
    }
    return false;
}

/* Sets the note to the first refusal that the change would bring about; false: there is none. */
static bool would_be_refused(struct edit *edit, const struct organization *after)
{
    bool is_good = edit->change == CHANGE_DELETE || is_merely_bare(after, edit->dn);
    const char *own = is_good ? NULL : refusal_of(after, edit->dn);
    if (own)
        note_set(&edit->note, "the server would refuse it: %s", own);
    for (size_t i = 0; i < after->refused_count && !own; i++) {
        if (strcasecmp(after->refused[i].dn, edit->dn) != 0 &&
            !refusal_of(edit->organization, after->refused[i].dn)) {
            note_set(&edit->note, "the server would then refuse %s: %s", after->refused[i].dn,
                     after->refused[i].why);
            return true;
        }
    }
    return own != NULL;
}

/* -1: nothing is against it. */
static int check(struct edit *edit)
{
    const struct organization *after;
    const struct what_if what_if = {.dn = edit->dn,
                                    .change = edit->change,
                                    .edits = edit->attributes.edits,
                                    .edit_count = edit->attributes.count};
    int code = organization_source_load_as(edit->context, edit->options.server, &what_if, &after);
    if (code >= 0)
        return code;
    bool is_refused = would_be_refused(edit, after);
    organization_unref(after);
    if (!is_refused)
        return -1;
    printable_note(&edit->note);
    return command_fail(edit->context, EXIT_INVALID, "%s", edit->note.text);
}

/* -- writing -- */

static enum error append_ldif(const struct edit *edit, struct buffer *out)
{
    const struct connector_attributes *attributes = &edit->attributes;
    if (edit->change == CHANGE_EDIT)
        return ldif_append_change(out, FLAVOR_OPENLDAP, edit->dn, attributes->edits, attributes->count);
    enum error error = ldif_append_line(out, BYTES_LITERAL("dn"), bytes_of_text(edit->dn));
    if (error == OK)
        error = buffer_printf(out, "changetype: %s\n", edit->change == CHANGE_ADD ? "add" : "delete");
    for (size_t i = 0; i < attributes->count; i++) {
        const struct directory_edit *one = &attributes->edits[i];
        for (size_t j = 0; j < one->value_count && error == OK; j++)
            error = ldif_append_line(out, bytes_of_text(one->attribute), one->values[j]);
    }
    return error ? error : buffer_append_byte(out, '\n');
}

static int exit_of(enum error error)
{
    return error == ERROR_SYNTAX || error == ERROR_LIMIT                   ? EXIT_INVALID
           : error == ERROR_NOT_FOUND || error == ERROR_DENIED_CREDENTIALS ? EXIT_NEGATIVE
                                                                           : EXIT_UNREACHABLE;
}

/* A new object has no attributes without a value. */
static void drop_empty(struct connector_attributes *attributes)
{
    size_t kept = 0;
    for (size_t i = 0; i < attributes->count; i++) {
        if (attributes->edits[i].value_count)
            attributes->edits[kept++] = attributes->edits[i];
    }
    attributes->count = kept;
}

static int write_change(struct edit *edit)
{
    struct organization_source source;
    struct note note = {0};
    struct object_change change = {.dn = edit->dn,
                                   .change = edit->change,
                                   .edits = edit->attributes.edits,
                                   .edit_count = edit->attributes.count,
                                   .error = ERROR_TIMEOUT};
    int code = organization_source_open(edit->context, &source);
    if (code < 0) {
        const struct object_change_request request = {.directory = &source.directory,
                                                      .only_for = FLAVOR_OPENLDAP,
                                                      .changes = &change,
                                                      .count = 1,
                                                      .timeout_ms = TIMEOUT_MS};
        enum error error = object_changes_make(&request, &note);
        if (error == ERROR_NOT_FOUND)
            code = command_fail(edit->context, EXIT_INVALID,
                                "in Active Directory connectors are made with Exchange's own tools");
        else if (error != OK || change.error != OK)
            code = command_fail(edit->context, exit_of(error ? error : change.error), "%s: %s", edit->dn,
                                error ? note.text : change.why.text);
    }
    organization_source_close(&source);
    return code;
}

static int report(struct edit *edit)
{
    struct command_context *context = edit->context;
    struct buffer ldif;
    buffer_init(&ldif, LDIF_MAX);
    enum error error = append_ldif(edit, &ldif);
    if (error == OK && context->json) {
        json_t *object = json_pack("{s:s,s:b,s:s%}", "dn", edit->dn, "written", !edit->options.is_dry_run,
                                   "ldif", ldif.ptr, ldif.len);
        json_dumpf(object, context->out, JSON_INDENT(1));
        fputc('\n', context->out);
        json_decref(object);
    } else if (error == OK && edit->options.is_dry_run) {
        fwrite(ldif.ptr, 1, ldif.len, context->out);
    } else if (error == OK) {
        fprintf(context->out, "%s: %s\n", edit->dn,
                edit->change == CHANGE_ADD    ? "created"
                : edit->change == CHANGE_EDIT ? "changed"
                                              : "removed");
    }
    buffer_done(&ldif);
    return error ? command_fail(context, EXIT_UNREACHABLE, "no memory") : EXIT_DONE;
}

/* A dry run shows the change even where the server would refuse it, and says so. */
static int make_and_write(struct edit *edit)
{
    bool is_new = strcmp(edit->options.verb, "new") == 0;
    if (is_new && edit->options.kind == CONNECTOR_UNKNOWN)
        edit->options.kind = CONNECTOR_RECEIVE;
    find_connector(edit);
    if (is_new == (edit->dn != NULL))
        return command_fail(edit->context, EXIT_NEGATIVE,
                            is_new ? "there is a connector \"%s\"" : "no connector \"%s\"",
                            edit->options.name);
    if (edit->send)
        edit->options.kind = CONNECTOR_SEND;
    enum error error = make_change(edit);
    if (error != OK) {
        printable_note(&edit->note);
        return command_fail(edit->context, error == ERROR_SYNTAX ? EXIT_USAGE : EXIT_INVALID,
                            "connector %s: %s", edit->options.verb,
                            edit->note.text[0] ? edit->note.text : error_name(error));
    }
    if (edit->change == CHANGE_ADD)
        drop_empty(&edit->attributes);
    int code = check(edit);
    if (edit->options.is_dry_run)
        return code == EXIT_UNREACHABLE ? code : report(edit);
    if (code < 0)
        code = write_change(edit);
    return code < 0 ? report(edit) : code;
}

int connector_edit(struct command_context *context, int argc, char **argv)
{
    struct arena arena;
    struct edit edit = {.context = context, .arena = &arena};
    arena_init(&arena, ARENA_MAX);
    int code;
    if (connector_options_parse(argc, argv, &arena, &edit.options, &edit.note) == OK) {
        code = organization_source_load_as(context, edit.options.server, NULL, &edit.organization);
        if (code < 0) {
            code = make_and_write(&edit);
            organization_unref(edit.organization);
        }
    } else {
        printable_note(&edit.note);
        code = command_fail(context, EXIT_USAGE, "connector %s: %s", argv[1], edit.note.text);
    }
    arena_done(&arena);
    return code;
}

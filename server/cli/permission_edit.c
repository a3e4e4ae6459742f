/* dirrelay permission add|remove: gives or takes rights on a connector, in the directory. Contract 4. */
#include "cli/permission_edit.h"

#include "cli/organization_source.h"
#include "cli/printable.h"
#include "config/config.h"
#include "directory/ldif.h"
#include "source/permission_write.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#define TIMEOUT_MS 15000
#define LDIF_MAX   (1u << 20)

struct options {
    const char *connector;
    const char *user;
    const char *rights;
    bool is_remove;
    bool is_deny;
    bool is_dry_run;
};

static bool parse_options(int argc, char **argv, struct options *out)
{
    out->is_remove = strcmp(argv[1], "remove") == 0;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--user") == 0 && i + 1 < argc)
            out->user = argv[++i];
        else if (strcmp(argv[i], "--rights") == 0 && i + 1 < argc)
            out->rights = argv[++i];
        else if (strcmp(argv[i], "--deny") == 0)
            out->is_deny = true;
        else if (strcmp(argv[i], "--dry-run") == 0)
            out->is_dry_run = true;
        else if (argv[i][0] != '-' && !out->connector)
            out->connector = argv[i];
        else
            return false;
    }
    return out->connector && out->user && out->rights;
}

/* The options say what an ACE line says, so they are read as one. */
static enum error read_request(const struct options *options, struct buffer *line,
                               struct permission_request *out, struct note *note)
{
    *out =
        (struct permission_request){.is_remove = options->is_remove, .trustee = bytes_of_text(options->user)};
    enum error error = buffer_printf(line, "%s %s to %s", options->is_deny ? "deny" : "allow",
                                     options->rights, options->user);
    if (error == OK)
        error = ace_text_parse(buffer_bytes(line), &out->ace, note);
    if (error == OK && out->ace.has_unknown_guid) {
        note_set(note, "a GUID in \"%s\" is no right of transport", options->rights);
        error = ERROR_SYNTAX;
    }
    return error;
}

/* NULL: no connector of that name. */
static const char *find_dn(const struct organization *organization, const char *name)
{
    const struct receive_connector *receive = organization_receive_by_name(organization, bytes_of_text(name));
    if (receive)
        return receive->dn;
    for (size_t i = 0; i < organization->send_count; i++)
        if (strcasecmp(organization->send[i].name, name) == 0)
            return organization->send[i].dn;
    return NULL;
}

static int exit_of(enum error error)
{
    switch (error) {
    case OK:
        return EXIT_DONE;
    case ERROR_SYNTAX:
    case ERROR_LIMIT:
        return EXIT_INVALID;
    case ERROR_NOT_FOUND:
    case ERROR_DENIED_CREDENTIALS:
        return EXIT_NEGATIVE;
    case ERROR_TEMPORARY:
    case ERROR_TIMEOUT:
    case ERROR_CANCELED:
    case ERROR_PROTOCOL:
    case ERROR_IO:
        break;
    }
    return EXIT_UNREACHABLE;
}

static json_t *names_of(uint32_t rights, bool is_all)
{
    json_t *names = json_array();
    if (is_all && rights)
        json_array_append_new(names, json_string("*"));
    for (int right = 0; right < RIGHT_COUNT && !is_all; right++)
        if (rights & RIGHT_BIT(right))
            json_array_append_new(names, json_string(right_name((enum right)right)));
    return names;
}

static void print_names(FILE *out, const json_t *names, const char *what)
{
    size_t index;
    json_t *name;
    json_array_foreach(names, index, name) fprintf(out, "%s: %s\n", json_string_value(name), what);
}

static void print_text(FILE *out, const struct options *options, const json_t *report)
{
    const char *verb = options->is_remove ? "removed" : "added";
    print_names(out, json_object_get(report, "changed"), verb);
    print_names(out, json_object_get(report, "inherited"), "stays: inherited, to be removed where it stands");
    print_names(out, json_object_get(report, "covered"), "stays: another value for all rights (*) says it");
    if (json_array_size(json_object_get(report, "changed")) == 0)
        fprintf(out, "nothing to %s\n", options->is_remove ? "remove" : "add: all of it is there");
}

static int print_report(struct command_context *context, const struct options *options, const char *dn,
                        const struct permission_write_result *result, bool is_all)
{
    struct buffer ldif;
    buffer_init(&ldif, LDIF_MAX);
    const struct permission_change *change = &result->change;
    if (change->edit_count > 0 &&
        ldif_append_change(&ldif, result->flavor, dn, change->edits, change->edit_count) != OK) {
        buffer_done(&ldif);
        return command_fail(context, EXIT_UNREACHABLE, "no memory");
    }
    json_t *report = json_pack(
        "{s:s,s:o,s:o,s:o,s:b,s:s#}", "dn", dn, "changed", names_of(change->changed, is_all), "inherited",
        names_of(change->inherited, false), "covered", names_of(change->covered, false), "written",
        change->edit_count > 0 && !options->is_dry_run, "ldif", ldif.ptr ? ldif.ptr : "", ldif.len);
    if (context->json)
        json_dumpf(report, context->out, JSON_INDENT(1)), fputc('\n', context->out);
    else if (options->is_dry_run && ldif.len > 0)
        fwrite(ldif.ptr, 1, ldif.len, context->out);
    else
        print_text(context->out, options, report);
    json_decref(report);
    buffer_done(&ldif);
    return options->is_remove && !change->changed ? EXIT_NEGATIVE : EXIT_DONE;
}

static int write_change(struct command_context *context, const struct options *options,
                        const struct permission_request *change, const char *dn)
{
    struct organization_source source;
    struct note note = {0};
    int code = organization_source_open(context, &source);
    if (code < 0) {
        struct permission_write_request request = {
            .directory = &source.directory,
            .dn = dn,
            .change = *change,
            .is_dry_run = options->is_dry_run,
            .timeout_ms = TIMEOUT_MS,
        };
        struct permission_write_result result;
        enum error error = permission_write(&request, &result, &note);
        if (error == OK) {
            code = print_report(context, options, dn, &result, change->ace.is_all_rights);
        } else {
            printable_note(&note);
            code = command_fail(context, exit_of(error), "%s", note.text[0] ? note.text : error_name(error));
        }
        permission_write_done(&result);
    }
    organization_source_close(&source);
    return code;
}

static int find_and_write(struct command_context *context, const struct options *options,
                          const struct permission_request *change)
{
    const struct organization *organization;
    int code = organization_source_load(context, &organization);
    if (code >= 0)
        return code;
    const char *dn = find_dn(organization, options->connector);
    code = dn ? write_change(context, options, change, dn)
              : command_fail(context, EXIT_NEGATIVE, "no connector \"%s\"", options->connector);
    organization_unref(organization);
    return code;
}

int permission_edit(struct command_context *context, int argc, char **argv)
{
    struct options options = {0};
    struct permission_request change;
    struct note note = {0};
    struct buffer line;
    if (!parse_options(argc, argv, &options))
        return command_fail(context, EXIT_USAGE,
                            "permission %s CONNECTOR --user TRUSTEE --rights R,... [--deny] [--dry-run]",
                            argv[1]);
    buffer_init(&line, 2 * ACE_TEXT_MAX);
    int code;
    if (read_request(&options, &line, &change, &note) == OK) {
        code = find_and_write(context, &options, &change);
    } else {
        printable_note(&note);
        code = command_fail(context, EXIT_USAGE, "permission %s: %s", argv[1], note.text);
    }
    buffer_done(&line);
    return code;
}

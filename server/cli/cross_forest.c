#include "cli/cross_forest.h"

#include "cli/organization_source.h"
#include "cli/permission_edit.h"

#include <ini.h>
#include <string.h>
#include <strings.h>

#define RIGHTS_MAX 4096

struct options {
    char *connector;
    char *user;
    const char *file;
    bool is_dry_run;
};

/* The rights of one section, comma separated. */
struct rights_file {
    const char *section;
    struct buffer rights;
    enum error error;
};

static bool parse_options(int argc, char **argv, struct options *out)
{
    *out = (struct options){.file = DIRRELAY_SHARE "/cross-forest.ini"};
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--user") == 0 && i + 1 < argc)
            out->user = argv[++i];
        else if (strcmp(argv[i], "--rights-file") == 0 && i + 1 < argc)
            out->file = argv[++i];
        else if (strcmp(argv[i], "--dry-run") == 0)
            out->is_dry_run = true;
        else if (argv[i][0] != '-' && !out->connector)
            out->connector = argv[i];
        else
            return false;
    }
    return out->connector && out->user;
}

/* libinih's handler: 1 goes on, 0 ends. */
static int on_key(void *owner, const char *section, const char *name, const char *value)
{
    struct rights_file *file = owner;
    bool is_known = strcmp(section, "receive") == 0 || strcmp(section, "send") == 0;
    if (!is_known || strcmp(name, "right") != 0)
        return 0;
    if (file->error == OK && strcmp(section, file->section) == 0)
        file->error = buffer_printf(&file->rights, "%s%s", file->rights.len ? "," : "", value);
    return 1;
}

/* -1: read. */
static int read_rights(struct command_context *context, const char *path, struct rights_file *out)
{
    int line = ini_parse(path, on_key, out);
    if (line < 0)
        return command_fail(context, EXIT_USAGE, "%s cannot be read", path);
    if (line > 0)
        return command_fail(context, EXIT_USAGE, "%s:%d: expected [receive] or [send], right = NAME", path,
                            line);
    if (out->error == OK && out->rights.len == 0)
        return command_fail(context, EXIT_USAGE, "%s: no right in [%s]", path, out->section);
    if (out->error == OK)
        out->error = buffer_append_byte(&out->rights, '\0');
    return out->error ? command_fail(context, EXIT_USAGE, "%s: too many rights", path) : -1;
}

/* "receive", "send", or NULL: no connector of that name. */
static const char *kind_of(const struct organization *organization, const char *name)
{
    if (organization_receive_by_name(organization, bytes_of_text(name)))
        return "receive";
    for (size_t i = 0; i < organization->send_count; i++) {
        if (strcasecmp(organization->send[i].name, name) == 0)
            return "send";
    }
    return NULL;
}

static int add_rights(struct command_context *context, const struct options *options, char *rights)
{
    char verb[] = "add", user[] = "--user", option[] = "--rights", dry[] = "--dry-run";
    char *arguments[] = {verb, verb, options->connector, user, options->user, option, rights, dry};
    int count = sizeof arguments / sizeof arguments[0];
    return permission_edit(context, options->is_dry_run ? count : count - 1, arguments);
}

int cross_forest(struct command_context *context, int argc, char **argv)
{
    struct options options;
    const struct organization *organization;
    if (!parse_options(argc, argv, &options))
        return command_fail(
            context, EXIT_USAGE,
            "permission cross-forest CONNECTOR --user TRUSTEE [--rights-file FILE] [--dry-run]");
    int code = organization_source_load(context, &organization);
    if (code >= 0)
        return code;
    struct rights_file file = {.section = kind_of(organization, options.connector)};
    organization_unref(organization);
    if (!file.section)
        return command_fail(context, EXIT_NEGATIVE, "no connector \"%s\"", options.connector);
    buffer_init(&file.rights, RIGHTS_MAX);
    code = read_rights(context, options.file, &file);
    if (code < 0)
        code = add_rights(context, &options, file.rights.ptr);
    buffer_done(&file.rights);
    return code;
}

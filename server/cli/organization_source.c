#include "cli/organization_source.h"

#include "source/load_once.h"

#define TIMEOUT_MS       15000
#define CONFIG_BYTES_MAX (1u << 20)

/* Of a failed load: what is there cannot be used, or nothing answers. */
static int exit_of(enum error error)
{
    return error == ERROR_SYNTAX || error == ERROR_NOT_FOUND ? EXIT_INVALID : EXIT_UNREACHABLE;
}

static enum error load(const struct config *config, const struct directory_config *directory,
                       const char *server, const struct what_if *what_if, const struct organization **out,
                       struct note *note)
{
    struct load_once_request request = {
        .directory = directory,
        .config_base = config->directory.config_base,
        .organization_name = config->server.organization,
        .server_name = server ? server : config->server.name,
        .host_fqdn = config->server.host_name,
        .what_if = what_if,
        .timeout_ms = TIMEOUT_MS,
    };
    return load_once(&request, out, note);
}

int organization_source_open(struct command_context *context, struct organization_source *out)
{
    struct note note = {0};
    arena_init(&out->arena, CONFIG_BYTES_MAX);
    /* --directory says enough by itself: the configuration file may then be missing. */
    bool is_optional = !context->config_path;
    enum error error =
        config_read(context->config_path, is_optional, !context->directory, &out->config, &note);
    if (error == OK)
        error = config_directory(&out->config, context->directory, &out->arena, &out->directory, &note);
    if (error != OK)
        return command_fail(context, EXIT_USAGE, "%s", note.text[0] ? note.text : error_name(error));
    /* What the rooms have to say is printed by the command; their log lines are for the daemon. */
    event_set_level(EVENT_ERROR);
    directory_prepare_process(config_client_keytab(&out->config));
    return -1;
}

void organization_source_close(struct organization_source *source)
{
    config_done(&source->config);
    arena_done(&source->arena);
}

int organization_source_load(struct command_context *context, const struct organization **out)
{
    return organization_source_load_as(context, NULL, NULL, out);
}

int organization_source_load_as(struct command_context *context, const char *server,
                                const struct what_if *what_if, const struct organization **out)
{
    struct organization_source source;
    struct note note = {0};
    int code = organization_source_open(context, &source);
    if (code < 0) {
        enum error error = load(&source.config, &source.directory, server, what_if, out, &note);
        if (error != OK)
            code = command_fail(context, exit_of(error), "%s", note.text[0] ? note.text : error_name(error));
    }
    organization_source_close(&source);
    return code;
}

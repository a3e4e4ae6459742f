#include "cli/organization_source.h"

#include "config/config.h"
#include "source/load_once.h"

#define TIMEOUT_MS 15000

/* Of a failed load: what is there cannot be used, or nothing answers. */
static int exit_of(enum error error)
{
    return error == ERROR_SYNTAX || error == ERROR_NOT_FOUND ? EXIT_INVALID : EXIT_UNREACHABLE;
}

/* The exit code of a failure, or -1. */
static int load(struct command_context *context, const struct config *config, const struct organization **out,
                struct note *note)
{
    struct arena arena;
    struct directory_config directory;
    arena_init(&arena, 1u << 20);
    enum error error = config_directory(config, context->directory, &arena, &directory, note);
    int code = error ? EXIT_USAGE : -1;
    if (!error) {
        struct load_once_request request = {
            .directory = &directory,
            .config_base = config->directory.config_base,
            .organization_name = config->server.organization,
            .server_name = config->server.name,
            .host_fqdn = config->server.host_name,
            .timeout_ms = TIMEOUT_MS,
        };
        error = load_once(&request, out, note);
        code = error ? exit_of(error) : -1;
    }
    arena_done(&arena);
    if (error && !note->text[0])
        note_set(note, "%s", error_name(error));
    return code;
}

int organization_source_load(struct command_context *context, const struct organization **out)
{
    struct config config;
    struct note note = {0};
    /* --directory says enough by itself: the configuration file may then be missing. */
    bool is_optional = !context->config_path;
    int code = -1;
    enum error error = config_read(context->config_path, is_optional, !context->directory, &config, &note);
    if (error) {
        code = command_fail(context, EXIT_USAGE, "%s", note.text);
    } else {
        /* What the loader has to say is printed by the command; its log lines are for the daemon. */
        event_set_level(EVENT_ERROR);
        code = load(context, &config, out, &note);
        if (code >= 0)
            command_fail(context, code, "%s", note.text);
    }
    config_done(&config);
    return code;
}

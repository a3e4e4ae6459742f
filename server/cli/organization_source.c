#include "cli/organization_source.h"

#include "config/config.h"
#include "source/load_once.h"

#define TIMEOUT_MS 15000

static int exit_of(enum error error)
{
    return error == ERROR_SYNTAX ? EXIT_USAGE : error == ERROR_NOT_FOUND ? EXIT_INVALID : EXIT_UNREACHABLE;
}

static enum error load(struct command_context *context, const struct config *config,
                       const struct organization **out, struct note *note)
{
    struct arena arena;
    struct directory_config directory;
    arena_init(&arena, 1u << 20);
    enum error error = config_directory(config, context->directory, &arena, &directory, note);
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
    }
    arena_done(&arena);
    return error;
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
        error = load(context, &config, out, &note);
        if (error)
            code = command_fail(context, exit_of(error), "%s", note.text[0] ? note.text : error_name(error));
    }
    config_done(&config);
    return code;
}

#include "cli/control_client.h"

#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A connected socket as a stream, or NULL. */
static FILE *open_control(struct command_context *context, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor =
        strlen(path) < sizeof address.sun_path ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
    if (descriptor >= 0) {
        memcpy(address.sun_path, path, strlen(path) + 1);
        if (connect(descriptor, (struct sockaddr *)&address, sizeof address) == 0) {
            FILE *stream = fdopen(descriptor, "r+");
            if (stream)
                return stream;
        }
    }
    int failure = errno;
    if (descriptor >= 0)
        close(descriptor);
    command_fail(context, EXIT_UNREACHABLE, "dirrelayd does not answer at %s: %s", path, strerror(failure));
    return NULL;
}

/* Reads lines until the last one; its exit code. */
static int read_answer(struct command_context *context, FILE *stream, void (*each)(void *owner, json_t *line),
                       void *owner)
{
    char *text = NULL;
    size_t size = 0;
    int code = -1;
    while (code < 0 && getline(&text, &size, stream) > 0) {
        json_error_t error;
        json_t *line = json_loads(text, 0, &error);
        if (json_is_true(json_object_get(line, "end"))) {
            const char *message = json_string_value(json_object_get(line, "message"));
            code = (int)json_integer_value(json_object_get(line, "code"));
            if (message)
                command_fail(context, code, "%s", message);
        } else if (line && each) {
            each(owner, line);
        }
        json_decref(line);
    }
    free(text);
    return code >= 0 ? code : command_fail(context, EXIT_UNREACHABLE, "dirrelayd hung up");
}

int control_client_ask(struct command_context *context, json_t *message,
                       void (*each)(void *owner, json_t *line), void *owner)
{
    struct config config;
    struct note note = {0};
    int code = EXIT_USAGE;
    FILE *stream = NULL;
    char *text = json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (config_read(context->config_path, !context->config_path, false, &config, &note))
        command_fail(context, code, "%s", note.text);
    else if (!(stream = open_control(context, config.server.control)))
        code = EXIT_UNREACHABLE;
    if (stream) {
        fprintf(stream, "%s\n", text);
        fflush(stream);
        code = read_answer(context, stream, each, owner);
        fclose(stream);
    }
    free(text);
    config_done(&config);
    return code;
}

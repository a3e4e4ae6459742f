#include "admin/control.h"

#include "admin/safe_text.h"
#include "base/exit_code.h"
#include "loop/listener.h"

#include <stdlib.h>
#include <string.h>

#define REQUEST_MAX     (1u << 20)
#define CONNECTIONS_MAX 32
#define DEADLINE_MS     10000 /* for the request to come */

struct control {
    const struct control_command *commands;
    void *service;
    struct loop *loop;
    struct listener *listener; /* NULL: stopped, the last request frees */
    size_t request_count;
};

/* A connection is one request. It ends when both the handler is done and the stream is closed. */
struct control_request {
    struct control *control;
    struct stream *stream; /* NULL: closed */
    struct buffer input;
    json_t *message;
    bool is_running; /* a handler owes control_end */
    void (*go_on)(struct control_request *request, void *owner);
    void *go_on_owner;
};

static void release(struct control_request *request)
{
    if (request->is_running || request->stream)
        return;
    struct control *control = request->control;
    json_decref(request->message);
    buffer_done(&request->input);
    free(request);
    if (--control->request_count == 0 && !control->listener)
        free(control);
}

const json_t *control_message(const struct control_request *request)
{
    return request->message;
}

void *control_service(const struct control_request *request)
{
    return request->control->service;
}

struct loop *control_loop(const struct control_request *request)
{
    return request->control->loop;
}

bool control_line(struct control_request *request, json_t *object)
{
    char *text = request->stream ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!text)
        return true;
    stream_write(request->stream, bytes_of_text(text));
    free(text);
    return stream_write(request->stream, BYTES_LITERAL("\n"));
}

void control_on_drain(struct control_request *request,
                      void (*go_on)(struct control_request *request, void *owner), void *owner)
{
    request->go_on = go_on;
    request->go_on_owner = owner;
}

void control_end(struct control_request *request, int code, const char *message)
{
    json_t *last = json_pack("{s:b,s:i}", "end", 1, "code", code);
    if (message)
        json_object_set_new(last, "message", safe_text_json(bytes_of_text(message)));
    control_line(request, last);
    request->is_running = false;
    if (request->stream)
        stream_close(request->stream);
    else
        release(request);
}

static void dispatch(struct control_request *request, struct bytes line)
{
    json_error_t error;
    request->is_running = true;
    stream_set_deadline(request->stream, 0);
    if (!request->control->listener) { /* stopped: what the service reaches may be gone */
        control_end(request, EXIT_UNREACHABLE, "the server is ending");
        return;
    }
    request->message = json_loadb(line.ptr, line.len, JSON_REJECT_DUPLICATES, &error);
    const char *name = json_string_value(json_object_get(request->message, "command"));
    for (const struct control_command *command = request->control->commands; name && command->name;
         command++) {
        if (strcmp(command->name, name) == 0) {
            command->begin(request, request->control->service);
            return;
        }
    }
    control_end(request, EXIT_USAGE, "no such command");
}

static void on_read(void *owner, struct bytes data)
{
    struct control_request *request = owner;
    if (request->message || request->is_running)
        return;
    if (buffer_append(&request->input, data)) {
        stream_abort(request->stream);
        return;
    }
    struct bytes input = buffer_bytes(&request->input);
    size_t end = bytes_find(input, '\n');
    if (end < input.len)
        dispatch(request, bytes_first(input, end));
}

static void on_drain(void *owner)
{
    struct control_request *request = owner;
    void (*go_on)(struct control_request *, void *) = request->go_on;
    request->go_on = NULL;
    if (go_on)
        go_on(request, request->go_on_owner);
}

static void on_close(void *owner, enum error why)
{
    struct control_request *request = owner;
    (void)why;
    request->stream = NULL;
    /* A handler that waits for the drain goes on writing into nothing; its end releases the request. */
    if (request->is_running)
        on_drain(request);
    else
        release(request);
}

static void on_deadline(void *owner)
{
    struct control_request *request = owner;
    stream_abort(request->stream);
}

static const struct stream_events EVENTS = {
    .on_read = on_read, .on_drain = on_drain, .on_deadline = on_deadline, .on_close = on_close};

static void on_accept(void *owner, struct stream *stream)
{
    struct control *control = owner;
    struct control_request *request =
        control->request_count < CONNECTIONS_MAX ? calloc(1, sizeof *request) : NULL;
    if (!request) {
        stream_abort(stream);
        return;
    }
    control->request_count++;
    request->control = control;
    request->stream = stream;
    buffer_init(&request->input, REQUEST_MAX);
    stream_attach(stream, &EVENTS, request);
    stream_set_deadline(stream, DEADLINE_MS);
}

enum error control_start(struct loop *loop, const char *path, const struct control_command *commands,
                         void *service, struct control **out, struct note *note)
{
    struct control *control = calloc(1, sizeof *control);
    if (!control)
        return ERROR_TEMPORARY;
    *control = (struct control){.commands = commands, .service = service, .loop = loop};
    enum error error = listener_open_unix(loop, path, 0660, on_accept, control, &control->listener, note);
    if (error) {
        free(control);
        return error;
    }
    *out = control;
    return OK;
}

void control_stop(struct control *control)
{
    if (!control)
        return;
    listener_close(control->listener);
    control->listener = NULL;
    if (control->request_count == 0)
        free(control);
}

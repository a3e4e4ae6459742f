/* The administrator's socket: one JSON object a line in, JSON objects a line out, the last one
 * {"end":true,"code":N}. Unix stream socket, readable and writable by root and the server's group.
 * Contract 4. */
#ifndef ADMIN_CONTROL_H
#define ADMIN_CONTROL_H

#include "base/buffer.h"
#include "loop/stream.h"

#include <jansson.h>

struct control;
struct control_request;

/* One command. begin is called once; afterwards the handler answers with lines and one end, now or later. */
struct control_command {
    const char *name; /* of the member "command" */
    void (*begin)(struct control_request *request, void *service);
};

/* commands ends with a NULL name. ERROR_IO with a note: the path is in use or not writable. On the loop. */
MUST_USE enum error control_start(struct loop *loop, const char *path, const struct control_command *commands,
                                  void *service, struct control **out, struct note *note);
/* Removes the socket. Handlers under way finish; no other begins: a client that was connected already is
 * told. NULL is a no-op. */
void control_stop(struct control *control);

/* The request's object; lives until the end. */
const json_t *control_message(const struct control_request *request);
void *control_service(const struct control_request *request);
struct loop *control_loop(const struct control_request *request);
/* Sends one line; takes the reference. False: the output is high, wait for the callback of control_on_drain.
 */
bool control_line(struct control_request *request, json_t *object);
/* go_on is called when output has drained after a false. */
void control_on_drain(struct control_request *request,
                      void (*go_on)(struct control_request *request, void *owner), void *owner);
/* The last line: exit code and, for a failure, why. The request is gone afterwards. A client that hung up is
 * noticed here: a handler never has to stop early. */
void control_end(struct control_request *request, int code, const char *message);

#endif

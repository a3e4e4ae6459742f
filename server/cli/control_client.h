/* One command to the daemon's control socket, blocking. Contract 4; the protocol stands in admin/control.h.
 */
#ifndef CLI_CONTROL_CLIENT_H
#define CLI_CONTROL_CLIENT_H

#include "cli/command.h"

#include <jansson.h>

/* Sends the message (takes the reference), calls each for every line but the last, returns the daemon's exit
 * code, or EXIT_UNREACHABLE and says why on err. each may be NULL. */
int control_client_ask(struct command_context *context, json_t *message,
                       void (*each)(void *owner, json_t *line), void *owner);

#endif

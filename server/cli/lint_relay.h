/* dirrelay lint --who-may-relay. Private to lint. */
#ifndef CLI_LINT_RELAY_H
#define CLI_LINT_RELAY_H

#include "cli/command.h"
#include "policy/relay_reach.h"

/* Prints every run of addresses and the identities that may reach any recipient from there. Exit 0, 1 when
 * there is none. */
int lint_relay(struct command_context *context, const struct organization *organization,
               const struct machine *machine);

#endif

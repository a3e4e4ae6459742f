/* One account, asked for once: by the server's own code, on a loop of its own. */
#ifndef CLI_ACCOUNT_LOAD_H
#define CLI_ACCOUNT_LOAD_H

#include "auth/account.h"
#include "cli/command.h"

/* user: what he would log in with, a DN, "DOMAIN\name" or a SID. Every group is asked for by itself, so that
 * its path is known. On failure says why on err and returns the exit code (1: nobody, or not let in), else -1
 * with one reference. Blocks. */
int account_load(struct command_context *context, const char *user, const struct account **out);

#endif

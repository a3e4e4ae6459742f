/* One account, and the owner of an address, asked for once: by the server's own code, on a loop of its own.
 */
#ifndef CLI_ACCOUNT_LOAD_H
#define CLI_ACCOUNT_LOAD_H

#include "auth/account.h"
#include "cli/command.h"

struct loaded_account {
    const struct account *account;
    /* Of the sender's address; ERROR_NOT_FOUND where none was given. */
    enum error owner_error;
    const struct account *owner; /* with OK, and with who may send as it */
    struct note owner_note;
};

/* user: what he would log in with, a DN, "DOMAIN\name" or a SID. Every group is asked for by itself, so that
 * its path is known. sender: an address, or empty. On failure says why on err and returns the exit code (1:
 * nobody, or not let in), else -1; loaded_account_done is to follow then. Blocks. */
int account_load(struct command_context *context, const char *user, struct bytes sender,
                 struct loaded_account *out);
/* Zero-initialised it is empty. */
void loaded_account_done(struct loaded_account *loaded);

#endif

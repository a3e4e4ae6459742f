/* Proving a password, as a function table: by a bind to the directory (password_directory.h) or by a fake. */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include "base/bytes.h"

struct password_prover;

struct password_prover_ops {
    /* Blocks; any thread, many at once. password: checked by credential_form before. OK: it is the entry's.
     * DENIED_CREDENTIALS: it is not, or the directory lets this entry not in. TEMPORARY, TIMEOUT: nobody
     * knows, the directory does not answer. why never holds the password. */
    enum error (*prove)(struct password_prover *prover, const char *dn, struct bytes password,
                        struct note *why);
};

struct password_prover {
    const struct password_prover_ops *ops;
};

#endif

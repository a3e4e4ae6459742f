/* Passwords proven by a bind to the directory as the entry, on connections of their own. */
#ifndef AUTH_PASSWORD_DIRECTORY_H
#define AUTH_PASSWORD_DIRECTORY_H

#include "auth/password.h"
#include "directory/directory.h"

/* config: copied; its URIs, TLS rules and deadline count. Opens nothing yet. ERROR_TEMPORARY without memory.
 */
MUST_USE enum error password_directory_new(const struct directory_config *config,
                                           struct password_prover **out);
/* Whoever is inside prove is let go at once, and nobody gets far any more. Any thread. */
void password_directory_give_up(struct password_prover *prover);
/* When nobody is inside prove. NULL is a no-op. */
void password_directory_free(struct password_prover *prover);

#endif

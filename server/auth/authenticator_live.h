/* The authenticator of the live server: every step is a job on a bounded pool of its own, and what became of
 * it comes back to the asking loop.
 *
 * What can be wrong: the pool is full, the directory does not answer (UNAVAILABLE); the form (MALFORMED); the
 * credentials, or the account is not let in (REFUSED). */
#ifndef AUTH_AUTHENTICATOR_LIVE_H
#define AUTH_AUTHENTICATOR_LIVE_H

#include "auth/account_source.h"
#include "auth/authenticator.h"
#include "auth/password.h"

struct authenticator_config {
    struct account_source *accounts;         /* borrowed */
    struct password_prover *prover;          /* borrowed; NULL: neither PLAIN nor LOGIN */
    unsigned workers;                        /* auth.workers: steps at once */
    unsigned queue;                          /* auth.queue: and waiting */
    const char *service;                     /* sasl.service; borrowed */
    struct failure_counts *account_failures; /* borrowed; NULL: failures of an account are not counted */
    const char *keytab;                      /* sasl.keytab; borrowed; NULL: no GSSAPI */
};

/* sasl_library_start came before. config is copied. ERROR_TEMPORARY without memory or threads. */
MUST_USE enum error authenticator_live_new(const struct authenticator_config *config,
                                           struct authenticator **out);
/* Waits for the steps that run; those that were canceled too. What they have to say is still said on their
 * loops, which therefore end later; accounts and prover end later as well. NULL is a no-op. */
void authenticator_live_free(struct authenticator *authenticator);
/* Looks again what works here (the keytab may have come or gone) and says once in the log what does not. One
 * thread at a time; reads files. */
void authenticator_live_look(struct authenticator *authenticator);

#endif

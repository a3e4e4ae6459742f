/* The server's side of one AUTH command: what Cyrus (sasl_server.c) and raw NTLM (ntlm.c) have in common.
 * Internal to the room. */
#ifndef AUTH_CONVERSATION_H
#define AUTH_CONVERSATION_H

#include "auth/account_source.h"
#include "auth/authenticator.h"
#include "auth/failure_count.h"
#include "auth/password.h"

struct conversation;

struct conversation_ops {
    /* Blocks: for a job's thread, never two at a time. What the client sent, borrowed; has_input false: it
     * began without an initial response. CHALLENGE, DONE, REFUSED, UNAVAILABLE or MALFORMED. */
    enum auth_step (*step)(struct conversation *conversation, bool has_input, struct bytes input);
    void (*free)(struct conversation *conversation);
};

/* What it stands on; borrowed. */
struct conversation_means {
    struct account_source *accounts;
    struct password_prover *prover;
    const char *service;             /* "smtp" */
    struct failure_counts *failures; /* of accounts; NULL: not counted */
};

struct conversation {
    const struct conversation_ops *ops;
    const struct conversation_means *means;
    struct bytes output; /* until the next step */
    struct note why;     /* with REFUSED, UNAVAILABLE, MALFORMED */
    /* With DONE: who it is; as long as the conversation lives. */
    enum account_name_kind name_kind;
    struct bytes name;
};

/* What to answer when the accounts or the prover said so. OK is DONE. */
enum auth_step conversation_step_of(enum error error);

#endif

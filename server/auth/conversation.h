/* The server's side of one AUTH command: what Cyrus (sasl_server.c) and raw NTLM (ntlm.c) have in common.
 * Internal to the room. */
#ifndef AUTH_CONVERSATION_H
#define AUTH_CONVERSATION_H

#include "auth/account_source.h"
#include "auth/authenticator.h"
#include "auth/failure_count.h"
#include "auth/password.h"
#include "auth/principal_name.h"

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
/* Says why and answers the step. */
enum auth_step conversation_refuse(struct conversation *conversation, enum auth_step step, const char *why);
/* Who is meant, without a token; the caller's reference. Blocks. */
struct account_request conversation_look_up(const struct conversation *conversation,
                                            enum account_name_kind kind, struct bytes name);
/* requested, an authorization identity, is not the proven name as it stands: it may be another name of the
 * same entry, never another entry. DONE, REFUSED or UNAVAILABLE. Blocks. */
enum auth_step conversation_check_identity(struct conversation *conversation, struct bytes requested,
                                           const uint8_t own_id[16]);
/* The Kerberos principal that was proven becomes the conversation's name, for which principal gives the
 * room; requested may be empty. As above. */
enum auth_step conversation_take_ticket(struct conversation *conversation, struct bytes proven,
                                        struct bytes requested, char principal[PRINCIPAL_NAME_SIZE]);

#endif

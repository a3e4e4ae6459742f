/* An authenticator with a table of people, for tests of sessions. It answers on the loop's next turn.
 *
 * PLAIN and LOGIN take name and password. GSSAPI and NTLM take "name" as the token; "name+" gets a challenge
 * "go on" first, "name!" succeeds with the last words "farewell". Names that do something else: see
 * fake_person. */
#ifndef FAKE_AUTHENTICATOR_H
#define FAKE_AUTHENTICATOR_H

#include "auth/authenticator.h"

struct fake_person {
    const char *name; /* NULL: the end of the table */
    const char *password;
    const char *sids;       /* blank separated; the first is his own */
    enum auth_step outcome; /* 0 (AUTH_STEP_CHALLENGE): he is proven, else what a right password gives */
};

/* What the directory says of a person as a sender: who may send as him beside himself, and on his behalf. */
struct fake_sender {
    const char *name;         /* NULL: the end of the table */
    const char *aces;         /* of his entry, one a line, trustees by SID; NULL: none */
    const char *delegates;    /* SIDs, blank separated; NULL: none */
    const char *display_name; /* or NULL */
};

struct fake_authenticator {
    struct authenticator face;
    const struct fake_person *people;
    const struct fake_sender *senders; /* or NULL */
    uint32_t working;
    bool has_no_memory;     /* start fails */
    bool is_stale;          /* is_current answers false */
    bool is_held;           /* steps wait for fake_authenticator_release */
    enum auth_step renewal; /* what renew answers; 0: as the table says now */
    unsigned start_count;   /* exchanges that were begun */
    unsigned done_count;    /* exchanges that ended with an account */
    unsigned cancel_count;
    unsigned renew_count;
    unsigned owner_count; /* questions for the owner of an address: the person of its local part */
    size_t pending;       /* steps, renewals and questions that were not answered */
    struct fake_step *held;
};

/* All mechanisms work. */
void fake_authenticator_init(struct fake_authenticator *fake, const struct fake_person *people);
/* Answers what was held. */
void fake_authenticator_release(struct fake_authenticator *fake);
/* An account of the table; the caller's reference. */
const struct account *fake_authenticator_account(const struct fake_authenticator *fake, const char *name);

#endif

/* Whose address the sender of MAIL is, where the rights alone do not decide (facts 8.4).
 * Happy path: session_ask_sender, on_owner, the line of MAIL once more. Failures: nobody's or another's
 * (the line once more, which refuses), the directory does not answer (454), the session ends meanwhile (the
 * answer is dropped). */
#include "smtp_server/session_internal.h"

#include "policy/sender.h"

#include <stdlib.h>
#include <string.h>

/* One look-up; outlives its session where that ends first. */
struct sender_lookup {
    struct auth_owner_question question;
    struct smtp_session *session; /* NULL: it has ended */
    struct buffer line;           /* MAIL as it was said */
    struct address sender;
};

/* The owner himself, by the id that no change of the entry takes from it. */
static bool is_owner(const struct smtp_session *session, const struct account *owner)
{
    return session->account != NULL && memcmp(session->account->id, owner->id, sizeof owner->id) == 0;
}

static void refuse(struct smtp_session *session, const struct address *sender, const char *why)
{
    session_log_auth_failed(session, "sender", REPLY_AUTH_UNAVAILABLE, why, NULL);
    session_refuse(session, REPLY_AUTH_UNAVAILABLE, NULL, address_text(sender), (struct bytes){0});
}

static void go_on(struct smtp_session *session, const struct sender_lookup *lookup, enum auth_step step)
{
    struct bytes line = buffer_bytes(&lookup->line);
    bool is_answered = step == AUTH_STEP_DONE || step == AUTH_STEP_REFUSED;
    if (is_answered) {
        bool is_held = step == AUTH_STEP_DONE && is_owner(session, lookup->question.owner);
        session->send_as = is_held ? SEND_AS_HELD : SEND_AS_NOT_HELD;
        session->is_renewed = true;
        session_execute(session, line, false);
        session->is_renewed = false;
        session->send_as = SEND_AS_NOT_ASKED;
    } else {
        session->line = line;
        refuse(session, &lookup->sender, lookup->question.why.text);
        session->line = (struct bytes){0};
    }
}

static void on_owner(struct auth_owner_question *question, enum auth_step step)
{
    struct sender_lookup *lookup = list_entry(question, struct sender_lookup, question);
    struct smtp_session *session = lookup->session;
    session_forget_sender(session);
    if (session != NULL && session->state != SESSION_CLOSING) {
        session_turn_begin(session);
        session->waits &= (uint8_t)~WAIT_SENDER;
        go_on(session, lookup, step);
        session_turn_end(session);
    }
    account_unref(question->owner);
    buffer_done(&lookup->line);
    free(lookup);
}

void session_forget_sender(struct smtp_session *session)
{
    if (session != NULL && session->sender_lookup != NULL) {
        session->sender_lookup->session = NULL;
        session->sender_lookup = NULL;
    }
}

void session_ask_sender(struct smtp_session *session, const struct address *sender)
{
    struct authenticator *authenticator = session->service->authenticator;
    struct sender_lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup != NULL) {
        buffer_init(&lookup->line, COMMAND_LINE_MAX);
    }
    if (lookup == NULL || buffer_append(&lookup->line, session->line) != OK) {
        free(lookup);
        refuse(session, sender, "no memory");
        return;
    }
    lookup->session = session;
    lookup->sender = *sender;
    lookup->question = (struct auth_owner_question){
        .loop = session->service->loop, .address = address_text(&lookup->sender), .on_done = on_owner};
    session->sender_lookup = lookup;
    session->waits |= WAIT_SENDER;
    authenticator->ops->find_owner(authenticator, &lookup->question);
}

/* Whose address a sender is, of MAIL or of the header block, where the rights alone do not decide
 * (facts 8.4). Happy path: session_ask_sender, on_owner, the line of MAIL once more;
 * session_ask_header_senders, on_owner for each, the filters and the spool. Failures: nobody's or another's
 * (refused), the directory does not answer (454), the session ends meanwhile (the answer is dropped). */
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
    void (*go_on)(struct smtp_session *session, const struct sender_lookup *lookup, enum auth_step step);
};

/* The owner himself, by the id that no change of the entry takes from it. */
static bool is_owner(const struct smtp_session *session, const struct account *owner)
{
    return session->account != NULL && memcmp(session->account->id, owner->id, sizeof owner->id) == 0;
}

static bool is_answered(enum auth_step step)
{
    return step == AUTH_STEP_DONE || step == AUTH_STEP_REFUSED;
}

static enum send_as send_as_of(const struct smtp_session *session, const struct sender_lookup *lookup,
                               enum auth_step step)
{
    bool is_held = step == AUTH_STEP_DONE && is_owner(session, lookup->question.owner);
    return is_held ? SEND_AS_HELD : SEND_AS_NOT_HELD;
}

static void refuse(struct smtp_session *session, const struct address *sender, const char *why)
{
    session_log_auth_failed(session, "sender", REPLY_AUTH_UNAVAILABLE, why, NULL);
    session_refuse(session, REPLY_AUTH_UNAVAILABLE, NULL, address_text(sender), (struct bytes){0});
}

static void go_on_mail(struct smtp_session *session, const struct sender_lookup *lookup, enum auth_step step)
{
    struct bytes line = buffer_bytes(&lookup->line);
    if (is_answered(step)) {
        session->send_as = (uint8_t)send_as_of(session, lookup, step);
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
        lookup->go_on(session, lookup, step);
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

/* False: no memory. line: what is to be executed again. */
static bool ask(struct smtp_session *session, const struct address *sender, struct bytes line,
                void (*go_on)(struct smtp_session *session, const struct sender_lookup *lookup,
                              enum auth_step step))
{
    struct authenticator *authenticator = session->service->authenticator;
    struct sender_lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL) {
        return false;
    }
    buffer_init(&lookup->line, COMMAND_LINE_MAX);
    if (buffer_append(&lookup->line, line) != OK) {
        free(lookup);
        return false;
    }
    lookup->session = session;
    lookup->sender = *sender;
    lookup->go_on = go_on;
    lookup->question = (struct auth_owner_question){
        .loop = session->service->loop, .address = address_text(&lookup->sender), .on_done = on_owner};
    session->sender_lookup = lookup;
    session->waits |= WAIT_SENDER;
    authenticator->ops->find_owner(authenticator, &lookup->question);
    return true;
}

void session_ask_sender(struct smtp_session *session, const struct address *sender)
{
    if (!ask(session, sender, session->line, go_on_mail)) {
        refuse(session, sender, "no memory");
    }
}

/* -- the header block -- */

static void refuse_message(struct smtp_session *session, enum reply reply, const struct decision *decision)
{
    transaction_refuse(session->transaction, reply, decision);
    session_answer_refusal(session);
    session_end_transaction(session);
}

static void go_on_header(struct smtp_session *session, const struct sender_lookup *lookup,
                         enum auth_step step)
{
    if (!is_answered(step)) {
        session_log_auth_failed(session, "sender", REPLY_AUTH_UNAVAILABLE, lookup->question.why.text, NULL);
        refuse_message(session, REPLY_AUTH_UNAVAILABLE, NULL);
        return;
    }
    struct decision decision = sender_check(session->organization, &session->rights, &lookup->sender,
                                            send_as_of(session, lookup, step));
    if (session_allows(session, &decision, RIGHT_COUNT)) {
        session_ask_header_senders(session);
    } else {
        refuse_message(session, reply_of_reason(decision.reason), &decision);
    }
}

void session_ask_header_senders(struct smtp_session *session)
{
    struct transaction *transaction = session->transaction;
    const struct sender_questions *senders = transaction->senders;
    if (senders != NULL && transaction->asked_senders < senders->count) {
        const struct address *sender = &senders->addresses[transaction->asked_senders++];
        if (!ask(session, sender, (struct bytes){0}, go_on_header)) {
            refuse_message(session, REPLY_NO_RESOURCES, NULL);
        }
    } else if (transaction->filtering != NULL) {
        session_filter(session);
    } else {
        session_commit(session);
    }
}

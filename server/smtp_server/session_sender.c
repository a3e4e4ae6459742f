/* Whose address a sender is, of MAIL or of the header block, and whether the session may send as it or on its
 * behalf, where the rights alone do not decide (facts 8.4). Happy path: session_ask_sender, on_owner, the
 * line of MAIL once more; session_ask_header_senders, on_owner for each, the filters and the spool. Failures:
 * nobody's or another's (refused), the directory does not answer (454), the session ends meanwhile (the
 * answer is dropped).
 *
 * And what the owner is called: session_awaits_sender_name, on_owner, session_finish_header. No message is
 * refused for want of a name. */
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
    enum sender_matter matter;
    void (*go_on)(struct smtp_session *session, const struct sender_lookup *lookup, bool is_answered);
    bool is_held; /* with is_answered: Send-As */
    struct note why;
};

/* The owner himself, by the id that no change of the entry takes from it. */
static bool is_owner(const struct smtp_session *session, const struct account *owner)
{
    return session->account != NULL && memcmp(session->account->id, owner->id, sizeof owner->id) == 0;
}

static void tell_trace(const struct smtp_session *session, const struct sender_lookup *lookup)
{
    const struct smtp_trace *trace = session->service->trace;
    if (trace != NULL && trace->on_send_as != NULL) {
        trace->on_send_as(trace->owner, address_text(&lookup->sender), lookup->is_held, lookup->why.text);
    }
}

/* Asks the owner's ACEs. False: no memory. */
static bool check_access(const struct smtp_session *session, struct sender_lookup *lookup)
{
    const struct account *owner = lookup->question.owner;
    const struct ace_origin *origin = NULL;
    if (session->token == NULL) {
        return true; /* it is nobody any more */
    }
    if (sender_access_check(owner->access, session->token, is_owner(session, owner), &lookup->is_held,
                            &origin) != OK) {
        note_set(&lookup->why, "no memory");
        return false;
    }
    if (owner->access->grants_nothing != NULL) {
        note_set(&lookup->why, "%.80s: %s", owner->dn, owner->access->grants_nothing);
    } else if (origin == NULL) {
        note_set(&lookup->why, "no ACE of %.200s lets it send as that", owner->dn);
    } else {
        note_set(&lookup->why, "%.120s (%.120s)", origin->text,
                 origin->from[0] != '\0' ? origin->from : owner->dn);
    }
    return true;
}

/* False: the directory has not said anything. */
static bool judge(const struct smtp_session *session, struct sender_lookup *lookup, enum auth_step step)
{
    lookup->why = lookup->question.why;
    bool needs_access = lookup->question.needs_access;
    bool is_answered = step == AUTH_STEP_REFUSED ||
                       (step == AUTH_STEP_DONE && (!needs_access || check_access(session, lookup)));
    if (is_answered && needs_access) {
        tell_trace(session, lookup);
    }
    return is_answered;
}

static enum send_as send_as_of(const struct sender_lookup *lookup)
{
    return lookup->is_held ? SEND_AS_HELD : SEND_AS_NOT_HELD;
}

static void refuse(struct smtp_session *session, const struct address *sender, const char *why)
{
    session_log_auth_failed(session, "sender", REPLY_AUTH_UNAVAILABLE, why, NULL);
    session_refuse(session, REPLY_AUTH_UNAVAILABLE, NULL, address_text(sender), (struct bytes){0});
}

static void go_on_mail(struct smtp_session *session, const struct sender_lookup *lookup, bool is_answered)
{
    struct bytes line = buffer_bytes(&lookup->line);
    if (is_answered) {
        session->send_as = (uint8_t)send_as_of(lookup);
        session->is_renewed = true;
        session_execute(session, line, false);
        session->is_renewed = false;
        session->send_as = SEND_AS_NOT_ASKED;
    } else {
        session->line = line;
        refuse(session, &lookup->sender, lookup->why.text);
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
        session->sender_why = lookup->why.text;
        lookup->go_on(session, lookup, judge(session, lookup, step));
        session->sender_why = NULL;
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

/* False: no memory. line: what is to be executed again. needs_access: more than whose it is. */
static bool
ask(struct smtp_session *session, const struct sender_question *sender, struct bytes line, bool needs_access,
    void (*go_on)(struct smtp_session *session, const struct sender_lookup *lookup, bool is_answered))
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
    lookup->sender = sender->address;
    lookup->matter = sender->matter;
    lookup->go_on = go_on;
    lookup->question = (struct auth_owner_question){.loop = session->service->loop,
                                                    .address = address_text(&lookup->sender),
                                                    .needs_access = needs_access,
                                                    .on_done = on_owner};
    session->sender_lookup = lookup;
    session->waits |= WAIT_SENDER;
    authenticator->ops->find_owner(authenticator, &lookup->question);
    return true;
}

void session_ask_sender(struct smtp_session *session, const struct address *sender)
{
    const struct sender_question question = {*sender, SENDER_SEND_AS};
    if (!ask(session, &question, session->line, true, go_on_mail)) {
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

/* Is the sender that stands beside this From one of its delegates? Groups count that the session is in, so
 * those of an account that sends as itself; of another sender its own name. */
static bool is_delegate(const struct smtp_session *session, const struct account *from)
{
    const struct account *sender = session->transaction->sender_owner;
    if (from == NULL || sender == NULL) {
        return false;
    }
    if (is_owner(session, sender) && session->token != NULL) {
        return sender_access_has_delegate(from->access, session->token);
    }
    return sender->access->has_sid && sender_access_names_delegate(from->access, &sender->access->sid);
}

static struct decision decide(struct smtp_session *session, const struct sender_lookup *lookup)
{
    const struct account *owner = lookup->question.owner;
    struct transaction *transaction = session->transaction;
    if (lookup->matter == SENDER_ON_BEHALF) {
        const struct on_behalf on_behalf = {.is_nobodys = lookup->question.is_nobodys,
                                            .is_held = lookup->is_held,
                                            .is_delegate = is_delegate(session, owner)};
        return sender_check_on_behalf(&on_behalf);
    }
    if (transaction->asked_senders == 1 && owner != NULL) {
        transaction->sender_owner = account_ref(owner);
    }
    return sender_check(session->organization, &session->rights, &lookup->sender, send_as_of(lookup));
}

static void go_on_header(struct smtp_session *session, const struct sender_lookup *lookup, bool is_answered)
{
    if (!is_answered) {
        session_log_auth_failed(session, "sender", REPLY_AUTH_UNAVAILABLE, lookup->why.text, NULL);
        refuse_message(session, REPLY_AUTH_UNAVAILABLE, NULL);
        return;
    }
    struct decision decision = decide(session, lookup);
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
        const struct sender_question *question = &senders->rows[transaction->asked_senders++];
        if (!ask(session, question, (struct bytes){0}, true, go_on_header)) {
            refuse_message(session, REPLY_NO_RESOURCES, NULL);
        }
    } else if (transaction->filtering != NULL) {
        session_filter(session);
    } else {
        session_commit(session);
    }
}

/* -- the name in From -- */

static void go_on_name(struct smtp_session *session, const struct sender_lookup *lookup, bool is_answered)
{
    const struct account *owner = is_answered ? lookup->question.owner : NULL;
    session_finish_header(session, bytes_of_text(owner != NULL ? owner->display_name : NULL));
}

bool session_awaits_sender_name(struct smtp_session *session, const struct address *sender,
                                struct bytes *out_name)
{
    const struct sender_question question = {*sender, SENDER_SEND_AS};
    if (session->service->authenticator == NULL) {
        return false;
    }
    if (session->account != NULL && account_owns(session->account, address_text(sender))) {
        *out_name = bytes_of_text(session->account->display_name);
        return false;
    }
    return ask(session, &question, (struct bytes){0}, false, go_on_name);
}

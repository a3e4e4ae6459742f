/* MAIL. Order of checks: facts 8.3; the sender's rights stand at its end (contract 5). */
#include "smtp_server/session_internal.h"

#include "base/utf8.h"
#include "policy/sender.h"
#include "policy/submit.h"
#include "smtp_server/envelope_parameters.h"

static enum reply reply_of_flaw(enum address_flaw flaw)
{
    switch (flaw) {
    case ADDRESS_TOO_LONG:
        return REPLY_LONG_SENDER;
    case ADDRESS_NOT_ASCII:
        return REPLY_UTF8_SENDER;
    case ADDRESS_OK:
    case ADDRESS_INVALID:
        break;
    }
    return REPLY_INVALID_SENDER;
}

static void begin_transaction(struct smtp_session *session, const struct address *sender,
                              const struct mail_parameters *given)
{
    session->transaction = transaction_new(sender, given);
    if (session->transaction == NULL) {
        session_refuse(session, REPLY_NO_RESOURCES, NULL, address_text(sender), (struct bytes){0});
        return;
    }
    session_enter(session, SESSION_SENDER);
    session_answer(session, REPLY_SENDER_OK);
}

/* Servers that may say whose a message is may do so where nobody can log in, too. */
static uint32_t taken_parameters(const struct smtp_session *session)
{
    bool may_flag = session_rights_has(&session->rights, RIGHT_SMTP_ACCEPT_AUTHENTICATION_FLAG);
    return session->offered | (may_flag ? (uint32_t)OFFER_AUTH : 0);
}

/* Behind the syntax: what the session and its rights have to say. */
static void check_sender(struct smtp_session *session, const struct address *sender, bool is_ascii,
                         struct bytes parameters)
{
    struct mail_parameters given;
    struct bytes text = address_text(sender);
    const struct spool *spool = session->service->spool;
    if (spool->ops->health(spool) != SPOOL_READY) {
        session_refuse(session, REPLY_NO_RESOURCES, NULL, text, (struct bytes){0});
        return;
    }
    if (session_is_pressed(session, sender)) {
        session_refuse(session, REPLY_BACK_PRESSURE, NULL, text, (struct bytes){0});
        return;
    }
    struct decision decision = session_prove_partner(session, sender);
    if (decision.verdict == VERDICT_NEED) {
        return;
    }
    if (decision.verdict != VERDICT_ALLOW) {
        session_refuse(session, reply_of_reason(decision.reason), &decision, text, (struct bytes){0});
        return;
    }
    decision = submit_check(&session->rights);
    if (!session_allows(session, &decision, RIGHT_SMTP_SUBMIT)) {
        session_refuse(session, reply_of_reason(decision.reason), &decision, text, (struct bytes){0});
        return;
    }
    enum reply fault = mail_parameters_parse(taken_parameters(session), parameters, &given);
    if (fault == REPLY_COUNT && !is_ascii && !given.is_utf8) {
        fault = REPLY_NEED_SMTPUTF8;
    }
    if (fault != REPLY_COUNT) {
        session_fault(session, fault);
        return;
    }
    if (given.size_bytes > session_max_message_bytes(session)) {
        session_refuse(session, REPLY_SIZE_EXCEEDED, NULL, text, (struct bytes){0});
        return;
    }
    decision = sender_check(session->organization, &session->rights, sender, (enum send_as)session->send_as);
    if (decision.verdict == VERDICT_NEED) {
        session_ask_sender(session, sender);
        return;
    }
    if (!session_allows(session, &decision, RIGHT_COUNT)) {
        session_refuse(session, reply_of_reason(decision.reason), &decision, text, (struct bytes){0});
        return;
    }
    begin_transaction(session, sender, &given);
}

/* Refused with the end of the session. */
static void hang_up(struct smtp_session *session, enum reply reply)
{
    session_log_refused(session, "mail.refused", reply, NULL, (struct bytes){0}, (struct bytes){0},
                        session->line);
    session_close(session, reply);
}

void verb_mail(struct smtp_session *session, const struct command_line *command)
{
    struct address sender;
    struct bytes parameters;
    if (session->is_connector_gone) {
        hang_up(session, REPLY_SERVICE_UNAVAILABLE);
        return;
    }
    if (!command->has_keyword) {
        session_fault(session, REPLY_INVALID_ARGUMENTS);
        return;
    }
    bool takes_utf8 = (session->offered & OFFER_SMTPUTF8) != 0;
    enum address_flaw flaw = address_parse_path(command->arguments, takes_utf8, &sender, &parameters);
    if (flaw != ADDRESS_OK) {
        session_fault(session, reply_of_flaw(flaw));
        return;
    }
    if (session_is_in_transaction(session)) {
        session_fault(session, REPLY_SENDER_ALREADY_SPECIFIED);
        return;
    }
    if (session_awaits_account(session)) {
        return;
    }
    bool is_again = session->send_as != SEND_AS_NOT_ASKED || session_has_checked_partner(session);
    if (!is_again && !session_takes_message(session)) {
        hang_up(session, REPLY_MESSAGE_RATE);
        return;
    }
    session->has_refused = false;
    session->consequences = 0;
    struct bytes path = bytes_first(command->arguments, command->arguments.len - parameters.len);
    check_sender(session, &sender, utf8_is_ascii(path), parameters);
    if (!session_is_in_transaction(session)) {
        session_forget_partner(session);
    }
}

/* RCPT. Order of checks: facts 8.3. */
#include "smtp_server/session_internal.h"

#include "policy/limits.h"
#include "policy/recipient.h"
#include "smtp_server/envelope_parameters.h"

static enum reply reply_of_flaw(const struct smtp_session *session, enum address_flaw flaw)
{
    switch (flaw) {
    case ADDRESS_TOO_LONG:
        return REPLY_LONG_RECIPIENT;
    case ADDRESS_NOT_ASCII:
        return session->offered & OFFER_SMTPUTF8 ? REPLY_NEED_SMTPUTF8 : REPLY_UTF8_RECIPIENT;
    case ADDRESS_OK:
    case ADDRESS_INVALID:
        break;
    }
    return REPLY_INVALID_RECIPIENT;
}

static void refuse(struct smtp_session *session, enum reply reply, const struct decision *decision,
                   const struct address *recipient)
{
    session_refuse(session, reply, decision, address_text(&session->transaction->sender),
                   address_text(recipient));
}

/* The answer of the policy is yes: where the mail goes is written down. */
static void add(struct smtp_session *session, const struct address *recipient,
                const struct recipient_parameters *given)
{
    struct address resolved;
    if (!recipient_resolve(session->organization, recipient, &resolved)) {
        refuse(session, REPLY_NO_ROUTE, NULL, recipient);
        return;
    }
    switch (transaction_add_recipient(session->transaction, &resolved, given)) {
    case OK:
        break;
    case ERROR_LIMIT:
        refuse(session, REPLY_TOO_MANY_RECIPIENTS, NULL, recipient);
        return;
    case ERROR_SYNTAX:
    case ERROR_NOT_FOUND:
    case ERROR_DENIED_CREDENTIALS:
    case ERROR_TEMPORARY:
    case ERROR_TIMEOUT:
    case ERROR_CANCELED:
    case ERROR_PROTOCOL:
    case ERROR_IO:
        refuse(session, REPLY_NO_RESOURCES, NULL, recipient);
        return;
    }
    session_enter(session, SESSION_RECIPIENTS);
    session_answer(session, REPLY_RECIPIENT_OK);
}

void verb_rcpt(struct smtp_session *session, const struct command_line *command)
{
    struct address recipient;
    struct bytes parameters;
    if (!command->has_keyword) {
        session_fault(session, REPLY_INVALID_ARGUMENTS);
        return;
    }
    enum address_flaw flaw =
        address_parse_path(command->arguments, session->transaction->is_utf8, &recipient, &parameters);
    if (flaw == ADDRESS_OK && address_is_null(&recipient)) {
        flaw = ADDRESS_INVALID;
    }
    if (flaw != ADDRESS_OK) {
        session_fault(session, reply_of_flaw(session, flaw));
        return;
    }
    struct recipient_parameters given;
    enum reply fault = recipient_parameters_parse(session->offered, parameters, &given);
    if (fault != REPLY_COUNT) {
        session_fault(session, fault);
        return;
    }
    if (session->transaction->recipient_count >= limits_recipients(session->organization, &session->rights)) {
        refuse(session, REPLY_TOO_MANY_RECIPIENTS, NULL, &recipient);
        return;
    }
    struct decision decision = recipient_check(session->organization, &session->rights, &recipient);
    if (!session_allows(session, &decision, RIGHT_SMTP_ACCEPT_ANY_RECIPIENT)) {
        refuse(session, reply_of_reason(decision.reason), &decision, &recipient);
        return;
    }
    add(session, &recipient, &given);
}

/* MAIL. Order of checks: facts 8.3; the sender's rights stand at its end (contract 5). */
#include "smtp_server/session_internal.h"

#include "mail/parameter.h"
#include "policy/sender.h"
#include "policy/submit.h"

#define AUTH_VALUE_MAX 500 /* octets of AUTH=; facts 8.3 */

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

struct mail_parameters {
    uint32_t offered; /* enum offer bits of the session */
    enum body_type body;
    uint64_t size_bytes; /* UINT64_MAX: more than fits a number */
    bool has_body;
    bool has_size;
    bool has_auth;
};

/* Each returns REPLY_COUNT when the parameter is fine. */
static enum reply take_size(const struct parameter *parameter, struct mail_parameters *out)
{
    if (out->has_size || !parameter->has_value) {
        return REPLY_INVALID_ARGUMENTS;
    }
    out->has_size = true;
    switch (bytes_to_u64(parameter->value, UINT64_MAX - 1, &out->size_bytes)) {
    case OK:
        return REPLY_COUNT;
    case ERROR_LIMIT:
        out->size_bytes = UINT64_MAX;
        return REPLY_COUNT;
    case ERROR_SYNTAX:
    case ERROR_NOT_FOUND:
    case ERROR_DENIED_CREDENTIALS:
    case ERROR_TEMPORARY:
    case ERROR_TIMEOUT:
    case ERROR_CANCELED:
    case ERROR_PROTOCOL:
    case ERROR_IO:
        break;
    }
    return REPLY_INVALID_ARGUMENTS;
}

static const struct {
    const char *value;
    uint32_t offer; /* any of these makes it known */
    enum body_type body;
} body_rows[] = {
    {"7BIT", OFFER_8BITMIME | OFFER_BINARYMIME, BODY_7BIT},
    {"8BITMIME", OFFER_8BITMIME, BODY_8BITMIME},
    {"BINARYMIME", OFFER_BINARYMIME, BODY_BINARYMIME},
};

static enum reply take_body(const struct parameter *parameter, struct mail_parameters *out)
{
    if (out->has_body || !parameter->has_value) {
        return REPLY_INVALID_ARGUMENTS;
    }
    out->has_body = true;
    for (size_t i = 0; i < sizeof body_rows / sizeof body_rows[0]; i++) {
        if ((out->offered & body_rows[i].offer) &&
            bytes_equal_text_nocase(parameter->value, body_rows[i].value)) {
            out->body = body_rows[i].body;
            return REPLY_COUNT;
        }
    }
    return REPLY_UNSUPPORTED_BODY;
}

/* RFC 4954 5: whoever offers AUTH takes it. Nothing is made of it without Accept-Authentication-Flag, and it
 * is not passed on (facts 6). */
static enum reply take_auth(const struct parameter *parameter, struct mail_parameters *out)
{
    bool is_fine = !out->has_auth && parameter->has_value && parameter->value.len <= AUTH_VALUE_MAX;
    out->has_auth = true;
    return is_fine ? REPLY_COUNT : REPLY_INVALID_ARGUMENTS;
}

static const struct {
    const char *keyword;
    uint32_t offer; /* without any of these the parameter is unknown */
    enum reply (*take)(const struct parameter *parameter, struct mail_parameters *out);
} parameter_rows[] = {
    {"SIZE", OFFER_SIZE, take_size},
    {"BODY", OFFER_8BITMIME | OFFER_BINARYMIME, take_body},
    {"AUTH", OFFER_AUTH, take_auth},
};

static enum reply take_parameter(const struct smtp_session *session, const struct parameter *parameter,
                                 struct mail_parameters *out)
{
    for (size_t i = 0; i < sizeof parameter_rows / sizeof parameter_rows[0]; i++) {
        if ((session->offered & parameter_rows[i].offer) &&
            bytes_equal_text_nocase(parameter->keyword, parameter_rows[i].keyword)) {
            return parameter_rows[i].take(parameter, out);
        }
    }
    return REPLY_UNRECOGNIZED_PARAMETER;
}

static enum reply parse_parameters(const struct smtp_session *session, struct bytes rest,
                                   struct mail_parameters *out)
{
    struct parameter parameter;
    enum error error;
    while ((error = parameter_next(&rest, &parameter)) == OK) {
        enum reply reply = take_parameter(session, &parameter, out);
        if (reply != REPLY_COUNT) {
            return reply;
        }
    }
    return error == ERROR_NOT_FOUND ? REPLY_COUNT : REPLY_INVALID_ARGUMENTS;
}

static void begin_transaction(struct smtp_session *session, const struct address *sender, enum body_type body)
{
    session->transaction = transaction_new(sender, body);
    if (session->transaction == NULL) {
        session_refuse(session, REPLY_NO_RESOURCES, NULL, address_text(sender), (struct bytes){0});
        return;
    }
    session_enter(session, SESSION_SENDER);
    session_answer(session, REPLY_SENDER_OK);
}

/* Behind the syntax: what the session and its rights have to say. */
static void check_sender(struct smtp_session *session, const struct address *sender, struct bytes parameters)
{
    struct mail_parameters given = {.offered = session->offered, .body = BODY_7BIT};
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
    struct decision decision = submit_check(&session->rights);
    if (!session_allows(session, &decision, RIGHT_SMTP_SUBMIT)) {
        session_refuse(session, reply_of_reason(decision.reason), &decision, text, (struct bytes){0});
        return;
    }
    enum reply fault = parse_parameters(session, parameters, &given);
    if (fault != REPLY_COUNT) {
        session_fault(session, fault);
        return;
    }
    if (given.size_bytes > session_max_message_bytes(session)) {
        session_refuse(session, REPLY_SIZE_EXCEEDED, NULL, text, (struct bytes){0});
        return;
    }
    decision = sender_check(session->organization, &session->rights, sender);
    if (!session_allows(session, &decision, RIGHT_COUNT)) {
        session_refuse(session, reply_of_reason(decision.reason), &decision, text, (struct bytes){0});
        return;
    }
    begin_transaction(session, sender, given.body);
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
    enum address_flaw flaw = address_parse_path(command->arguments, false, &sender, &parameters);
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
    if (!session_takes_message(session)) {
        hang_up(session, REPLY_MESSAGE_RATE);
        return;
    }
    session->has_refused = false;
    session->consequences = 0;
    check_sender(session, &sender, parameters);
}

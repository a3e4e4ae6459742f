/* AUTH, and X-EXPS between Exchange servers. RFC 4954; facts 8.1, 8.2. */
#include "smtp_server/session_internal.h"

/* "PLAIN", or "PLAIN initial-response". */
static bool split(struct bytes arguments, enum sasl_mechanism *out_mechanism, struct bytes *out_initial)
{
    size_t end = bytes_find(arguments, ' ');
    *out_initial = bytes_trim(bytes_skip(arguments, end));
    return sasl_mechanism_by_name(bytes_first(arguments, end), out_mechanism);
}

static void authenticate(struct smtp_session *session, const struct command_line *command, bool is_exchange)
{
    uint32_t keyword = is_exchange ? OFFER_EXCHANGE : OFFER_AUTH;
    uint32_t inside_tls = offer_mechanisms(session->connector, session_channel(session) | CHANNEL_TLS);
    enum sasl_mechanism mechanism;
    struct bytes initial;
    if (!(inside_tls & keyword)) {
        verb_unimplemented(session, command);
    } else if (session_is_in(session, STATE_BIT(SESSION_CONNECTED))) {
        session_fault(session, REPLY_SEND_HELLO_FIRST);
    } else if (!session->is_esmtp) {
        session_fault(session, REPLY_SEND_EHLO_FIRST);
    } else if (session->account != NULL) {
        session_fault(session, REPLY_AUTH_TWICE);
    } else if (command->arguments.len == 0) {
        session_fault(session, REPLY_INVALID_ARGUMENTS);
    } else if (!split(command->arguments, &mechanism, &initial) ||
               !(inside_tls & session_mechanism_offer(mechanism, is_exchange))) {
        session_fault(session, REPLY_AUTH_UNKNOWN);
    } else if (!(session->offered & session_mechanism_offer(mechanism, is_exchange))) {
        session_fault(session, REPLY_AUTH_NEEDS_TLS);
    } else if (session_source_has_failed(session)) {
        session_refuse_source(session);
    } else {
        session_begin_login(session, mechanism, is_exchange, initial);
    }
}

void verb_auth(struct smtp_session *session, const struct command_line *command)
{
    authenticate(session, command, false);
}

void verb_x_exps(struct smtp_session *session, const struct command_line *command)
{
    authenticate(session, command, true);
}

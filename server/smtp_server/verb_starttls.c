/* STARTTLS. RFC 3207. */
#include "smtp_server/session_internal.h"

void verb_starttls(struct smtp_session *session, const struct command_line *command)
{
    struct tls_context *context;
    if (session->is_tls) {
        session_fault(session, REPLY_TLS_TWICE);
    } else if (!offer_has_starttls(session->connector, session_channel(session))) {
        verb_unimplemented(session, command);
    } else if (!session_is_in(session, STATE_BIT(SESSION_READY))) {
        session_fault(session, session_state_row((enum session_state)session->state)->out_of_place);
    } else if (command->arguments.len > 0) {
        session_fault(session, REPLY_INVALID_ARGUMENTS);
    } else if (!session_find_tls(session, &context)) {
        session_refuse(session, REPLY_TLS_UNAVAILABLE, NULL, (struct bytes){0}, (struct bytes){0});
    } else {
        session_answer(session, REPLY_READY_FOR_TLS);
        session_start_tls(session, context);
    }
}

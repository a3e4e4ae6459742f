/* STARTTLS (RFC 3207), and X-ANONYMOUSTLS between Exchange servers (facts 10.2). */
#include "smtp_server/session_internal.h"

/* What the two differ in. */
struct way {
    bool (*is_offered)(const struct receive_connector *connector, unsigned channel);
    bool (*find)(struct smtp_session *session, struct tls_context **out);
    bool by_direct_trust;
};

static void start_tls(struct smtp_session *session, const struct command_line *command, const struct way *way)
{
    struct tls_context *context;
    if (session->is_tls) {
        session_fault(session, REPLY_TLS_TWICE);
    } else if (!way->is_offered(session->connector, session_channel(session))) {
        verb_unimplemented(session, command);
    } else if (!session_is_in(session, STATE_BIT(SESSION_READY))) {
        session_fault(session, session_state_row((enum session_state)session->state)->out_of_place);
    } else if (command->arguments.len > 0) {
        session_fault(session, REPLY_INVALID_ARGUMENTS);
    } else if (!way->find(session, &context)) {
        session_refuse(session, REPLY_TLS_UNAVAILABLE, NULL, (struct bytes){0}, (struct bytes){0});
    } else {
        session_answer(session, REPLY_READY_FOR_TLS);
        session_start_tls(session, context, way->by_direct_trust);
    }
}

void verb_starttls(struct smtp_session *session, const struct command_line *command)
{
    static const struct way way = {offer_has_starttls, session_find_tls, false};
    start_tls(session, command, &way);
}

void verb_x_anonymoustls(struct smtp_session *session, const struct command_line *command)
{
    static const struct way way = {offer_has_x_anonymoustls, session_find_internal_tls, true};
    start_tls(session, command, &way);
}

/* BDAT (RFC 3030): the line says how many octets of content follow it at once, whatever its reply will be. So
 * they are counted off before anything else is read, also where the command is refused; a line that does not
 * say how many ends the session. */
#include "smtp_server/session_internal.h"

/* REPLY_COUNT: the chunk belongs to the message. */
static enum reply find_fault(const struct smtp_session *session)
{
    if (session_lacks_tls(session)) {
        return REPLY_NEED_TLS;
    }
    if (!(session->offered & OFFER_CHUNKING)) {
        return REPLY_NOT_IMPLEMENTED;
    }
    if (!session_is_in(session, STATE_BIT(SESSION_RECIPIENTS) | STATE_BIT(SESSION_CHUNKS))) {
        return session_state_row((enum session_state)session->state)->out_of_place;
    }
    return REPLY_COUNT;
}

/* What the size alone decides, before the octets come. */
static void begin_chunk(struct smtp_session *session)
{
    struct transaction *transaction = session->transaction;
    if (session->state == SESSION_RECIPIENTS) {
        session_enter(session, SESSION_CHUNKS);
        transaction->is_chunked = true;
        if (!transaction_begin_message(transaction, session->service->spool, session->service->loop)) {
            transaction_refuse(transaction, REPLY_NO_RESOURCES, NULL);
        }
    }
    if (session_exceeds_size(session, session->chunk.size)) {
        transaction_refuse(transaction, REPLY_SIZE_EXCEEDED, NULL);
    }
}

void verb_bdat(struct smtp_session *session, const struct command_line *command)
{
    struct chunk chunk = {.is_open = true};
    if (!command_parse_chunk(command->arguments, &chunk.size, &chunk.is_last)) {
        session_log_refused(session, "data.refused", REPLY_INVALID_ARGUMENTS, NULL, (struct bytes){0},
                            (struct bytes){0}, session->line);
        session_close(session, REPLY_INVALID_ARGUMENTS);
        return;
    }
    chunk.left = chunk.size;
    chunk.reply = find_fault(session);
    session->chunk = chunk;
    if (chunk.reply == REPLY_COUNT) {
        session->idle_commands -= chunk.size > 0; /* content moves */
        begin_chunk(session);
    }
}

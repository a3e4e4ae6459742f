/* DATA: from here on bytes are content (receive_content.c). */
#include "smtp_server/session_internal.h"

void verb_data(struct smtp_session *session, const struct command_line *command)
{
    struct transaction *transaction = session->transaction;
    if (command->arguments.len > 0) {
        session_fault(session, REPLY_INVALID_ARGUMENTS);
        return;
    }
    if (transaction->body == BODY_BINARYMIME) { /* RFC 3030 3: BDAT alone carries it */
        session_fault(session, REPLY_BAD_SEQUENCE);
        return;
    }
    if (!transaction_begin_message(transaction, session->service->spool, session->service->loop)) {
        session_refuse(session, REPLY_NO_RESOURCES, NULL, address_text(&transaction->sender),
                       (struct bytes){0});
        return;
    }
    session_answer(session, REPLY_START_INPUT);
    session_enter(session, SESSION_CONTENT);
}

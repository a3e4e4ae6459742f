/* DATA: from here on bytes are content (receive_content.c). */
#include "smtp_server/session_internal.h"

void verb_data(struct smtp_session *session, const struct command_line *command)
{
    struct smtp_service *service = session->service;
    struct transaction *transaction = session->transaction;
    if (command->arguments.len > 0) {
        session_fault(session, REPLY_INVALID_ARGUMENTS);
        return;
    }
    transaction->spool = service->spool;
    transaction->message = service->spool->ops->begin(service->spool, service->loop);
    if (transaction->message == NULL) {
        session_refuse(session, REPLY_NO_RESOURCES, NULL, address_text(&transaction->sender),
                       (struct bytes){0});
        return;
    }
    transaction->id = transaction->spool->ops->message_id(transaction->message);
    session_answer(session, REPLY_START_INPUT);
    session_enter(session, SESSION_CONTENT);
}

/* A message that is whole, from the commit to its reply. Happy path: session_commit, on_committed, 250.
 * Failures: the spool does not take it (452). */
#include "smtp_server/message_header.h"
#include "smtp_server/session_internal.h"

#include <inttypes.h>
#include <stdio.h>

static void make_envelope(const struct smtp_session *session, struct envelope *out)
{
    const struct transaction *transaction = session->transaction;
    *out = (struct envelope){
        .id = transaction->id,
        .sender = address_text(&transaction->sender),
        .recipients = transaction->recipients,
        .recipient_count = transaction->recipient_count,
        .arrived_ms = clock_wall_ms(session->service->clock),
        .body = transaction->body,
        .needs_utf8 = transaction->has_utf8_header,
        .dsn_return = transaction->dsn_return,
        .envelope_id = transaction->envelope_id,
        .auth = transaction->auth,
        .is_held = transaction->quarantine != NULL,
        .is_chunk_only = line_check_is_broken(&transaction->lines),
        .size_bytes = transaction->stored_bytes,
        .header_bytes = transaction->header_bytes,
        .message_id = transaction->message_id,
        .connector = bytes_of_text(session->connector->display),
        .client = bytes_of_text(session->client),
    };
}

void session_answer_refusal(struct smtp_session *session)
{
    const struct transaction *transaction = session->transaction;
    session_refuse(session, transaction->refusal, transaction->has_decision ? &transaction->decision : NULL,
                   address_text(&transaction->sender), (struct bytes){0});
}

static void answer_refusal(struct smtp_session *session)
{
    session_answer_refusal(session);
    session_end_transaction(session);
}

static void answer_accepted(struct smtp_session *session, const struct envelope *envelope)
{
    char text[MESSAGE_ID_SIZE + 128];
    bool with_enhanced = (session->connector->protocol_options & OPTION_ENHANCEDSTATUSCODES) != 0;
    int length =
        snprintf(text, sizeof text, "250 %s%.*s [InternalId=%" PRIu64 "] Queued mail for delivery\r\n",
                 with_enhanced ? "2.6.0 " : "", BYTES_ARG(envelope->message_id), envelope->id);
    session->accepted_messages++;
    session->idle_commands = 0;
    session_answer_text(session, (struct bytes){text, (size_t)length});
}

void session_answer_discarded(struct smtp_session *session)
{
    struct envelope envelope;
    make_envelope(session, &envelope);
    answer_accepted(session, &envelope);
}

static void on_committed(void *owner, enum error error)
{
    struct smtp_session *session = owner;
    struct transaction *transaction = session->transaction;
    struct envelope envelope;
    session_turn_begin(session);
    session->waits &= (uint8_t)~WAIT_COMMIT;
    make_envelope(session, &envelope);
    transaction->message = NULL; /* the spool's */
    if (error == OK) {
        session_log_accepted(session, &envelope,
                             clock_monotonic_ms(session->service->clock) - transaction->ended_ms);
        answer_accepted(session, &envelope);
        session_end_transaction(session);
    } else {
        transaction_refuse(transaction, REPLY_NO_RESOURCES, NULL);
        answer_refusal(session);
    }
    session_turn_end(session);
}

void session_commit(struct smtp_session *session)
{
    struct transaction *transaction = session->transaction;
    struct envelope envelope;
    make_envelope(session, &envelope);
    transaction->is_committing = true;
    session->waits |= WAIT_COMMIT;
    transaction->spool->ops->commit(transaction->message, &envelope, on_committed, session);
}

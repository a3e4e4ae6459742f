/* The octets of BDAT, counted off, and the reply to each chunk. Happy path: each piece into the content, 250
 * for the chunk, the message's own reply for the last. Failures: octets of a refused chunk are swallowed; a
 * message that was refused stays so until its last chunk or RSET, and every chunk is told. */
#include "smtp_server/session_internal.h"

#include <inttypes.h>
#include <stdio.h>

size_t session_take_chunk(struct smtp_session *session, struct bytes data)
{
    struct chunk *chunk = &session->chunk;
    struct bytes piece = bytes_first(data, chunk->left < data.len ? (size_t)chunk->left : data.len);
    chunk->left -= piece.len;
    if (chunk->reply == REPLY_COUNT) {
        line_check_feed(&session->transaction->lines, piece);
        session_take_run(session, piece);
    }
    return piece.len;
}

static void answer_swallowed(struct smtp_session *session, enum reply reply)
{
    if (reply == REPLY_NOT_IMPLEMENTED || reply == REPLY_EXCH50_OK) {
        session_answer(session, reply);
    } else if (reply == REPLY_NEED_TLS) {
        session_refuse(session, reply, NULL, (struct bytes){0}, (struct bytes){0});
    } else {
        session_fault(session, reply);
    }
}

static void answer_part(struct smtp_session *session)
{
    struct transaction *transaction = session->transaction;
    char text[REPLY_TEXT_SIZE];
    if (transaction->phase != CONTENT_REFUSED) {
        bool with_enhanced = (session->connector->protocol_options & OPTION_ENHANCEDSTATUSCODES) != 0;
        int length = snprintf(text, sizeof text, "250 %sCHUNK received OK, %" PRIu64 " octets\r\n",
                              with_enhanced ? "2.6.0 " : "", session->chunk.size);
        session_answer_text(session, (struct bytes){text, (size_t)length});
    } else if (transaction->is_refusal_told) {
        session_answer(session, transaction->refusal);
    } else {
        transaction->is_refusal_told = true;
        session_answer_refusal(session);
    }
}

void session_finish_chunk(struct smtp_session *session)
{
    bool is_over = true;
    if (session->chunk.reply != REPLY_COUNT) {
        answer_swallowed(session, session->chunk.reply);
    } else if (session->chunk.is_last) {
        is_over = session_end_content(session);
    } else {
        answer_part(session);
    }
    session->chunk.is_open = !is_over;
}

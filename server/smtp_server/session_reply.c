/* What is said to the client, and who hears of it besides. */
#include "smtp_server/session_internal.h"

#include "policy/report_only.h"

#include <stdio.h>
#include <string.h>

#define TRACE_TEXT_SIZE (COMMAND_LINE_MAX + 1)

static bool with_enhanced(const struct smtp_session *session)
{
    return session->connector == NULL || (session->connector->protocol_options & OPTION_ENHANCEDSTATUSCODES);
}

void session_write(struct smtp_session *session, struct bytes text)
{
    session_protocol_sent(session, text);
    if (!stream_write(session->stream, text)) {
        session->waits |= WAIT_OUTPUT;
    }
}

static void copy_text(struct bytes text, char out[TRACE_TEXT_SIZE])
{
    text = bytes_first(text, TRACE_TEXT_SIZE - 1);
    if (text.len > 0) {
        memcpy(out, text.ptr, text.len);
    }
    out[text.len] = '\0';
}

static void tell_trace(const struct smtp_session *session, struct bytes text, const char *why)
{
    const struct smtp_trace *trace = session->service->trace;
    if (trace == NULL || trace->on_reply == NULL) {
        return;
    }
    char sent[TRACE_TEXT_SIZE], reply[TRACE_TEXT_SIZE];
    bool is_end_of_data = session->line.len == 0 && session->transaction != NULL;
    struct bytes line = session->is_line_secret ? (struct bytes){0} : session->line;
    copy_text(is_end_of_data ? BYTES_LITERAL(".") : line, sent);
    copy_text(bytes_first(text, text.len - 2), reply);
    trace->on_reply(trace->owner, sent, reply, why);
}

/* Facts 8.6. What a pipelining client sent before it could know; it only sends the rest again. */
#define RECIPIENTS_AT_ONCE_MAX 1000

static bool is_overflow_at_once(const struct smtp_session *session, enum reply reply)
{
    return reply == REPLY_TOO_MANY_RECIPIENTS && (session->offered & OFFER_PIPELINING) &&
           session->transaction->refused_recipients++ < RECIPIENTS_AT_ONCE_MAX;
}

/* How long the reply waits: refusals to those who did not say who they are. */
static uint64_t tarpit_ms(const struct smtp_session *session, enum reply reply)
{
    bool is_slowed = reply_row(reply)->code >= 400 && session->rights.identity == IDENTITY_ANONYMOUS &&
                     !session->service->has_no_tarpit && !is_overflow_at_once(session, reply);
    return is_slowed ? (uint64_t)session->connector->tarpit_s * 1000 : 0;
}

/* The reply as out words it. */
static void answer_in_words(struct smtp_session *session, enum reply reply, struct bytes out, const char *why)
{
    tell_trace(session, out, why);
    uint64_t delay_ms = tarpit_ms(session, reply);
    if (delay_ms > 0 && buffer_append(&session->held, out) == OK) {
        session->waits |= WAIT_TARPIT;
        session_protocol_tarpit(session, delay_ms);
        loop_timer_start(&session->pause, delay_ms);
    } else {
        session_write(session, out);
    }
}

static void answer(struct smtp_session *session, enum reply reply, const char *why)
{
    char text[REPLY_TEXT_SIZE];
    struct bytes out = {text, reply_format(reply, with_enhanced(session), text)};
    answer_in_words(session, reply, out, why);
}

void session_answer(struct smtp_session *session, enum reply reply)
{
    answer(session, reply, NULL);
}

void session_answer_at_once(struct smtp_session *session, enum reply reply)
{
    char text[REPLY_TEXT_SIZE];
    struct bytes out = {text, reply_format(reply, with_enhanced(session), text)};
    tell_trace(session, out, reply_row(reply)->reason);
    session_write(session, out);
}

void session_answer_text(struct smtp_session *session, struct bytes text)
{
    tell_trace(session, text, NULL);
    session_write(session, text);
}

_Static_assert(FILTER_REPLY_SIZE + 16 <= REPLY_WORDS_SIZE, "a filter's words are not cut");

void session_answer_filter(struct smtp_session *session, enum reply reply, struct bytes said)
{
    const char *why = reply_row(reply)->reason;
    char text[REPLY_WORDS_SIZE];
    if (said.len == 0) {
        answer(session, reply, why);
        return;
    }
    struct bytes out = {text, reply_format_words(reply, said, with_enhanced(session), text)};
    answer_in_words(session, reply, out, why);
}

void session_close(struct smtp_session *session, enum reply reply)
{
    char text[REPLY_TEXT_SIZE];
    struct bytes out = {text, reply_format(reply, with_enhanced(session), text)};
    tell_trace(session, out, reply_row(reply)->reason);
    session_enter(session, SESSION_CLOSING);
    loop_timer_stop(&session->pause);
    loop_timer_stop(&session->lifetime);
    session->ending = (uint8_t)reply;
    if (session->held.len > 0) {
        session_write(session, buffer_bytes(&session->held));
    }
    session_protocol_sent(session, out);
    if (stream_write(session->stream, out)) {
        stream_close(session->stream);
    } else {
        stream_abort(session->stream); /* the peer has not read for long: it would not read this either */
    }
}

void session_close_early_talker(struct smtp_session *session, const char *event)
{
    stream_wipe_input(session->stream); /* it may be the password that was sent ahead */
    session_log_refused(session, event, REPLY_PIPELINING_VIOLATION, NULL, (struct bytes){0},
                        (struct bytes){0}, session->line);
    session_close(session, REPLY_PIPELINING_VIOLATION);
}

void session_close_silently(struct smtp_session *session, enum reply reply)
{
    session_enter(session, SESSION_CLOSING);
    loop_timer_stop(&session->pause);
    loop_timer_stop(&session->lifetime);
    session->ending = (uint8_t)reply;
    if (session->held.len > 0) {
        session_write(session, buffer_bytes(&session->held));
    }
    stream_close(session->stream);
}

/* What a client may have pipelined behind a refused command before it reads the refusal. */
#define CONSEQUENCES_MAX 1000

void session_fault(struct smtp_session *session, enum reply reply)
{
    bool is_consequence = session->has_refused && (reply == REPLY_NEED_MAIL || reply == REPLY_NEED_RCPT) &&
                          session->consequences++ < CONSEQUENCES_MAX;
    int64_t most = session->connector->max_protocol_errors;
    session_log_refused(session, session_refused_event(session), reply, NULL, (struct bytes){0},
                        (struct bytes){0}, session->line);
    if (!is_consequence && session->protocol_errors < UINT32_MAX) {
        session->protocol_errors++;
    }
    if (most >= 0 && session->protocol_errors > most) {
        session_close(session, REPLY_TOO_MANY_ERRORS);
    } else {
        answer(session, reply, reply_row(reply)->reason);
    }
}

void session_refuse(struct smtp_session *session, enum reply reply, const struct decision *decision,
                    struct bytes sender, struct bytes recipient)
{
    const char *why = decision != NULL ? reason_id(decision->reason) : reply_row(reply)->reason;
    session_log_refused(session, session_refused_event(session), reply, decision, sender, recipient,
                        (struct bytes){0});
    session->has_refused = true;
    answer(session, reply, why);
}

bool session_allows(struct smtp_session *session, const struct decision *decision, enum right asked)
{
    const struct smtp_trace *trace = session->service->trace;
    bool is_allowed = decision->verdict == VERDICT_ALLOW;
    enum right right = decision->has_right ? decision->right : asked;
    session_count_access_check();
    if (trace != NULL && trace->on_right != NULL && right != RIGHT_COUNT) {
        bool is_granted = session_rights_has(&session->rights, right);
        if (is_granted == is_allowed) { /* else the right did not decide */
            trace->on_right(trace->owner, right, is_granted, session_rights_why(&session->rights, right));
        }
    }
    if (!is_allowed && decision->has_right &&
        (report_only_rights(&session->rights) & RIGHT_BIT(decision->right))) {
        session_log_reported(session, decision->right, reply_of_reason(decision->reason));
        return true;
    }
    return is_allowed;
}

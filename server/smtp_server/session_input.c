/* Bytes → command lines and content. */
#include "smtp_server/session_internal.h"

#include <string.h>

/* Drops what belongs to a bad line that was answered already; bounded memory whatever its length. */
static size_t discard(struct smtp_session *session, struct bytes data)
{
    stream_wipe_input(session->stream);
    for (size_t i = 0; i < data.len; i++) {
        bool is_end = data.ptr[i] == '\n' && session->discard_saw_cr;
        session->discard_saw_cr = data.ptr[i] == '\r';
        if (is_end) {
            session->is_discarding = false;
            session->has_progressed = true;
            return i + 1;
        }
    }
    return data.len;
}

/* The line is answered now and dropped up to its CRLF, so that nothing inside it can be taken for a command.
 * What follows a bad BDAT is content of a length that nobody knows: the session ends. */
static void begin_discard(struct smtp_session *session, struct bytes part, enum reply reply, char last)
{
    stream_wipe_input(session->stream);
    bool has_content = buffer_append(&session->partial, part) != OK ||
                       bytes_starts_nocase(buffer_bytes(&session->partial), verb_name(VERB_BDAT));
    buffer_done(&session->partial);
    session->is_discarding = true;
    session->discard_saw_cr = last == '\r';
    if (has_content) {
        session_log_refused(session, "data.refused", reply, NULL, (struct bytes){0}, (struct bytes){0},
                            (struct bytes){0});
        session_close(session, reply);
    } else {
        session_fault(session, reply);
    }
}

static char last_byte_before(const struct smtp_session *session, struct bytes data, size_t at)
{
    if (at > 0) {
        return data.ptr[at - 1];
    }
    return session->partial.len > 0 ? session->partial.ptr[session->partial.len - 1] : '\0';
}

/* A ticket with many groups may come with the AUTH line itself; every other line is short. */
static size_t line_ceiling(const struct smtp_session *session, struct bytes data)
{
    char head[6];
    size_t kept = session->partial.len < sizeof head ? session->partial.len : sizeof head;
    size_t fresh = data.len < sizeof head - kept ? data.len : sizeof head - kept;
    if (!(session->offered & (OFFER_AUTH | OFFER_EXCHANGE)) ||
        !session_is_in(session, STATE_BIT(SESSION_READY))) {
        return COMMAND_LINE_MAX;
    }
    if (kept > 0) {
        memcpy(head, session->partial.ptr, kept);
    }
    memcpy(head + kept, data.ptr, fresh);
    struct bytes start = {head, kept + fresh};
    bool is_auth = bytes_starts_nocase(start, "AUTH ") || bytes_starts_nocase(start, "X-EXPS");
    return is_auth ? AUTH_LINE_MAX : COMMAND_LINE_MAX;
}

/* Executes the line that ends with the CRLF whose LF stands at data[lf]. */
static void execute_line(struct smtp_session *session, struct bytes data, size_t lf)
{
    struct buffer partial = buffer_take(&session->partial);
    struct bytes line = bytes_first(data, lf + 1);
    if (partial.len > 0) {
        if (buffer_append(&partial, line) != OK) {
            stream_abort(session->stream);
        }
        line = buffer_bytes(&partial);
    }
    session->has_progressed = true;
    session_execute(session, bytes_first(line, line.len - 2), lf + 1 < data.len);
    buffer_done(&partial);
}

static size_t take_line(struct smtp_session *session, struct bytes data)
{
    if (session->partial.len == 0 && command_is_foreign(data)) {
        session_execute(session, data, false);
        return data.len;
    }
    size_t room = line_ceiling(session, data) - session->partial.len;
    struct bytes window = bytes_first(data, room);
    size_t lf = bytes_find(window, '\n');
    if (lf < window.len) {
        if (last_byte_before(session, data, lf) != '\r') {
            begin_discard(session, bytes_first(window, lf), REPLY_BARE_LF_IN_COMMAND, '\n');
        } else {
            execute_line(session, data, lf);
        }
        return lf + 1;
    }
    if (window.len == room) {
        begin_discard(session, window, REPLY_TOO_LONG, last_byte_before(session, data, window.len));
    } else {
        stream_wipe_input(session->stream); /* it may become a login's line */
        if (buffer_append(&session->partial, window) != OK) {
            stream_abort(session->stream);
        }
    }
    return window.len;
}

/* Bytes that came before they were asked for: in front of the banner, or before the last reply has left. */
static bool is_out_of_turn(struct smtp_session *session)
{
    bool had_to_wait = session->must_answer_first && stream_pending(session->stream) > 0;
    session->must_answer_first = false;
    return had_to_wait || session->state == SESSION_GREETING;
}

size_t session_consume(struct smtp_session *session, struct bytes data)
{
    size_t used = 0;
    if (data.len > 0 && is_out_of_turn(session)) {
        session_close_early_talker(session, "session.refused");
    }
    while (session->state != SESSION_CLOSING && session->waits == 0) {
        if (session_has_whole_content(session)) {
            session_finish_content(session);
            continue;
        }
        struct bytes rest = bytes_skip(data, used);
        if (rest.len == 0) {
            break;
        }
        if (session_awaits_content(session)) {
            used += session_take_content(session, rest);
        } else if (session->is_discarding) {
            used += discard(session, rest);
        } else if (session_state_row((enum session_state)session->state)->input == INPUT_RESPONSE) {
            used += session_take_response(session, rest);
        } else {
            used += take_line(session, rest);
        }
    }
    return used;
}

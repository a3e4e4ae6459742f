/* The verb table, and the one way through it. */
#include "smtp_server/session_internal.h"

/* The session's bound on commands that move nothing (matrix R2): generous, since monitoring lives on them.
 * RSET is not counted: clients send it between transactions. */
#define IDLE_COMMANDS_MAX 1000

enum verb_flag {
    VERB_IS_LAST = 1,     /* the client has to wait for its reply before it sends more */
    VERB_IS_IDLE = 2,     /* counted against IDLE_COMMANDS_MAX */
    VERB_BEFORE_TLS = 4,  /* works outside TLS where RequireTLS is set (contract 7) */
    VERB_HAS_CONTENT = 8, /* content follows it even when it is refused: it makes all its checks itself */
};

struct verb_row {
    unsigned states; /* STATE_BITs where it is legal */
    unsigned flags;
    const char *refused; /* the event of a refusal */
    void (*run)(struct smtp_session *session, const struct command_line *command);
};

#define OUTSIDE  (STATE_BIT(SESSION_CONNECTED) | STATE_BIT(SESSION_READY))
#define INSIDE   (STATE_BIT(SESSION_SENDER) | STATE_BIT(SESSION_RECIPIENTS))
#define ANYWHERE (OUTSIDE | INSIDE | STATE_BIT(SESSION_CHUNKS))

static const struct verb_row verb_rows[VERB_COUNT] = {
    [VERB_EHLO] = {ANYWHERE, VERB_IS_LAST | VERB_BEFORE_TLS, "command.refused", verb_ehlo},
    [VERB_HELO] = {ANYWHERE, VERB_IS_LAST | VERB_BEFORE_TLS, "command.refused", verb_helo},
    /* Nested MAIL is found by the verb: facts 8.3 look at the address first. */
    [VERB_MAIL] = {STATE_BIT(SESSION_READY) | INSIDE, 0, "mail.refused", verb_mail},
    [VERB_RCPT] = {INSIDE, 0, "rcpt.refused", verb_rcpt},
    [VERB_DATA] = {STATE_BIT(SESSION_RECIPIENTS), VERB_IS_LAST, "data.refused", verb_data},
    [VERB_RSET] = {ANYWHERE, VERB_BEFORE_TLS, "command.refused", verb_rset},
    [VERB_NOOP] = {ANYWHERE, VERB_IS_IDLE | VERB_BEFORE_TLS, "command.refused", verb_noop},
    [VERB_VRFY] = {ANYWHERE, VERB_IS_IDLE, "command.refused", verb_vrfy},
    [VERB_EXPN] = {ANYWHERE, VERB_IS_IDLE, "command.refused", verb_unimplemented},
    [VERB_HELP] = {ANYWHERE, VERB_IS_IDLE | VERB_BEFORE_TLS, "command.refused", verb_help},
    [VERB_QUIT] = {ANYWHERE, VERB_IS_LAST | VERB_BEFORE_TLS, "command.refused", verb_quit},
    [VERB_STARTTLS] = {ANYWHERE, VERB_IS_LAST | VERB_IS_IDLE | VERB_BEFORE_TLS, "command.refused",
                       verb_starttls},
    [VERB_X_ANONYMOUSTLS] = {ANYWHERE, VERB_IS_LAST | VERB_IS_IDLE | VERB_BEFORE_TLS, "command.refused",
                             verb_x_anonymoustls},
    [VERB_AUTH] = {OUTSIDE, VERB_IS_LAST | VERB_IS_IDLE, "auth.fail", verb_auth},
    [VERB_X_EXPS] = {OUTSIDE, VERB_IS_LAST | VERB_IS_IDLE, "auth.fail", verb_x_exps},
    [VERB_BDAT] = {ANYWHERE, VERB_IS_IDLE | VERB_HAS_CONTENT, "data.refused", verb_bdat},
    [VERB_XEXCH50] = {STATE_BIT(SESSION_READY) | INSIDE, VERB_IS_LAST | VERB_IS_IDLE, "command.refused",
                      verb_xexch50},
    [VERB_UNKNOWN] = {ANYWHERE, VERB_IS_IDLE | VERB_BEFORE_TLS, "command.refused", verb_unknown},
    [VERB_FOREIGN] = {ANYWHERE, 0, "command.refused", verb_foreign},
};

static const struct verb_row *row_of_line(struct bytes line, struct command_line *out)
{
    command_parse(line, out);
    return &verb_rows[out->verb];
}

const char *session_refused_event(const struct smtp_session *session)
{
    struct command_line command;
    if (session->state == SESSION_CONTENT || session->state == SESSION_COMMITTING || session->chunk.is_open) {
        return verb_rows[VERB_DATA].refused;
    }
    if (session->state == SESSION_LOGIN) {
        return verb_rows[VERB_AUTH].refused;
    }
    return row_of_line(session->line, &command)->refused;
}

bool session_lacks_tls(const struct smtp_session *session)
{
    return (session->connector->protocol_restrictions & RESTRICTION_REQUIRE_TLS) && !session->is_tls;
}

static void run_verb(struct smtp_session *session, const struct verb_row *row,
                     const struct command_line *command, bool has_more)
{
    if (command->verb == VERB_FOREIGN) {
        row->run(session, command);
    } else if ((row->flags & VERB_IS_LAST) && has_more) {
        session_close_early_talker(session, row->refused);
    } else if ((row->flags & VERB_IS_IDLE) && ++session->idle_commands > IDLE_COMMANDS_MAX) {
        session_close(session, REPLY_TOO_MANY_ERRORS);
    } else if (row->flags & VERB_HAS_CONTENT) {
        row->run(session, command);
    } else if (command_has_control(session->line)) {
        session_fault(session, command->verb == VERB_UNKNOWN ? REPLY_UNRECOGNIZED : REPLY_INVALID_ARGUMENTS);
    } else if (session_lacks_tls(session) && !(row->flags & VERB_BEFORE_TLS)) {
        session_refuse(session, REPLY_NEED_TLS, NULL, (struct bytes){0}, (struct bytes){0});
    } else if (!session_is_in(session, row->states)) {
        session_fault(session, session_state_row((enum session_state)session->state)->out_of_place);
    } else {
        session->must_answer_first = (row->flags & VERB_IS_LAST) != 0;
        row->run(session, command);
    }
}

void session_execute(struct smtp_session *session, struct bytes line, bool has_more)
{
    struct command_line command;
    const struct verb_row *row = row_of_line(line, &command);
    session->line = line;
    /* A client may send its password though nobody asked for it. */
    session->is_line_secret = bytes_starts_nocase(line, verb_name(VERB_AUTH)) ||
                              bytes_starts_nocase(line, verb_name(VERB_X_EXPS)) ||
                              (session->is_line_secret && command.verb == VERB_UNKNOWN);
    session_protocol_received(session, &command);
    if (session->is_line_secret) {
        stream_wipe_input(session->stream);
    }
    run_verb(session, row, &command, has_more);
    session->line = (struct bytes){0};
}

/* The verbs that move little: RSET, NOOP, VRFY, HELP, QUIT, and those that are refused whole. */
#include "smtp_server/session_internal.h"

#include <stdio.h>

/* Facts 8.1, without what is not offered. */
#define HELP_TEXT                                                                                            \
    "214-This server supports the following commands:\r\n"                                                   \
    "214 HELO EHLO%s RCPT DATA RSET MAIL QUIT HELP%s%s\r\n"

void verb_rset(struct smtp_session *session, const struct command_line *command)
{
    if (command->arguments.len > 0) {
        session_fault(session, REPLY_INVALID_ARGUMENTS);
        return;
    }
    session_answer(session, REPLY_RESETTING);
    session_end_transaction(session);
}

void verb_noop(struct smtp_session *session, const struct command_line *command)
{
    (void)command; /* RFC 5321 4.1.1.9: a parameter is ignored */
    session_answer(session, REPLY_NOOP_OK);
}

void verb_vrfy(struct smtp_session *session, const struct command_line *command)
{
    (void)command;
    session_answer(session, REPLY_CANNOT_VRFY);
}

void verb_help(struct smtp_session *session, const struct command_line *command)
{
    char text[sizeof HELP_TEXT + sizeof " STARTTLS AUTH BDAT"];
    (void)command;
    bool has_starttls = offer_has_starttls(session->connector, session_channel(session));
    bool has_auth = (offer_mechanisms(session->connector, session_channel(session)) & OFFER_AUTH) != 0;
    bool has_bdat = (session->connector->protocol_options & OPTION_CHUNKING) != 0;
    int length = snprintf(text, sizeof text, HELP_TEXT, has_starttls ? " STARTTLS" : "",
                          has_auth ? " AUTH" : "", has_bdat ? " BDAT" : "");
    session_answer_text(session, (struct bytes){text, (size_t)length});
}

void verb_quit(struct smtp_session *session, const struct command_line *command)
{
    if (command->arguments.len > 0) {
        session_fault(session, REPLY_INVALID_ARGUMENTS);
        return;
    }
    session_close(session, REPLY_CLOSING);
}

void verb_unimplemented(struct smtp_session *session, const struct command_line *command)
{
    (void)command;
    session_answer(session, REPLY_NOT_IMPLEMENTED);
}

void verb_unknown(struct smtp_session *session, const struct command_line *command)
{
    (void)command;
    session_fault(session, REPLY_UNRECOGNIZED);
}

/* Another protocol speaks to us: nothing is said that it could take for an answer of its own (matrix F13). */
void verb_foreign(struct smtp_session *session, const struct command_line *command)
{
    (void)command;
    session_log_refused(session, "session.refused", REPLY_SILENCE, NULL, (struct bytes){0}, (struct bytes){0},
                        session->line);
    session_close_silently(session, REPLY_SILENCE);
}

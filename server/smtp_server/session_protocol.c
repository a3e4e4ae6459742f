/* The session's rows of the protocol log (ProtocolLoggingLevel Verbose). Facts 10.6. */
#include "base/protocol_log.h"
#include "smtp_server/session_internal.h"

#include <stdio.h>

#define RIGHTS_TEXT_SIZE 1024

static bool is_verbose(const struct smtp_session *session)
{
    return session->connector != NULL && session->connector->protocol_logging != 0;
}

static struct protocol_log log_of(struct smtp_session *session)
{
    return (struct protocol_log){.session = session->id,
                                 .connector = session->connector->display,
                                 .peer_key = "client",
                                 .peer = session->client,
                                 .sequence = &session->protocol_sequence};
}

static void row(struct smtp_session *session, char direction, struct bytes data, const char *context)
{
    if (is_verbose(session)) {
        struct protocol_log log = log_of(session);
        protocol_log_row(&log, direction, data, context);
    }
}

void session_protocol_connect(struct smtp_session *session)
{
    char local[IP_ENDPOINT_TEXT_SIZE];
    row(session, PROTOCOL_CONNECT, bytes_of_text(ip_format_endpoint(stream_local(session->stream), local)),
        NULL);
}

void session_protocol_disconnect(struct smtp_session *session, enum error why)
{
    row(session, PROTOCOL_DISCONNECT, (struct bytes){0}, why == ERROR_CANCELED ? "Local" : "Remote");
}

void session_protocol_rights(struct smtp_session *session)
{
    char text[RIGHTS_TEXT_SIZE];
    size_t length = 0;
    if (!is_verbose(session)) {
        return;
    }
    text[0] = '\0';
    for (int right = 0; right < RIGHT_COUNT && length < sizeof text; right++) {
        if (session_rights_has(&session->rights, (enum right)right)) {
            length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", length > 0 ? " " : "",
                                       right_row((enum right)right)->log_name);
        }
    }
    row(session, PROTOCOL_NOTE, bytes_of_text(length > 0 ? text : "None"), "Set Session Permissions");
}

void session_protocol_tls(struct smtp_session *session)
{
    char text[160];
    int length = snprintf(text, sizeof text, "%s %s", session->tls_version, session->tls_cipher);
    row(session, PROTOCOL_NOTE, (struct bytes){text, (size_t)length}, "TLS negotiation succeeded");
}

void session_protocol_tarpit(struct smtp_session *session, uint64_t delay_ms)
{
    char text[64];
    unsigned long long seconds = delay_ms / 1000;
    int length = snprintf(text, sizeof text, "Tarpit for '0.%02llu:%02llu:%02llu'", seconds / 3600,
                          seconds / 60 % 60, seconds % 60);
    row(session, PROTOCOL_NOTE, (struct bytes){text, (size_t)length}, NULL);
}

void session_protocol_sent(struct smtp_session *session, struct bytes text)
{
    if (is_verbose(session)) {
        struct protocol_log log = log_of(session);
        protocol_log_lines(&log, PROTOCOL_SENT, text);
    }
}

/* Of a login no more than its verb: a client may have put its password anywhere behind it. */
void session_protocol_received(struct smtp_session *session, const struct command_line *command)
{
    char text[64];
    struct bytes shown = session->line;
    if (!is_verbose(session) || session->is_renewed ||
        session->send_as != 0) { /* the latter: it is executed again */
        return;
    }
    if (session->is_line_secret || command->verb == VERB_FOREIGN) {
        bool has_verb = command->verb == VERB_AUTH || command->verb == VERB_X_EXPS;
        int length = snprintf(text, sizeof text, "%s%s(not shown)", has_verb ? verb_name(command->verb) : "",
                              has_verb ? " " : "");
        shown = (struct bytes){text, (size_t)length};
    }
    row(session, PROTOCOL_RECEIVED, shown, NULL);
}

void session_protocol_response(struct smtp_session *session)
{
    row(session, PROTOCOL_RECEIVED, BYTES_LITERAL("(not shown)"), NULL);
}

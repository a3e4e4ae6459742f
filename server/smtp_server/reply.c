#include "smtp_server/reply.h"

#include <assert.h>
#include <stdio.h>

static const struct reply_row reply_rows[REPLY_COUNT] = {
    [REPLY_SENDER_OK] = {250, "2.1.0", "Sender OK", NULL},
    [REPLY_RECIPIENT_OK] = {250, "2.1.5", "Recipient OK", NULL},
    [REPLY_START_INPUT] = {354, NULL, "Start mail input; end with <CRLF>.<CRLF>", NULL},
    [REPLY_RESETTING] = {250, "2.0.0", "Resetting", NULL},
    [REPLY_NOOP_OK] = {250, "2.0.0", "OK", NULL},
    [REPLY_CLOSING] = {221, "2.0.0", "Service closing transmission channel", NULL},
    [REPLY_CANNOT_VRFY] = {252, "2.1.5", "Cannot VRFY user", NULL},
    [REPLY_NOT_IMPLEMENTED] = {502, "5.3.3", "Command not implemented", NULL},
    [REPLY_EXCH50_START] = {354, NULL, "Send binary data", NULL},
    [REPLY_EXCH50_OK] = {250, "2.0.0", "XEXCH50 OK", NULL},
    [REPLY_EXCH50_OFF] = {500, "5.5.1", "Not enabled", "exch50-off"},
    [REPLY_EXCH50_FORMAT] = {501, "5.5.4", "XEXCH50 Invalid command format", "exch50-format"},
    [REPLY_EXCH50_NOT_AUTHORIZED] = {504, "5.7.1", "Not authorized", NULL},
    [REPLY_UNRECOGNIZED] = {500, "5.3.3", "Unrecognized command", "unrecognized-command"},
    [REPLY_TOO_LONG] = {500, "5.5.2", "Command too long", "command-too-long"},
    [REPLY_BARE_LF_IN_COMMAND] = {500, "5.5.2", "Command lines end with <CRLF>", "bare-linefeed-in-command"},
    [REPLY_INVALID_ARGUMENTS] = {501, "5.5.4", "Invalid arguments", "invalid-arguments"},
    [REPLY_UNRECOGNIZED_PARAMETER] = {501, "5.5.4", "Unrecognized parameter", "unrecognized-parameter"},
    [REPLY_UNSUPPORTED_BODY] = {501, "5.5.4", "Unsupported BODY type", "unsupported-body"},
    [REPLY_INVALID_DOMAIN] = {501, "5.5.4", "Invalid domain name", "invalid-domain"},
    [REPLY_EHLO_REQUIRES_DOMAIN] = {501, "5.0.0", "EHLO requires domain address", "requires-domain"},
    [REPLY_HELO_REQUIRES_DOMAIN] = {501, "5.0.0", "HELO requires domain address", "requires-domain"},
    [REPLY_INVALID_SENDER] = {501, "5.1.7", "Invalid address", "invalid-sender"},
    [REPLY_INVALID_RECIPIENT] = {501, "5.1.3", "Invalid address", "invalid-recipient"},
    [REPLY_LONG_SENDER] = {501, "5.1.7", "Long addresses not supported", "long-sender"},
    [REPLY_LONG_RECIPIENT] = {501, "5.1.3", "Long addresses not supported", "long-recipient"},
    [REPLY_NEED_SMTPUTF8] = {501, "5.1.6", "SMTPUTF8 argument required.", "utf8-undeclared"},
    [REPLY_UTF8_SENDER] = {501, "5.1.8", "UTF-8 addresses not supported", "utf8-sender"},
    [REPLY_UTF8_RECIPIENT] = {501, "5.1.9", "UTF-8 addresses not supported", "utf8-recipient"},
    [REPLY_SEND_HELLO_FIRST] = {503, "5.5.2", "Send hello first", "sequence"},
    [REPLY_NEED_MAIL] = {503, "5.5.2", "Need mail command", "sequence"},
    [REPLY_NEED_RCPT] = {503, "5.5.2", "Need rcpt command", "sequence"},
    [REPLY_SENDER_ALREADY_SPECIFIED] = {503, "5.5.2", "Sender already specified", "sequence"},
    [REPLY_BAD_SEQUENCE] = {503, "5.5.1", "Bad sequence of commands", "sequence"},
    [REPLY_SUBMIT_ANONYMOUS] = {530, "5.7.1", "Client was not authenticated", NULL},
    [REPLY_SUBMIT_AUTHENTICATED] = {550, "5.7.1", "Client does not have permission to submit to this server",
                                    NULL},
    [REPLY_SEND_AS] = {550, "5.7.1", "Client does not have permission to send as this sender", NULL},
    [REPLY_SEND_ON_BEHALF] = {550, "5.7.1",
                              "Client does not have permission to send on behalf of the from address", NULL},
    [REPLY_RELAY] = {550, "5.7.1", "Unable to relay", NULL},
    [REPLY_NO_ROUTE] = {451, "4.4.4", "No send connector for this recipient's domain", "no-route"},
    [REPLY_SECURE_DOMAIN_CLOSED] = {451, "4.7.3", "The admin has temporarily disallowed this secure domain",
                                    NULL},
    [REPLY_PARTNER_UNPROVEN] = {454, "4.7.0", "Temporary authentication failure", NULL},
    [REPLY_PARTNER_CERTIFICATE] = {454, "4.7.5", "Certificate validation failure", NULL},
    [REPLY_SIZE_EXCEEDED] = {552, "5.3.4", "Message size exceeds fixed maximum message size", "message-size"},
    [REPLY_HEADER_TOO_LARGE] = {552, "5.3.4", "Header size exceeds fixed maximum size", "header-size"},
    [REPLY_TOO_MANY_RECIPIENTS] = {452, "4.5.3", "Too many recipients", "recipient-limit"},
    [REPLY_HOP_COUNT] = {554, "5.4.6", "Hop count exceeded - possible mail loop", "hop-count"},
    [REPLY_INVALID_CONTENT] = {554, "5.6.0", "Invalid message content", "invalid-content"},
    [REPLY_BARE_LINEFEED] = {554, "5.6.0", "Invalid message content, contains bare linefeeds",
                             "bare-linefeed"},
    [REPLY_PARTIAL] = {554, "5.6.1", "Messages of type message/partial are not supported", "message-partial"},
    [REPLY_NO_RESOURCES] = {452, "4.3.1", "Insufficient system resources", "no-resources"},
    [REPLY_BACK_PRESSURE] = {452, "4.3.1", "Insufficient system resources", "back-pressure"},
    [REPLY_PIPELINING_VIOLATION] = {554, "5.5.0", "Input was sent before its turn", "input-before-turn"},
    [REPLY_SERVICE_UNAVAILABLE] = {421, "4.3.2", "Service not available", "not-available"},
    [REPLY_CONNECTION_LIMIT] = {421, "4.3.2",
                                "The maximum number of concurrent server connections has exceeded a limit, "
                                "closing transmission channel",
                                "connection-limit"},
    [REPLY_SOURCE_LIMIT] = {421, "4.3.2",
                            "The maximum number of concurrent connections has exceeded a limit, closing "
                            "transmission channel",
                            "source-limit"},
    [REPLY_MESSAGE_RATE] = {421, "4.4.2",
                            "Message submission rate for this client has exceeded the configured limit",
                            "message-rate"},
    [REPLY_TOO_MANY_ERRORS] = {421, "4.7.0",
                               "Too many errors on this connection, closing transmission channel",
                               "too-many-errors"},
    [REPLY_IDLE_TIMEOUT] = {451, "4.7.0", "Timeout waiting for client input", "idle-timeout"},
    [REPLY_CONNECTION_TIMEOUT] = {421, "4.4.1", "Connection timed out", "connection-timeout"},
    [REPLY_READY_FOR_TLS] = {220, "2.0.0", "SMTP server ready", NULL},
    [REPLY_TLS_TWICE] = {503, "5.5.2", "Only one STARTTLS command can be issued per session", "sequence"},
    [REPLY_TLS_UNAVAILABLE] = {554, "5.7.3", "Unable to initialize security subsystem", "tls-unavailable"},
    [REPLY_NEED_TLS] = {530, "5.7.0", "Must issue a STARTTLS command first", "tls-required"},
    [REPLY_AUTHENTICATED] = {235, "2.7.0", "Authentication successful", NULL},
    [REPLY_AUTH_FAILED] = {535, "5.7.3", "Authentication unsuccessful", "auth-failed"},
    [REPLY_AUTH_UNAVAILABLE] = {454, "4.7.0", "Temporary authentication failure", "auth-unavailable"},
    [REPLY_AUTH_UNKNOWN] = {504, "5.7.4", "Unrecognized authentication type", "auth-unknown-mechanism"},
    [REPLY_AUTH_NEEDS_TLS] = {538, "5.7.11", "Encryption required for requested authentication mechanism",
                              "tls-required"},
    [REPLY_AUTH_TWICE] = {503, "5.5.2", "Auth command already specified", "sequence"},
    [REPLY_AUTH_CANCELLED] = {501, "5.5.4", "Authentication cancelled", "auth-cancelled"},
    [REPLY_AUTH_MALFORMED] = {501, "5.5.2", "Cannot decode the response", "auth-malformed"},
    [REPLY_AUTH_TOO_LONG] = {500, "5.5.6", "Authentication exchange line is too long", "auth-too-long"},
    [REPLY_SOURCE_FAILURES] = {421, "4.7.0",
                               "Too many errors on this connection, closing transmission channel",
                               "failed-logins-of-source"},
    [REPLY_SEND_EHLO_FIRST] = {503, "5.5.2", "Send EHLO first", "sequence"},
    [REPLY_FILTER_REJECTED] = {550, "5.7.1", "Message refused by a content filter", "filter-rejected"},
    [REPLY_FILTER_DEFERRED] = {451, "4.7.1", "Message deferred by a content filter", "filter-deferred"},
    [REPLY_TLS_FAILED] = {0, NULL, "", "tls-handshake"},
    [REPLY_SILENCE] = {0, NULL, "", "foreign-protocol"},
    [REPLY_SHUTTING_DOWN] = {421, "4.3.2", "Service not active", "shutting-down"},
};

const struct reply_row *reply_row(enum reply reply)
{
    assert(reply < REPLY_COUNT);
    return &reply_rows[reply];
}

enum reply reply_of_reason(enum reason reason)
{
    switch (reason) {
    case REASON_SUBMIT_ANONYMOUS:
        return REPLY_SUBMIT_ANONYMOUS;
    case REASON_SUBMIT_AUTHENTICATED:
        return REPLY_SUBMIT_AUTHENTICATED;
    case REASON_SEND_AS:
        return REPLY_SEND_AS;
    case REASON_SEND_ON_BEHALF:
        return REPLY_SEND_ON_BEHALF;
    case REASON_RELAY:
        return REPLY_RELAY;
    case REASON_EXCH50:
        return REPLY_EXCH50_NOT_AUTHORIZED;
    case REASON_NO_ROUTE:
        return REPLY_NO_ROUTE;
    case REASON_SECURE_DOMAIN_CLOSED:
        return REPLY_SECURE_DOMAIN_CLOSED;
    case REASON_PARTNER_UNPROVEN:
        return REPLY_PARTNER_UNPROVEN;
    case REASON_PARTNER_CERTIFICATE:
        return REPLY_PARTNER_CERTIFICATE;
    case REASON_NONE:
    case REASON_COUNT:
        break;
    }
    return REPLY_NO_RESOURCES; /* a decision without a reason lacks a fact: our trouble, not the sender's */
}

size_t reply_format(enum reply reply, bool with_enhanced, char out[REPLY_TEXT_SIZE])
{
    const struct reply_row *row = reply_row(reply);
    bool has_enhanced = with_enhanced && row->enhanced != NULL;
    int length = snprintf(out, REPLY_TEXT_SIZE, "%u %s%s%s\r\n", row->code, has_enhanced ? row->enhanced : "",
                          has_enhanced ? " " : "", row->text);
    assert(length > 0 && length < REPLY_TEXT_SIZE);
    return (size_t)length;
}

/* The octets of "5.7.1" that text begins with; 0: it begins with no enhanced code. RFC 3463 2. */
static size_t enhanced_length(struct bytes text)
{
    size_t at = 0;
    for (int part = 0; part < 3; part++) {
        const size_t begin = at, most = part == 0 ? 1 : 3;
        while (at < text.len && at - begin < most && text.ptr[at] >= '0' && text.ptr[at] <= '9') {
            at++;
        }
        const bool is_last = part == 2;
        const bool has_end = at < text.len ? text.ptr[at] == (is_last ? ' ' : '.') : is_last;
        if (at == begin || !has_end) {
            return 0;
        }
        at += !is_last;
    }
    return at;
}

size_t reply_format_words(enum reply reply, struct bytes words, bool with_enhanced,
                          char out[REPLY_WORDS_SIZE])
{
    words = bytes_first(words, REPLY_WORDS_SIZE - 16);
    struct bytes code = bytes_first(words, 4), text = bytes_skip(words, 4);
    struct bytes enhanced = bytes_first(text, enhanced_length(text));
    text = bytes_skip(text, enhanced.len > 0 ? enhanced.len + 1 : 0);
    if (enhanced.len == 0) {
        enhanced = bytes_of_text(reply_row(reply)->enhanced);
    }
    bool has_enhanced = with_enhanced && enhanced.len > 0;
    int length = snprintf(out, REPLY_WORDS_SIZE, "%.*s%.*s%s%.*s\r\n", BYTES_ARG(code),
                          BYTES_ARG(bytes_first(enhanced, has_enhanced ? enhanced.len : 0)),
                          has_enhanced ? " " : "", BYTES_ARG(text));
    assert(length > 0 && length < REPLY_WORDS_SIZE);
    return (size_t)length;
}

enum error reply_append(struct buffer *out, enum reply reply, bool with_enhanced)
{
    char text[REPLY_TEXT_SIZE];
    size_t length = reply_format(reply, with_enhanced, text);
    return buffer_append(out, (struct bytes){text, length});
}

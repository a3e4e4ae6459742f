/* Every reply this server gives, as one table. Contract 5, facts 8.2. */
#ifndef SMTP_SERVER_REPLY_H
#define SMTP_SERVER_REPLY_H

#include "base/buffer.h"
#include "policy/decision.h"

/* Named by meaning; the rows (code, enhanced code, text) are in reply.c. The list grows with the verbs. */
enum reply {
    REPLY_SENDER_OK,             /* 250 2.1.0 Sender OK */
    REPLY_RECIPIENT_OK,          /* 250 2.1.5 Recipient OK */
    REPLY_START_INPUT,           /* 354 Start mail input; end with <CRLF>.<CRLF> */
    REPLY_RESETTING,             /* 250 2.0.0 Resetting */
    REPLY_NOOP_OK,               /* 250 2.0.0 OK */
    REPLY_CLOSING,               /* 221 2.0.0 Service closing transmission channel */
    REPLY_CANNOT_VRFY,           /* 252 2.1.5 Cannot VRFY user */
    REPLY_NOT_IMPLEMENTED,       /* 502 5.3.3 Command not implemented */
    REPLY_EXCH50_START,          /* 354 Send binary data */
    REPLY_EXCH50_OK,             /* 250 2.0.0 XEXCH50 OK */
    REPLY_EXCH50_OFF,            /* 500 5.5.1 Not enabled */
    REPLY_EXCH50_FORMAT,         /* 501 5.5.4 XEXCH50 Invalid command format */
    REPLY_EXCH50_NOT_AUTHORIZED, /* 504 5.7.1 Not authorized */
    REPLY_UNRECOGNIZED,          /* 500 5.3.3 Unrecognized command */
    REPLY_TOO_LONG,              /* 500 5.5.2 Command too long */
    REPLY_BARE_LF_IN_COMMAND,    /* 500 5.5.2 */
    REPLY_INVALID_ARGUMENTS,     /* 501 5.5.4 Invalid arguments */
    REPLY_UNRECOGNIZED_PARAMETER,
    REPLY_UNSUPPORTED_BODY,
    REPLY_INVALID_DOMAIN, /* 501 5.5.4 Invalid domain name */
    REPLY_EHLO_REQUIRES_DOMAIN,
    REPLY_HELO_REQUIRES_DOMAIN,
    REPLY_INVALID_SENDER,    /* 501 5.1.7 Invalid address */
    REPLY_INVALID_RECIPIENT, /* 501 5.1.3 Invalid address */
    REPLY_LONG_SENDER,
    REPLY_LONG_RECIPIENT,
    REPLY_UTF8_SENDER,
    REPLY_NEED_SMTPUTF8, /* 501 5.1.6 SMTPUTF8 argument required. */
    REPLY_UTF8_RECIPIENT,
    REPLY_SEND_HELLO_FIRST, /* 503 5.5.2 Send hello first */
    REPLY_NEED_MAIL,
    REPLY_NEED_RCPT,
    REPLY_SENDER_ALREADY_SPECIFIED,
    REPLY_BAD_SEQUENCE,
    REPLY_SUBMIT_ANONYMOUS, /* 530 5.7.1 Client was not authenticated */
    REPLY_SUBMIT_AUTHENTICATED,
    REPLY_SEND_AS,
    REPLY_SEND_ON_BEHALF,
    REPLY_RELAY,                /* 550 5.7.1 Unable to relay */
    REPLY_NO_ROUTE,             /* 451 4.4.4 */
    REPLY_SECURE_DOMAIN_CLOSED, /* 451 4.7.3 The admin has temporarily disallowed this secure domain */
    REPLY_PARTNER_UNPROVEN,     /* 454 4.7.0 Temporary authentication failure */
    REPLY_PARTNER_CERTIFICATE,  /* 454 4.7.5 Certificate validation failure */
    REPLY_SIZE_EXCEEDED,        /* 552 5.3.4 Message size exceeds fixed maximum message size */
    REPLY_HEADER_TOO_LARGE,     /* 552 5.3.4 Header size exceeds fixed maximum size */
    REPLY_TOO_MANY_RECIPIENTS,  /* 452 4.5.3 Too many recipients */
    REPLY_HOP_COUNT,            /* 554 5.4.6 Hop count exceeded - possible mail loop */
    REPLY_INVALID_CONTENT,      /* 554 5.6.0 Invalid message content */
    REPLY_BARE_LINEFEED,        /* 554 5.6.0 Invalid message content, contains bare linefeeds */
    REPLY_PARTIAL,              /* 554 5.6.1 Messages of type message/partial are not supported */
    REPLY_NO_RESOURCES,         /* 452 4.3.1 Insufficient system resources */
    REPLY_BACK_PRESSURE,        /* the same, since resources are short */
    REPLY_PIPELINING_VIOLATION, /* 554 5.5.0 */
    REPLY_SERVICE_UNAVAILABLE,  /* 421 4.3.2 Service not available */
    REPLY_CONNECTION_LIMIT,
    REPLY_SOURCE_LIMIT,
    REPLY_MESSAGE_RATE,       /* 421 4.4.2 Message submission rate for this client has … */
    REPLY_TOO_MANY_ERRORS,    /* 421 4.7.0 Too many errors on this connection, closing transmission channel */
    REPLY_IDLE_TIMEOUT,       /* 451 4.7.0 Timeout waiting for client input */
    REPLY_CONNECTION_TIMEOUT, /* 421 4.4.1 Connection timed out */
    REPLY_READY_FOR_TLS,      /* 220 2.0.0 SMTP server ready */
    REPLY_TLS_TWICE,          /* 503 5.5.2 Only one STARTTLS command can be issued per session */
    REPLY_TLS_UNAVAILABLE,    /* 554 5.7.3 Unable to initialize security subsystem */
    REPLY_NEED_TLS,           /* 530 5.7.0 Must issue a STARTTLS command first */
    REPLY_AUTHENTICATED,      /* 235 2.7.0 Authentication successful */
    REPLY_AUTH_FAILED,        /* 535 5.7.3 Authentication unsuccessful */
    REPLY_AUTH_UNAVAILABLE,   /* 454 4.7.0 Temporary authentication failure */
    REPLY_AUTH_UNKNOWN,       /* 504 5.7.4 Unrecognized authentication type */
    REPLY_AUTH_NEEDS_TLS,     /* 538 5.7.11; RFC 4954 */
    REPLY_AUTH_TWICE,         /* 503 5.5.2 Auth command already specified */
    REPLY_AUTH_CANCELLED,     /* 501 5.5.4 Authentication cancelled */
    REPLY_AUTH_MALFORMED,     /* 501 5.5.2; RFC 4954 */
    REPLY_AUTH_TOO_LONG,      /* 500 5.5.6; RFC 4954 */
    REPLY_SOURCE_FAILURES,    /* 421 4.7.0, of too many failed logins from one address */
    REPLY_SEND_EHLO_FIRST,    /* 503 5.5.2 Send EHLO first */
    REPLY_FILTER_REJECTED,    /* 550 5.7.1, of a milter that gave no words of its own */
    REPLY_FILTER_DEFERRED,    /* 451 4.7.1 */
    REPLY_TLS_FAILED,         /* nothing is said: the handshake failed */
    REPLY_SILENCE,            /* nothing is said: another protocol speaks to us */
    REPLY_SHUTTING_DOWN,      /* 421 4.3.2 Service not active */
    REPLY_COUNT
};

struct reply_row {
    uint16_t code;
    const char *enhanced; /* "5.7.1", or NULL */
    const char *text;
    const char *reason; /* the log's stable id of a refusal that no policy gave a reason for, or NULL */
};
const struct reply_row *reply_row(enum reply reply);
/* The reply of a policy's refusal. */
enum reply reply_of_reason(enum reason reason);
#define REPLY_TEXT_SIZE 256
/* Writes "code[ enhanced] text\r\n" and a terminator; returns the length without it. No allocation. */
size_t reply_format(enum reply reply, bool with_enhanced, char out[REPLY_TEXT_SIZE]);
/* Room for the longest words of somebody else, an enhanced code before them and the end of the line. */
#define REPLY_WORDS_SIZE 544
/* The same with somebody else's words, "554 5.7.9 go away": their code stays; an enhanced code that they lack
 * is the reply's, and there is none without with_enhanced. At most REPLY_WORDS_SIZE - 16 octets of words
 * count. */
size_t reply_format_words(enum reply reply, struct bytes words, bool with_enhanced,
                          char out[REPLY_WORDS_SIZE]);
/* Appends the reply in its own words. */
MUST_USE enum error reply_append(struct buffer *out, enum reply reply, bool with_enhanced);

#endif

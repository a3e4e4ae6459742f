/* Packets of the milter protocol, version 6, as the mail server's side speaks it: a length, a letter, data.
 * Pure. */
#ifndef FILTER_MILTER_MESSAGE_H
#define FILTER_MILTER_MESSAGE_H

#include "base/buffer.h"
#include "base/ip.h"

#define MILTER_VERSION     6
#define MILTER_CHUNK       65535u     /* of a body, and of what a filter sends back at a time */
#define MILTER_MESSAGE_MAX (1u << 20) /* a reply longer than this is not one */

/* What we send. */
enum milter_command {
    MILTER_NEGOTIATE = 'O',
    MILTER_MACROS = 'D',
    MILTER_CONNECT = 'C',
    MILTER_HELO = 'H',
    MILTER_MAIL = 'M',
    MILTER_RCPT = 'R',
    MILTER_DATA = 'T',
    MILTER_HEADER = 'L',
    MILTER_END_OF_HEADER = 'N',
    MILTER_BODY = 'B',
    MILTER_END_OF_BODY = 'E',
    MILTER_ABORT = 'A',
    MILTER_QUIT = 'Q',
};

/* What a filter answers with. */
enum milter_reply {
    MILTER_ADD_RECIPIENT = '+',
    MILTER_ADD_RECIPIENT_WITH = '2', /* and parameters */
    MILTER_DELETE_RECIPIENT = '-',
    MILTER_SHUTDOWN = '4',
    MILTER_ACCEPT = 'a',
    MILTER_REPLACE_BODY = 'b',
    MILTER_CONTINUE = 'c',
    MILTER_DISCARD = 'd',
    MILTER_CHANGE_SENDER = 'e',
    MILTER_CONNECTION_FAILS = 'f',
    MILTER_ADD_HEADER = 'h',
    MILTER_INSERT_HEADER = 'i',
    MILTER_CHANGE_HEADER = 'm',
    MILTER_PROGRESS = 'p',
    MILTER_QUARANTINE = 'q',
    MILTER_REJECT = 'r',
    MILTER_SKIP = 's',
    MILTER_TEMPFAIL = 't',
    MILTER_REPLY_CODE = 'y',
};

/* Changes a filter may ask for (bits of the negotiation); we let all of these. */
enum milter_action {
    MILTER_MAY_ADD_HEADERS = 0x01,
    MILTER_MAY_CHANGE_BODY = 0x02,
    MILTER_MAY_ADD_RECIPIENTS = 0x04,
    MILTER_MAY_DELETE_RECIPIENTS = 0x08,
    MILTER_MAY_CHANGE_HEADERS = 0x10,
    MILTER_MAY_QUARANTINE = 0x20,
    MILTER_MAY_CHANGE_SENDER = 0x40,
    MILTER_MAY_ALL = 0x7f,
};

/* Steps a filter does not want, does not answer, or how it wants them. */
enum milter_protocol {
    MILTER_NO_CONNECT = 0x01,
    MILTER_NO_HELO = 0x02,
    MILTER_NO_MAIL = 0x04,
    MILTER_NO_RCPT = 0x08,
    MILTER_NO_BODY = 0x10,
    MILTER_NO_HEADERS = 0x20,
    MILTER_NO_END_OF_HEADER = 0x40,
    MILTER_NO_REPLY_HEADER = 0x80,
    MILTER_NO_UNKNOWN = 0x100,
    MILTER_NO_DATA = 0x200,
    MILTER_MAY_SKIP = 0x400,
    MILTER_NO_REPLY_CONNECT = 0x1000,
    MILTER_NO_REPLY_HELO = 0x2000,
    MILTER_NO_REPLY_MAIL = 0x4000,
    MILTER_NO_REPLY_RCPT = 0x8000,
    MILTER_NO_REPLY_DATA = 0x10000,
    MILTER_NO_REPLY_END_OF_HEADER = 0x40000,
    MILTER_NO_REPLY_BODY = 0x80000,
    MILTER_HEADER_BLANKS = 0x100000, /* values keep the blank behind the colon */
    MILTER_PROTOCOL_ALL = 0x1ff7ff,
};

/* Each appends one packet; ERROR_LIMIT, ERROR_TEMPORARY of the buffer. Texts end at their first zero byte. */
MUST_USE enum error milter_append(struct buffer *out, enum milter_command command, struct bytes data);
MUST_USE enum error milter_append_negotiate(struct buffer *out);
/* Macros for the command that follows: names and values in turn, count pairs. */
MUST_USE enum error milter_append_macros(struct buffer *out, enum milter_command command,
                                         const struct bytes *names_and_values, size_t count);
MUST_USE enum error milter_append_connect(struct buffer *out, struct bytes host_name,
                                          const struct ip_endpoint *client);
/* Terminated texts: HELO's name; MAIL's and RCPT's path and parameters; a header's name and value. */
MUST_USE enum error milter_append_texts(struct buffer *out, enum milter_command command,
                                        const struct bytes *texts, size_t count);

struct milter_packet {
    char letter;
    struct bytes data;
};
/* Takes the first packet off *rest. ERROR_NOT_FOUND: not whole yet; ERROR_PROTOCOL: longer than
 * MILTER_MESSAGE_MAX, or empty. */
MUST_USE enum error milter_take(struct bytes *rest, struct milter_packet *out);

struct milter_terms {
    uint32_t version;
    uint32_t actions;
    uint32_t protocol;
};
/* The filter's side of the negotiation. ERROR_PROTOCOL: malformed, a version below 2, or it wants what we do
 * not offer. */
MUST_USE enum error milter_read_terms(struct bytes data, struct milter_terms *out);
/* A terminated text off the front; ERROR_PROTOCOL without its end. */
MUST_USE enum error milter_take_text(struct bytes *rest, struct bytes *out);
/* Header changes: index from 1 (CHANGE) or 0 (INSERT), name, value. ERROR_PROTOCOL. */
MUST_USE enum error milter_read_header(const struct milter_packet *packet, uint32_t *out_index,
                                       struct bytes *out_name, struct bytes *out_value);

#endif

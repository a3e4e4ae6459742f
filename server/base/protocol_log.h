/* An SMTP conversation row by row in the log, for connectors with ProtocolLoggingLevel Verbose: event
 * "protocol". Rows may be dropped when the log is behind, as refusals are; sequence tells. Facts 10.6. */
#ifndef BASE_PROTOCOL_LOG_H
#define BASE_PROTOCOL_LOG_H

#include "base/event.h"

#define PROTOCOL_CONNECT    '+'
#define PROTOCOL_DISCONNECT '-'
#define PROTOCOL_SENT       '>'
#define PROTOCOL_RECEIVED   '<'
#define PROTOCOL_NOTE       '*'

/* Whose conversation; texts borrowed for the call. */
struct protocol_log {
    const char *session;
    const char *connector;
    const char *peer_key; /* "client" or "hop" */
    const char *peer;
    uint32_t *sequence; /* of the next row, from 0 */
};

/* One row: its event character, data and context (NULL: none). Secrets and content never go in. */
void protocol_log_row(const struct protocol_log *log, char direction, struct bytes data, const char *context);
/* A row for each line of the text, whose lines end with CRLF. What follows 334 belongs to a login and is left
 * out. */
void protocol_log_lines(const struct protocol_log *log, char direction, struct bytes text);

#endif

/* Bytes from a hop → replies, one line at a time, in bounded memory. Pure. RFC 5321 4.2. */
#ifndef SMTP_CLIENT_REPLY_PARSER_H
#define SMTP_CLIENT_REPLY_PARSER_H

#include "base/bytes.h"

#define REPLY_LINE_MAX                                                                                       \
    2048 /* octets of a line that are kept; a longer line breaks the protocol (matrix R20) */
#define REPLY_LINES_MAX 512 /* lines of one reply; more break the protocol */

/* Zero-initialised it is at the start of a reply. */
struct reply_parser {
    uint16_t code; /* of the reply under way; 0 at its start */
    uint16_t lines;
    uint16_t len;
    char line[REPLY_LINE_MAX];
};

/* One whole line was read. */
struct reply_line {
    uint16_t code; /* 200-599 */
    bool is_last;
    struct bytes text; /* behind the code and its separator; valid until the next call */
};

/* Takes bytes off *input until a line is whole. ERROR_NOT_FOUND: all was taken, no whole line yet.
 * ERROR_PROTOCOL: not a reply, another code in the middle of one, too long. */
MUST_USE enum error reply_parser_next(struct reply_parser *parser, struct bytes *input,
                                      struct reply_line *out);

#endif

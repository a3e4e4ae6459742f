/* The bytes after DATA → content: dots removed, line ends made CRLF, the end found only at CRLF.CRLF. Pure
 * state machine. */
#ifndef SMTP_SERVER_MESSAGE_READER_H
#define SMTP_SERVER_MESSAGE_READER_H

#include "base/bytes.h"

enum message_flaw {
    MESSAGE_SOUND = 0,
    MESSAGE_BARE_LF = 1, /* bits: all that was seen */
    MESSAGE_BARE_CR = 2,
    MESSAGE_NUL = 4,
};

/* Zero-initialised it is at the start of the content. */
struct message_reader {
    uint8_t state; /* private */
    uint8_t flaws; /* enum message_flaw bits so far */
    bool is_done;  /* CRLF.CRLF was seen */
};

/* Consumes input until it is used up, the end is seen or emit answers false (take no more now); calls emit
 * with runs of content (long runs, borrowed from input or static). *out_used: bytes taken; everything up to
 * there was emitted. Any split of the input gives the same content. A bare LF becomes CRLF; only CRLF.CRLF
 * ends the content, and a dot is taken off only behind a CRLF. Matrix F1, F10. Spec: RFC 5321 4.5.2. */
void message_reader_feed(struct message_reader *reader, struct bytes input,
                         bool (*emit)(void *owner, struct bytes content), void *owner, size_t *out_used);

#endif

/* Where the header block of a message ends, told while it arrives. Pure. */
#ifndef SMTP_SERVER_HEADER_READER_H
#define SMTP_SERVER_HEADER_READER_H

#include "base/bytes.h"

enum header_end {
    HEADER_GOES_ON,
    HEADER_ENDS_AT_EMPTY_LINE, /* length behind the last field; the empty line follows there */
    HEADER_ENDS_AT_BODY,       /* a line that is no field: the body began without an empty line */
};

/* Zero-initialised it is at the first byte. */
struct header_reader {
    size_t scanned; /* bytes of complete lines looked at so far */
};

/* block: everything that has arrived so far, from the first byte on. *out_length: bytes of the header fields,
 * unless it goes on. A block is closed at the first line that is neither a field nor a continuation, and the
 * caller puts an empty line there, so that nothing behind it can be read as a field by anybody. Linear over
 * all calls. Matrix F15. */
enum header_end header_reader_scan(struct header_reader *reader, struct bytes block, size_t *out_length);

#endif

#include "smtp_server/header_reader.h"

#include "mail/header_block.h"

static bool is_continuation(struct bytes line)
{
    return line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t');
}

enum header_end header_reader_scan(struct header_reader *reader, struct bytes block, size_t *out_length)
{
    for (;;) {
        struct bytes rest = bytes_skip(block, reader->scanned);
        size_t length = bytes_find(rest, '\n') + 1;
        if (length > rest.len) {
            return HEADER_GOES_ON;
        }
        struct bytes line = bytes_first(rest, length);
        if (bytes_equal(line, BYTES_LITERAL("\r\n"))) {
            *out_length = reader->scanned;
            return HEADER_ENDS_AT_EMPTY_LINE;
        }
        if (is_continuation(line) ? reader->scanned == 0 : !header_begins_field(line)) {
            *out_length = reader->scanned;
            return HEADER_ENDS_AT_BODY;
        }
        reader->scanned += length;
    }
}

/* room: mail */
#include "base/utf8.h"
#include "mail/seven_bit.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum error convert(struct bytes content, size_t run, struct buffer *out)
{
    struct seven_bit *state = seven_bit_new();
    enum error error = state ? OK : ERROR_TEMPORARY;
    buffer_init(out, 1u << 26);
    for (; content.len && !error; content = bytes_skip(content, run))
        error = seven_bit_append(state, bytes_first(content, run), out);
    if (!error)
        error = seven_bit_finish(state, out);
    seven_bit_free(state);
    return error;
}

/* What comes out is in seven bits and lines, comes out the same in other runs, and stays as it is the next
 * time. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes content = {(const char *)data, size};
    struct buffer whole, pieces, again;
    enum error error = convert(content, size + 1, &whole);
    assert(convert(content, 7, &pieces) == error);
    if (!error) {
        assert(bytes_equal(buffer_bytes(&whole), buffer_bytes(&pieces)));
        assert(utf8_is_ascii(buffer_bytes(&whole)));
        struct bytes line, rest = buffer_bytes(&whole);
        while (rest.len) {
            assert(bytes_next(&rest, '\n', &line));
            assert(line.len && line.ptr[line.len - 1] == '\r');
        }
        assert(convert(buffer_bytes(&whole), size + 1, &again) == OK);
        assert(bytes_equal(buffer_bytes(&whole), buffer_bytes(&again)));
        buffer_done(&again);
    }
    buffer_done(&whole);
    buffer_done(&pieces);
    return 0;
}

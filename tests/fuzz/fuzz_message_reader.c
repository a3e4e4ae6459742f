/* room: smtp_server */
/* Any split gives the same content, end and flaws; the content never holds a LF without its CR, and the end
 * is where a plain search for CRLF.CRLF finds it. The first byte of the input chooses the splits. */
#include "base/buffer.h"
#include "smtp_server/message_reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct content {
    struct buffer text;
    unsigned stop_every; /* every n-th run is answered with false; 0: none */
    unsigned runs;
};

static bool take(void *owner, struct bytes run)
{
    struct content *content = owner;
    if (buffer_append(&content->text, run) != OK) {
        abort();
    }
    content->runs++;
    return content->stop_every == 0 || content->runs % content->stop_every != 0;
}

static size_t read_all(struct message_reader *reader, struct bytes input, struct content *content,
                       unsigned seed)
{
    size_t total = 0;
    while (total < input.len && !reader->is_done) {
        size_t piece = seed == 0 ? input.len : 1 + (seed = seed * 1103515245u + 12345u) / 65536u % 7u;
        struct bytes rest = bytes_first(bytes_skip(input, total), piece);
        char *copy = malloc(rest.len);
        size_t used;
        memcpy(copy, rest.ptr, rest.len);
        message_reader_feed(reader, (struct bytes){copy, rest.len}, take, content, &used);
        free(copy);
        assert(used <= rest.len);
        total += used;
    }
    return total;
}

/* Length of the input up to and with the end, or all of it. */
static size_t find_end(struct bytes input, bool *out_is_found)
{
    if (input.len >= 3 && memcmp(input.ptr, ".\r\n", 3) == 0) {
        *out_is_found = true;
        return 3;
    }
    size_t at = bytes_find_text(input, "\r\n.\r\n");
    *out_is_found = at < input.len;
    return *out_is_found ? at + 5 : input.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct bytes input = {(const char *)data + 1, size - 1};
    struct message_reader whole = {0}, split = {0};
    struct content a = {.stop_every = 0}, b = {.stop_every = data[0] % 3u};
    buffer_init(&a.text, 4 * size);
    buffer_init(&b.text, 4 * size);
    size_t used_whole = read_all(&whole, input, &a, 0);
    size_t used_split = read_all(&split, input, &b, data[0] + 1u);
    bool is_found;
    assert(used_whole == find_end(input, &is_found));
    assert(whole.is_done == is_found);
    assert(used_split == used_whole && split.is_done == whole.is_done && split.flaws == whole.flaws);
    assert(bytes_equal(buffer_bytes(&a.text), buffer_bytes(&b.text)));
    for (size_t i = 0; i < a.text.len; i++) {
        assert(a.text.ptr[i] != '\n' || (i > 0 && a.text.ptr[i - 1] == '\r'));
    }
    buffer_done(&a.text);
    buffer_done(&b.text);
    return 0;
}

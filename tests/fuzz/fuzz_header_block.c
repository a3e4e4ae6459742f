/* room: mail */
/* The walk covers every byte once; after the removal no lenient parser finds a removed name. */
#include "mail/header_block.h"
#include "mail/hop_count.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "X-A-"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_removed(const struct header_field *field, void *owner)
{
    (void)owner;
    return header_name_starts(field, PREFIX);
}

/* What a lenient parser takes for a name: blanks, control characters and octets above 127 are dropped. */
static bool is_prefixed(struct bytes line)
{
    char name[sizeof(PREFIX)] = "";
    size_t colon = bytes_find(line, ':'), len = 0;

    for (size_t i = 0; i < colon && len < sizeof(PREFIX) - 1; i++)
        if (line.ptr[i] > ' ' && line.ptr[i] < 0x7f)
            name[len++] = line.ptr[i];
    return colon < line.len && bytes_equal_text_nocase((struct bytes){name, len}, PREFIX);
}

/* A parser that ends lines at CRLF, LF or CR, and takes a folded line for a field of its own when there is no
 * field before it that it could belong to. */
static bool lenient_parser_finds(struct bytes block)
{
    bool has_field = false;

    while (block.len) {
        size_t cr = bytes_find(block, '\r'), lf = bytes_find(block, '\n');
        size_t end = cr < lf ? cr : lf;
        struct bytes line = bytes_first(block, end);
        bool is_folded = line.len && (line.ptr[0] == ' ' || line.ptr[0] == '\t');

        block = bytes_skip(block, end + 1 + (cr + 1 == lf));
        if (is_folded && has_field)
            continue;
        if (is_prefixed(line))
            return true;
        has_field = bytes_find(line, ':') < line.len;
    }
    return false;
}

/* A parser that drops zeros, CRs and octets above 127 and joins folded lines before it looks at anything. */
static bool joining_parser_finds(struct bytes block)
{
    char *joined = malloc(block.len + 1);
    bool is_found = false;
    size_t len = 0;
    struct bytes rest, line;

    assert(joined);
    for (size_t i = 0; i < block.len; i++) {
        bool is_fold = block.ptr[i] == '\n' && i + 1 < block.len &&
                       (block.ptr[i + 1] == ' ' || block.ptr[i + 1] == '\t');
        if (block.ptr[i] && block.ptr[i] != '\r' && (unsigned char)block.ptr[i] < 0x80 && !is_fold)
            joined[len++] = block.ptr[i];
    }
    rest = (struct bytes){joined, len};
    while (!is_found && bytes_next(&rest, '\n', &line))
        is_found = is_prefixed(line);
    free(joined);
    return is_found;
}

static void check_walk(struct bytes block)
{
    struct bytes rest = block;
    struct header_field field;
    size_t covered = 0, froms = 0;

    while (header_next(&rest, &field)) {
        assert(field.whole.ptr == block.ptr + covered && field.whole.len > 0);
        covered += field.whole.len;
        assert(field.name.len + field.body.len <= field.whole.len);
        assert(field.body.len == 0 || field.body.ptr + field.body.len == field.whole.ptr + field.whole.len);
        char letter = header_first_letter(&field);
        assert(letter == HEADER_ANY || letter == 'x' || !header_name_starts(&field, PREFIX));
        assert(letter == HEADER_ANY || letter == 'f' || !header_name_is(&field, "From"));
        froms += header_name_is(&field, "From");
        if (header_name_is(&field, PREFIX))
            assert(header_name_starts(&field, PREFIX));
    }
    assert(covered == block.len && rest.len == 0);
    assert(hop_count_local(block, &(struct bytes){"a", 1}, 1) <= header_count(block, "Received"));
    assert(header_count(block, "From") == froms && header_find(block, "From", &field) == (froms > 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes block = {(const char *)data, size};
    struct buffer left;
    enum error error;
    size_t removed_count;

    check_walk(block);
    buffer_init(&left, size);
    removed_count = header_remove(block, is_removed, NULL, &left, &error);
    assert(error == OK && left.len <= size && (left.len < size) == (removed_count > 0));
    if (removed_count == 0)
        assert(bytes_equal(buffer_bytes(&left), block));
    assert(!lenient_parser_finds(buffer_bytes(&left)));
    assert(!joining_parser_finds(buffer_bytes(&left)));
    buffer_done(&left);
    return 0;
}

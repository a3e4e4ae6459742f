/* The content of DATA: where it ends, and what stays the same however it is split. */
#include "base/buffer.h"
#include "smtp_server/message_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct content {
    struct buffer text;
    bool takes_one; /* answers false to every run */
};

static bool take(void *owner, struct bytes run)
{
    struct content *content = owner;
    assert_int_equal(buffer_append(&content->text, run), OK);
    return !content->takes_one;
}

/* Feeds one piece until it is used up or the end is seen; returns how much was used. */
static size_t feed(struct message_reader *reader, struct bytes piece, struct content *content)
{
    size_t total = 0;
    while (total < piece.len && !reader->is_done) {
        size_t used;
        struct bytes rest = bytes_skip(piece, total);
        char *copy = malloc(rest.len); /* so that a read past the piece is seen */
        memcpy(copy, rest.ptr, rest.len);
        message_reader_feed(reader, (struct bytes){copy, rest.len}, take, content, &used);
        free(copy);
        total += used;
    }
    return total;
}

struct reader_case {
    struct bytes input;
    struct bytes content;
    bool is_done;
    size_t left; /* bytes behind the end */
    unsigned flaws;
};

#define T(text) BYTES_LITERAL(text)

static const struct reader_case reader_cases[] = {
    {T(".\r\n"), T(""), true, 0, 0},
    {T("a\r\n.\r\n"), T("a\r\n"), true, 0, 0},
    {T("a\r\n.\r\nMAIL"), T("a\r\n"), true, 4, 0},
    {T("\r\n\r\n.\r\n"), T("\r\n\r\n"), true, 0, 0},
    {T("..\r\n.\r\n"), T(".\r\n"), true, 0, 0},
    {T("..a\r\n...\r\n.b\r\n.\r\n"), T(".a\r\n..\r\nb\r\n"), true, 0, 0},
    {T("a.\r\n.\r\n"), T("a.\r\n"), true, 0, 0},
    {T("a\n.\n"), T("a\r\n.\r\n"), false, 0, MESSAGE_BARE_LF},
    {T("a\n.\r\nb\r\n.\r\n"), T("a\r\n.\r\nb\r\n"), true, 0, MESSAGE_BARE_LF},
    {T("a\r\n.\nb\r\n.\r\n"), T("a\r\n\r\nb\r\n"), true, 0, MESSAGE_BARE_LF},
    {T("a\n..b\r\n.\r\n"), T("a\r\n..b\r\n"), true, 0, MESSAGE_BARE_LF},
    {T("a\r.\r"), T("a\r.\r"), false, 0, MESSAGE_BARE_CR},
    {T("a\r.\r\n.\r\n"), T("a\r.\r\n"), true, 0, MESSAGE_BARE_CR},
    {T("a\r\n.\rb\r\n.\r\n"), T("a\r\n\rb\r\n"), true, 0, MESSAGE_BARE_CR},
    {T("a\r\n.\r\r\n.\r\n"), T("a\r\n\r\r\n"), true, 0, MESSAGE_BARE_CR},
    {T("a\r\r\n.\r\r\n.\r\n"), T("a\r\r\n\r\r\n"), true, 0, MESSAGE_BARE_CR},
    {T("\r\r\r\n.\r\n"), T("\r\r\r\n"), true, 0, MESSAGE_BARE_CR},
    {T("\n\n\r\n.\r\n"), T("\r\n\r\n\r\n"), true, 0, MESSAGE_BARE_LF},
    {T("a\0b\r\n.\r\n"), T("a\0b\r\n"), true, 0, MESSAGE_NUL},
    {T("a\r\n\0.\r\n.\r\n"), T("a\r\n\0.\r\n"), true, 0, MESSAGE_NUL},
    {T("a\r\n.\0\r\n.\r\n"), T("a\r\n\0\r\n"), true, 0, MESSAGE_NUL},
    {T("a\r\n.\r\0\n.\r\n"), T("a\r\n\r\0\r\n.\r\n"), false, 0,
     MESSAGE_NUL | MESSAGE_BARE_CR | MESSAGE_BARE_LF},
    {T("a\r\n.\r\n\0"), T("a\r\n"), true, 1, 0},
    {T("a\r\0\n.\r\n\r\n.\r\n"), T("a\r\0\r\n.\r\n\r\n"), true, 0,
     MESSAGE_NUL | MESSAGE_BARE_CR | MESSAGE_BARE_LF},
};

static void check(const struct reader_case *item, size_t split_at, size_t second_split, bool takes_one)
{
    struct message_reader reader = {0};
    struct content content = {.takes_one = takes_one};
    buffer_init(&content.text, 1 << 20);
    struct bytes pieces[] = {
        bytes_first(item->input, split_at),
        bytes_skip(bytes_first(item->input, second_split), split_at),
        bytes_skip(item->input, second_split),
    };
    size_t used = 0;
    for (size_t i = 0; i < 3; i++) {
        used += feed(&reader, pieces[i], &content);
    }
    assert_int_equal(used, item->input.len - item->left);
    assert_int_equal(reader.is_done, item->is_done);
    assert_int_equal(reader.flaws, item->flaws);
    assert_true(bytes_equal(buffer_bytes(&content.text), item->content));
    buffer_done(&content.text);
}

/* proves: F1 F10 contract-5 */
static void any_split_gives_the_same_content_and_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof reader_cases / sizeof reader_cases[0]; i++) {
        const struct reader_case *item = &reader_cases[i];
        for (size_t first = 0; first <= item->input.len; first++) {
            for (size_t second = first; second <= item->input.len; second++) {
                check(item, first, second, false);
                check(item, first, second, true);
            }
        }
    }
}

/* proves: F7 */
static void floods_of_bare_line_ends_take_linear_time(void **state)
{
    (void)state;
    size_t size = 4u << 20;
    char *flood = malloc(size);
    const char *patterns[] = {"\r", "\n", "\r.", "\n."};
    for (size_t i = 0; i < 4; i++) {
        size_t period = strlen(patterns[i]);
        for (size_t at = 0; at < size; at++) {
            flood[at] = patterns[i][at % period];
        }
        struct message_reader reader = {0};
        struct content content = {0};
        buffer_init(&content.text, 4 * size);
        size_t used;
        message_reader_feed(&reader, (struct bytes){flood, size}, take, &content, &used);
        assert_int_equal(used, size);
        assert_false(reader.is_done);
        buffer_done(&content.text);
    }
    free(flood);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_split_gives_the_same_content_and_end),
        cmocka_unit_test(floods_of_bare_line_ends_take_linear_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Content as it stands on the wire. */
#include "smtp_client/dot_stuffing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void stuff(struct bytes content, size_t first, size_t step, struct buffer *out)
{
    struct dot_stuffing state = {.is_line_start = true};
    buffer_clear(out);
    size_t len = first;
    while (content.len) {
        len = len < content.len ? len : content.len;
        assert_int_equal(dot_stuffing_append(&state, bytes_first(content, len), out), OK);
        content = bytes_skip(content, len);
        len = step;
    }
    assert_int_equal(dot_stuffing_finish(&state, out), OK);
}

/* What any receiver may rely on: only CRLF as line end, the end of data once and last. */
static void check_wire(struct bytes wire)
{
    for (size_t i = 0; i < wire.len; i++) {
        if (wire.ptr[i] == '\n')
            assert_true(i > 0 && wire.ptr[i - 1] == '\r');
        if (wire.ptr[i] == '\r')
            assert_true(i + 1 < wire.len && wire.ptr[i + 1] == '\n');
    }
    bool is_start = true, has_ended = false;
    while (wire.len) {
        size_t len = bytes_find_text(wire, "\r\n");
        assert_false(has_ended);
        assert_true(is_start && len < wire.len);
        has_ended = len == 1 && wire.ptr[0] == '.';
        if (len > 1 && wire.ptr[0] == '.')
            assert_int_equal(wire.ptr[1], '.');
        wire = bytes_skip(wire, len + 2);
    }
    assert_true(has_ended);
}

/* A receiver's view: the content with clean line ends. */
static void check_content(struct bytes wire, struct bytes content)
{
    struct buffer expected, got;
    buffer_init(&expected, 1u << 16);
    buffer_init(&got, 1u << 16);
    for (size_t i = 0; i < content.len; i++) {
        bool is_pair = content.ptr[i] == '\r' && i + 1 < content.len && content.ptr[i + 1] == '\n';
        bool is_end = content.ptr[i] == '\r' || content.ptr[i] == '\n';
        struct bytes piece = is_end ? BYTES_LITERAL("\r\n") : (struct bytes){content.ptr + i, 1};
        assert_int_equal(buffer_append(&expected, piece), OK);
        i += is_pair;
    }
    if (expected.len && expected.ptr[expected.len - 1] != '\n')
        assert_int_equal(buffer_append_text(&expected, "\r\n"), OK);
    wire.len -= 3;
    while (wire.len) {
        size_t len = bytes_find_text(wire, "\r\n") + 2;
        struct bytes line = bytes_first(wire, len);
        assert_int_equal(buffer_append(&got, bytes_skip(line, line.ptr[0] == '.')), OK);
        wire = bytes_skip(wire, len);
    }
    assert_true(bytes_equal(buffer_bytes(&got), buffer_bytes(&expected)));
    buffer_done(&expected);
    buffer_done(&got);
}

static void check(struct bytes content)
{
    struct buffer whole, split;
    buffer_init(&whole, 1u << 16);
    buffer_init(&split, 1u << 16);
    stuff(content, content.len, 1, &whole);
    check_wire(buffer_bytes(&whole));
    check_content(buffer_bytes(&whole), content);
    for (size_t first = 1; first < content.len; first++) {
        stuff(content, first, content.len, &split); /* in two, anywhere */
        assert_true(bytes_equal(buffer_bytes(&split), buffer_bytes(&whole)));
        stuff(content, first, first, &split); /* in pieces of one size */
        assert_true(bytes_equal(buffer_bytes(&split), buffer_bytes(&whole)));
    }
    buffer_done(&whole);
    buffer_done(&split);
}

static void check_exactly(struct bytes content, struct bytes wire)
{
    struct buffer out;
    buffer_init(&out, 1u << 16);
    stuff(content, content.len, 1, &out);
    assert_true(bytes_equal(buffer_bytes(&out), wire));
    buffer_done(&out);
    check(content);
}

/* proves: F2 */
static void the_wire_is_as_written_down(void **state)
{
    (void)state;
    check_exactly(BYTES_LITERAL(""), BYTES_LITERAL(".\r\n"));
    check_exactly(BYTES_LITERAL("\r\n"), BYTES_LITERAL("\r\n.\r\n"));
    check_exactly(BYTES_LITERAL("a: b\r\n\r\nx\r\n"), BYTES_LITERAL("a: b\r\n\r\nx\r\n.\r\n"));
    check_exactly(BYTES_LITERAL("no end"), BYTES_LITERAL("no end\r\n.\r\n"));
    check_exactly(BYTES_LITERAL("."), BYTES_LITERAL("..\r\n.\r\n"));
    check_exactly(BYTES_LITERAL("..\r\n.x\r\nx.\r\n"), BYTES_LITERAL("...\r\n..x\r\nx.\r\n.\r\n"));
    check_exactly(BYTES_LITERAL("a\nb\rc\r\rd\n\r"), BYTES_LITERAL("a\r\nb\r\nc\r\n\r\nd\r\n\r\n.\r\n"));
    check_exactly(BYTES_LITERAL("a\0b\xff"), BYTES_LITERAL("a\0b\xff\r\n.\r\n"));
}

/* proves: F2 F10 */
static void every_fake_end_of_data_is_disarmed(void **state)
{
    (void)state;
    static const struct bytes ENDS[] = {
        BYTES_LITERAL("\n.\n"),         BYTES_LITERAL("\n.\r\n"),       BYTES_LITERAL("\r.\r"),
        BYTES_LITERAL("\r.\r\n"),       BYTES_LITERAL("\r\n.\n"),       BYTES_LITERAL("\r\n.\r"),
        BYTES_LITERAL("\r\r\n.\r\r\n"), BYTES_LITERAL("\r\n.\r\r\n"),   BYTES_LITERAL("\0\r\n.\r\n"),
        BYTES_LITERAL("\r\n\0.\r\n"),   BYTES_LITERAL("\r\0\n.\r\n"),   BYTES_LITERAL("\r\n.\0\r\n"),
        BYTES_LITERAL("\r\n.\r\0\n"),   BYTES_LITERAL("\r\n.\r\n\0"),   BYTES_LITERAL("\r\n.\r\n"),
        BYTES_LITERAL("\r\n..\r\n"),    BYTES_LITERAL("\r\n.\r\n.\r\n")};
    for (size_t i = 0; i < sizeof ENDS / sizeof ENDS[0]; i++) {
        struct buffer content;
        buffer_init(&content, 1024);
        assert_int_equal(buffer_append_text(&content, "Subject: x\r\n\r\nbody"), OK);
        assert_int_equal(buffer_append(&content, ENDS[i]), OK);
        assert_int_equal(buffer_append_text(&content, "MAIL FROM:<evil@example.com>\r\n"), OK);
        check(buffer_bytes(&content));
        check(ENDS[i]);
        buffer_done(&content);
    }
}

/* proves: F2 F10 */
static void random_content_keeps_the_rules(void **state)
{
    (void)state;
    static const char ALPHABET[] = "\r\r\n\n\n...ab\0\xff";
    uint32_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        char content[48];
        size_t len = (seed >> 16) % sizeof content;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525u + 1013904223u;
            content[i] = ALPHABET[(seed >> 16) % (sizeof ALPHABET - 1)];
        }
        seed = seed * 1664525u + 1013904223u;
        check((struct bytes){content, len});
    }
}

static void a_full_buffer_is_told(void **state)
{
    (void)state;
    for (size_t ceiling = 0; ceiling < 14; ceiling++) {
        struct dot_stuffing dots = {.is_line_start = true};
        struct buffer out;
        buffer_init(&out, ceiling);
        enum error error = dot_stuffing_append(&dots, BYTES_LITERAL(".a\r\nb\rc"), &out);
        if (!error)
            error = dot_stuffing_finish(&dots, &out);
        assert_int_equal(error, ERROR_LIMIT); /* "..a\r\nb\r\nc\r\n.\r\n": 14 bytes */
        buffer_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wire_is_as_written_down),
        cmocka_unit_test(every_fake_end_of_data_is_disarmed),
        cmocka_unit_test(random_content_keeps_the_rules),
        cmocka_unit_test(a_full_buffer_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

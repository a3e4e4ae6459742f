/* A buffer never passes its ceiling and never loses what it held. */
#include "base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void the_ceiling_holds_and_changes_nothing(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 10);
    assert_int_equal(buffer_append_text(&buffer, "12345678"), OK);
    assert_int_equal(buffer_append_text(&buffer, "abc"), ERROR_LIMIT);
    assert_int_equal(buffer_printf(&buffer, "%d", 123), ERROR_LIMIT);
    assert_int_equal(buffer_reserve(&buffer, SIZE_MAX), ERROR_LIMIT);
    assert_int_equal(buffer_printf(&buffer, "%d", 90), OK);
    assert_int_equal(buffer_append_byte(&buffer, 'x'), ERROR_LIMIT);
    assert_true(bytes_equal(buffer_bytes(&buffer), BYTES_LITERAL("1234567890")));
    assert_true(buffer.capacity <= 10);
    buffer_done(&buffer);
    assert_int_equal(buffer_append_text(&buffer, "again"), OK);
    buffer_done(&buffer);
}

static void long_formats_are_whole(void **state)
{
    struct buffer buffer;
    char text[1000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    buffer_init(&buffer, 999);
    assert_int_equal(buffer_printf(&buffer, "%sx", text), ERROR_LIMIT);
    assert_int_equal(buffer.len, 0);
    assert_int_equal(buffer_printf(&buffer, "%s", text), OK);
    assert_true(bytes_equal(buffer_bytes(&buffer), bytes_of_text(text)));
    buffer_done(&buffer);
}

static void consuming_keeps_the_rest(void **state)
{
    struct buffer buffer;

    (void)state;
    buffer_init(&buffer, 100);
    buffer_consume(&buffer, 5);
    assert_int_equal(buffer_append(&buffer, BYTES_LITERAL("ab\0cd")), OK);
    buffer_consume(&buffer, 0);
    buffer_consume(&buffer, 2);
    assert_true(bytes_equal(buffer_bytes(&buffer), BYTES_LITERAL("\0cd")));
    buffer_consume(&buffer, 9);
    assert_int_equal(buffer.len, 0);
    buffer_clear(&buffer);
    assert_int_equal(buffer_append(&buffer, (struct bytes){NULL, 0}), OK);
    buffer_done(&buffer);
}

static void growing_byte_by_byte_is_cheap(void **state)
{
    struct buffer buffer;
    size_t grown_count = 0, capacity = 0;

    (void)state;
    buffer_init(&buffer, 1 << 20);
    for (size_t i = 0; i < 1 << 20; i++) {
        assert_int_equal(buffer_append_byte(&buffer, (char)i), OK);
        grown_count += buffer.capacity != capacity;
        capacity = buffer.capacity;
    }
    assert_true(grown_count < 20);
    buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ceiling_holds_and_changes_nothing),
        cmocka_unit_test(long_formats_are_whole),
        cmocka_unit_test(consuming_keeps_the_rest),
        cmocka_unit_test(growing_byte_by_byte_is_cheap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

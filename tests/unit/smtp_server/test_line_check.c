/* What DATA could not carry as it stands, however it arrives. */
#include "smtp_server/line_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool is_broken(struct bytes text, size_t split)
{
    struct line_check check = {0};
    for (; text.len > split; text = bytes_skip(text, split)) {
        line_check_feed(&check, bytes_first(text, split));
    }
    line_check_feed(&check, text);
    return line_check_is_broken(&check);
}

static void expect(struct bytes text, bool expected)
{
    for (size_t split = 1; split <= text.len; split++) {
        assert_int_equal(is_broken(text, split), expected);
    }
}

/* proves: F2 F10 */
static void lone_line_ends_and_zeros_are_found(void **state)
{
    static const struct {
        struct bytes text;
        bool is_broken;
    } rows[] = {
        {BYTES_LITERAL("a: b\r\n\r\n.\r\nend\r\n"), false},
        {BYTES_LITERAL("no end of line"), false},
        {BYTES_LITERAL("\r\n\r\n"), false},
        {BYTES_LITERAL("8 bits \xc3\xa9\xff\r\n"), false},
        {BYTES_LITERAL("a\nb\r\n"), true},
        {BYTES_LITERAL("\n"), true},
        {BYTES_LITERAL("a\rb\r\n"), true},
        {BYTES_LITERAL("a\r\r\n"), true},
        {BYTES_LITERAL("a\r"), true},
        {BYTES_LITERAL("a\r\n\r"), true},
        {BYTES_LITERAL("a\0\r\n"), true},
        {BYTES_LITERAL("a\r\0\n"), true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        expect(rows[i].text, rows[i].is_broken);
    }
}

static void a_line_over_998_octets_is_found(void **state)
{
    char text[2 * LINE_OCTETS_MAX + 8];
    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text + LINE_OCTETS_MAX, "\r\n", 2);
    memcpy(text + 2 * LINE_OCTETS_MAX + 2, "\r\n", 2);
    expect((struct bytes){text, 2 * LINE_OCTETS_MAX + 4}, false);
    memcpy(text + 2 * LINE_OCTETS_MAX + 2, "x\r\n", 3);
    expect((struct bytes){text, 2 * LINE_OCTETS_MAX + 5}, true);
    expect((struct bytes){text, 2 * LINE_OCTETS_MAX + 3}, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lone_line_ends_and_zeros_are_found),
        cmocka_unit_test(a_line_over_998_octets_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Replies out of bytes: every form, every flaw, every split. */
#include "smtp_client/reply_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Reads everything; each line as "250-text" or "250 text" and a ';' behind it, "!" for a broken one, "…" for
 * an unfinished one. */
static void read_all(const char *input, size_t len, size_t step, char *out, size_t size)
{
    struct reply_parser parser = {0};
    size_t used = 0;
    out[0] = '\0';
    for (size_t at = 0; at < len; at += step) {
        struct bytes piece = {input + at, len - at < step ? len - at : step};
        struct reply_line line;
        while (piece.len) {
            enum error error = reply_parser_next(&parser, &piece, &line);
            if (error == ERROR_NOT_FOUND) {
                assert_int_equal(piece.len, 0);
                break;
            }
            if (error) {
                assert_int_equal(error, ERROR_PROTOCOL);
                snprintf(out + used, size - used, "!");
                return;
            }
            used += (size_t)snprintf(out + used, size - used, "%u%c%.*s;", line.code,
                                     line.is_last ? ' ' : '-', BYTES_ARG(line.text));
        }
    }
    if (parser.len || parser.code)
        snprintf(out + used, size - used, "...");
}

static void check(const char *input, const char *expected)
{
    char got[1024];
    for (size_t step = 1; step <= strlen(input) + 1; step++) {
        read_all(input, strlen(input), step, got, sizeof got);
        assert_string_equal(got, expected);
    }
}

/* proves: R20 */
static void replies_are_read_in_every_form_and_split(void **state)
{
    (void)state;
    check("250 ok\r\n", "250 ok;");
    check("250\r\n", "250 ;");
    check("250 \r\n", "250 ;");
    check("250 ok\n", "250 ok;");
    check("250-a\r\n250-\r\n250 c\r\n354 go\r\n", "250-a;250-;250 c;354 go;");
    check("250-a\r\n250\r\n", "250-a;250 ;");
    check("599 x\r\n200 y\r\n", "599 x;200 y;");
    check("250 a\rb\r\n", "250 a\rb;");
    check("250 half", "...");
    check("250-more\r\n", "250-more;...");
}

/* proves: R20 */
static void what_is_no_reply_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "\r\n",      "\n",        "hello\r\n",  "25 ok\r\n",          "2500 ok\r\n", "250_ok\r\n",
        "150 x\r\n", "650\r\n",   "050 x\r\n",  " 250 x\r\n",         "2x0 x\r\n",   "25\r\n",
        "+250\r\n",  "\r250\r\n", "-250 x\r\n", "\262\065\060 x\r\n", "25a x\r\n",   "250\tx\r\n"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++)
        check(BAD[i], "!");
    check("250-a\r\n251 b\r\n", "250-a;!");
    check("250-a\r\n550 b\r\n", "250-a;!");
    check("250-a\r\nb\r\n", "250-a;!");
}

/* proves: R20 */
static void a_line_has_a_ceiling(void **state)
{
    (void)state;
    static char input[REPLY_LINE_MAX + 16];
    struct reply_parser parser = {0};
    struct reply_line line;
    memset(input, 'x', sizeof input);
    memcpy(input, "250 ", 4);
    input[REPLY_LINE_MAX] = '\n';
    struct bytes fits = {input, REPLY_LINE_MAX + 1};
    assert_int_equal(reply_parser_next(&parser, &fits, &line), OK);
    assert_int_equal(line.text.len, REPLY_LINE_MAX - 4);

    input[REPLY_LINE_MAX] = 'x';
    struct bytes endless = {input, REPLY_LINE_MAX + 1};
    assert_int_equal(reply_parser_next(&parser, &endless, &line), ERROR_PROTOCOL);

    parser = (struct reply_parser){0};
    for (size_t i = 0; i <= REPLY_LINE_MAX; i++) {
        struct bytes one = {input + i, 1};
        assert_int_equal(reply_parser_next(&parser, &one, &line),
                         i < REPLY_LINE_MAX ? ERROR_NOT_FOUND : ERROR_PROTOCOL);
    }
}

/* proves: R20 */
static void a_reply_has_a_ceiling_of_lines_and_the_next_one_starts_anew(void **state)
{
    (void)state;
    struct reply_parser parser = {0};
    struct reply_line line;
    for (int round = 0; round < 2; round++) {
        for (int i = 1; i <= REPLY_LINES_MAX; i++) {
            struct bytes input = bytes_of_text(i < REPLY_LINES_MAX ? "250-x\r\n" : "250 x\r\n");
            assert_int_equal(reply_parser_next(&parser, &input, &line), OK);
        }
    }
    for (int i = 1; i <= REPLY_LINES_MAX + 1; i++) {
        struct bytes input = bytes_of_text("250-x\r\n");
        assert_int_equal(reply_parser_next(&parser, &input, &line),
                         i <= REPLY_LINES_MAX ? OK : ERROR_PROTOCOL);
    }
}

/* proves: R20 */
static void zero_bytes_are_bytes(void **state)
{
    (void)state;
    struct reply_parser parser = {0};
    struct reply_line line;
    struct bytes input = BYTES_LITERAL("250 a\0b\r\n");
    assert_int_equal(reply_parser_next(&parser, &input, &line), OK);
    assert_true(bytes_equal(line.text, BYTES_LITERAL("a\0b")));
    input = BYTES_LITERAL("25\0 x\r\n");
    assert_int_equal(reply_parser_next(&parser, &input, &line), ERROR_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_read_in_every_form_and_split),
        cmocka_unit_test(what_is_no_reply_is_refused),
        cmocka_unit_test(a_line_has_a_ceiling),
        cmocka_unit_test(a_reply_has_a_ceiling_of_lines_and_the_next_one_starts_anew),
        cmocka_unit_test(zero_bytes_are_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

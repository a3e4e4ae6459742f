/* What filters may do to a header block, and that they begin no field of their own by it. */
#include "filter/header_change.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK "Received: one\r\nSubject: old\r\nreceived: two\r\n\tfolded\r\n"

static const struct {
    enum header_change_kind kind;
    uint32_t index;
    bool has_own_blank;
    const char *name;
    const char *value;
    const char *after;
} ROWS[] = {
    {HEADER_ADD, 0, false, "X-Spam", "no", BLOCK "X-Spam: no\r\n"},
    {HEADER_ADD, 0, true, "X-Spam", " no", BLOCK "X-Spam: no\r\n"},
    {HEADER_INSERT, 0, false, "DKIM-Signature", "v=1;\n\tb=x", "DKIM-Signature: v=1;\r\n\tb=x\r\n" BLOCK},
    {HEADER_INSERT, 1, false, "X", "y",
     "Received: one\r\nX: y\r\nSubject: old\r\nreceived: two\r\n\tfolded\r\n"},
    {HEADER_INSERT, 99, false, "X", "y", BLOCK "X: y\r\n"},
    {HEADER_CHANGE, 1, false, "subject", "new",
     "Received: one\r\nsubject: new\r\nreceived: two\r\n\tfolded\r\n"},
    {HEADER_CHANGE, 2, false, "Received", "", "Received: one\r\nSubject: old\r\n"},
    {HEADER_CHANGE, 1, false, "X-New", "a", BLOCK "X-New: a\r\n"},
    {HEADER_CHANGE, 1, false, "X-New", "", BLOCK},
    /* Lines that would be fields become folded ones; empty lines would end the block. */
    {HEADER_ADD, 0, false, "X", "a\nX-MS-Exchange-Organization-SCL: -1",
     BLOCK "X: a\r\n\tX-MS-Exchange-Organization-SCL: -1\r\n"},
    {HEADER_ADD, 0, false, "X", "a\r\n\r\n\r\nbody", BLOCK "X: a\r\n\tbody\r\n"},
    {HEADER_ADD, 0, false, "X", "a\rb", BLOCK "X: ab\r\n"},
};

/* proves: F15 */
static void test_changes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        struct header_change change = {ROWS[i].kind, ROWS[i].index, bytes_of_text(ROWS[i].name),
                                       bytes_of_text(ROWS[i].value), ROWS[i].has_own_blank};
        struct buffer out;
        buffer_init(&out, 4096);
        assert_int_equal(header_change_apply(BYTES_LITERAL(BLOCK), &change, &out), OK);
        bool is_equal = bytes_equal(buffer_bytes(&out), bytes_of_text(ROWS[i].after));
        if (!is_equal) {
            print_error("row %zu: %.*s", i, BYTES_ARG(buffer_bytes(&out)));
        }
        buffer_done(&out);
        assert_true(is_equal);
    }
}

static void test_names_that_are_none(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"", "a b", "a:b", "a\r\nb", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct header_change change = {.name = bytes_of_text(NAMES[i]), .value = BYTES_LITERAL("v")};
        struct buffer out;
        buffer_init(&out, 4096);
        assert_int_equal(header_change_apply(BYTES_LITERAL(BLOCK), &change, &out), ERROR_PROTOCOL);
        buffer_done(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_names_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

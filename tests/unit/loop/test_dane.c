/* TLSA records: hostile bytes, and which of them a mail server may be known by. */
#include "loop/dane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_record_is_three_numbers_and_data(void **state)
{
    struct dane_record record;
    (void)state;
    assert_false(dane_read_record((struct bytes){0}, &record));
    assert_false(dane_read_record((struct bytes){"\3\1", 2}, &record));
    assert_true(dane_read_record((struct bytes){"\3\1\2", 3}, &record));
    assert_int_equal(record.data.len, 0);
    assert_true(dane_read_record((struct bytes){"\377\1\2xy", 5}, &record));
    assert_int_equal(record.usage, 255);
    assert_int_equal(record.selector, 1);
    assert_int_equal(record.matching, 2);
    assert_true(bytes_equal(record.data, BYTES_LITERAL("xy")));
}

/* proves: R14 */
static void what_can_be_used(void **state)
{
    static const char DATA[100] = "";
    static const struct row {
        uint8_t usage, selector, matching;
        size_t len;
        bool is_usable;
    } rows[] = {
        {3, 0, 0, 100, true}, {3, 1, 1, 32, true},  {3, 1, 2, 64, true},  {2, 0, 1, 32, true},
        {2, 1, 0, 1, true},   {3, 1, 1, 31, false}, {3, 1, 1, 33, false}, {3, 1, 1, 64, false},
        {3, 1, 2, 32, false}, {3, 1, 0, 0, false},  {3, 2, 1, 32, false}, {3, 1, 3, 32, false},
        {0, 0, 1, 32, false}, {1, 1, 1, 32, false}, {4, 1, 1, 32, false}, {255, 255, 255, 32, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct dane_record record = {
            rows[i].usage, rows[i].selector, rows[i].matching, {DATA, rows[i].len}};
        if (dane_is_usable(&record) != rows[i].is_usable)
            fail_msg("row %zu", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_three_numbers_and_data),
        cmocka_unit_test(what_can_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/quantity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct good {
    const char *text;
    uint64_t value;
};

static void durations_have_units_and_default_to_seconds(void **state)
{
    (void)state;
    static const struct good GOOD[] = {{"0", 0},        {"60", 60000},
                                       {"250ms", 250},  {"30s", 30000},
                                       {"5m", 300000},  {"5M", 300000},
                                       {"1h", 3600000}, {"2d", 172800000},
                                       {"007s", 7000},  {"3650d", UINT64_C(315360000000)}};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        uint64_t ms = 1;
        assert_int_equal(quantity_parse_duration(bytes_of_text(GOOD[i].text), &ms), OK);
        assert_int_equal(ms, GOOD[i].value);
    }
}

static void sizes_have_units_and_default_to_bytes(void **state)
{
    (void)state;
    static const struct good GOOD[] = {{"0", 0},
                                       {"17", 17},
                                       {"64K", 65536},
                                       {"64k", 65536},
                                       {"256M", 1u << 28},
                                       {"1G", 1u << 30},
                                       {"2T", UINT64_C(2) << 40},
                                       {"1024T", UINT64_C(1) << 50}};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        uint64_t bytes = 1;
        assert_int_equal(quantity_parse_size(bytes_of_text(GOOD[i].text), &bytes), OK);
        assert_int_equal(bytes, GOOD[i].value);
    }
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",   "s",   "K",    "-1",  "+1",  "1.5h",      "1 h", " 1",  "1 ",
                                      "1w", "1hm", "0x10", "1s1", "one", "1\xc2\xb2", "1KB", "1mss"};
    static const char *const FAR[] = {"99999999999999999999", "18446744073709551615", "18446744073709551616",
                                      "213503982335d", "9007199254740993h"};
    uint64_t value = 42;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(quantity_parse_duration(bytes_of_text(BAD[i]), &value), ERROR_SYNTAX);
        assert_int_equal(quantity_parse_size(bytes_of_text(BAD[i]), &value), ERROR_SYNTAX);
    }
    for (size_t i = 0; i < sizeof FAR / sizeof FAR[0]; i++)
        assert_int_equal(quantity_parse_duration(bytes_of_text(FAR[i]), &value), ERROR_LIMIT);
    assert_int_equal(quantity_parse_duration(bytes_of_text("3651d"), &value), ERROR_LIMIT);
    assert_int_equal(quantity_parse_size(bytes_of_text("1025T"), &value), ERROR_LIMIT);
    assert_int_equal(quantity_parse_size(bytes_of_text("18446744073709551615k"), &value), ERROR_LIMIT);
    assert_int_equal(quantity_parse_size(bytes_of_text("1h"), &value), ERROR_SYNTAX);
    assert_int_equal(quantity_parse_duration(bytes_of_text("1k"), &value), ERROR_SYNTAX);
    assert_int_equal(quantity_parse_duration((struct bytes){0}, &value), ERROR_SYNTAX);
    assert_int_equal(value, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_units_and_default_to_seconds),
        cmocka_unit_test(sizes_have_units_and_default_to_bytes),
        cmocka_unit_test(everything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

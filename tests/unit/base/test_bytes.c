/* Borrowed runs: comparing, cutting, numbers, base64. */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct bytes nothing;

static void an_empty_run_needs_no_memory(void **state)
{
    struct bytes rest = nothing, part;

    (void)state;
    assert_true(bytes_equal(nothing, BYTES_LITERAL("")));
    assert_true(bytes_equal_nocase(nothing, nothing));
    assert_int_equal(bytes_find(nothing, 'x'), 0);
    assert_int_equal(bytes_find_text(nothing, "x"), 0);
    assert_int_equal(bytes_skip(nothing, 3).len, 0);
    assert_int_equal(bytes_first(nothing, 3).len, 0);
    assert_int_equal(bytes_trim(nothing).len, 0);
    assert_false(bytes_next(&rest, ',', &part));
    assert_int_equal(bytes_of_text(NULL).len, 0);
}

static void only_ascii_letters_compare_without_case(void **state)
{
    (void)state;
    assert_true(bytes_equal_text_nocase(BYTES_LITERAL("EhLo"), "ehlo"));
    assert_false(bytes_equal_text_nocase(BYTES_LITERAL("ehlo\0"), "ehlo"));
    assert_false(bytes_equal_nocase(BYTES_LITERAL("\xc4"), BYTES_LITERAL("\xe4")));
    assert_false(bytes_equal_nocase(BYTES_LITERAL("@["), BYTES_LITERAL("`{")));
    assert_true(bytes_compare_nocase(BYTES_LITERAL("ab"), BYTES_LITERAL("ABC")) < 0);
    assert_true(bytes_compare_nocase(BYTES_LITERAL("b"), BYTES_LITERAL("ABC")) > 0);
    assert_true(bytes_compare_nocase(BYTES_LITERAL("a\xff"), BYTES_LITERAL("ab")) > 0);
    assert_true(bytes_starts_nocase(BYTES_LITERAL("MAIL FROM"), "mail "));
    assert_false(bytes_starts_nocase(BYTES_LITERAL("MA"), "mail"));
    assert_true(bytes_ends_nocase(BYTES_LITERAL("a.EXAMPLE"), ".example"));
    assert_false(bytes_ends_nocase(BYTES_LITERAL("ple"), "example"));
}

static void parts_are_taken_off_the_front(void **state)
{
    struct bytes rest = BYTES_LITERAL("a,,b,"), part;

    (void)state;
    assert_true(bytes_next(&rest, ',', &part) && bytes_equal(part, BYTES_LITERAL("a")));
    assert_true(bytes_next(&rest, ',', &part) && part.len == 0);
    assert_true(bytes_next(&rest, ',', &part) && bytes_equal(part, BYTES_LITERAL("b")));
    assert_false(bytes_next(&rest, ',', &part));
    assert_true(bytes_equal(bytes_trim(BYTES_LITERAL(" \t a b\t ")), BYTES_LITERAL("a b")));
    assert_int_equal(bytes_trim(BYTES_LITERAL(" \t ")).len, 0);
    assert_int_equal(bytes_find_text(BYTES_LITERAL("a\0needle"), "needle"), 2);
    assert_int_equal(bytes_find(BYTES_LITERAL("a\0b"), 'b'), 2);
}

static void numbers_are_digits_only(void **state)
{
    static const char *const bad[] = {
        "", "+1", " 1", "1 ", "0x1", "1.0", "-", "--1", "99999999999999999999x"};
    uint64_t value = 77;
    int64_t signed_value = 77;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(bytes_to_u64(bytes_of_text(bad[i]), UINT64_MAX, &value), ERROR_SYNTAX);
        assert_int_equal(bytes_to_i64(bytes_of_text(bad[i]), INT64_MIN, INT64_MAX, &signed_value),
                         ERROR_SYNTAX);
    }
    assert_int_equal(bytes_to_u64(BYTES_LITERAL("-1"), UINT64_MAX, &value), ERROR_SYNTAX);
    assert_int_equal(bytes_to_u64(BYTES_LITERAL("18446744073709551616"), UINT64_MAX, &value), ERROR_LIMIT);
    assert_int_equal(bytes_to_u64(BYTES_LITERAL("11"), 10, &value), ERROR_LIMIT);
    assert_int_equal(value, 77);
    assert_int_equal(bytes_to_u64(BYTES_LITERAL("18446744073709551615"), UINT64_MAX, &value), OK);
    assert_true(value == UINT64_MAX);
}

static void signed_numbers_keep_their_ends(void **state)
{
    int64_t value = 77;

    (void)state;
    assert_int_equal(bytes_to_i64(BYTES_LITERAL("-9223372036854775808"), INT64_MIN, INT64_MAX, &value), OK);
    assert_true(value == INT64_MIN);
    assert_int_equal(bytes_to_i64(BYTES_LITERAL("9223372036854775807"), INT64_MIN, INT64_MAX, &value), OK);
    assert_true(value == INT64_MAX);
    assert_int_equal(bytes_to_i64(BYTES_LITERAL("9223372036854775808"), INT64_MIN, INT64_MAX, &value),
                     ERROR_LIMIT);
    assert_int_equal(bytes_to_i64(BYTES_LITERAL("-9223372036854775809"), INT64_MIN, INT64_MAX, &value),
                     ERROR_LIMIT);
    assert_int_equal(bytes_to_i64(BYTES_LITERAL("-3"), -2, 2, &value), ERROR_LIMIT);
    assert_int_equal(bytes_to_i64(BYTES_LITERAL("-0"), 0, 0, &value), OK);
    assert_int_equal(value, 0);
}

static void base64_goes_both_ways(void **state)
{
    char text[4 * 86 + 1], back[4 * 86 / 4 * 3];
    char octets[256];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (char)(i * 37);
    for (size_t count = 0; count <= sizeof(octets); count++) {
        bytes_to_base64((struct bytes){octets, count}, text);
        assert_int_equal(strlen(text), 4 * ((count + 2) / 3));
        assert_int_equal(bytes_from_base64(bytes_of_text(text), back, &len), OK);
        assert_int_equal(len, count);
        assert_memory_equal(back, octets, count);
    }
    bytes_to_base64(BYTES_LITERAL("Username:"), text);
    assert_string_equal(text, "VXNlcm5hbWU6");
}

/* proves: F12 */
static void malformed_base64_is_refused(void **state)
{
    static const char *const bad[] = {
        "A",    "AB",       "ABC",      "ABCDE", "A===",  "====", "=AAA", "A=AA",
        "AA=A", "AA==AAAA", "AAA=AAAA", "AAA ",  "AA\n=", "AB==", "AAB=", "A-_A"};
    char out[16];
    size_t len = 99;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (bytes_from_base64(bytes_of_text(bad[i]), out, &len) != ERROR_SYNTAX)
            fail_msg("'%s' was decoded", bad[i]);
    assert_int_equal(bytes_from_base64(BYTES_LITERAL("AA\0A"), out, &len), ERROR_SYNTAX);
    assert_int_equal(len, 99);
}

static void a_copy_is_terminated(void **state)
{
    char *copy = bytes_copy_text((struct bytes){"abcdef", 3});
    char *empty = bytes_copy_text(nothing);

    (void)state;
    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    free(copy);
    free(empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_run_needs_no_memory),
        cmocka_unit_test(only_ascii_letters_compare_without_case),
        cmocka_unit_test(parts_are_taken_off_the_front),
        cmocka_unit_test(numbers_are_digits_only),
        cmocka_unit_test(signed_numbers_keep_their_ends),
        cmocka_unit_test(base64_goes_both_ways),
        cmocka_unit_test(malformed_base64_is_refused),
        cmocka_unit_test(a_copy_is_terminated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* ESMTP parameters and xtext. */
#include "mail/parameter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void parameters_come_in_order(void **state)
{
    struct bytes rest = BYTES_LITERAL("  SIZE=100  8bit-mime AUTH=<> ");
    struct parameter parameter;

    (void)state;
    assert_int_equal(parameter_next(&rest, &parameter), OK);
    assert_true(bytes_equal(parameter.keyword, BYTES_LITERAL("SIZE")));
    assert_true(parameter.has_value && bytes_equal(parameter.value, BYTES_LITERAL("100")));
    assert_int_equal(parameter_next(&rest, &parameter), OK);
    assert_true(bytes_equal(parameter.keyword, BYTES_LITERAL("8bit-mime")));
    assert_true(!parameter.has_value && parameter.value.len == 0);
    assert_int_equal(parameter_next(&rest, &parameter), OK);
    assert_true(bytes_equal(parameter.value, BYTES_LITERAL("<>")));
    assert_int_equal(parameter_next(&rest, &parameter), ERROR_NOT_FOUND);
    rest = (struct bytes){NULL, 0};
    assert_int_equal(parameter_next(&rest, &parameter), ERROR_NOT_FOUND);
}

/* proves: F11 F12 */
static void malformed_parameters_are_refused(void **state)
{
    static const char *const bad[] = {"=",          "=x",         "SIZE=", "SIZE=1=2", "SIZE==1",
                                      "-A=1",       "A_B=1",      "A\"=1", "A=\x01",   "A=b\x7f",
                                      "A=\xc3\xbc", "\xc3\xbc=1", "A\tB",  "A=1\t",    "A=1\r\n",
                                      "<a@b>",      "a@b",        "A =1",  "A= 1"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bytes rest = bytes_of_text(bad[i]), before;
        struct parameter parameter;
        enum error error;
        do {
            before = rest;
            error = parameter_next(&rest, &parameter);
        } while (error == OK);
        if (error != ERROR_SYNTAX)
            fail_msg("'%s'", bad[i]);
        assert_ptr_equal(rest.ptr, before.ptr);
        assert_int_equal(rest.len, before.len);
    }
}

/* proves: F11 F12 F7 */
static void zeros_and_floods_are_refused(void **state)
{
    struct bytes rest = BYTES_LITERAL("A=1\0");
    struct parameter parameter;
    char *flood = malloc(65537);

    (void)state;
    assert_int_equal(parameter_next(&rest, &parameter), ERROR_SYNTAX);
    memset(flood, 'A', 65537);
    rest = (struct bytes){flood, 65537};
    assert_int_equal(parameter_next(&rest, &parameter), ERROR_SYNTAX);
    rest = (struct bytes){flood, 65536};
    assert_int_equal(parameter_next(&rest, &parameter), OK);
    free(flood);
}

/* proves: F12 R17 */
static void xtext_is_decoded_strictly(void **state)
{
    static const char *const bad[] = {"+",   "+2",   "+ZZ",  "a+4",      "+2b", "a=b",
                                      "a b", "\x01", "\x7f", "\xc3\xbc", "++2B"};
    char out[32];
    size_t len = 99;

    (void)state;
    assert_int_equal(parameter_decode_xtext(BYTES_LITERAL("rfc822;a+2Bb+3D+00+FF"), out, &len), OK);
    assert_true(bytes_equal((struct bytes){out, len}, BYTES_LITERAL("rfc822;a+b=\0\xff")));
    assert_int_equal(parameter_decode_xtext((struct bytes){NULL, 0}, out, &len), OK);
    assert_int_equal(len, 0);
    len = 99;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (parameter_decode_xtext(bytes_of_text(bad[i]), out, &len) != ERROR_SYNTAX)
            fail_msg("'%s'", bad[i]);
    assert_int_equal(len, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_come_in_order),
        cmocka_unit_test(malformed_parameters_are_refused),
        cmocka_unit_test(zeros_and_floods_are_refused),
        cmocka_unit_test(xtext_is_decoded_strictly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

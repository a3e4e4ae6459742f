#include "auth/authenticator.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_each_mechanism_is_found_by_its_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SASL_MECHANISM_COUNT; i++) {
        enum sasl_mechanism found = SASL_MECHANISM_COUNT;
        assert_true(
            sasl_mechanism_by_name(bytes_of_text(sasl_mechanism_name((enum sasl_mechanism)i)), &found));
        assert_int_equal(found, i);
    }
}

static void test_names_have_no_case_and_nothing_around_them(void **state)
{
    (void)state;
    enum sasl_mechanism found = SASL_MECHANISM_COUNT;
    assert_true(sasl_mechanism_by_name(BYTES_LITERAL("pLaIn"), &found));
    assert_int_equal(found, SASL_PLAIN);
    assert_false(sasl_mechanism_by_name(BYTES_LITERAL("PLAIN\0"), &found));
    assert_false(sasl_mechanism_by_name(BYTES_LITERAL("PLAI"), &found));
    assert_false(sasl_mechanism_by_name(BYTES_LITERAL(""), &found));
    assert_false(sasl_mechanism_by_name(BYTES_LITERAL("DIGEST-MD5"), &found));
    assert_false(sasl_mechanism_by_name(BYTES_LITERAL("GSS-SPNEGO"), &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_mechanism_is_found_by_its_name),
        cmocka_unit_test(test_names_have_no_case_and_nothing_around_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

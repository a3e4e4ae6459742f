#include "auth/gss_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SPNEGO   "\x06\x06\x2b\x06\x01\x05\x05\x02"
#define KERBEROS "\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"

/* proves: T4 */
static void test_spnego_is_told_by_its_identifier(void **state)
{
    (void)state;
    assert_true(gss_token_is_spnego(BYTES_LITERAL("\x60\x10" SPNEGO "\xa0\x06")));
    assert_true(gss_token_is_spnego(BYTES_LITERAL("\x60\x81\x90" SPNEGO "\xa0\x06")));
    assert_true(gss_token_is_spnego(BYTES_LITERAL("\x60\x82\x04\x90" SPNEGO "\xa0\x06")));
    assert_false(gss_token_is_spnego(BYTES_LITERAL("\x60\x82\x04\x90" KERBEROS "\x01\x00")));
    assert_false(gss_token_is_spnego(BYTES_LITERAL("\xa0\x10" SPNEGO)));
}

static void test_what_is_cut_off_is_none(void **state)
{
    (void)state;
    static const char token[] = "\x60\x82\x04\x90" SPNEGO;
    for (size_t len = 0; len < sizeof token - 1; len++)
        assert_false(gss_token_is_spnego((struct bytes){token, len}));
    assert_true(gss_token_is_spnego((struct bytes){token, sizeof token - 1}));
    assert_false(gss_token_is_spnego(BYTES_LITERAL("\x60\xff" SPNEGO)));
    assert_false(gss_token_is_spnego((struct bytes){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spnego_is_told_by_its_identifier),
        cmocka_unit_test(test_what_is_cut_off_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void check(struct bytes text, size_t len, uint32_t code_point)
{
    uint32_t got = 0;
    assert_int_equal(utf8_first(text, &got), len);
    assert_int_equal(got, code_point);
}

static void test_well_formed(void **state)
{
    (void)state;
    check(BYTES_LITERAL("Ax"), 1, 'A');
    check(BYTES_LITERAL("\0"), 1, 0);
    check(BYTES_LITERAL("\x7f"), 1, 0x7f);
    check(BYTES_LITERAL("\xc2\x80"), 2, 0x80);
    check(BYTES_LITERAL("\xdf\xbf"), 2, 0x7ff);
    check(BYTES_LITERAL("\xe0\xa0\x80"), 3, 0x800);
    check(BYTES_LITERAL("\xed\x9f\xbf"), 3, 0xd7ff);
    check(BYTES_LITERAL("\xee\x80\x80"), 3, 0xe000);
    check(BYTES_LITERAL("\xef\xbf\xbf"), 3, 0xffff);
    check(BYTES_LITERAL("\xf0\x90\x80\x80"), 4, 0x10000);
    check(BYTES_LITERAL("\xf4\x8f\xbf\xbf"), 4, 0x10ffff);
}

/* proves: A7 */
static void test_malformed(void **state)
{
    (void)state;
    static const struct bytes bad[] = {
        {NULL, 0},
        {"\x80", sizeof("\x80") - 1},                         /* a tail alone */
        {"\xc0\x80", sizeof("\xc0\x80") - 1},                 /* overlong NUL */
        {"\xc1\xbf", sizeof("\xc1\xbf") - 1},                 /* overlong */
        {"\xe0\x9f\xbf", sizeof("\xe0\x9f\xbf") - 1},         /* overlong */
        {"\xf0\x8f\xbf\xbf", sizeof("\xf0\x8f\xbf\xbf") - 1}, /* overlong */
        {"\xed\xa0\x80", sizeof("\xed\xa0\x80") - 1},         /* surrogate */
        {"\xf4\x90\x80\x80", sizeof("\xf4\x90\x80\x80") - 1}, /* past the end */
        {"\xf8\x88\x80\x80\x80", sizeof("\xf8\x88\x80\x80\x80") - 1},
        {"\xff", sizeof("\xff") - 1},
        {"\xc2", sizeof("\xc2") - 1}, /* cut off */
        {"\xe2\x82", sizeof("\xe2\x82") - 1},
        {"\xc2\x41", sizeof("\xc2\x41") - 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check(bad[i], 0, 0);
    }
}

/* proves: A7 */
static void test_whole_texts(void **state)
{
    (void)state;
    assert_true(utf8_is_valid((struct bytes){NULL, 0}));
    assert_true(utf8_is_valid(BYTES_LITERAL("a\0\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80")));
    assert_false(utf8_is_valid(BYTES_LITERAL("ok\xc3")));
    assert_false(utf8_is_valid(BYTES_LITERAL("\xc3\xbc\xbc")));
    assert_false(utf8_is_valid(BYTES_LITERAL("\xe2\x82(")));
    assert_true(utf8_is_ascii((struct bytes){NULL, 0}));
    assert_true(utf8_is_ascii(BYTES_LITERAL("a\0\x7f")));
    assert_false(utf8_is_ascii(BYTES_LITERAL("a\x80z")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_well_formed),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_whole_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

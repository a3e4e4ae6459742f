/* Domain names have one normal form. */
#include "mail/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* proves: A6 */
static void equal_names_have_one_form(void **state)
{
    static const char *const rows[][2] = {
        {"example.com", "example.com"},
        {"Example.COM", "example.com"},
        {"example.com.", "example.com"},
        {"ex_ample.com", "ex_ample.com"},
        {"_x.a-b.c", "_x.a-b.c"},
        {"123.example", "123.example"},
        {"a--b.example", "a--b.example"},
        {"localhost", "localhost"},
        {"xn--bcher-kva.de", "xn--bcher-kva.de"},
        {"XN--Bcher-KVA.de", "xn--bcher-kva.de"},
        {"b\xc3\xbc"
         "cher.de",
         "xn--bcher-kva.de"},
        {"B\xc3\x9c"
         "CHER.DE",
         "xn--bcher-kva.de"},
        {"bu\xcc\x88"
         "cher.de",
         "xn--bcher-kva.de"},
        {"b\xc3\xbc"
         "cher\xe3\x80\x82"
         "de",
         "xn--bcher-kva.de"},
        {"example\xef\xbc\x8e"
         "com",
         "example.com"},
        {"example\xef\xbd\xa1"
         "com\xe3\x80\x82",
         "example.com"},
        {"\xef\xbd\x85xample.com", "example.com"},
        {"fa\xc3\x9f.de", "xn--fa-hia.de"},
        {"\xd1\x80\xd1\x84.\xd1\x80\xd1\x84", "xn--p1ai.xn--p1ai"},
    };
    char out[DOMAIN_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (domain_normalize(bytes_of_text(rows[i][0]), out))
            fail_msg("'%s' was refused", rows[i][0]);
        assert_string_equal(out, rows[i][1]);
        assert_int_equal(domain_normalize(bytes_of_text(rows[i][1]), out), OK);
        assert_string_equal(out, rows[i][1]);
    }
}

/* proves: A6 */
static void distinct_names_stay_distinct(void **state)
{
    /* The second begins with the Cyrillic letter that looks like the Latin one; ss is not a sharp s. */
    static const char *const names[] = {"example.com",   "\xd0\xb5xample.com", "fass.de",
                                        "fa\xc3\x9f.de", "example.co",         "example.com.co"};
    char texts[COUNT(names)][DOMAIN_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_int_equal(domain_normalize(bytes_of_text(names[i]), texts[i]), OK);
        for (size_t before = 0; before < i; before++)
            assert_string_not_equal(texts[i], texts[before]);
    }
}

/* proves: A6 F11 */
static void malformed_names_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "a..b",
        ".a",
        "a..",
        "-a.b",
        "a-.b",
        "a b",
        "a%00b",
        "*.x",
        "*",
        "a@b",
        "a,b",
        "a/b",
        "a:b",
        "[1.2.3.4]",
        "#123",
        "a\tb",
        "a\x7f",
        "a\r\nb",
        "xn--.de",
        "xn--a.de",
        "xn--a-.de",
        "xn--example.com",
        "xn--\x80.de",
        "b\xc3.de",
        "\xff.de",
        "\xc0\xae.de",
        "\xed\xa0\x80.de",
        "\xe3\x80\x82",
        "a\xe3\x80\x82\xe3\x80\x82z",
        "xn--fass-",
        "\xe2\x80\x8b.de",
        "\xe2\x84\x80.de",
        "\xef\xbd\x98n--a.de",
        "\xc3\xbc@b",
    };
    char out[DOMAIN_TEXT_SIZE] = "untouched";

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (domain_normalize(bytes_of_text(bad[i]), out) != ERROR_SYNTAX)
            fail_msg("'%s' became '%s'", bad[i], out);
    assert_int_equal(domain_normalize(BYTES_LITERAL("a\0b"), out), ERROR_SYNTAX);
    assert_int_equal(domain_normalize(BYTES_LITERAL("\xc3\xbc\0b"), out), ERROR_SYNTAX);
    assert_int_equal(domain_normalize((struct bytes){NULL, 0}, out), ERROR_SYNTAX);
    assert_string_equal(out, "untouched");
}

/* proves: A6 A4 */
static void lengths_are_bounded(void **state)
{
    char name[300], out[DOMAIN_TEXT_SIZE];
    static char huge[100000];

    (void)state;
    for (size_t i = 0; i < sizeof(name); i++)
        name[i] = i % 64 == 63 ? '.' : 'd';
    assert_int_equal(domain_normalize((struct bytes){name, 63}, out), OK);
    assert_int_equal(domain_normalize((struct bytes){name, 255}, out), OK);
    assert_int_equal(strlen(out), 255);
    assert_int_equal(domain_normalize((struct bytes){name, 257}, out), ERROR_SYNTAX);
    name[63] = 'd';
    assert_int_equal(domain_normalize((struct bytes){name, 64}, out), ERROR_SYNTAX);
    memset(huge, '\xc3', sizeof(huge));
    assert_int_equal(domain_normalize((struct bytes){huge, sizeof(huge)}, out), ERROR_SYNTAX);
    for (size_t i = 0; i < sizeof(huge); i++)
        huge[i] = i % 2 ? '\xbc' : '\xc3';
    assert_int_equal(domain_normalize((struct bytes){huge, sizeof(huge)}, out), ERROR_SYNTAX);
}

/* proves: A5 */
static void literals_need_correct_syntax(void **state)
{
    static const char *const good[] = {"[127.0.0.1]", "[IPv6:::1]", "[ipv6:2001:DB8::1]",
                                       "[IPv6:::ffff:1.2.3.4]"};
    static const char *const bad[] = {"",
                                      "[",
                                      "[]",
                                      "]",
                                      "[1.2.3]",
                                      "[1.2.3.4] ",
                                      "[1.2.3.4].",
                                      "1.2.3.4",
                                      "[::1]",
                                      "[IPv6:]",
                                      "[IPv6:1.2.3.4]",
                                      "[[1.2.3.4]]",
                                      "[IPv6:::1%1]",
                                      "[x-tag:y]",
                                      "[1.2.3.4\r\n]"};

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(domain_is_literal(bytes_of_text(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        if (domain_is_literal(bytes_of_text(bad[i])))
            fail_msg("'%s'", bad[i]);
}

/* proves: A6 */
static void within_means_equal_or_below(void **state)
{
    (void)state;
    assert_true(domain_is_within(BYTES_LITERAL("x.com"), BYTES_LITERAL("x.com")));
    assert_true(domain_is_within(BYTES_LITERAL("a.b.x.com"), BYTES_LITERAL("x.com")));
    assert_false(domain_is_within(BYTES_LITERAL("ax.com"), BYTES_LITERAL("x.com")));
    assert_false(domain_is_within(BYTES_LITERAL("com"), BYTES_LITERAL("x.com")));
    assert_false(domain_is_within(BYTES_LITERAL("x.com"), BYTES_LITERAL("")));
    assert_false(domain_is_within(BYTES_LITERAL("x."), BYTES_LITERAL("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_names_have_one_form),    cmocka_unit_test(distinct_names_stay_distinct),
        cmocka_unit_test(malformed_names_are_refused),  cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(literals_need_correct_syntax), cmocka_unit_test(within_means_equal_or_below),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The lists of domain security: what a value is, and which domains it means. */
#include "organization/secure_domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ARENA_MAX 65536

/* proves: C167 C174 facts-1.6 facts-10.4 A6 */
static void which_domains_a_value_means(void **state)
{
    static const struct row {
        const char *value, *domain;
        bool is_meant;
    } rows[] = {
        {"fabrikam.com", "fabrikam.com", true},
        {" Fabrikam.COM. ", "fabrikam.com", true},
        {"fabrikam.com", "mail.fabrikam.com", false},
        {"fabrikam.com", "evilfabrikam.com", false},
        {"fabrikam.com", "com", false},
        {"fabrikam.com", "", false},
        {"*.fabrikam.com", "fabrikam.com", true},
        {"*.fabrikam.com", "mail.fabrikam.com", true},
        {"*.fabrikam.com", "a.b.fabrikam.com", true},
        {"*.fabrikam.com", "evilfabrikam.com", false},
        {"m\xc3\xbcnchen.example", "xn--mnchen-3ya.example", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena arena;
        struct secure_domain list[2] = {{"other.example", false}};
        struct note note = {0};
        arena_init(&arena, ARENA_MAX);
        assert_int_equal(secure_domain_parse(bytes_of_text(rows[i].value), &arena, &list[1], &note), OK);
        if (secure_domain_lists(list, 2, bytes_of_text(rows[i].domain)) != rows[i].is_meant) {
            fail_msg("row %zu", i);
        }
        assert_false(secure_domain_lists(list, 1, bytes_of_text(rows[i].domain)));
        arena_done(&arena);
    }
}

static void what_is_no_domain(void **state)
{
    static const char *const values[] = {"",           "*",   "*.", "*.*.fabrikam.com", "fabri kam.com",
                                         "[10.0.0.1]", "a..b"};
    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        struct arena arena;
        struct secure_domain domain;
        struct note note = {0};
        arena_init(&arena, ARENA_MAX);
        assert_int_equal(secure_domain_parse(bytes_of_text(values[i]), &arena, &domain, &note), ERROR_SYNTAX);
        assert_true(note.text[0] != '\0');
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(which_domains_a_value_means),
                                       cmocka_unit_test(what_is_no_domain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

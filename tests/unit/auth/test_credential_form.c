#include "auth/credential_form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PLAIN(text) credential_check_plain(BYTES_LITERAL(text), &note)

/* proves: D1 */
static void test_a_password_has_something_in_it(void **state)
{
    (void)state;
    struct note note = {0};
    assert_int_equal(credential_check_password(BYTES_LITERAL(""), &note), ERROR_DENIED_CREDENTIALS);
    assert_int_equal(credential_check_password(BYTES_LITERAL(" \t "), &note), ERROR_DENIED_CREDENTIALS);
    assert_int_equal(credential_check_password(BYTES_LITERAL("\0secret"), &note), ERROR_DENIED_CREDENTIALS);
    assert_int_equal(credential_check_password(BYTES_LITERAL("secret\0"), &note), ERROR_DENIED_CREDENTIALS);
    assert_null(strstr(note.text, "secret"));
    assert_int_equal(credential_check_password(BYTES_LITERAL(" secret "), &note), OK);
}

/* proves: D2 */
static void test_a_name_begins_with_no_blank(void **state)
{
    (void)state;
    static const char *const NAMES[] = {" ", "\t", " alice", "\t'\t", "\r\n"};
    struct note note = {0};
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        assert_int_equal(credential_check_name(bytes_of_text(NAMES[i]), &note), ERROR_DENIED_CREDENTIALS);
    assert_int_equal(credential_check_name(BYTES_LITERAL("al ice"), &note), OK);
}

static void test_what_is_too_long_is_refused(void **state)
{
    (void)state;
    struct note note = {0};
    char *text = calloc(1, CREDENTIAL_BYTES_MAX + 1);
    memset(text, 'x', CREDENTIAL_BYTES_MAX + 1);
    struct bytes most = {text, CREDENTIAL_BYTES_MAX}, more = {text, CREDENTIAL_BYTES_MAX + 1};
    assert_int_equal(credential_check_name(most, &note), OK);
    assert_int_equal(credential_check_name(more, &note), ERROR_DENIED_CREDENTIALS);
    assert_int_equal(credential_check_password(most, &note), OK);
    assert_int_equal(credential_check_password(more, &note), ERROR_DENIED_CREDENTIALS);
    free(text);
}

/* proves: D2 */
static void test_plain_has_three_parts(void **state)
{
    (void)state;
    struct note note = {0};
    assert_int_equal(PLAIN("\0alice\0secret"), OK);
    assert_int_equal(PLAIN("alice\0alice\0secret"), OK);
    assert_int_equal(PLAIN(""), ERROR_SYNTAX);
    assert_int_equal(PLAIN("alice"), ERROR_SYNTAX);
    assert_int_equal(PLAIN("alice\0secret"), ERROR_SYNTAX);
    assert_int_equal(PLAIN("\0"), ERROR_SYNTAX);
    assert_int_equal(PLAIN("\0\0"), ERROR_DENIED_CREDENTIALS);
    assert_int_equal(PLAIN("\0\0secret"), ERROR_DENIED_CREDENTIALS);
    assert_int_equal(PLAIN("\0alice\0"), ERROR_DENIED_CREDENTIALS);
    assert_int_equal(PLAIN("\0alice\0\0secret"), ERROR_DENIED_CREDENTIALS);
    assert_int_equal(PLAIN("\0alice\0secret\0"), ERROR_DENIED_CREDENTIALS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_password_has_something_in_it),
        cmocka_unit_test(test_a_name_begins_with_no_blank),
        cmocka_unit_test(test_what_is_too_long_is_refused),
        cmocka_unit_test(test_plain_has_three_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

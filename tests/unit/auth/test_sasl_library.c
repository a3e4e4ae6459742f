#include "auth/sasl_library.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sasl/sasl.h>

static int start(void **state)
{
    (void)state;
    struct note note = {0};
    return sasl_library_start("/nonexistent/keytab", &note) == OK ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    sasl_library_stop();
    return 0;
}

static bool has_word(const char *list, const char *word)
{
    char around[4096];
    char wanted[64];
    snprintf(around, sizeof around, " %s ", list);
    snprintf(wanted, sizeof wanted, " %s ", word);
    return strstr(around, wanted) != NULL;
}

/* proves: T1 */
static void test_a_server_knows_the_four_alone(void **state)
{
    (void)state;
    sasl_conn_t *connection = NULL;
    const char *list = NULL;
    assert_int_equal(sasl_server_new("smtp", "mail.example.test", NULL, NULL, NULL, NULL, 0, &connection),
                     SASL_OK);
    assert_int_equal(sasl_listmech(connection, NULL, "", " ", "", &list, NULL, NULL), SASL_OK);
    assert_true(has_word(list, "PLAIN"));
    assert_true(has_word(list, "LOGIN"));
    static const char *const OTHERS[] = {"NTLM",     "ANONYMOUS", "CRAM-MD5",      "DIGEST-MD5",
                                         "OTP",      "EXTERNAL",  "SCRAM-SHA-1",   "SCRAM-SHA-256",
                                         "GS2-KRB5", "SRP",       "PASSDSS-3DES-1"};
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        assert_false(has_word(list, OTHERS[i]));
    sasl_dispose(&connection);
}

static void test_a_client_can_be_made(void **state)
{
    (void)state;
    sasl_conn_t *connection = NULL;
    assert_int_equal(sasl_client_new("smtp", "mail.example.test", NULL, NULL, NULL, 0, &connection), SASL_OK);
    sasl_dispose(&connection);
}

static void test_the_keytab_is_the_acceptors(void **state)
{
    (void)state;
    assert_string_equal(getenv("KRB5_KTNAME"), "/nonexistent/keytab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_server_knows_the_four_alone),
        cmocka_unit_test(test_a_client_can_be_made),
        cmocka_unit_test(test_the_keytab_is_the_acceptors),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

#include "auth/sasl_client.h"
#include "auth/sasl_library.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct auth_credential CREDENTIAL = {"contoso\\relay", "p w\xc3\xa4"};

static int setup(void **state)
{
    struct note note = {0};
    (void)state;
    return sasl_library_start(NULL, &note) != OK;
}

static int teardown(void **state)
{
    (void)state;
    sasl_library_stop();
    return 0;
}

static struct auth_client *begin(const char *mechanism, bool *out_is_first, struct buffer *message)
{
    struct auth_client *client = NULL;
    struct note note = {0};
    buffer_init(message, 4096);
    if (auth_client_new(mechanism, "mail.contoso.com", &CREDENTIAL, &client, out_is_first, message, &note))
        fail_msg("%s", note.text);
    return client;
}

static void assert_said(struct buffer *message, const char *text, size_t len)
{
    assert_int_equal(message->len, len);
    if (len)
        assert_memory_equal(message->ptr, text, len);
    buffer_clear(message);
}

/* proves: C133 facts-10.5 */
static void login_goes_before_plain(void **state)
{
    (void)state;
    assert_string_equal(auth_client_choose(BYTES_LITERAL("GSSAPI PLAIN LOGIN"), false), "LOGIN");
    assert_string_equal(auth_client_choose(BYTES_LITERAL("plain login"), false), "LOGIN");
    assert_string_equal(auth_client_choose(BYTES_LITERAL("CRAM-MD5  plain"), false), "PLAIN");
    assert_null(auth_client_choose(BYTES_LITERAL("GSSAPI NTLM XLOGIN PLAINER"), false));
    assert_null(auth_client_choose(BYTES_LITERAL(""), false));
    assert_string_equal(auth_client_choose(BYTES_LITERAL("LOGIN PLAIN xoauth2"), true), "XOAUTH2");
    assert_null(auth_client_choose(BYTES_LITERAL("LOGIN PLAIN"), true));
}

/* proves: C133 T3 */
static void login_answers_name_and_password(void **state)
{
    struct buffer message;
    bool is_first = true;
    struct auth_client *client = begin("LOGIN", &is_first, &message);
    (void)state;
    assert_false(is_first);
    assert_said(&message, "", 0);
    assert_int_equal(auth_client_step(client, BYTES_LITERAL("Username:"), &message), OK);
    assert_said(&message, "contoso\\relay", 13);
    assert_int_equal(auth_client_step(client, BYTES_LITERAL("Password:"), &message), OK);
    assert_said(&message, "p w\xc3\xa4", 5);
    assert_int_equal(auth_client_step(client, BYTES_LITERAL("Once more:"), &message), ERROR_PROTOCOL);
    auth_client_free(client);
    buffer_done(&message);
}

static void plain_says_all_at_once(void **state)
{
    struct buffer message;
    bool is_first = false;
    struct auth_client *client = begin("PLAIN", &is_first, &message);
    (void)state;
    assert_true(is_first);
    assert_said(&message, "\0contoso\\relay\0p w\xc3\xa4", 20);
    assert_int_equal(auth_client_step(client, BYTES_LITERAL(""), &message), ERROR_PROTOCOL);
    auth_client_free(client);
    buffer_done(&message);
}

/* One message; the challenge says why it was not taken, and is answered with nothing. */
static void a_token_is_said_at_once(void **state)
{
    struct buffer message;
    bool is_first = false;
    struct auth_client *client = begin("XOAUTH2", &is_first, &message);
    (void)state;
    assert_true(is_first);
    assert_said(&message, "user=contoso\\relay\1auth=Bearer p w\xc3\xa4\1\1", 38);
    assert_int_equal(auth_client_step(client, BYTES_LITERAL("{\"status\":\"401\"}"), &message), OK);
    assert_said(&message, "", 0);
    assert_int_equal(auth_client_step(client, BYTES_LITERAL(""), &message), ERROR_PROTOCOL);
    auth_client_free(client);
    buffer_done(&message);
}

static void an_unknown_mechanism_is_no_exchange(void **state)
{
    struct auth_client *client = NULL;
    struct buffer message;
    struct note note = {0};
    bool is_first;
    (void)state;
    buffer_init(&message, 4096);
    assert_int_equal(
        auth_client_new("X-NONE", "mail.contoso.com", &CREDENTIAL, &client, &is_first, &message, &note),
        ERROR_TEMPORARY);
    assert_non_null(strstr(note.text, "SASL X-NONE: "));
    auth_client_free(NULL);
    buffer_done(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(login_goes_before_plain),
        cmocka_unit_test(login_answers_name_and_password),
        cmocka_unit_test(plain_says_all_at_once),
        cmocka_unit_test(a_token_is_said_at_once),
        cmocka_unit_test(an_unknown_mechanism_is_no_exchange),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

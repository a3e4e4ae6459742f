/* What a token endpoint is told and what may be made of its answer. */
#include "delivery/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_form_is_encoded(void **state)
{
    struct send_connector connector = {.token_client_id = "relay & co", .token_scope = "https://a/.default"};
    struct buffer form;
    (void)state;
    buffer_init(&form, 4096);
    assert_int_equal(token_write_form(&connector, "s=c\xc3\xa4+", &form), OK);
    assert_true(bytes_equal(buffer_bytes(&form),
                            BYTES_LITERAL("grant_type=client_credentials&client_id=relay%20%26%20co&client_"
                                          "secret=s%3Dc%C3%A4%2B&scope=https%3A%2F%2Fa%2F.default")));
    buffer_clear(&form);
    connector.token_scope = NULL;
    assert_int_equal(token_write_form(&connector, "x", &form), OK);
    assert_true(bytes_equal(
        buffer_bytes(&form),
        BYTES_LITERAL("grant_type=client_credentials&client_id=relay%20%26%20co&client_secret=x")));
    buffer_done(&form);
}

/* proves: T11 F14 */
static void only_a_bearer_token_is_taken(void **state)
{
#define NO_TOKEN "the token endpoint's answer holds no bearer token"
    static const struct row {
        unsigned status;
        const char *body;
        const char *token; /* NULL: none, and this is why */
        const char *why;
        uint64_t lifetime_s;
    } rows[] = {
        {200, "{\"access_token\":\"a.b-c_d~+/=\",\"token_type\":\"bearer\",\"expires_in\":3599}",
         "a.b-c_d~+/=", NULL, 3599},
        {200, "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"more\":[1,{}]}", "t", NULL, 300},
        {200, "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":-1}", "t", NULL, 300},
        {200, "{\"access_token\":\"t\",\"token_type\":\"Bearer\",\"expires_in\":9223372036854775807}", "t",
         NULL, 86400},
        {200, "{\"access_token\":\"t\",\"token_type\":\"mac\"}", NULL, NO_TOKEN, 0},
        {200, "{\"access_token\":\"t\"}", NULL, NO_TOKEN, 0},
        {200, "{\"access_token\":\"\",\"token_type\":\"Bearer\"}", NULL, NO_TOKEN, 0},
        {200, "{\"access_token\":\"a b\",\"token_type\":\"Bearer\"}", NULL, NO_TOKEN, 0},
        {200, "{\"access_token\":\"a\\r\\nRCPT TO:<x>\",\"token_type\":\"Bearer\"}", NULL, NO_TOKEN, 0},
        {200, "{\"access_token\":\"a\\u0001\",\"token_type\":\"Bearer\"}", NULL, NO_TOKEN, 0},
        {200, "{\"access_token\":1,\"token_type\":\"Bearer\"}", NULL, NO_TOKEN, 0},
        {200, "[]", NULL, NO_TOKEN, 0},
        {200, "<html>", NULL, NO_TOKEN, 0},
        {200, "", NULL, NO_TOKEN, 0},
        {400, "{\"error\":\"invalid_scope\"}", NULL, "the token endpoint answered 400 invalid_scope", 0},
        {401, "{\"error\":\"in\\nvalid\"}", NULL, "the token endpoint answered 401 in?valid", 0},
        {500, "oh", NULL, "the token endpoint answered 500 ", 0},
        {201, "{\"access_token\":\"t\",\"token_type\":\"Bearer\"}", NULL, "the token endpoint answered 201 ",
         0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char token[AUTH_PASSWORD_MAX + 1];
        uint64_t lifetime_s = 0;
        struct note note = {0};
        enum error error =
            token_read_answer(rows[i].status, bytes_of_text(rows[i].body), token, &lifetime_s, &note);
        if (error != (rows[i].token ? OK : ERROR_SYNTAX))
            fail_msg("row %zu", i);
        if (rows[i].token) {
            assert_string_equal(token, rows[i].token);
            assert_int_equal(lifetime_s, rows[i].lifetime_s);
        } else {
            assert_string_equal(note.text, rows[i].why);
        }
    }
}

static void a_token_has_a_ceiling(void **state)
{
    static const char HEAD[] = "{\"token_type\":\"Bearer\",\"access_token\":\"";
    static char body[AUTH_PASSWORD_MAX + 100], token[AUTH_PASSWORD_MAX + 1];
    uint64_t lifetime_s;
    struct note note = {0};
    (void)state;
    for (size_t len = AUTH_PASSWORD_MAX; len <= AUTH_PASSWORD_MAX + 1; len++) {
        size_t head = strlen(HEAD);
        memcpy(body, HEAD, head);
        memset(body + head, 'x', len);
        memcpy(body + head + len, "\"}", 3);
        assert_int_equal(token_read_answer(200, bytes_of_text(body), token, &lifetime_s, &note),
                         len == AUTH_PASSWORD_MAX ? OK : ERROR_SYNTAX);
    }
    assert_int_equal(strlen(token), AUTH_PASSWORD_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_is_encoded),
        cmocka_unit_test(only_a_bearer_token_is_taken),
        cmocka_unit_test(a_token_has_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

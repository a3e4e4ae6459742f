/* What EHLO shows, by the connector's ProtocolOptions. */
/* fakes: organization */
#include "fakes/fake_organization.h"
#include "policy/offer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void add_line(const char *line, void *owner)
{
    char *text = owner;
    size_t len = strlen(text);
    (void)snprintf(text + len, 256 - len, "%s|", line);
}

static void expect(uint32_t options, uint32_t granted, const char *lines)
{
    struct receive_connector connector = {.protocol_options = options, .max_message_bytes = 37748736};
    struct session_rights rights = {.connector = &connector, .result = {.granted = granted}};
    char text[256] = "";
    offer_each(connector.max_message_bytes, offer_of(&connector, &rights, 0), add_line, text);
    assert_string_equal(text, lines);
}

/* What a later step brings is not offered, although its bit is on by default. */
/* proves: facts-2.3 facts-8.1 contract-1 contract-5 */
static void test_keywords(void **state)
{
    (void)state;
    expect(PROTOCOL_OPTIONS_DEFAULT, 0,
           "SIZE 37748736|PIPELINING|DSN|ENHANCEDSTATUSCODES|8BITMIME|BINARYMIME|CHUNKING|");
    expect(0x1FFFF, 0, "SIZE|PIPELINING|DSN|ENHANCEDSTATUSCODES|8BITMIME|BINARYMIME|CHUNKING|SMTPUTF8|");
    expect(0, 0, "");
    expect(OPTION_SIZE, 0, "SIZE 37748736|");
    expect(OPTION_SIZE | OPTION_SIZE_HIDDEN, 0, "SIZE|");
    expect(OPTION_SIZE_HIDDEN, 0, "");
    expect(OPTION_PIPELINING, 0, "PIPELINING|");
    expect(OPTION_ENHANCEDSTATUSCODES | OPTION_8BITMIME, 0, "ENHANCEDSTATUSCODES|8BITMIME|");
    expect(OPTION_CHUNKING, 0, "CHUNKING|");
    expect(OPTION_BINARYMIME, 0, ""); /* nothing would carry it */
    expect(OPTION_DSN, 0, "DSN|");
    expect(OPTION_SMTPUTF8 | OPTION_8BITMIME, 0, "8BITMIME|SMTPUTF8|");
    expect(OPTION_SMTPUTF8, 0, ""); /* RFC 6531 3.1: only beside 8BITMIME */
    /* Nor XSHADOW, XRDST and their like to who holds every right. */
    expect(PROTOCOL_OPTIONS_DEFAULT, UINT32_MAX,
           "SIZE|PIPELINING|DSN|ENHANCEDSTATUSCODES|8BITMIME|BINARYMIME|CHUNKING|");
}

/* Announced whatever the client. */
/* proves: facts-8.1 */
static void test_xexch50(void **state)
{
    (void)state;
    struct receive_connector connector = {.protocol_options =
                                              OPTION_CHUNKING | OPTION_8BITMIME | OPTION_SMTPUTF8};
    struct session_rights rights = {.connector = &connector};
    char text[256] = "";
    offer_each(0, offer_of(&connector, &rights, CHANNEL_XEXCH50), add_line, text);
    assert_string_equal(text, "8BITMIME|CHUNKING|XEXCH50|SMTPUTF8|");
}

/* A limit that does not bind the session is not shown. */
static void test_no_number_with_bypass(void **state)
{
    (void)state;
    expect(OPTION_SIZE, RIGHT_BIT(RIGHT_BYPASS_MESSAGE_SIZE_LIMIT), "SIZE|");
}

/* proves: C117 C118 C150 facts-8.1 facts-10.1 */
static void test_starttls(void **state)
{
    (void)state;
    for (uint32_t auth = 0; auth <= AUTH_ALL; auth++) {
        for (unsigned channel = 0; channel < 4; channel++) {
            struct receive_connector connector = {.protocol_options = OPTION_8BITMIME | OPTION_PIPELINING,
                                                  .auth_mechanism = auth};
            struct session_rights rights = {.connector = &connector};
            char text[256] = "";
            bool is_offered = (auth & AUTH_TLS) && channel == CHANNEL_CERTIFICATE;
            offer_each(connector.max_message_bytes, offer_of(&connector, &rights, channel), add_line, text);
            assert_string_equal(text, is_offered ? "PIPELINING|STARTTLS|8BITMIME|" : "PIPELINING|8BITMIME|");
            assert_int_equal(offer_has_starttls(&connector, channel), is_offered);
        }
    }
}

/* -- mechanisms -- */

#define ALL_WORK (CHANNEL_GSSAPI | CHANNEL_NTLM | CHANNEL_LOGIN | CHANNEL_PLAIN)

static void expect_mechanisms(uint32_t auth, uint32_t restrictions, unsigned channel, const char *lines)
{
    struct receive_connector connector = {.auth_mechanism = auth, .protocol_restrictions = restrictions};
    struct session_rights rights = {.connector = &connector};
    char text[256] = "";
    offer_each(0, offer_of(&connector, &rights, channel), add_line, text);
    assert_string_equal(text, lines);
}

/* Names and order of facts 8.1 and contract 7. */
/* proves: C114 C119 C121 facts-2.1 facts-8.1 contract-7 */
static void test_mechanisms(void **state)
{
    (void)state;
    const unsigned tls = ALL_WORK | CHANNEL_TLS;
    expect_mechanisms(AUTH_TLS, 0, tls, "");
    expect_mechanisms(AUTH_BASIC, 0, ALL_WORK, "AUTH LOGIN PLAIN|");
    expect_mechanisms(AUTH_BASIC, 0, tls, "AUTH LOGIN PLAIN|");
    expect_mechanisms(AUTH_INTEGRATED, 0, ALL_WORK, "AUTH GSSAPI NTLM|");
    expect_mechanisms(AUTH_INTEGRATED | AUTH_BASIC, 0, ALL_WORK, "AUTH GSSAPI NTLM LOGIN PLAIN|");
    expect_mechanisms(AUTH_EXCHANGE_SERVER, 0, ALL_WORK, "X-EXPS GSSAPI NTLM|");
    expect_mechanisms(AUTH_ALL & ~(uint32_t)AUTH_EXTERNAL_AUTHORITATIVE, 0, tls,
                      "AUTH GSSAPI NTLM LOGIN PLAIN|X-EXPS GSSAPI NTLM|");
}

/* proves: facts-1.3 facts-8.1 contract-7 T1 */
static void test_basic_inside_tls_only(void **state)
{
    (void)state;
    expect_mechanisms(AUTH_TLS | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS, 0, ALL_WORK, "");
    expect_mechanisms(AUTH_TLS | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS, 0, ALL_WORK | CHANNEL_TLS,
                      "AUTH LOGIN PLAIN|");
    expect_mechanisms(AUTH_TLS | AUTH_BASIC_REQUIRE_TLS | AUTH_INTEGRATED, 0, ALL_WORK, "AUTH GSSAPI NTLM|");
    expect_mechanisms(AUTH_TLS | AUTH_BASIC_REQUIRE_TLS, 0, ALL_WORK | CHANNEL_TLS, "AUTH LOGIN PLAIN|");
    expect_mechanisms(AUTH_BASIC | AUTH_INTEGRATED | AUTH_EXCHANGE_SERVER, RESTRICTION_REQUIRE_TLS, ALL_WORK,
                      "");
}

/* What does not work on this server is not offered. */
/* proves: facts-8.1 contract-1 */
static void test_mechanisms_that_work(void **state)
{
    (void)state;
    const uint32_t auth = AUTH_INTEGRATED | AUTH_BASIC | AUTH_EXCHANGE_SERVER;
    expect_mechanisms(auth, 0, 0, "");
    expect_mechanisms(auth, 0, CHANNEL_PLAIN, "AUTH PLAIN|");
    expect_mechanisms(auth, 0, CHANNEL_NTLM, "AUTH NTLM|X-EXPS NTLM|");
    expect_mechanisms(auth, 0, CHANNEL_GSSAPI | CHANNEL_LOGIN, "AUTH GSSAPI LOGIN|X-EXPS GSSAPI|");
}

/* proves: C125 facts-2.3 facts-8.1 facts-10.2 */
static void test_x_anonymoustls(void **state)
{
    (void)state;
    const unsigned channel = ALL_WORK | CHANNEL_CERTIFICATE | CHANNEL_INTERNAL_CERTIFICATE;
    struct receive_connector connector = {.auth_mechanism = AUTH_TLS | AUTH_EXCHANGE_SERVER};
    expect_mechanisms(AUTH_TLS | AUTH_EXCHANGE_SERVER | AUTH_INTEGRATED, 0, channel,
                      "STARTTLS|X-ANONYMOUSTLS|AUTH GSSAPI NTLM|X-EXPS GSSAPI NTLM|");
    expect_mechanisms(AUTH_EXCHANGE_SERVER, RESTRICTION_REQUIRE_TLS, channel, "X-ANONYMOUSTLS|");
    expect_mechanisms(AUTH_TLS, 0, channel, "STARTTLS|");
    expect_mechanisms(AUTH_EXCHANGE_SERVER, 0, CHANNEL_CERTIFICATE, "");
    expect_mechanisms(AUTH_EXCHANGE_SERVER, 0, channel | CHANNEL_TLS, "X-EXPS GSSAPI NTLM|");
    assert_true(offer_has_x_anonymoustls(&connector, channel));
    connector.protocol_options = OPTION_SUPPRESS_X_ANONYMOUSTLS;
    assert_false(offer_has_x_anonymoustls(&connector, channel));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_xexch50),
        cmocka_unit_test(test_no_number_with_bypass),
        cmocka_unit_test(test_starttls),
        cmocka_unit_test(test_mechanisms),
        cmocka_unit_test(test_x_anonymoustls),
        cmocka_unit_test(test_basic_inside_tls_only),
        cmocka_unit_test(test_mechanisms_that_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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
    expect(PROTOCOL_OPTIONS_DEFAULT, 0, "SIZE 37748736|PIPELINING|ENHANCEDSTATUSCODES|8BITMIME|");
    expect(0x1FFFF, 0, "SIZE|PIPELINING|ENHANCEDSTATUSCODES|8BITMIME|");
    expect(0, 0, "");
    expect(OPTION_SIZE, 0, "SIZE 37748736|");
    expect(OPTION_SIZE | OPTION_SIZE_HIDDEN, 0, "SIZE|");
    expect(OPTION_SIZE_HIDDEN, 0, "");
    expect(OPTION_PIPELINING, 0, "PIPELINING|");
    expect(OPTION_ENHANCEDSTATUSCODES | OPTION_8BITMIME, 0, "ENHANCEDSTATUSCODES|8BITMIME|");
    expect(OPTION_CHUNKING | OPTION_BINARYMIME | OPTION_DSN | OPTION_SMTPUTF8, 0, "");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_no_number_with_bypass),
        cmocka_unit_test(test_starttls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

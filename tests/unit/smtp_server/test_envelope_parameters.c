/* What may stand behind the addresses of MAIL and RCPT, and what it means. */
#include "policy/offer.h"
#include "smtp_server/envelope_parameters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define EVERYTHING UINT32_MAX
#define FINE       REPLY_COUNT
#define SYNTAX     REPLY_INVALID_ARGUMENTS
#define UNKNOWN    REPLY_UNRECOGNIZED_PARAMETER

static const struct {
    const char *text;
    enum reply reply;
} mail_rows[] = {
    {"", FINE},
    {"  ", FINE},
    {" SIZE=1 BODY=7BIT RET=FULL ENVID=QQ314159 AUTH=<>", FINE},
    {" ret=hdrs envid=a+2Bb", FINE},
    {" RET=ALL", SYNTAX},
    {" RET", SYNTAX},
    {" RET=", SYNTAX},
    {" RET=FULL RET=FULL", SYNTAX},
    {" ENVID", SYNTAX},
    {" ENVID=+", SYNTAX},
    {" ENVID=+4", SYNTAX},
    {" ENVID=+4g", SYNTAX},
    {" ENVID=+2b", SYNTAX},
    {" ENVID=a=b", SYNTAX},
    {" ENVID=x+0D+0AX-Injected:+20y", SYNTAX},
    {" ENVID=+00", SYNTAX},
    {" ENVID=+FF", SYNTAX},
    {" ENVID=a ENVID=b", SYNTAX},
    {" BODY=NINEBIT", REPLY_UNSUPPORTED_BODY},
    {" NOTIFY=NEVER", UNKNOWN},
    {" ORCPT=rfc822;a@b", UNKNOWN},
    {" SMTPUTF8", FINE},
    {" SMTPUTF8=", SYNTAX},
    {" SMTPUTF8=1", SYNTAX},
    {" SMTPUTF8 SMTPUTF8", SYNTAX},
    {" SIZE", SYNTAX},
    {" SIZE=-1", SYNTAX},
    {" FOO=1", UNKNOWN},
};

/* proves: R17 F12 facts-8.2 facts-8.3 */
static void mail_takes_what_it_may(void **state)
{
    struct mail_parameters given;
    (void)state;
    for (size_t i = 0; i < sizeof mail_rows / sizeof mail_rows[0]; i++) {
        assert_int_equal(mail_parameters_parse(EVERYTHING, bytes_of_text(mail_rows[i].text), &given),
                         mail_rows[i].reply);
    }
    assert_int_equal(mail_parameters_parse(EVERYTHING, BYTES_LITERAL("RET=full ENVID=a+2Bb"), &given), FINE);
    assert_int_equal(given.dsn_return, RETURN_FULL);
    assert_true(bytes_equal(given.envelope_id, BYTES_LITERAL("a+2Bb")));
    assert_int_equal(mail_parameters_parse(EVERYTHING, BYTES_LITERAL(""), &given), FINE);
    assert_int_equal(given.dsn_return, RETURN_UNSAID);
    assert_int_equal(given.body, BODY_7BIT);
}

/* Spec: RFC 4954 5 */
/* proves: facts-6.3 */
static void auth_names_somebody_or_nobody(void **state)
{
    static const struct {
        const char *text;
        enum reply reply;
        bool is_null;
    } rows[] = {
        {"AUTH=<>", FINE, true},
        {"AUTH=+3C+3E", FINE, true},
        {"AUTH=e+3Dmc2@example.com", FINE, false},
        {"AUTH=\"e+3Dmc2\"@example.com", FINE, false},
        {"AUTH=<chris@contoso.com>", FINE, true},
        {"AUTH=chris", FINE, true},
        {"AUTH=a@b+0D+0AX:", FINE, true},
        {"AUTH=+00", FINE, true},
        {"AUTH=", SYNTAX, false},
        {"AUTH=+", SYNTAX, false},
        {"AUTH=+4g", SYNTAX, false},
        {"AUTH=a=b@c", SYNTAX, false},
        {"AUTH=<> AUTH=<>", SYNTAX, false},
    };
    struct mail_parameters given;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum reply reply = mail_parameters_parse(EVERYTHING, bytes_of_text(rows[i].text), &given);
        if (reply != rows[i].reply || (reply == FINE && given.is_auth_null != rows[i].is_null)) {
            fail_msg("%s", rows[i].text);
        }
    }
    assert_int_equal(mail_parameters_parse(EVERYTHING, BYTES_LITERAL(""), &given), FINE);
    assert_true(given.auth.len == 0 && !given.is_auth_null);
}

static const struct {
    const char *text;
    enum reply reply;
    uint8_t notify;
} recipient_rows[] = {
    {"", FINE, 0},
    {" NOTIFY=NEVER", FINE, NOTIFY_NEVER},
    {" notify=Success,DELAY,failure", FINE, NOTIFY_SUCCESS | NOTIFY_DELAY | NOTIFY_FAILURE},
    {" NOTIFY=NEVER,SUCCESS", SYNTAX, 0},
    {" NOTIFY=", SYNTAX, 0},
    {" NOTIFY=,SUCCESS", SYNTAX, 0},
    {" NOTIFY=SUCCESS,", SYNTAX, 0},
    {" NOTIFY=SUCCESS,,DELAY", SYNTAX, 0},
    {" NOTIFY=ALWAYS", SYNTAX, 0},
    {" NOTIFY", SYNTAX, 0},
    {" NOTIFY=NEVER NOTIFY=NEVER", SYNTAX, 0},
    {" ORCPT=rfc822;Bob@Example.com", FINE, 0},
    {" ORCPT=x-local;a+2B+20b NOTIFY=DELAY", FINE, NOTIFY_DELAY},
    {" ORCPT=rfc822;", SYNTAX, 0},
    {" ORCPT=;a@b", SYNTAX, 0},
    {" ORCPT=rfc822", SYNTAX, 0},
    {" ORCPT=rfc+20;a@b", SYNTAX, 0},
    {" ORCPT=rfc822;a+0D+0AX:b", SYNTAX, 0},
    {" ORCPT=rfc822;a+ZZ", SYNTAX, 0},
    {" RET=FULL", UNKNOWN, 0},
};

/* proves: R17 F12 */
static void rcpt_takes_what_it_may(void **state)
{
    struct recipient_parameters given;
    (void)state;
    for (size_t i = 0; i < sizeof recipient_rows / sizeof recipient_rows[0]; i++) {
        assert_int_equal(
            recipient_parameters_parse(EVERYTHING, bytes_of_text(recipient_rows[i].text), &given),
            recipient_rows[i].reply);
        if (recipient_rows[i].reply == FINE) {
            assert_int_equal(given.notify, recipient_rows[i].notify);
        }
    }
}

/* proves: facts-8.3 */
static void lengths_are_bounded(void **state)
{
    char text[600];
    struct mail_parameters mail;
    struct recipient_parameters recipient;
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        memset(text, 'a', sizeof text);
        memcpy(text, "ENVID=", 6);
        assert_int_equal(
            mail_parameters_parse(EVERYTHING, (struct bytes){text, (size_t)(106 + extra)}, &mail),
            extra ? SYNTAX : FINE);
        memcpy(text, "ORCPT=rfc822;", 13);
        assert_int_equal(
            recipient_parameters_parse(EVERYTHING, (struct bytes){text, (size_t)(506 + extra)}, &recipient),
            extra ? SYNTAX : FINE);
        memcpy(text, "AUTH=aaaaaaaa", 13); /* no address, but no fault of syntax either */
        assert_int_equal(
            mail_parameters_parse(EVERYTHING, (struct bytes){text, (size_t)(505 + extra)}, &mail),
            extra ? SYNTAX : FINE);
    }
}

/* proves: facts-2.3 contract-1 */
static void what_is_not_offered_is_unknown(void **state)
{
    static const struct {
        const char *text;
        uint32_t offer;
        bool is_of_recipient;
    } rows[] = {
        {"SIZE=1", OFFER_SIZE, false},        {"BODY=8BITMIME", OFFER_8BITMIME, false},
        {"RET=HDRS", OFFER_DSN, false},       {"ENVID=x", OFFER_DSN, false},
        {"NOTIFY=NEVER", OFFER_DSN, true},    {"ORCPT=rfc822;a@b", OFFER_DSN, true},
        {"AUTH=<>", OFFER_AUTH_LOGIN, false}, {"SMTPUTF8", OFFER_SMTPUTF8, false},
    };
    struct mail_parameters mail;
    struct recipient_parameters recipient;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes text = bytes_of_text(rows[i].text);
        for (int is_offered = 0; is_offered < 2; is_offered++) {
            uint32_t offered = is_offered ? rows[i].offer : 0;
            assert_int_equal(rows[i].is_of_recipient ? recipient_parameters_parse(offered, text, &recipient)
                                                     : mail_parameters_parse(offered, text, &mail),
                             is_offered ? FINE : UNKNOWN);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail_takes_what_it_may),        cmocka_unit_test(rcpt_takes_what_it_may),
        cmocka_unit_test(lengths_are_bounded),           cmocka_unit_test(what_is_not_offered_is_unknown),
        cmocka_unit_test(auth_names_somebody_or_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Whose refusals dirrelayReportOnly may let through, and whose never. */
#include "policy/report_only.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BIT(name) RIGHT_BIT(RIGHT_##name)
#define SENDERS   (BIT(SMTP_ACCEPT_ANY_SENDER) | BIT(SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER))

static uint32_t lifted(enum identity identity, uint32_t granted, uint32_t named, bool allow, bool nothing)
{
    struct receive_connector connector = {
        .report_only = named, .allow_open_relay = allow, .grants_nothing = nothing};
    struct session_rights rights = {
        .connector = &connector, .identity = identity, .result = {.granted = granted}};
    return report_only_rights(&rights);
}

/* proves: contract-3 */
static void test_who_is_let_through(void **state)
{
    (void)state;
    assert_int_equal(lifted(IDENTITY_ACCOUNT, 0, REPORT_ONLY_RIGHTS, false, false), REPORT_ONLY_RIGHTS);
    assert_int_equal(lifted(IDENTITY_ACCOUNT, BIT(SMTP_SUBMIT), BIT(SMTP_SUBMIT), false, false), 0);
    assert_int_equal(lifted(IDENTITY_ACCOUNT, 0, BIT(BYPASS_ANTI_SPAM), false, false), 0);
    assert_int_equal(lifted(IDENTITY_ACCOUNT, 0, 0, true, false), 0);
}

/* proves: contract-3 */
static void test_anonymous_gets_no_relay_without_the_acknowledgement(void **state)
{
    (void)state;
    assert_int_equal(lifted(IDENTITY_ANONYMOUS, 0, REPORT_ONLY_RIGHTS, false, false), SENDERS);
    assert_int_equal(lifted(IDENTITY_ANONYMOUS, 0, REPORT_ONLY_RIGHTS, true, false), REPORT_ONLY_RIGHTS);
}

/* proves: contract-3 */
static void test_unreadable_permissions_lift_nothing(void **state)
{
    (void)state;
    assert_int_equal(lifted(IDENTITY_ACCOUNT, 0, REPORT_ONLY_RIGHTS, true, true), 0);
    assert_int_equal(lifted(IDENTITY_ANONYMOUS, 0, REPORT_ONLY_RIGHTS, true, true), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_let_through),
        cmocka_unit_test(test_anonymous_gets_no_relay_without_the_acknowledgement),
        cmocka_unit_test(test_unreadable_permissions_lift_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

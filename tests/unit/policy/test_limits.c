/* The smaller of the connector's and the organization's limit, and who is exempt. */
#include "policy/limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct organization organization;
static struct receive_connector connector;
static struct session_rights rights;

static int set_up(void **state)
{
    (void)state;
    organization = (struct organization){
        .server.model = PERMISSION_MODEL_2010,
        .settings = {.max_send_bytes = 2000, .max_receive_bytes = 1000, .max_recipients = 50}};
    connector = (struct receive_connector){.max_message_bytes = 1500, .max_recipients = 40};
    rights = (struct session_rights){.connector = &connector, .identity = IDENTITY_ANONYMOUS};
    return 0;
}

static uint64_t size_of(enum identity identity)
{
    rights.identity = identity;
    return limits_message_bytes(&organization, &rights);
}

/* proves: facts-1.6 */
static void outside_receives_inside_sends(void **state)
{
    (void)state;
    assert_int_equal(size_of(IDENTITY_ANONYMOUS), 1000);
    assert_int_equal(size_of(IDENTITY_PARTNER), 1000);
    connector.max_message_bytes = 5000;
    static const enum identity ours[] = {IDENTITY_ACCOUNT, IDENTITY_HUB, IDENTITY_EDGE,
                                         IDENTITY_EXTERNALLY_SECURED, IDENTITY_LEGACY};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        assert_int_equal(size_of(ours[i]), 2000);
    }
}

/* proves: facts-1.3 facts-1.6 */
static void the_smaller_one_binds_and_zero_is_none(void **state)
{
    (void)state;
    connector.max_message_bytes = 999;
    assert_int_equal(size_of(IDENTITY_ANONYMOUS), 999);
    organization.settings.max_receive_bytes = UNLIMITED;
    connector.max_message_bytes = 5000;
    assert_int_equal(size_of(IDENTITY_ANONYMOUS), 5000);
    connector.max_message_bytes = UNLIMITED;
    assert_true(size_of(IDENTITY_ANONYMOUS) == UINT64_MAX);
    assert_int_equal(size_of(IDENTITY_ACCOUNT), 2000);
}

/* proves: facts-1.6 */
static void recipients_have_two_limits_too(void **state)
{
    (void)state;
    assert_int_equal(limits_recipients(&organization, &rights), 40);
    connector.max_recipients = 60;
    assert_int_equal(limits_recipients(&organization, &rights), 50);
    organization.settings.max_recipients = UNLIMITED;
    assert_int_equal(limits_recipients(&organization, &rights), 60);
    connector.max_recipients = UNLIMITED;
    assert_true(limits_recipients(&organization, &rights) == UINT32_MAX);
}

/* proves: C210 contract-7 */
static void bypass_lifts_the_size_and_in_2010_the_counts(void **state)
{
    (void)state;
    rights.result.granted = RIGHT_BIT(RIGHT_BYPASS_MESSAGE_SIZE_LIMIT);
    assert_true(size_of(IDENTITY_ANONYMOUS) == UINT64_MAX);
    assert_true(limits_recipients(&organization, &rights) == UINT32_MAX);
    assert_true(limits_are_bypassed(&organization, &rights));
    organization.server.model = PERMISSION_MODEL_2007;
    assert_true(size_of(IDENTITY_ANONYMOUS) == UINT64_MAX);
    assert_int_equal(limits_recipients(&organization, &rights), 40);
    assert_false(limits_are_bypassed(&organization, &rights));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(outside_receives_inside_sends, set_up),
        cmocka_unit_test_setup(the_smaller_one_binds_and_zero_is_none, set_up),
        cmocka_unit_test_setup(recipients_have_two_limits_too, set_up),
        cmocka_unit_test_setup(bypass_lifts_the_size_and_in_2010_the_counts, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

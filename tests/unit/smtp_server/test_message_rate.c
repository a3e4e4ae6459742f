/* What a message counts for: address, account, both, per connector. */
#include "smtp_server/message_rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct message_rate *rate;
static struct receive_connector connector;

static int set_up(void **state)
{
    (void)state;
    rate = message_rate_new();
    connector = (struct receive_connector){
        .id = {{1}}, .message_rate_limit = 1, .message_rate_source = MESSAGE_RATE_ADDRESS};
    return rate == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    message_rate_free(rate);
    return 0;
}

static bool take(const char *client, const char *user)
{
    struct ip_address address;
    assert_int_equal(ip_parse_address(bytes_of_text(client), &address), OK);
    return message_rate_take(rate, &connector, &address, bytes_of_text(user), 1000);
}

/* proves: facts-10.8 */
static void an_address_is_a_client_and_ipv6_a_network(void **state)
{
    (void)state;
    assert_true(take("10.0.0.1", "chris"));
    assert_false(take("10.0.0.1", "kate"));
    assert_true(take("10.0.0.2", "chris"));
    assert_true(take("2001:db8:0:1::1", ""));
    assert_false(take("2001:db8:0:1:ffff::2", ""));
    assert_true(take("2001:db8:0:2::1", ""));
    assert_true(take("a00:1::", "")); /* the octets of 10.0.0.1 */
}

/* proves: facts-10.8 facts-2.8 */
static void a_user_is_counted_wherever_he_comes_from(void **state)
{
    (void)state;
    connector.message_rate_source = MESSAGE_RATE_USER;
    assert_true(take("10.0.0.1", "chris"));
    assert_false(take("10.0.0.2", "chris"));
    assert_true(take("10.0.0.1", "kate"));
    assert_true(take("10.0.0.3", ""));
    assert_true(take("10.0.0.3", ""));
}

/* proves: facts-10.8 facts-2.8 */
static void all_is_both_and_a_refusal_takes_of_neither(void **state)
{
    (void)state;
    connector.message_rate_source = MESSAGE_RATE_ALL;
    assert_true(take("10.0.0.1", "chris"));
    assert_false(take("10.0.0.1", "kate"));
    assert_false(take("10.0.0.2", "chris"));
    assert_true(take("10.0.0.2", "kate"));
    assert_true(take("10.0.0.3", ""));
    assert_false(take("10.0.0.3", ""));
}

/* proves: facts-10.8 facts-2.8 */
static void none_and_unlimited_count_nothing(void **state)
{
    (void)state;
    connector.message_rate_source = MESSAGE_RATE_NONE;
    assert_true(take("10.0.0.1", "chris") && take("10.0.0.1", "chris"));
    connector.message_rate_source = MESSAGE_RATE_ADDRESS;
    connector.message_rate_limit = UNLIMITED;
    assert_true(take("10.0.0.1", "chris") && take("10.0.0.1", "chris"));
}

static void every_connector_counts_for_itself(void **state)
{
    (void)state;
    assert_true(take("10.0.0.1", ""));
    connector.id.octets[0] = 2;
    assert_true(take("10.0.0.1", ""));
    assert_false(take("10.0.0.1", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_address_is_a_client_and_ipv6_a_network, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_user_is_counted_wherever_he_comes_from, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_is_both_and_a_refusal_takes_of_neither, set_up, tear_down),
        cmocka_unit_test_setup_teardown(none_and_unlimited_count_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_connector_counts_for_itself, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "auth/failure_count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { LIMIT = 3, WINDOW_MS = 10000 };

struct counter {
    struct clock_fake clock;
    struct failure_counts *counts;
};

static int open_counter(void **state)
{
    static struct counter counter;
    clock_fake_init(&counter.clock, 1000, 0);
    counter.counts = failure_counts_new(LIMIT, WINDOW_MS, &counter.clock.clock);
    assert_non_null(counter.counts);
    *state = &counter;
    return 0;
}

static int close_counter(void **state)
{
    struct counter *counter = *state;
    failure_counts_free(counter->counts);
    return 0;
}

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    assert_int_equal(ip_parse_address(bytes_of_text(text), &address), OK);
    return address;
}

static void fail_from(struct counter *counter, const char *text, unsigned times)
{
    struct ip_address address = address_of(text);
    for (unsigned i = 0; i < times; i++)
        failure_counts_leave(counter->counts, &address, true);
}

static bool is_over(struct counter *counter, const char *text)
{
    struct ip_address address = address_of(text);
    return failure_counts_is_over(counter->counts, &address);
}

/* proves: T2 contract-2 */
static void test_a_source_is_over_at_its_limit(void **state)
{
    assert_false(is_over(*state, "192.0.2.1"));
    fail_from(*state, "192.0.2.1", LIMIT - 1);
    assert_false(is_over(*state, "192.0.2.1"));
    fail_from(*state, "192.0.2.1", 1);
    assert_true(is_over(*state, "192.0.2.1"));
    assert_false(is_over(*state, "192.0.2.2"));
}

static void test_the_window_slides(void **state)
{
    struct counter *counter = *state;
    fail_from(counter, "192.0.2.1", 1);
    clock_fake_advance(&counter->clock, WINDOW_MS - 1000);
    fail_from(counter, "192.0.2.1", LIMIT - 1);
    assert_true(is_over(counter, "192.0.2.1"));
    clock_fake_advance(&counter->clock, 999);
    assert_true(is_over(counter, "192.0.2.1"));
    clock_fake_advance(&counter->clock, 1); /* the first one is out */
    assert_false(is_over(counter, "192.0.2.1"));
    fail_from(counter, "192.0.2.1", 1);
    assert_true(is_over(counter, "192.0.2.1"));
    clock_fake_advance(&counter->clock, WINDOW_MS);
    assert_false(is_over(counter, "192.0.2.1"));
}

static void test_an_ipv6_source_is_a_64(void **state)
{
    fail_from(*state, "2001:db8:0:1::1", LIMIT - 1);
    fail_from(*state, "2001:db8:0:1:ffff::2", 1);
    assert_true(is_over(*state, "2001:db8:0:1:abcd::"));
    assert_false(is_over(*state, "2001:db8:0:2::1"));
}

static bool enter(struct counter *counter, const char *text)
{
    struct ip_address address = address_of(text);
    return failure_counts_enter(counter->counts, &address);
}

static void leave(struct counter *counter, const char *text, bool has_failed)
{
    struct ip_address address = address_of(text);
    failure_counts_leave(counter->counts, &address, has_failed);
}

/* proves: T2 */
static void test_logins_under_way_and_failures_share_the_limit(void **state)
{
    struct counter *counter = *state;
    for (unsigned i = 0; i < LIMIT; i++)
        assert_true(enter(counter, "192.0.2.1"));
    assert_false(enter(counter, "192.0.2.1"));
    assert_true(enter(counter, "192.0.2.2"));
    assert_false(is_over(counter, "192.0.2.1"));
    leave(counter, "192.0.2.1", false);
    assert_true(enter(counter, "192.0.2.1"));
    leave(counter, "192.0.2.1", true);
    assert_false(enter(counter, "192.0.2.1"));
    for (unsigned i = 1; i < LIMIT; i++)
        leave(counter, "192.0.2.1", false);
    for (unsigned i = 1; i < LIMIT; i++)
        assert_true(enter(counter, "192.0.2.1"));
    assert_false(enter(counter, "192.0.2.1"));
    clock_fake_advance(&counter->clock, WINDOW_MS); /* the failure is out, not the logins */
    assert_true(enter(counter, "192.0.2.1"));
    assert_false(enter(counter, "192.0.2.1"));
}

/* proves: R4 */
static void test_many_sources_push_out_the_oldest_alone(void **state)
{
    struct counter *counter = *state;
    fail_from(counter, "10.0.0.1", LIMIT);
    for (unsigned i = 0; i < 100000; i++) {
        struct ip_address other = {IP_V4, {11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        failure_counts_leave(counter->counts, &other, true);
        clock_fake_advance(&counter->clock, i % 100 == 0);
    }
    assert_false(is_over(counter, "10.0.0.1")); /* forgotten: the memory is bounded */
    fail_from(counter, "10.0.0.1", LIMIT);
    assert_true(is_over(counter, "10.0.0.1"));
}

/* proves: T2 */
static void test_an_account_is_counted_whatever_the_source(void **state)
{
    struct counter *counter = *state;
    const uint8_t one[16] = {1}, other[16] = {2};
    for (unsigned i = 0; i < LIMIT; i++) {
        assert_false(failure_counts_is_account_over(counter->counts, one));
        failure_counts_add_account(counter->counts, one);
    }
    assert_true(failure_counts_is_account_over(counter->counts, one));
    assert_false(failure_counts_is_account_over(counter->counts, other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_source_is_over_at_its_limit, open_counter, close_counter),
        cmocka_unit_test_setup_teardown(test_the_window_slides, open_counter, close_counter),
        cmocka_unit_test_setup_teardown(test_an_ipv6_source_is_a_64, open_counter, close_counter),
        cmocka_unit_test_setup_teardown(test_logins_under_way_and_failures_share_the_limit, open_counter,
                                        close_counter),
        cmocka_unit_test_setup_teardown(test_an_account_is_counted_whatever_the_source, open_counter,
                                        close_counter),
        cmocka_unit_test_setup_teardown(test_many_sources_push_out_the_oldest_alone, open_counter,
                                        close_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Connections counted per connector and per source. */
#include "smtp_server/rate.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ip_address address(const char *text)
{
    struct ip_address result;
    assert_int_equal(ip_parse_address(bytes_of_text(text), &result), OK);
    return result;
}

static enum connection_verdict enter(struct connection_limits *limits,
                                     const struct receive_connector *connector, const char *source)
{
    struct ip_address ip = address(source);
    return connection_limits_enter(limits, connector, &ip);
}

static void leave(struct connection_limits *limits, const struct receive_connector *connector,
                  const char *source)
{
    struct ip_address ip = address(source);
    connection_limits_leave(limits, &connector->id, &ip);
}

/* proves: R3 facts-10.8 */
static void the_connector_has_a_ceiling_of_its_own(void **state)
{
    (void)state;
    struct connection_limits *limits = connection_limits_new();
    struct receive_connector a = {.id = {{1}}, .max_inbound_connections = 2}, b = {.id = {{2}}};
    assert_int_equal(enter(limits, &a, "10.0.0.1"), CONNECTION_ADMITTED);
    assert_int_equal(enter(limits, &a, "10.0.0.2"), CONNECTION_ADMITTED);
    assert_int_equal(enter(limits, &a, "10.0.0.3"), CONNECTION_OVER_CONNECTOR);
    assert_int_equal(enter(limits, &b, "10.0.0.3"), CONNECTION_ADMITTED);
    assert_int_equal(connection_limits_count(limits, &a.id), 2);
    leave(limits, &a, "10.0.0.1");
    assert_int_equal(enter(limits, &a, "10.0.0.3"), CONNECTION_ADMITTED);
    connection_limits_free(limits);
}

/* proves: R3 C84 facts-10.8 */
static void a_source_has_a_ceiling_and_an_ipv6_source_is_a_64(void **state)
{
    (void)state;
    struct connection_limits *limits = connection_limits_new();
    struct receive_connector a = {.id = {{1}}, .max_inbound_connections_per_source = 1};
    assert_int_equal(enter(limits, &a, "10.0.0.1"), CONNECTION_ADMITTED);
    assert_int_equal(enter(limits, &a, "10.0.0.1"), CONNECTION_OVER_SOURCE);
    assert_int_equal(enter(limits, &a, "10.0.0.2"), CONNECTION_ADMITTED);
    assert_int_equal(enter(limits, &a, "2001:db8::1"), CONNECTION_ADMITTED);
    assert_int_equal(enter(limits, &a, "2001:db8::2:1"), CONNECTION_OVER_SOURCE);
    assert_int_equal(enter(limits, &a, "2001:db8:0:1::1"), CONNECTION_ADMITTED);
    assert_int_equal(connection_limits_count(limits, &a.id), 4);
    leave(limits, &a, "2001:db8::2:9");
    assert_int_equal(enter(limits, &a, "2001:db8::2:1"), CONNECTION_ADMITTED);
    leave(limits, &a, "10.0.0.1");
    leave(limits, &a, "10.0.0.2");
    leave(limits, &a, "2001:db8::1");
    leave(limits, &a, "2001:db8:0:1::1");
    assert_int_equal(connection_limits_count(limits, &a.id), 0);
    connection_limits_free(limits);
}

/* proves: R3 contract-5 facts-10.8 */
static void the_percentage_counts_of_the_free_connections(void **state)
{
    (void)state;
    struct connection_limits *limits = connection_limits_new();
    struct receive_connector a = {
        .id = {{1}}, .max_inbound_connections = 10, .max_inbound_percent_per_source = 50};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(enter(limits, &a, "10.0.0.1"), CONNECTION_ADMITTED);
    }
    /* 3 connected: 7 free, half of them is 3 */
    assert_int_equal(enter(limits, &a, "10.0.0.1"), CONNECTION_OVER_SOURCE);
    assert_int_equal(enter(limits, &a, "10.0.0.2"), CONNECTION_ADMITTED);
    assert_int_equal(enter(limits, &a, "10.0.0.2"), CONNECTION_ADMITTED);
    /* 5 connected: half of the 5 free ones is 2 */
    assert_int_equal(enter(limits, &a, "10.0.0.2"), CONNECTION_OVER_SOURCE);
    a.max_inbound_percent_per_source = 1; /* of 5: at least 1 */
    assert_int_equal(enter(limits, &a, "10.0.0.3"), CONNECTION_ADMITTED);
    assert_int_equal(enter(limits, &a, "10.0.0.3"), CONNECTION_OVER_SOURCE);
    connection_limits_free(limits);
}

/* proves: contract-5 */
static void the_percentage_needs_a_ceiling_of_the_connector(void **state)
{
    (void)state;
    struct connection_limits *limits = connection_limits_new();
    struct receive_connector a = {.id = {{1}}, .max_inbound_percent_per_source = 1};
    for (int i = 0; i < 200; i++) {
        assert_int_equal(enter(limits, &a, "10.0.0.1"), CONNECTION_ADMITTED);
    }
    connection_limits_free(limits);
}

struct crowd {
    struct connection_limits *limits;
    struct receive_connector connector;
    atomic_uint now;
    atomic_bool was_over;
};

static void *come_and_go(void *owner)
{
    struct crowd *crowd = owner;
    for (uint8_t i = 0; i < 250; i++) {
        struct ip_address source = {IP_V4, {10, 0, 0, i % 8}};
        if (connection_limits_enter(crowd->limits, &crowd->connector, &source) == CONNECTION_ADMITTED) {
            if (atomic_fetch_add(&crowd->now, 1) >= crowd->connector.max_inbound_connections) {
                atomic_store(&crowd->was_over, true);
            }
            atomic_fetch_sub(&crowd->now, 1);
            connection_limits_leave(crowd->limits, &crowd->connector.id, &source);
        }
    }
    return NULL;
}

/* proves: R3 */
static void threads_never_exceed_the_ceiling_together(void **state)
{
    (void)state;
    struct crowd crowd = {.limits = connection_limits_new(),
                          .connector = {.id = {{1}}, .max_inbound_connections = 2}};
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &crowd), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_false(atomic_load(&crowd.was_over));
    assert_int_equal(connection_limits_count(crowd.limits, &crowd.connector.id), 0);
    connection_limits_free(crowd.limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_connector_has_a_ceiling_of_its_own),
        cmocka_unit_test(a_source_has_a_ceiling_and_an_ipv6_source_is_a_64),
        cmocka_unit_test(the_percentage_counts_of_the_free_connections),
        cmocka_unit_test(the_percentage_needs_a_ceiling_of_the_connector),
        cmocka_unit_test(threads_never_exceed_the_ceiling_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which connector a client gets: the documents' examples, and random connectors against the plain rule. */
/* fakes: organization */
#include "fakes/fake_organization.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALL_V4 "0.0.0.0-255.255.255.255"

static void expect(const struct organization *organization, const char *local, const char *remote,
                   const char *name)
{
    const struct receive_connector *connector = fake_organization_match(organization, local, remote);
    if (name == NULL) {
        assert_null(connector);
    } else {
        assert_non_null(connector);
        assert_string_equal(connector->name, name);
    }
}

static struct organization *make(const struct fake_receive *receive)
{
    return fake_organization_new(&(struct fake_organization){.is_unchecked = true, .receive = receive});
}

/* proves: C3 C9 C10 D14 facts-7 */
static void test_smallest_range_wins(void **state)
{
    (void)state;
    struct organization *organization =
        make((struct fake_receive[]){{"all", .ranges = ALL_V4},
                                     {"net", .ranges = "192.168.1.0-192.168.1.255"},
                                     {"host", .ranges = "192.168.1.75"},
                                     {0}});
    expect(organization, "10.1.1.1:25", "192.168.1.75", "host");
    expect(organization, "10.1.1.1:25", "192.168.1.100", "net");
    expect(organization, "10.1.1.1:25", "192.168.1.0", "net");
    expect(organization, "10.1.1.1:25", "192.168.1.255", "net");
    expect(organization, "10.1.1.1:25", "192.168.2.0", "all");
    expect(organization, "10.1.1.1:25", "0.0.0.0", "all");
    expect(organization, "10.1.1.1:25", "255.255.255.255", "all");
    expect(organization, "10.1.1.1:2525", "192.168.1.75", NULL);
    organization_unref(organization);
}

/* proves: C51 C54 C56 C57 C58 D14 */
static void test_every_form_of_range(void **state)
{
    (void)state;
    struct organization *organization = make((struct fake_receive[]){
        {"several", .ranges = "192.168.5.10 192.168.5.12-192.168.5.20 192.168.7.1/24"},
        {"v6", .bindings = "[::]:25", .ranges = "2001:db8::/32 ::1"},
        {0}});
    expect(organization, "10.1.1.1:25", "192.168.5.10", "several");
    expect(organization, "10.1.1.1:25", "192.168.5.11", NULL);
    expect(organization, "10.1.1.1:25", "192.168.5.9", NULL);
    expect(organization, "10.1.1.1:25", "192.168.5.12", "several");
    expect(organization, "10.1.1.1:25", "192.168.5.20", "several");
    expect(organization, "10.1.1.1:25", "192.168.5.21", NULL);
    expect(organization, "10.1.1.1:25", "192.168.7.0", "several");
    expect(organization, "10.1.1.1:25", "192.168.7.255", "several");
    expect(organization, "10.1.1.1:25", "192.168.8.0", NULL);
    expect(organization, "[fd00::1]:25", "2001:db8::17", "v6");
    expect(organization, "[fd00::1]:25", "2001:db9::", NULL);
    expect(organization, "[::1]:25", "::1", "v6");
    /* A v4-mapped peer is the IPv4 host, on both ends. */
    expect(organization, "[::ffff:10.1.1.1]:25", "::ffff:192.168.5.10", "several");
    /* IPv4 and IPv6 never match each other. */
    expect(organization, "10.1.1.1:25", "::1", NULL);
    organization_unref(organization);
}

/* proves: C11 C48 C49 facts-7 */
static void test_bindings(void **state)
{
    (void)state;
    struct organization *organization =
        make((struct fake_receive[]){{"internal", .bindings = "10.1.1.1:25", .ranges = ALL_V4},
                                     {"hub", .bindings = "0.0.0.0:2525", .ranges = ALL_V4},
                                     {0}});
    expect(organization, "10.1.1.1:25", "192.0.2.1", "internal");
    expect(organization, "10.1.1.2:25", "192.0.2.1", NULL);
    expect(organization, "10.1.1.2:2525", "192.0.2.1", "hub");
    expect(organization, "10.1.1.1:2525", "192.0.2.1", "hub");
    organization_unref(organization);
}

/* proves: facts-7 D14 */
static void test_ties(void **state)
{
    (void)state;
    struct organization *organization = make((struct fake_receive[]){
        {"wildcard", .ranges = "10.0.0.0/8", .created = 1},
        {"specific", .bindings = "10.1.1.1:25", .ranges = "10.0.0.0/8", .created = 2},
        {"narrow", .ranges = "10.0.0.0/9", .created = 3},
        {"younger", .bindings = "0.0.0.0:26", .ranges = "10.0.0.0/8", .created = 5},
        {"older", .bindings = "0.0.0.0:26", .ranges = "10.0.0.0/8", .created = 4},
        {"unknown age", .bindings = "0.0.0.0:26", .ranges = "10.0.0.0/8"},
        {"refused", .bindings = "0.0.0.0:27", .ranges = "10.0.0.0/8", .created = 1, .refused = "for a test"},
        {"serving", .bindings = "0.0.0.0:27", .ranges = "10.0.0.0/8", .created = 2},
        {0}});
    expect(organization, "10.1.1.1:25", "10.200.0.1", "specific");
    expect(organization, "10.1.1.2:25", "10.200.0.1", "wildcard");
    expect(organization, "10.1.1.1:25", "10.1.0.1", "narrow");
    expect(organization, "10.1.1.1:26", "10.1.0.1", "older");
    expect(organization, "10.1.1.1:27", "10.1.0.1", "serving");
    organization_unref(organization);
}

/* proves: contract-3 D15 */
static void test_refused_keeps_its_place_and_disabled_does_not(void **state)
{
    (void)state;
    struct organization *organization =
        make((struct fake_receive[]){{"all", .ranges = ALL_V4},
                                     {"refused", .ranges = "10.1.0.0/16", .refused = "a reason"},
                                     {"disabled", .ranges = "10.2.0.0/16", .is_disabled = true},
                                     {0}});
    expect(organization, "10.1.1.1:25", "10.1.2.3", "refused");
    expect(organization, "10.1.1.1:25", "10.2.2.3", "all");
    organization_unref(organization);
}

static void test_no_connectors(void **state)
{
    (void)state;
    struct organization *organization = make(NULL);
    expect(organization, "10.1.1.1:25", "10.1.2.3", NULL);
    organization_unref(organization);
}

/* The rule as written, without an index. */
static const struct receive_connector *naive_match(const struct organization *organization,
                                                   const struct ip_endpoint *local,
                                                   const struct ip_address *remote)
{
    const struct receive_connector *best = NULL;
    uint64_t best_width = 0;
    bool is_best_specific = false;
    for (size_t i = 0; i < organization->receive_count; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        bool is_bound = false;
        bool is_specific = false;
        for (size_t j = 0; j < connector->binding_count; j++) {
            bool is_same = ip_compare(&connector->bindings[j].address, &local->address) == 0;
            bool is_port = connector->bindings[j].port == local->port;
            is_specific = is_specific || (is_same && is_port);
            is_bound = is_bound || (is_port && (is_same || ip_is_any(&connector->bindings[j].address)));
        }
        for (size_t j = 0; is_bound && connector->is_enabled && j < connector->range_count; j++) {
            const uint8_t *low = connector->ranges[j].low.octets;
            const uint8_t *high = connector->ranges[j].high.octets;
            uint64_t width = 0;
            for (int k = 0; k < 4; k++) {
                width = width * 256 + (uint64_t)high[k] - (uint64_t)low[k];
            }
            if (!ip_range_contains(&connector->ranges[j], remote)) {
                continue;
            }
            bool is_better = best == NULL || width < best_width;
            if (best != NULL && width == best_width) {
                is_better =
                    is_specific != is_best_specific ? is_specific : connector->created < best->created;
            }
            if (is_better) {
                best = connector;
                best_width = width;
                is_best_specific = is_specific;
            }
        }
    }
    return best;
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Small address spaces, so that ranges touch, nest, overlap and repeat all the time. */
static void random_ranges(uint32_t *seed, char *out, size_t size)
{
    size_t len = 0;
    for (uint32_t count = 1 + next_random(seed) % 4; count > 0; count--) {
        uint32_t a = next_random(seed) % 64;
        uint32_t b = next_random(seed) % 64;
        uint32_t low = a < b ? a : b;
        uint32_t high = a < b ? b : a;
        low = next_random(seed) % 16 == 0 ? 0 : low;
        bool is_all = next_random(seed) % 10 == 0;
        len += (size_t)(is_all ? snprintf(out + len, size - len, "%s" ALL_V4, len > 0 ? " " : "")
                               : snprintf(out + len, size - len, "%s10.0.0.%u-10.0.0.%u", len > 0 ? " " : "",
                                          low, high));
    }
}

static void random_round(uint32_t *seed)
{
    static const char *const BINDINGS[] = {
        "0.0.0.0:25", "10.1.1.1:25", "10.1.1.2:25", "0.0.0.0:25 10.1.1.1:25", "10.1.1.1:25 10.1.1.2:26",
        "0.0.0.0:26"};
    struct fake_receive rows[13] = {{0}};
    char names[12][16];
    char ranges[12][256];
    uint32_t count = 1 + next_random(seed) % 12;
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "c%u", i);
        random_ranges(seed, ranges[i], sizeof(ranges[i]));
        rows[i] = (struct fake_receive){.name = names[i],
                                        .bindings = BINDINGS[next_random(seed) % 6],
                                        .ranges = ranges[i],
                                        .created = 1000 + i * 7919 % 13,
                                        .is_disabled = next_random(seed) % 8 == 0};
    }
    struct organization *organization = make(rows);
    for (int i = 0; i < 60; i++) {
        static const char *const LOCALS[] = {"10.1.1.1:25", "10.1.1.2:25", "10.1.1.3:25", "10.1.1.2:26",
                                             "10.1.1.1:27"};
        struct ip_endpoint local;
        struct ip_address remote = {.family = IP_V4, .octets = {10, 0, 0, (uint8_t)(next_random(seed) % 66)}};
        remote.octets[1] = next_random(seed) % 20 == 0 ? 1 : 0;
        assert_int_equal(ip_parse_endpoint(bytes_of_text(LOCALS[next_random(seed) % 5]), &local), OK);
        assert_ptr_equal(connector_match(organization, &local, &remote),
                         naive_match(organization, &local, &remote));
    }
    organization_unref(organization);
}

/* proves: D14 facts-7 */
static void test_random_connectors_against_the_plain_rule(void **state)
{
    (void)state;
    uint32_t seed = 20261122;
    for (int round = 0; round < 3000; round++) {
        random_round(&seed);
    }
}

/* 100,000 ranges on one binding: 200 connectors of 500, which share bindings on two more addresses. */
static void fill_many(struct organization *organization, uint32_t *seed)
{
    enum { CONNECTORS = 200, RANGES = 500 };
    struct receive_connector *connectors = arena_array(&organization->arena, CONNECTORS, sizeof(*connectors));
    struct ip_endpoint *bindings = arena_array(&organization->arena, 3, sizeof(*bindings));
    assert_true(connectors != NULL && bindings != NULL);
    for (uint8_t i = 0; i < 3; i++) {
        bindings[i] =
            (struct ip_endpoint){.address = {.family = IP_V4, .octets = {i ? 10 : 0, 0, 0, i}}, .port = 25};
    }
    for (uint32_t i = 0; i < CONNECTORS; i++) {
        struct ip_range *ranges = arena_array(&organization->arena, RANGES, sizeof(*ranges));
        assert_non_null(ranges);
        for (uint32_t j = 0; j < RANGES; j++) {
            uint8_t a = (uint8_t)next_random(seed);
            uint8_t b = (uint8_t)next_random(seed);
            uint8_t c = (uint8_t)(j % 8 == 0 ? 0 : b);
            ranges[j].low = (struct ip_address){.family = IP_V4, .octets = {10, a, c, (uint8_t)j}};
            ranges[j].high = (struct ip_address){.family = IP_V4, .octets = {10, a, b, 255}};
        }
        connectors[i] = (struct receive_connector){.is_enabled = true,
                                                   .created = i + 1,
                                                   .bindings = bindings,
                                                   .binding_count = 3,
                                                   .ranges = ranges,
                                                   .range_count = RANGES};
    }
    organization->receive = connectors;
    organization->receive_count = CONNECTORS;
}

/* proves: D14 */
static void test_a_hundred_thousand_ranges(void **state)
{
    (void)state;
    uint32_t seed = 4711;
    struct organization *organization = organization_new();
    assert_non_null(organization);
    fill_many(organization, &seed);
    size_t before = organization->arena.used_bytes;
    assert_int_equal(organization_finish(organization), OK);
    assert_true(organization->arena.used_bytes - before <
                (16u << 20)); /* the three groups share their segments */
    for (int i = 0; i < 60; i++) {
        struct ip_endpoint local = {.address = {.family = IP_V4, .octets = {10, 0, 0, (uint8_t)(i % 4)}},
                                    .port = 25};
        struct ip_address remote = {.family = IP_V4,
                                    .octets = {10, (uint8_t)next_random(&seed), (uint8_t)next_random(&seed),
                                               (uint8_t)next_random(&seed)}};
        assert_ptr_equal(connector_match(organization, &local, &remote),
                         naive_match(organization, &local, &remote));
    }
    organization_unref(organization);
}

struct story {
    const struct receive_connector *chosen;
    char told[512];
};

static void note_story(const struct receive_connector *connector, bool is_chosen, const char *why,
                       void *owner)
{
    struct story *story = owner;
    size_t len = strlen(story->told);
    story->chosen = is_chosen ? connector : story->chosen;
    (void)snprintf(story->told + len, sizeof(story->told) - len, "%s: %s\n", connector->name, why);
}

static void expect_story(const struct organization *organization, const char *local, const char *remote,
                         const char *told)
{
    struct story story = {.chosen = NULL};
    struct ip_endpoint endpoint;
    struct ip_address address;
    assert_int_equal(ip_parse_endpoint(bytes_of_text(local), &endpoint), OK);
    assert_int_equal(ip_parse_address(bytes_of_text(remote), &address), OK);
    connector_match_explain(organization, &endpoint, &address, note_story, &story);
    assert_string_equal(story.told, told);
    assert_ptr_equal(story.chosen, connector_match(organization, &endpoint, &address));
}

/* proves: contract-4 */
static void test_explanation(void **state)
{
    (void)state;
    struct organization *organization = make((struct fake_receive[]){
        {"all", .ranges = ALL_V4},
        {"net", .ranges = "192.168.1.0/24 192.168.0.0/16", .created = 1},
        {"bound", .bindings = "10.1.1.1:25", .ranges = "192.168.1.0/24", .created = 2},
        {"hub", .bindings = "0.0.0.0:2525"},
        {"off", .is_disabled = true},
        {"other", .ranges = "10.0.0.1"},
        {"bad", .ranges = "10.0.0.7", .refused = "a reason"},
        {0}});
    expect_story(organization, "10.1.1.1:25", "192.168.1.75",
                 "all: range 0.0.0.0-255.255.255.255 is wider than 192.168.1.0-192.168.1.255\n"
                 "net: range 192.168.1.0-192.168.1.255 is as wide as 192.168.1.0-192.168.1.255, and "
                 "MX1\\bound is bound "
                 "to the very address\n"
                 "bound: range 192.168.1.0-192.168.1.255 is the smallest that holds the client\n"
                 "hub: no binding covers 10.1.1.1:25\n"
                 "off: is disabled\n"
                 "other: no range holds 192.168.1.75\n"
                 "bad: no range holds 192.168.1.75\n");
    expect_story(
        organization, "10.1.1.2:25", "10.0.0.7",
        "all: range 0.0.0.0-255.255.255.255 is wider than 10.0.0.7\n"
        "net: no range holds 10.0.0.7\n"
        "bound: no binding covers 10.1.1.2:25\n"
        "hub: no binding covers 10.1.1.2:25\n"
        "off: is disabled\n"
        "other: no range holds 10.0.0.7\n"
        "bad: range 10.0.0.7 is the smallest that holds the client; the connector is refused: a reason\n");
    organization_unref(organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smallest_range_wins),
        cmocka_unit_test(test_every_form_of_range),
        cmocka_unit_test(test_bindings),
        cmocka_unit_test(test_ties),
        cmocka_unit_test(test_refused_keeps_its_place_and_disabled_does_not),
        cmocka_unit_test(test_no_connectors),
        cmocka_unit_test(test_random_connectors_against_the_plain_rule),
        cmocka_unit_test(test_a_hundred_thousand_ranges),
        cmocka_unit_test(test_explanation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

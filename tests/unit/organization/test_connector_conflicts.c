/* Which connectors may stand beside each other: facts 7's table, and random ones against the pairwise rule.
 */
/* fakes: organization */
#include "fakes/fake_organization.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MAX_CONNECTORS 16

struct outcome {
    size_t loser_count;
    bool has_lost[MAX_CONNECTORS];
    size_t winner[MAX_CONNECTORS];
    char why[MAX_CONNECTORS][256];
    const struct guid *serving; /* the one connector that serves already, or NULL */
};

static bool is_serving(const struct guid *id, void *owner)
{
    const struct outcome *outcome = owner;
    return outcome->serving != NULL && guid_equal(id, outcome->serving);
}

static void note_loser(size_t loser, size_t winner, const char *why, void *owner)
{
    struct outcome *outcome = owner;
    assert_false(outcome->has_lost[loser]);
    outcome->has_lost[loser] = true;
    outcome->winner[loser] = winner;
    outcome->loser_count++;
    (void)snprintf(outcome->why[loser], sizeof(outcome->why[loser]), "%s", why);
}

static void run(const struct organization *organization, struct outcome *outcome)
{
    assert_int_equal(connector_conflicts(organization->receive, organization->receive_count, is_serving,
                                         note_loser, outcome),
                     OK);
}

static struct organization *make(const struct fake_receive *receive)
{
    return fake_organization_new(&(struct fake_organization){.is_unchecked = true, .receive = receive});
}

struct pair {
    const char *bindings_a;
    const char *ranges_a;
    uint32_t role_a;
    const char *bindings_b;
    const char *ranges_b;
    uint32_t role_b;
    const char *why; /* NULL: allowed */
};

#define HUB   ROLE_HUB
#define FRONT ROLE_FRONTEND
static const struct pair TABLE[] = {
    /* none shared */
    {"0.0.0.0:25", "10.0.0.0/8", HUB, "0.0.0.0:2525", "10.0.0.0/8", FRONT, NULL},
    {"10.1.1.1:25", "10.0.0.0/8", HUB, "10.1.1.2:25", "10.0.0.0/8", FRONT, NULL},
    {"0.0.0.0:25", "10.0.0.0/8", HUB, "[::]:25", "10.0.0.0/8", FRONT, NULL},
    /* any shared, TransportRole differs */
    {"0.0.0.0:25", "10.0.0.0/8", HUB, "0.0.0.0:25", "192.168.0.1", FRONT, "TransportRole"},
    {"0.0.0.0:25", "10.0.0.0/8", HUB, "10.1.1.1:25", "192.168.0.1", FRONT, "TransportRole"},
    {"10.1.1.1:25", "10.0.0.0/8", HUB, "0.0.0.0:25", "192.168.0.1", FRONT, "TransportRole"},
    {"0.0.0.0:25", "10.0.0.0/8", HUB, "0.0.0.0:25", "192.168.0.1", 0, NULL},
    /* one binding equal: equal or partly overlapping ranges */
    {"0.0.0.0:25", "10.0.0.0/8", HUB, "0.0.0.0:25", "10.0.0.0/8", HUB,
     "both hold the range 10.0.0.0-10.255.255.255"},
    {"0.0.0.0:25", "10.0.0.1", HUB, "0.0.0.0:26 0.0.0.0:25", "1.1.1.1 10.0.0.1", HUB,
     "both hold the range 10.0.0.1"},
    {"10.1.1.1:25", "10.0.0.0/8", HUB, "10.1.1.1:25", "10.0.0.0/8", HUB, "both hold"},
    {"0.0.0.0:25", "10.0.0.0-10.0.0.9", HUB, "0.0.0.0:25", "10.0.0.5-10.0.0.14", HUB, "partly overlaps"},
    {"0.0.0.0:25", "10.0.0.5-10.0.0.14", HUB, "0.0.0.0:25", "10.0.0.0-10.0.0.9", HUB, "partly overlaps"},
    {"0.0.0.0:25", "10.0.0.0-10.0.0.5", HUB, "0.0.0.0:25", "10.0.0.5-10.0.0.14", HUB, "partly overlaps"},
    {"[::]:25", "2001:db8::-2001:db8::9", HUB, "[::]:25", "2001:db8::5-2001:db8::f", HUB, "partly overlaps"},
    /* only overlapping through the wildcard: partly refused, equal allowed */
    {"0.0.0.0:25", "10.0.0.0-10.0.0.9", HUB, "10.1.1.1:25", "10.0.0.5-10.0.0.14", HUB, "partly overlaps"},
    {"10.1.1.1:25", "10.0.0.0-10.0.0.9", HUB, "0.0.0.0:25", "10.0.0.5-10.0.0.14", HUB, "partly overlaps"},
    {"0.0.0.0:25", "10.0.0.0/8", HUB, "10.1.1.1:25", "10.0.0.0/8", HUB, NULL},
    /* shared: one inside the other, or disjoint */
    {"0.0.0.0:25", "0.0.0.0-255.255.255.255", HUB, "0.0.0.0:25", "10.0.0.1", HUB, NULL},
    {"0.0.0.0:25", "10.0.0.0-10.0.0.9", HUB, "0.0.0.0:25", "10.0.0.0-10.0.0.5", HUB, NULL},
    {"0.0.0.0:25", "10.0.0.0-10.0.0.9", HUB, "0.0.0.0:25", "10.0.0.5-10.0.0.9", HUB, NULL},
    {"0.0.0.0:25", "10.0.0.0-10.0.0.5", HUB, "0.0.0.0:25", "10.0.0.6-10.0.0.14", HUB, NULL},
    {"0.0.0.0:25 [::]:25", "10.0.0.0/8", HUB, "0.0.0.0:25 [::]:25", "2001:db8::/32", HUB, NULL},
};

/* proves: C9 facts-7 contract-3 */
static void test_table_of_conflicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(TABLE) / sizeof(TABLE[0]); i++) {
        const struct pair *pair = &TABLE[i];
        struct organization *organization = make((struct fake_receive[]){
            {"a", .bindings = pair->bindings_a, .ranges = pair->ranges_a, .role = pair->role_a, .created = 1},
            {"b", .bindings = pair->bindings_b, .ranges = pair->ranges_b, .role = pair->role_b, .created = 2},
            {0}});
        struct outcome outcome = {.loser_count = 0};
        run(organization, &outcome);
        assert_int_equal(outcome.loser_count, pair->why != NULL);
        assert_int_equal(outcome.has_lost[1], pair->why != NULL);
        if (pair->why != NULL) {
            assert_non_null(strstr(outcome.why[1], pair->why));
            assert_non_null(strstr(outcome.why[1], "MX1\\a"));
        }
        organization_unref(organization);
    }
}

/* proves: contract-3 D14 */
static void test_the_one_serving_stays_else_the_older(void **state)
{
    (void)state;
    struct fake_receive rows[] = {{"young", .created = 9}, {"old", .created = 3}, {.name = "ageless"}, {0}};
    struct organization *organization = make(rows);
    struct outcome outcome = {.loser_count = 0};
    run(organization, &outcome);
    assert_true(outcome.has_lost[0] && !outcome.has_lost[1] && outcome.has_lost[2]);
    assert_int_equal(outcome.winner[0], 1);

    outcome = (struct outcome){.serving = &organization->receive[0].id};
    run(organization, &outcome);
    assert_true(!outcome.has_lost[0] && outcome.has_lost[1] && outcome.has_lost[2]);
    assert_int_equal(outcome.winner[1], 0);
    organization_unref(organization);
}

/* A loser concerns itself alone: what it collides with stays, and neither disabled nor refused ones take
 * part. */
/* proves: D15 contract-3 */
static void test_losers_and_absentees_hurt_nobody(void **state)
{
    (void)state;
    struct organization *organization = make(
        (struct fake_receive[]){{"a", .ranges = "10.0.0.0-10.0.0.9", .created = 1},
                                {"b", .ranges = "10.0.0.5-10.0.0.14", .created = 2},
                                {"c", .ranges = "10.0.0.12-10.0.0.20", .created = 3},
                                {"off", .ranges = "10.0.0.0-10.0.0.2", .created = 0, .is_disabled = true},
                                {"bad", .ranges = "10.0.0.0-10.0.0.9", .created = 1, .refused = "a reason"},
                                {0}});
    struct outcome outcome = {.loser_count = 0};
    run(organization, &outcome);
    assert_int_equal(outcome.loser_count, 1);
    assert_true(outcome.has_lost[1]);
    assert_int_equal(outcome.winner[1], 0);
    organization_unref(organization);
}

/* A connector's own ranges and bindings may overlap each other. */
static void test_no_conflict_with_itself(void **state)
{
    (void)state;
    struct organization *organization =
        make((struct fake_receive[]){{"a", .bindings = "0.0.0.0:25 10.1.1.1:25 10.1.1.2:25 0.0.0.0:25",
                                      .ranges = "10.0.0.0-10.0.0.9 10.0.0.5-10.0.0.14 10.0.0.0-10.0.0.9"},
                                     {0}});
    struct outcome outcome = {.loser_count = 0};
    run(organization, &outcome);
    assert_int_equal(outcome.loser_count, 0);
    organization_unref(organization);
}

/* The rule as written, pair by pair. */

static bool is_partial(const struct ip_range *a, const struct ip_range *b)
{
    bool is_disjoint = ip_compare(&a->high, &b->low) < 0 || ip_compare(&b->high, &a->low) < 0;
    bool holds_b = ip_compare(&a->low, &b->low) <= 0 && ip_compare(&b->high, &a->high) <= 0;
    bool holds_a = ip_compare(&b->low, &a->low) <= 0 && ip_compare(&a->high, &b->high) <= 0;
    return !is_disjoint && !holds_a && !holds_b;
}

static bool is_equal(const struct ip_range *a, const struct ip_range *b)
{
    return ip_compare(&a->low, &b->low) == 0 && ip_compare(&a->high, &b->high) == 0;
}

static bool naive_conflict(const struct receive_connector *a, const struct receive_connector *b)
{
    bool is_shared = false;
    bool is_same = false;
    for (size_t i = 0; i < a->binding_count; i++) {
        for (size_t j = 0; j < b->binding_count; j++) {
            const struct ip_address *x = &a->bindings[i].address;
            const struct ip_address *y = &b->bindings[j].address;
            if (a->bindings[i].port == b->bindings[j].port) {
                is_same = is_same || ip_compare(x, y) == 0;
                is_shared = is_shared || ip_compare(x, y) == 0 || ip_is_any(x) || ip_is_any(y);
            }
        }
    }
    if (!is_shared) {
        return false;
    }
    if (a->role != 0 && b->role != 0 && a->role != b->role) {
        return true;
    }
    for (size_t i = 0; i < a->range_count; i++) {
        for (size_t j = 0; j < b->range_count; j++) {
            if (is_partial(&a->ranges[i], &b->ranges[j]) ||
                (is_same && is_equal(&a->ranges[i], &b->ranges[j]))) {
                return true;
            }
        }
    }
    return false;
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void random_round(uint32_t *seed)
{
    static const char *const BINDINGS[] = {"0.0.0.0:25", "10.1.1.1:25", "10.1.1.2:25 0.0.0.0:26",
                                           "10.1.1.1:26"};
    struct fake_receive rows[9] = {{0}};
    char ranges[8][128];
    uint32_t count = 1 + next_random(seed) % 8;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t a = next_random(seed) % 40;
        uint32_t b = a + next_random(seed) % 12;
        uint32_t c = next_random(seed) % 40;
        uint32_t d = c + next_random(seed) % 4;
        (void)snprintf(ranges[i], sizeof(ranges[i]), "10.0.0.%u-10.0.0.%u 10.0.0.%u-10.0.0.%u", a, b, c, d);
        rows[i] = (struct fake_receive){.name = "c",
                                        .bindings = BINDINGS[next_random(seed) % 4],
                                        .ranges = ranges[i],
                                        .created = 100 + i,
                                        .role = next_random(seed) % 12 == 0 ? FRONT : HUB};
    }
    struct organization *organization = make(rows);
    struct outcome outcome = {.loser_count = 0};
    run(organization, &outcome);
    bool is_taken[8] = {false};
    for (size_t i = 0; i < count; i++) {
        is_taken[i] = true;
        for (size_t j = 0; j < i; j++) {
            is_taken[i] = is_taken[i] && !(is_taken[j] && naive_conflict(&organization->receive[i],
                                                                         &organization->receive[j]));
        }
        assert_int_equal(outcome.has_lost[i], !is_taken[i]);
        if (outcome.has_lost[i]) {
            size_t winner = outcome.winner[i];
            assert_true(is_taken[winner] &&
                        naive_conflict(&organization->receive[i], &organization->receive[winner]));
        }
    }
    organization_unref(organization);
}

/* proves: facts-7 D14 */
static void test_random_connectors_against_the_pairwise_rule(void **state)
{
    (void)state;
    uint32_t seed = 7;
    for (int round = 0; round < 5000; round++) {
        random_round(&seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_of_conflicts),
        cmocka_unit_test(test_the_one_serving_stays_else_the_older),
        cmocka_unit_test(test_losers_and_absentees_hurt_nobody),
        cmocka_unit_test(test_no_conflict_with_itself),
        cmocka_unit_test(test_random_connectors_against_the_pairwise_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

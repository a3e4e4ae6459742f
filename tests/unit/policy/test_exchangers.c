/* MX answers and addresses → the hosts that are tried, in order. */
/* fakes: organization */
#include "fakes/fake_organization.h"
#include "policy/exchangers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct organization *organization;
static struct ip_address machine[2];
static struct exchange_self self;

static int open_self(void **state)
{
    (void)state;
    organization = fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){
            {"Default", .bindings = "0.0.0.0:25 [::]:25"}, {"Odd", .bindings = "192.0.2.9:2525"}, {0}}});
    assert_int_equal(ip_parse_address(BYTES_LITERAL("192.0.2.9"), &machine[0]), OK);
    assert_int_equal(ip_parse_address(BYTES_LITERAL("2001:db8::9"), &machine[1]), OK);
    self = (struct exchange_self){organization, machine, 2, 25};
    return 0;
}

static int close_self(void **state)
{
    (void)state;
    organization_unref(organization);
    return 0;
}

/* "10 a,20 b" → exchangers; the texts live in storage. */
static size_t parse(const char *text, struct exchanger *list, char storage[2048])
{
    size_t count = 0;
    (void)snprintf(storage, 2048, "%s", text);
    struct bytes rest = {storage, strlen(storage)}, part;
    while (bytes_next(&rest, ',', &part)) {
        uint64_t preference;
        size_t blank = bytes_find(part, ' ');
        storage[part.ptr - storage + (ptrdiff_t)part.len] = '\0';
        assert_int_equal(bytes_to_u64(bytes_first(part, blank), 65535, &preference), OK);
        list[count++] = (struct exchanger){.preference = (uint16_t)preference, .name = part.ptr + blank + 1};
    }
    return count;
}

static void names_of(const struct exchanger *list, size_t count, char out[2048])
{
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(out);
        (void)snprintf(out + len, 2048 - len, "%s%s", i > 0 ? " " : "", list[i].name);
    }
}

static void check_order(const char *records, enum exchange_fate fate, const char *names)
{
    struct exchanger list[64];
    char storage[2048], found[2048];
    for (uint64_t seed = 0; seed < 50; seed++) {
        size_t count = parse(records, list, storage);
        assert_int_equal(exchangers_order(list, &count, "contoso.com", &self, seed), fate);
        if (fate == EXCHANGE_HOSTS) {
            names_of(list, count, found);
            assert_string_equal(found, names);
        }
    }
}

/* proves: R14 */
static void test_order_by_preference(void **state)
{
    (void)state;
    check_order("", EXCHANGE_HOSTS, "contoso.com"); /* implicit MX */
    check_order("10 a.example", EXCHANGE_HOSTS, "a.example");
    check_order("30 c,0 a,65535 d,20 b", EXCHANGE_HOSTS, "a b c d");
    check_order("20 a,10 a", EXCHANGE_HOSTS, "a");
}

/* proves: R14 */
static void test_null_mx(void **state)
{
    (void)state;
    check_order("0 ", EXCHANGE_NULL_MX, NULL);
    check_order("10 ", EXCHANGE_NULL_MX, NULL);
    check_order("0 ,10 a", EXCHANGE_HOSTS, "a"); /* beside a host it means nothing */
}

/* proves: R14 */
static void test_our_own_name_ends_the_list(void **state)
{
    (void)state;
    check_order("10 a,20 " FAKE_SERVER_FQDN ",30 c", EXCHANGE_HOSTS, "a");
    check_order("10 a,20 MX1.Contoso.com,20 b,30 c", EXCHANGE_HOSTS, "a");
    check_order("10 " FAKE_SERVER_FQDN, EXCHANGE_LOOP, NULL);
    check_order("10 " FAKE_SERVER_FQDN ",10 b,20 c", EXCHANGE_LOOP, NULL);
}

/* Alike preferences come first about equally often. */
/* proves: R14 */
static void test_one_preference_is_shuffled(void **state)
{
    (void)state;
    struct exchanger list[8];
    char storage[2048];
    unsigned first[3] = {0};
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        size_t count = parse("10 a,10 b,10 c,20 d", list, storage);
        assert_int_equal(exchangers_order(list, &count, "x", &self, seed * UINT64_C(0x9e3779b97f4a7c15)),
                         EXCHANGE_HOSTS);
        assert_int_equal(count, 4);
        assert_string_equal(list[3].name, "d");
        first[list[0].name[0] - 'a']++;
    }
    for (size_t i = 0; i < 3; i++) {
        assert_in_range(first[i], 800, 1200);
    }
}

/* proves: R14 */
static void test_hundred_hosts_are_cut(void **state)
{
    (void)state;
    struct exchanger list[100];
    static char names[100][16];
    for (size_t i = 0; i < 100; i++) {
        (void)snprintf(names[i], sizeof names[i], "mx%zu", i);
        list[i] = (struct exchanger){.preference = (uint16_t)(100 - i), .name = names[i]};
    }
    size_t count = 100;
    assert_int_equal(exchangers_order(list, &count, "x", &self, 7), EXCHANGE_HOSTS);
    assert_int_equal(count, EXCHANGERS_MAX);
    assert_string_equal(list[0].name, "mx99");
    assert_string_equal(list[15].name, "mx84");
}

/* -- step 2 -- */

/* Each row is a host: preference and its blank separated addresses; "?": cannot be looked up now. */
struct host {
    uint16_t preference;
    const char *addresses;
};

static void check_targets(uint16_t port, const struct host *hosts, size_t count, enum exchange_fate fate,
                          const char *expected)
{
    struct exchanger list[16];
    struct ip_address addresses[16][64];
    struct exchange_target targets[EXCHANGER_ADDRESSES_MAX];
    char found[2048] = "", text[IP_TEXT_SIZE];
    size_t target_count;
    for (size_t i = 0; i < count; i++) {
        struct bytes rest = bytes_of_text(hosts[i].addresses), part;
        list[i] =
            (struct exchanger){.preference = hosts[i].preference, .name = "h", .addresses = addresses[i]};
        while (bytes_next(&rest, ' ', &part)) {
            if (bytes_equal(part, BYTES_LITERAL("?"))) {
                list[i].is_unknown = true;
            } else {
                assert_int_equal(ip_parse_address(part, &addresses[i][list[i].address_count++]), OK);
            }
        }
    }
    self.port = port;
    assert_int_equal(exchangers_targets(list, count, &self, targets, &target_count), fate);
    for (size_t i = 0; i < target_count; i++) {
        size_t len = strlen(found);
        (void)snprintf(found + len, sizeof found - len, "%s%s", i > 0 ? " " : "",
                       ip_format_address(&targets[i].address, text));
    }
    assert_string_equal(found, expected);
}

#define TARGETS(port, fate, expected, ...)                                                                   \
    check_targets(port, (struct host[]){__VA_ARGS__},                                                        \
                  sizeof((struct host[]){__VA_ARGS__}) / sizeof(struct host), fate, expected)

/* proves: R14 */
static void test_addresses_in_order(void **state)
{
    (void)state;
    TARGETS(25, EXCHANGE_HOSTS, "2001:db8::1 192.0.2.1 192.0.2.2", {10, "2001:db8::1 192.0.2.1"},
            {20, "192.0.2.2"});
    TARGETS(25, EXCHANGE_HOSTS, "192.0.2.2", {10, "?"}, {20, "192.0.2.2"});
    TARGETS(25, EXCHANGE_HOSTS, "192.0.2.2", {10, ""}, {20, "192.0.2.2"});
    TARGETS(25, EXCHANGE_NO_HOST, "", {10, ""}, {20, ""});
    TARGETS(25, EXCHANGE_UNKNOWN, "", {10, ""}, {20, "?"});
}

/* proves: R14 R21 */
static void test_our_own_addresses_end_the_list(void **state)
{
    (void)state;
    TARGETS(25, EXCHANGE_LOOP, "", {10, "127.0.0.1"});
    TARGETS(25, EXCHANGE_LOOP, "", {10, "127.8.9.1"}, {20, "192.0.2.1"});
    TARGETS(25, EXCHANGE_LOOP, "", {10, "::1"});
    TARGETS(25, EXCHANGE_LOOP, "", {10, "0.0.0.0"});
    TARGETS(25, EXCHANGE_LOOP, "", {10, "192.0.2.9"});
    TARGETS(25, EXCHANGE_LOOP, "", {10, "2001:db8::9"});
    TARGETS(25, EXCHANGE_HOSTS, "192.0.2.1", {10, "192.0.2.1"}, {20, "192.0.2.9"}, {30, "192.0.2.3"});
    TARGETS(25, EXCHANGE_HOSTS, "192.0.2.1", {10, "192.0.2.1"}, {20, "192.0.2.2"},
            {20, "192.0.2.9 192.0.2.4"});
    TARGETS(25, EXCHANGE_UNKNOWN, "", {10, "?"}, {20, "192.0.2.9"});
    TARGETS(2525, EXCHANGE_LOOP, "", {10, "192.0.2.9"});
    /* Another server of this machine. */
    TARGETS(26, EXCHANGE_HOSTS, "192.0.2.9", {10, "192.0.2.9"});
}

/* proves: R21 */
static void test_addresses_that_nobody_means(void **state)
{
    (void)state;
    TARGETS(25, EXCHANGE_NO_HOST, "", {10, "169.254.169.254 fe80::1 224.0.0.1 255.255.255.255 ff02::1"});
    TARGETS(25, EXCHANGE_HOSTS, "10.0.0.1", {10, "169.254.169.254 10.0.0.1"});
}

static void test_addresses_have_a_ceiling(void **state)
{
    (void)state;
    char many[2048] = "";
    for (int i = 1; i <= 60; i++) {
        size_t len = strlen(many);
        (void)snprintf(many + len, sizeof many - len, "%s10.0.0.%d", i > 1 ? " " : "", i);
    }
    struct exchange_target targets[EXCHANGER_ADDRESSES_MAX];
    struct ip_address addresses[60];
    struct bytes rest = bytes_of_text(many), part;
    size_t count = 0, found;
    while (bytes_next(&rest, ' ', &part)) {
        assert_int_equal(ip_parse_address(part, &addresses[count++]), OK);
    }
    const struct exchanger host = {.preference = 1, .name = "h", .addresses = addresses, .address_count = 60};
    assert_int_equal(exchangers_targets(&host, 1, &self, targets, &found), EXCHANGE_HOSTS);
    assert_int_equal(found, EXCHANGER_ADDRESSES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_by_preference),
        cmocka_unit_test(test_null_mx),
        cmocka_unit_test(test_our_own_name_ends_the_list),
        cmocka_unit_test(test_one_preference_is_shuffled),
        cmocka_unit_test(test_hundred_hosts_are_cut),
        cmocka_unit_test(test_addresses_in_order),
        cmocka_unit_test(test_our_own_addresses_end_the_list),
        cmocka_unit_test(test_addresses_that_nobody_means),
        cmocka_unit_test(test_addresses_have_a_ceiling),
    };
    return cmocka_run_group_tests(tests, open_self, close_self);
}

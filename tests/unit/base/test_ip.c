/* Addresses, endpoints and ranges as the directory and the wire write them. */
#include "base/ip.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ip_address address_of(const char *text)
{
    struct ip_address address = {0};

    assert_int_equal(ip_parse_address(bytes_of_text(text), &address), OK);
    return address;
}

static struct ip_range range_of(const char *text)
{
    struct ip_range range = {0};
    struct note note = {{0}};

    if (ip_parse_range(bytes_of_text(text), &range, &note))
        fail_msg("%s", note.text);
    return range;
}

static bool holds(const char *range_text, const char *address_text)
{
    struct ip_range range = range_of(range_text);
    struct ip_address address = address_of(address_text);

    return ip_range_contains(&range, &address);
}

static void assert_range_refused(const char *text, const char *why)
{
    struct ip_range range = {.low = {.family = IP_V4, .octets = {1}}};
    struct ip_range before = range;
    struct note note = {{0}};

    assert_int_equal(ip_parse_range(bytes_of_text(text), &range, &note), ERROR_SYNTAX);
    assert_memory_equal(&range, &before, sizeof(range));
    if (!strstr(note.text, why))
        fail_msg("'%s' does not say '%s'", note.text, why);
}

/* proves: C56 */
static void a_single_address_is_a_range(void **state)
{
    (void)state;
    assert_true(holds("192.168.5.10", "192.168.5.10"));
    assert_false(holds("192.168.5.10", "192.168.5.9"));
    assert_false(holds("192.168.5.10", "192.168.5.11"));
}

/* proves: C57 D14 */
static void both_ends_belong_to_a_range(void **state)
{
    const char *range = "192.168.5.10-192.168.5.20";

    (void)state;
    assert_true(holds(range, "192.168.5.10"));
    assert_true(holds(range, "192.168.5.20"));
    assert_false(holds(range, "192.168.5.9"));
    assert_false(holds(range, "192.168.5.21"));
    assert_true(holds("192.168.5.10 - 192.168.5.20", "192.168.5.15"));
}

/* proves: C58 D14 */
static void host_bits_of_a_prefix_are_ignored(void **state)
{
    (void)state;
    assert_true(holds("192.168.5.1/24", "192.168.5.0"));
    assert_true(holds("192.168.5.1/24", "192.168.5.255"));
    assert_false(holds("192.168.5.1/24", "192.168.4.255"));
    assert_false(holds("192.168.5.1/24", "192.168.6.0"));
    assert_true(holds("10.9.8.7/0", "255.255.255.255"));
    assert_true(holds("10.9.8.7/32", "10.9.8.7"));
    assert_false(holds("10.9.8.7/32", "10.9.8.6"));
    assert_true(holds("2001:db8::1/128", "2001:db8::1"));
    assert_false(holds("2001:db8::1/128", "2001:db8::2"));
    assert_true(holds("2001:db8::dead/33", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"));
    assert_false(holds("2001:db8::dead/33", "2001:db8:8000::"));
}

/* proves: C59 */
static void a_comma_inside_one_value_is_refused(void **state)
{
    (void)state;
    assert_range_refused("192.168.5.10,192.168.5.11", "comma");
    assert_range_refused("10.0.0.0/8,", "comma");
    assert_range_refused(",10.0.0.1", "comma");
    assert_range_refused("10.0.0.1-10.0.0.2,10.0.0.9-10.0.0.10", "comma");
}

/* proves: facts-7 D14 */
static void a_mask_stands_in_parentheses(void **state)
{
    (void)state;
    assert_true(holds("192.168.5.77(255.255.255.0)", "192.168.5.0"));
    assert_true(holds("192.168.5.77(255.255.255.0)", "192.168.5.255"));
    assert_false(holds("192.168.5.77(255.255.255.0)", "192.168.6.0"));
    assert_true(holds("1.2.3.4(0.0.0.0)", "9.9.9.9"));
    assert_true(holds("2001:db8::1(ffff:ffff::)", "2001:db8:1::"));
    assert_range_refused("192.168.5.0(255.0.255.0)", "holes");
    assert_range_refused("192.168.5.0(255.255.255.0", "closed");
    assert_range_refused("192.168.5.0(255.255.255.0)x", "closed");
    assert_range_refused("192.168.5.0(24)", "same family");
    assert_range_refused("192.168.5.0(ffff::)", "same family");
    assert_range_refused("(255.0.0.0)", "no address");
}

/* proves: D14 */
static void malformed_ranges_are_refused_with_the_reason(void **state)
{
    (void)state;
    assert_range_refused("10.0.0.2-10.0.0.1", "reversed");
    assert_range_refused("::2-::1", "reversed");
    assert_range_refused("10.0.0.1-::1", "different families");
    assert_range_refused("10.0.0.0/33", "prefix");
    assert_range_refused("::/129", "prefix");
    assert_range_refused("10.0.0.0/", "prefix");
    assert_range_refused("10.0.0.0/-1", "one end");
    assert_range_refused("10.0.0.0/8/8", "prefix");
    assert_range_refused("10.0.0.0/99999999999999999999", "prefix");
    assert_range_refused("10.0.0.0/0x8", "prefix");
    assert_range_refused("/8", "no address");
    assert_range_refused("10.0.0.1-", "one end");
    assert_range_refused("-10.0.0.1", "one end");
    assert_range_refused("1.1.1.1-2.2.2.2-3.3.3.3", "one end");
    assert_range_refused("", "no address");
    assert_range_refused("*", "no address");
    assert_range_refused("10.0.0", "no address");
    assert_range_refused("010.0.0.1", "no address");
    assert_range_refused("10.0.0.256", "no address");
    assert_range_refused("fe80::1%eth0", "no address");
    assert_range_refused("[::1]", "no address");
    assert_range_refused("host.example", "no address");
}

static void a_zero_byte_does_not_end_an_address(void **state)
{
    struct ip_address address;
    struct ip_range range;

    (void)state;
    assert_int_equal(ip_parse_address(BYTES_LITERAL("10.0.0.1\0"), &address), ERROR_SYNTAX);
    assert_int_equal(ip_parse_range(BYTES_LITERAL("10.0.0.1\0-10.0.0.9"), &range, NULL), ERROR_SYNTAX);
}

/* proves: facts-1.3 */
static void the_full_ranges_hold_everything_of_their_family(void **state)
{
    (void)state;
    assert_true(holds("0.0.0.0-255.255.255.255", "0.0.0.0"));
    assert_true(holds("0.0.0.0-255.255.255.255", "255.255.255.255"));
    assert_false(holds("0.0.0.0-255.255.255.255", "::1"));
    assert_true(holds("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8::1"));
    assert_false(holds("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "10.0.0.1"));
    assert_false(holds("::/0", "10.0.0.1"));
}

/* proves: D13 D14 facts-7 */
static void a_mapped_address_is_the_ipv4_address(void **state)
{
    struct ip_address mapped = address_of("::ffff:10.1.2.3");
    struct ip_address plain = address_of("10.1.2.3");

    (void)state;
    assert_int_equal(mapped.family, IP_V4);
    assert_int_equal(ip_compare(&mapped, &plain), 0);
    assert_true(holds("::ffff:10.0.0.0-::ffff:10.0.0.9", "10.0.0.9"));
    assert_false(holds("::ffff:10.0.0.0-::ffff:10.0.0.9", "10.0.0.10"));
    assert_true(holds("::ffff:10.0.0.7/120", "10.0.0.255"));
    assert_false(holds("::ffff:10.0.0.7/120", "10.0.1.0"));
    assert_true(holds("::ffff:0:0/96", "255.255.255.255"));
    assert_true(holds("::ffff:10.0.0.0(ffff:ffff:ffff:ffff:ffff:ffff:ff00::)", "10.99.0.0"));
    assert_range_refused("::ffff:10.0.0.0/90", "v4-mapped");
    assert_range_refused("::-::ffff:10.0.0.1", "v4-mapped");
}

static void a_range_is_written_as_it_is_read(void **state)
{
    static const char *const pairs[][2] = {
        {"10.0.0.1", "10.0.0.1"},
        {"10.0.0.1-10.0.0.1", "10.0.0.1"},
        {"10.0.0.77/24", "10.0.0.0-10.0.0.255"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
        {"::/0", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
        {"::ffff:10.0.0.0/112", "10.0.0.0-10.0.255.255"},
    };
    char text[2 * IP_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct ip_range range = range_of(pairs[i][0]);
        struct ip_range again;
        assert_string_equal(ip_format_range(&range, text), pairs[i][1]);
        again = range_of(text);
        assert_memory_equal(&range, &again, sizeof(range));
    }
}

/* proves: facts-1.3 */
static void bindings_are_read_and_written(void **state)
{
    static const char *const good[] = {"0.0.0.0:25", "[::]:25", "127.0.0.1:65535", "[2001:db8::1]:587"};
    static const char *const bad[] = {
        "",          "0.0.0.0",     "0.0.0.0:",    "0.0.0.0:0",     "0.0.0.0:65536",
        "::1:25",    "[::1]",       "[::1]25",     "[10.0.0.1]:25", "[::1:25",
        "0.0.0.0:x", "0.0.0.0: 25", "0.0.0.0:25 ", ":25",           "[]:25"};
    char text[IP_ENDPOINT_TEXT_SIZE];
    struct ip_endpoint endpoint;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(ip_parse_endpoint(bytes_of_text(good[i]), &endpoint), OK);
        assert_string_equal(ip_format_endpoint(&endpoint, text), good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (ip_parse_endpoint(bytes_of_text(bad[i]), &endpoint) != ERROR_SYNTAX)
            fail_msg("'%s' was read", bad[i]);
    assert_int_equal(ip_parse_endpoint(BYTES_LITERAL("[::ffff:10.0.0.1]:25"), &endpoint), OK);
    assert_string_equal(ip_format_endpoint(&endpoint, text), "10.0.0.1:25");
}

static void socket_addresses_go_both_ways(void **state)
{
    static const char *const texts[] = {"10.1.2.3:25", "[2001:db8::9]:2525"};
    char text[IP_ENDPOINT_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sockaddr_storage storage;
        struct ip_endpoint endpoint, again;
        assert_int_equal(ip_parse_endpoint(bytes_of_text(texts[i]), &endpoint), OK);
        ip_to_sockaddr(&endpoint, (struct sockaddr *)&storage);
        again = ip_from_sockaddr((struct sockaddr *)&storage);
        assert_string_equal(ip_format_endpoint(&again, text), texts[i]);
    }
}

/* proves: D13 */
static void a_mapped_socket_address_becomes_ipv4(void **state)
{
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(25)};
    struct sockaddr_storage other = {.ss_family = AF_UNIX};
    struct ip_endpoint endpoint;
    char text[IP_ENDPOINT_TEXT_SIZE];

    (void)state;
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    mapped.sin6_addr.s6_addr[12] = 10;
    mapped.sin6_addr.s6_addr[15] = 7;
    endpoint = ip_from_sockaddr((struct sockaddr *)&mapped);
    assert_string_equal(ip_format_endpoint(&endpoint, text), "10.0.0.7:25");
    endpoint = ip_from_sockaddr((struct sockaddr *)&other);
    assert_int_equal(endpoint.address.family, IP_NONE);
}

/* proves: contract-3 */
static void private_ranges_are_told_from_public_ones(void **state)
{
    static const char *const private_ones[] = {"10.0.0.0/8",
                                               "172.16.0.0-172.31.255.255",
                                               "192.168.5.1/24",
                                               "100.64.0.0/10",
                                               "127.0.0.1",
                                               "169.254.1.0/24",
                                               "fc00::/7",
                                               "fe80::/10",
                                               "::1",
                                               "::ffff:10.0.0.1"};
    static const char *const public_ones[] = {"9.255.255.255-10.0.0.0",
                                              "10.0.0.0/7",
                                              "172.15.255.255",
                                              "172.32.0.0",
                                              "192.168.0.0/15",
                                              "100.128.0.0",
                                              "0.0.0.0/0",
                                              "::/0",
                                              "::-::1",
                                              "::1-::2",
                                              "fe00::/7",
                                              "8.8.8.8",
                                              "10.0.0.0-192.168.0.0",
                                              "fec0::1"};

    (void)state;
    for (size_t i = 0; i < sizeof(private_ones) / sizeof(private_ones[0]); i++) {
        struct ip_range range = range_of(private_ones[i]);
        if (!ip_range_is_private(&range))
            fail_msg("%s is private", private_ones[i]);
    }
    for (size_t i = 0; i < sizeof(public_ones) / sizeof(public_ones[0]); i++) {
        struct ip_range range = range_of(public_ones[i]);
        if (ip_range_is_private(&range))
            fail_msg("%s is not private", public_ones[i]);
    }
}

static void special_addresses_are_known(void **state)
{
    struct ip_address any4 = address_of("0.0.0.0"), any6 = address_of("::"), none = {0};
    struct ip_address loop4 = address_of("127.9.9.9"), loop6 = address_of("::1");
    struct ip_address link4 = address_of("169.254.169.254"), link6 = address_of("fe80::1");
    char text[IP_TEXT_SIZE];

    (void)state;
    assert_true(ip_is_any(&any4) && ip_is_any(&any6) && !ip_is_any(&none) && !ip_is_any(&loop6));
    assert_true(ip_is_loopback(&loop4) && ip_is_loopback(&loop6) && !ip_is_loopback(&any6));
    assert_true(ip_is_link_local(&link4) && ip_is_link_local(&link6) && !ip_is_link_local(&loop4));
    assert_string_equal(ip_format_address(&none, text), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_address_is_a_range),
        cmocka_unit_test(both_ends_belong_to_a_range),
        cmocka_unit_test(host_bits_of_a_prefix_are_ignored),
        cmocka_unit_test(a_comma_inside_one_value_is_refused),
        cmocka_unit_test(a_mask_stands_in_parentheses),
        cmocka_unit_test(malformed_ranges_are_refused_with_the_reason),
        cmocka_unit_test(a_zero_byte_does_not_end_an_address),
        cmocka_unit_test(the_full_ranges_hold_everything_of_their_family),
        cmocka_unit_test(a_mapped_address_is_the_ipv4_address),
        cmocka_unit_test(a_range_is_written_as_it_is_read),
        cmocka_unit_test(bindings_are_read_and_written),
        cmocka_unit_test(socket_addresses_go_both_ways),
        cmocka_unit_test(a_mapped_socket_address_becomes_ipv4),
        cmocka_unit_test(private_ranges_are_told_from_public_ones),
        cmocka_unit_test(special_addresses_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The routers in Linux's tables of routes. */
#include "loop/machine_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect(const struct machine *machine, const char *gateways)
{
    char text[512] = "";
    for (size_t i = 0; i < machine->gateway_count; i++) {
        char address[IP_TEXT_SIZE];
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? " " : "",
                       ip_format_address(&machine->gateways[i], address));
    }
    assert_string_equal(text, gateways);
}

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    assert_int_equal(ip_parse_address(bytes_of_text(text), &address), OK);
    return address;
}

/* As a number of this machine that lies in memory as the address does. */
static const char *hex_of(const char *text, char out[9])
{
    struct ip_address address = address_of(text);
    uint32_t number;
    memcpy(&number, address.octets, sizeof(number));
    (void)snprintf(out, 9, "%08X", number);
    return out;
}

/* proves: D13 */
static void test_ipv4(void **state)
{
    static const char HEAD[] =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
    char first[9];
    char second[9];
    char table[1024];
    struct machine machine = {0};
    (void)state;
    (void)hex_of("172.18.0.1", first);
    (void)hex_of("10.9.8.254", second);
    (void)snprintf(table, sizeof(table),
                   "%s"
                   "eth0\t00000000\t%s\t0003\t0\t0\t0\t00000000\t0\t0\t0                \n"
                   "eth0\t000012AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
                   "eth1\t0000000A\t%s\t0007\t0\t0\t0\t000000FF\t0\t0\t0\n"
                   "eth1\t0000000B\t%s\t0003\t0\t0\t0\t000000FF\t0\t0\t0\n"
                   "down\t0000000C\tFEFEFEFE\t0002\t0\t0\t0\t000000FF\t0\t0\t0\n"
                   "short\t0000000C\tFEFEFE\t0003\n"
                   "nonsense\n\n\t\t\t\n"
                   "flags\t0000000C\tFEFEFEFE\tzzzz\t0",
                   HEAD, first, second, first);
    machine_add_ipv4_routes(&machine, bytes_of_text(table));
    expect(&machine, "172.18.0.1 10.9.8.254");
}

/* proves: D13 */
static void test_ipv6(void **state)
{
    static const char TABLE[] =
        "fd000000000000000000000000000000 40 00000000000000000000000000000000 00 "
        "00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
        "fd000000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"
        "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
        "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"
        "nonsense\n";
    struct machine machine = {0};
    (void)state;
    machine_add_ipv6_routes(&machine, bytes_of_text(TABLE));
    expect(&machine, "fd00::1");
}

static void test_a_table_without_end(void **state)
{
    struct machine machine = {0};
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        char line[128];
        (void)snprintf(line, sizeof(line), "e\t00000000\t%08X\t0003\n", i + 1);
        machine_add_ipv4_routes(&machine, bytes_of_text(line));
    }
    assert_int_equal(machine.gateway_count, MACHINE_GATEWAYS_MAX);
}

static void test_this_machine(void **state)
{
    struct machine machine;
    struct ip_address loopback = address_of("127.0.0.1");
    (void)state;
    machine_read(&machine);
    assert_true(machine_is_own(&machine, &loopback));
    assert_false(machine_is_gateway(&machine, &loopback));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv4),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_a_table_without_end),
        cmocka_unit_test(test_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

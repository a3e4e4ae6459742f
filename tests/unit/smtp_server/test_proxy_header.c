/* The PROXY header: what is one, what is none, and that a part of one is waited for. */
#include "smtp_server/proxy_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4_BODY   "\xc0\x00\x02\x01\xc6\x33\x64\x02\xd4\x31\x00\x19"
#define MAPPED    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01"
#define V6        "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define PORTS     "\xd4\x31\x00\x19"

static const struct {
    struct bytes text;
    const char *source; /* NULL: the proxy speaks for itself */
    const char *destination;
} GOOD[] = {
    {BYTES_LITERAL("PROXY TCP4 192.0.2.1 198.51.100.2 54321 25\r\n"), "192.0.2.1:54321", "198.51.100.2:25"},
    {BYTES_LITERAL("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"), "[2001:db8::1]:1",
     "[2001:db8::2]:65535"},
    {BYTES_LITERAL("PROXY TCP6 ::ffff:192.0.2.1 ::1 5 25\r\n"), "192.0.2.1:5", "[::1]:25"},
    {BYTES_LITERAL("PROXY UNKNOWN\r\n"), NULL, NULL},
    {BYTES_LITERAL("PROXY UNKNOWN ffff:f...f:ffff anything 65535\r\n"), NULL, NULL},
    {BYTES_LITERAL(SIGNATURE "\x21\x11\x00\x0c" V4_BODY), "192.0.2.1:54321", "198.51.100.2:25"},
    {BYTES_LITERAL(SIGNATURE "\x21\x21\x00\x24" V6 V6 PORTS), "[2001:db8::1]:54321", "[2001:db8::1]:25"},
    {BYTES_LITERAL(SIGNATURE "\x21\x21\x00\x24" MAPPED MAPPED PORTS), "192.0.2.1:54321", "192.0.2.1:25"},
    /* Information elements behind the addresses, whatever they hold. */
    {BYTES_LITERAL(SIGNATURE "\x21\x11\x00\x10" V4_BODY "\x04\xff\xff\xff"), "192.0.2.1:54321",
     "198.51.100.2:25"},
    {BYTES_LITERAL(SIGNATURE "\x20\x00\x00\x00"), NULL, NULL},
    {BYTES_LITERAL(SIGNATURE "\x20\x11\x00\x0c" V4_BODY), NULL, NULL},
};

/* proves: D13 contract-2 */
static void test_good_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        char source[IP_ENDPOINT_TEXT_SIZE], destination[IP_ENDPOINT_TEXT_SIZE], text[256];
        struct proxy_header header;
        size_t used = 0, length = GOOD[i].text.len;
        memcpy(text, GOOD[i].text.ptr, length);
        memcpy(text + length, "EHLO x\r\n", 8);
        if (proxy_header_parse((struct bytes){text, length + 8}, &header, &used) != OK || used != length) {
            fail_msg("row %zu", i);
        }
        assert_int_equal(header.has_addresses, GOOD[i].source != NULL);
        if (header.has_addresses) {
            assert_string_equal(ip_format_endpoint(&header.source, source), GOOD[i].source);
            assert_string_equal(ip_format_endpoint(&header.destination, destination), GOOD[i].destination);
        }
        for (size_t part = 0; part < length; part++) {
            assert_int_equal(proxy_header_parse((struct bytes){text, part}, &header, &used), ERROR_NOT_FOUND);
        }
    }
}

static const struct bytes BAD[] = {
    BYTES_LITERAL("EHLO client.example\r\n"),
    BYTES_LITERAL("proxy TCP4 192.0.2.1 198.51.100.2 54321 25\r\n"),
    BYTES_LITERAL("PROXY TCP4 192.0.2.1 198.51.100.2 54321\r\n"),
    BYTES_LITERAL("PROXY TCP4 192.0.2.1 198.51.100.2 54321 25 \r\n"),
    BYTES_LITERAL("PROXY TCP4 192.0.2.1 198.51.100.2 54321 25 more\r\n"),
    BYTES_LITERAL("PROXY TCP4 192.0.2.1  198.51.100.2 54321 25\r\n"),
    BYTES_LITERAL("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"),
    BYTES_LITERAL("PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n"),
    BYTES_LITERAL("PROXY TCP4 192.0.2.1 198.51.100.2 65536 25\r\n"),
    BYTES_LITERAL("PROXY TCP4 192.0.2.1 198.51.100.2 -1 25\r\n"),
    BYTES_LITERAL("PROXY TCP4 192.0.2.1 198.51.100.2 025 25\r\n"),
    BYTES_LITERAL("PROXY UDP4 192.0.2.1 198.51.100.2 54321 25\r\n"),
    BYTES_LITERAL("PROXY TCP4 192.0.2.999 198.51.100.2 54321 25\r\n"),
    BYTES_LITERAL("PROXY \r\n"),
    BYTES_LITERAL(SIGNATURE "\x11\x11\x00\x0c" V4_BODY), /* version 1 */
    BYTES_LITERAL(SIGNATURE "\x22\x11\x00\x0c" V4_BODY), /* no such command */
    BYTES_LITERAL(SIGNATURE "\x21\x12\x00\x0c" V4_BODY), /* UDP */
    BYTES_LITERAL(SIGNATURE "\x21\x31\x00\x0c" V4_BODY), /* a socket of the file system */
    BYTES_LITERAL(SIGNATURE "\x21\x00\x00\x0c" V4_BODY), /* unspecified */
    BYTES_LITERAL(SIGNATURE "\x21\x11\x00\x0b" V4_BODY), /* too short for its addresses */
    BYTES_LITERAL(SIGNATURE "\x21\x11\xff\xff" V4_BODY), /* longer than anybody's */
};

/* proves: D13 */
static void test_bad_ones(void **state)
{
    (void)state;
    struct proxy_header header;
    size_t used;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        if (proxy_header_parse(BAD[i], &header, &used) != ERROR_PROTOCOL) {
            fail_msg("row %zu", i);
        }
    }
    char long_line[200] = "PROXY UNKNOWN ";
    memset(long_line + 14, 'x', sizeof long_line - 14);
    assert_int_equal(proxy_header_parse((struct bytes){long_line, 106}, &header, &used), ERROR_NOT_FOUND);
    assert_int_equal(proxy_header_parse((struct bytes){long_line, sizeof long_line}, &header, &used),
                     ERROR_PROTOCOL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_ones),
        cmocka_unit_test(test_bad_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

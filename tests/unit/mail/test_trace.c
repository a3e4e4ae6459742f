/* The lines this server adds. */
#include "mail/header_block.h"
#include "mail/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOVEMBER 1795315500123 /* 2026-11-22T02:45:00.123Z */

static struct trace_received received_of(struct bytes helo)
{
    struct trace_received received = {
        .helo = helo,
        .server_name = BYTES_LITERAL("relay.contoso.com"),
        .protocol = "ESMTP",
        .id = 0x1f2e,
        .wall_ms = NOVEMBER,
    };

    assert_int_equal(ip_parse_address(BYTES_LITERAL("192.168.5.10"), &received.client), OK);
    assert_int_equal(ip_parse_address(BYTES_LITERAL("10.1.1.1"), &received.server), OK);
    return received;
}

/* proves: facts-10.10 */
static void received_has_the_documented_form(void **state)
{
    struct trace_received received = received_of(BYTES_LITERAL("printer.contoso.com"));
    struct buffer out;

    (void)state;
    buffer_init(&out, 4096);
    assert_int_equal(trace_append_received(&out, &received), OK);
    assert_true(
        bytes_equal(buffer_bytes(&out), BYTES_LITERAL("Received: from printer.contoso.com (192.168.5.10)\r\n"
                                                      " by relay.contoso.com (10.1.1.1)\r\n"
                                                      " with ESMTP id 1f2e;\r\n"
                                                      " Sun, 22 Nov 2026 02:45:00 +0000\r\n")));
    buffer_clear(&out);
    received.protocol = "ESMTPS";
    received.is_tls = true;
    assert_int_equal(trace_append_received(&out, &received), OK);
    assert_true(bytes_find_text(buffer_bytes(&out), " with ESMTPS (TLS) id 1f2e;\r\n") < out.len);
    buffer_done(&out);
}

/* The name that stands behind "from". */
static void assert_helo(struct bytes helo, const char *expected)
{
    struct trace_received received = received_of(helo);
    struct header_field field;
    struct bytes rest, name;
    struct buffer out;

    buffer_init(&out, 4096);
    assert_int_equal(trace_append_received(&out, &received), OK);
    rest = buffer_bytes(&out);
    assert_true(header_next(&rest, &field));
    assert_int_equal(rest.len, 0);
    assert_true(header_name_is(&field, "Received"));
    assert_true(bytes_starts_nocase(field.body, " from "));
    name = bytes_skip(field.body, 6);
    name = bytes_first(name, bytes_find(name, ' '));
    if (!bytes_equal(name, bytes_of_text(expected)))
        fail_msg("'%.*s' became '%.*s'", BYTES_ARG(helo), BYTES_ARG(name));
    buffer_done(&out);
}

/* proves: F14 */
static void hostile_names_stay_inside_one_field(void **state)
{
    char many[2048];
    char expected[256];

    (void)state;
    assert_helo(BYTES_LITERAL("x\r\nBcc: y"), "x??Bcc??y");
    assert_helo(BYTES_LITERAL("x(;rm"), "x??rm");
    assert_helo(BYTES_LITERAL("x) id 1; <a@b>"), "x??id?1???a?b?");
    assert_helo(BYTES_LITERAL("\0\x01\x7f\xff"), "????");
    assert_helo(BYTES_LITERAL(".a..b.."), "?a?.b??");
    assert_helo(BYTES_LITERAL("%s%n"), "%s%n");
    assert_helo(BYTES_LITERAL("b\xc3\xbc"), "b??");
    assert_helo(BYTES_LITERAL("\"quoted\\\""), "?quoted??");
    assert_helo(BYTES_LITERAL("[127.0.0.1]"), "[127.0.0.1]");
    assert_helo(BYTES_LITERAL("[IPv6:::1]"), "[IPv6:::1]");
    assert_helo(BYTES_LITERAL("[IPv6:::1"), "?IPv6???1");
    assert_helo(BYTES_LITERAL("[x]"), "?x?");
    assert_helo(BYTES_LITERAL("::1"), "??1");
    assert_helo(BYTES_LITERAL("PRINTER_1"), "PRINTER_1");
    memset(many, 'h', sizeof(many));
    memset(expected, 'h', 255);
    expected[255] = '\0';
    assert_helo((struct bytes){many, sizeof(many)}, expected);
}

static void the_dot_of_the_root_is_left_out(void **state)
{
    (void)state;
    assert_helo(BYTES_LITERAL("EXAMPLE.com."), "EXAMPLE.com");
    assert_helo(BYTES_LITERAL("a."), "a");
    assert_helo(BYTES_LITERAL("a.."), "a??");
    assert_helo(BYTES_LITERAL("."), "?");
}

/* proves: F14 */
static void a_missing_name_is_replaced_by_the_address(void **state)
{
    struct trace_received received = received_of((struct bytes){NULL, 0});
    struct buffer out;

    (void)state;
    assert_helo((struct bytes){NULL, 0}, "[192.168.5.10]");
    buffer_init(&out, 4096);
    assert_int_equal(ip_parse_address(BYTES_LITERAL("2001:db8::1"), &received.client), OK);
    assert_int_equal(trace_append_received(&out, &received), OK);
    assert_true(
        bytes_starts_nocase(buffer_bytes(&out), "Received: from [IPv6:2001:db8::1] (2001:db8::1)\r\n"));
    buffer_done(&out);
}

/* proves: F14 */
static void lines_stay_short(void **state)
{
    struct trace_received received = received_of(BYTES_LITERAL("a-host-with-a-long-name.in.some.branch"));
    struct bytes rest, line;
    struct buffer out;

    (void)state;
    received.id = UINT64_MAX;
    received.protocol = "ESMTPSA";
    received.is_tls = true;
    buffer_init(&out, 4096);
    assert_int_equal(ip_parse_address(BYTES_LITERAL("2001:db8::ffff"), &received.client), OK);
    assert_int_equal(trace_append_received(&out, &received), OK);
    rest = buffer_bytes(&out);
    while (bytes_next(&rest, '\n', &line))
        assert_true(line.len - 1 < 78);
    buffer_done(&out);
}

/* proves: facts-8.1 */
static void dates_are_english_and_utc(void **state)
{
    static const struct {
        int64_t wall_ms;
        const char *date;
        const char *banner;
    } rows[] = {
        {NOVEMBER, "Sun, 22 Nov 2026 02:45:00 +0000", "Sun, 22 Nov 2026 02:45:00 +0000"},
        {1470414281000, "Fri, 05 Aug 2016 16:24:41 +0000", "Fri, 5 Aug 2016 16:24:41 +0000"},
        {0, "Thu, 01 Jan 1970 00:00:00 +0000", "Thu, 1 Jan 1970 00:00:00 +0000"},
        {-1, "Wed, 31 Dec 1969 23:59:59 +0000", "Wed, 31 Dec 1969 23:59:59 +0000"},
        {2147483648000, "Tue, 19 Jan 2038 03:14:08 +0000", "Tue, 19 Jan 2038 03:14:08 +0000"},
        {INT64_MAX, "Thu, 01 Jan 1970 00:00:00 +0000", "Thu, 1 Jan 1970 00:00:00 +0000"},
        {INT64_MIN, "Thu, 01 Jan 1970 00:00:00 +0000", "Thu, 1 Jan 1970 00:00:00 +0000"},
    };
    char text[TRACE_DATE_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        trace_format_date(rows[i].wall_ms, text);
        assert_string_equal(text, rows[i].date);
        trace_format_banner_date(rows[i].wall_ms, text);
        assert_string_equal(text, rows[i].banner);
    }
}

static void message_ids_differ_and_are_bounded(void **state)
{
    char first[400], second[400], small[10];

    (void)state;
    assert_int_equal(
        trace_make_message_id(1, NOVEMBER, BYTES_LITERAL("relay.contoso.com"), first, sizeof(first)), OK);
    assert_int_equal(
        trace_make_message_id(2, NOVEMBER, BYTES_LITERAL("relay.contoso.com"), second, sizeof(second)), OK);
    assert_string_equal(first, "<1a20124845b.1@relay.contoso.com>");
    assert_string_not_equal(first, second);
    assert_int_equal(trace_make_message_id(1, NOVEMBER, BYTES_LITERAL("x"), small, sizeof(small)),
                     ERROR_LIMIT);
    assert_int_equal(trace_make_message_id(1, -1, BYTES_LITERAL("a>\r\nb"), first, sizeof(first)), OK);
    assert_string_equal(first, "<ffffffffffffffff.1@a???b>");
    assert_int_equal(trace_make_message_id(1, 0, (struct bytes){NULL, 0}, first, sizeof(first)), OK);
    assert_string_equal(first, "<0.1@localhost>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(received_has_the_documented_form),
        cmocka_unit_test(hostile_names_stay_inside_one_field),
        cmocka_unit_test(the_dot_of_the_root_is_left_out),
        cmocka_unit_test(a_missing_name_is_replaced_by_the_address),
        cmocka_unit_test(lines_stay_short),
        cmocka_unit_test(dates_are_english_and_utc),
        cmocka_unit_test(message_ids_differ_and_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

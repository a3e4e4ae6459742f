#include "mail/hop_count.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* proves: R15 F15 */
static void test_count(void **state)
{
    static const struct {
        const char *block;
        uint64_t hops;
    } cases[] = {
        {"", 0},
        {"Subject: Received\r\n", 0},
        {"Received: a\r\nreceived : b\r\n c\r\nX-Received: d\r\n", 2},
        {"X-Dirrelay-Hops: 7\r\nReceived: a\r\n", 8},
        {"X-Dirrelay-Hops: 7\r\nx-dirrelay-hops:\r\n 3\r\n", 10},
        {"X-Dirrelay-Hops: \r\n", HOP_COUNT_MAX},
        {"X-Dirrelay-Hops: -1\r\n", HOP_COUNT_MAX},
        {"X-Dirrelay-Hops: 18446744073709551615\r\nX-Dirrelay-Hops: 18446744073709551615\r\n", HOP_COUNT_MAX},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(hop_count(bytes_of_text(cases[i].block)), cases[i].hops);
    }
}

/* proves: R15 facts-1.3 */
static void test_count_local(void **state)
{
    static const struct {
        const char *block;
        uint64_t hops;
    } cases[] = {
        {"", 0},
        {"Received: from a (a [1.2.3.4]) by mail.contoso.com (10.0.0.1) with ESMTP id 1; x\r\n", 1},
        {"received: BY Mail.Contoso.Com;x\r\n", 1},
        {"Received:\r\n from a\r\n\tby\r\n mx.contoso.com\r\n", 1},
        {"Received: from a (b by mail.contoso.com (c\\) )) by(x)mx.contoso.com\r\n", 1},
        {"Received: from by by mail.contoso.com; x\r\n", 1},
        {"Received: from by mail.contoso.com by other.example; x\r\n", 0},
        {"Received: from mail.contoso.com by other.example; by mail.contoso.com\r\n", 0},
        {"Received: from a by mail.contoso.com.evil.example\r\n", 0},
        {"Received: (never closed by mail.contoso.com\r\n", 0},
        {"Received: (\\", 0},
        {"X-Received: by mail.contoso.com\r\n", 0},
        {"Received: by mail.contoso.com\r\nReceived: by x\r\nReceived: by mx.contoso.com\r\n", 2},
    };
    const struct bytes names[] = {BYTES_LITERAL("mail.contoso.com"), BYTES_LITERAL("mx.contoso.com")};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(hop_count_local(bytes_of_text(cases[i].block), names, 2), cases[i].hops);
    }
}

static void test_append(void **state)
{
    struct buffer out;
    (void)state;
    buffer_init(&out, 100);
    assert_int_equal(hop_count_append(&out, 0), OK);
    assert_int_equal(hop_count_append(&out, 12), OK);
    assert_true(bytes_equal(buffer_bytes(&out), bytes_of_text("X-Dirrelay-Hops: 12\r\n")));
    assert_int_equal(hop_count(buffer_bytes(&out)), 12);
    buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count),
        cmocka_unit_test(test_count_local),
        cmocka_unit_test(test_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

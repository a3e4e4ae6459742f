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
        cmocka_unit_test(test_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

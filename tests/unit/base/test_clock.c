/* Time moved by hand, and its text. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_fake_clock_stands_still(void **state)
{
    struct clock_fake fake;

    (void)state;
    clock_fake_init(&fake, 5, 1000);
    assert_int_equal(clock_monotonic_ms(&fake.clock), 5);
    assert_int_equal(clock_wall_ms(&fake.clock), 1000);
    clock_fake_advance(&fake, 37);
    assert_int_equal(clock_monotonic_ms(&fake.clock), 42);
    assert_int_equal(clock_wall_ms(&fake.clock), 1037);
}

/* proves: contract-6 */
static void times_are_written_as_rfc3339(void **state)
{
    static const struct {
        int64_t wall_ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {1795315500123, "2026-11-22T02:45:00.123Z"},
        {2147483648000, "2038-01-19T03:14:08.000Z"},
        {INT64_MAX, "1970-01-01T00:00:00.000Z"},
        {INT64_MIN, "1970-01-01T00:00:00.000Z"},
    };
    char text[CLOCK_RFC3339_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        clock_format_rfc3339(rows[i].wall_ms, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void the_machine_has_a_clock(void **state)
{
    uint64_t before = clock_monotonic_ms(&clock_system);

    (void)state;
    assert_true(clock_wall_ms(&clock_system) > 1700000000000);
    assert_true(clock_monotonic_ms(&clock_system) >= before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fake_clock_stands_still),
        cmocka_unit_test(times_are_written_as_rfc3339),
        cmocka_unit_test(the_machine_has_a_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

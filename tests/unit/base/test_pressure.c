/* Three levels, and the way down is another than the way up. */
#include "base/pressure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static enum pressure_level walk(const struct pressure_marks *marks, const uint64_t *values, size_t count)
{
    enum pressure_level level = PRESSURE_LOW;
    for (size_t i = 0; i < count; i++) {
        level = pressure_next(level, marks, values[i]);
    }
    return level;
}

#define AFTER(...)                                                                                           \
    walk(&disk, (const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* proves: facts-10.7 */
static void it_rises_at_its_marks_and_falls_below_them(void **state)
{
    static const struct pressure_marks disk = {80, 89, 99};
    (void)state;
    assert_int_equal(AFTER(0), PRESSURE_LOW);
    assert_int_equal(AFTER(88), PRESSURE_LOW);
    assert_int_equal(AFTER(89), PRESSURE_MEDIUM);
    assert_int_equal(AFTER(98), PRESSURE_MEDIUM);
    assert_int_equal(AFTER(99), PRESSURE_HIGH);
    assert_int_equal(AFTER(99, 90), PRESSURE_HIGH);
    assert_int_equal(AFTER(99, 89), PRESSURE_MEDIUM);
    assert_int_equal(AFTER(99, 79), PRESSURE_LOW);
    assert_int_equal(AFTER(89, 80), PRESSURE_MEDIUM);
    assert_int_equal(AFTER(89, 79), PRESSURE_LOW);
    assert_int_equal(AFTER(89, 79, 88), PRESSURE_LOW);
    assert_int_equal(AFTER(99, 89, 98, 80), PRESSURE_MEDIUM);
}

static void equal_marks_are_a_switch(void **state)
{
    static const struct pressure_marks disk = {50, 50, 50};
    (void)state;
    assert_int_equal(AFTER(49), PRESSURE_LOW);
    assert_int_equal(AFTER(50), PRESSURE_HIGH);
    assert_int_equal(AFTER(50, 49), PRESSURE_LOW);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_rises_at_its_marks_and_falls_below_them),
        cmocka_unit_test(equal_marks_are_a_switch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

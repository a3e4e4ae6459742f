/* What is due comes in order of time, held across clocks that jump. */
#include "queue/schedule.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct schedule_policy policy = {
    .delays_ms = {1000, 5000, 60000},
    .delay_count = 3,
    .expire_ms = 1000000,
};

static void delays_grow_and_the_last_repeats(void **state)
{
    (void)state;
    assert_int_equal(schedule_next_attempt(&policy, 0, 0, 70), 70);
    assert_int_equal(schedule_next_attempt(&policy, 0, 1, 70), 1070);
    assert_int_equal(schedule_next_attempt(&policy, 0, 2, 70), 5070);
    assert_int_equal(schedule_next_attempt(&policy, 0, 3, 70), 60070);
    assert_int_equal(schedule_next_attempt(&policy, 0, UINT32_MAX, 70), 60070);
}

static void one_last_try_stands_at_the_expiry(void **state)
{
    (void)state;
    assert_int_equal(schedule_next_attempt(&policy, 0, 3, 999990), 1000000);
    assert_int_equal(schedule_next_attempt(&policy, 0, 3, 2000000), 1000000);
    assert_false(schedule_is_expired(&policy, 0, 999999));
    assert_true(schedule_is_expired(&policy, 0, 1000000));
}

/* proves: R13 */
static void extreme_clocks_do_not_overflow_or_strand_mail(void **state)
{
    struct schedule_policy patient = {.delays_ms = {UINT64_MAX}, .delay_count = 1, .expire_ms = UINT64_MAX};

    (void)state;
    assert_true(schedule_next_attempt(&patient, INT64_MAX, 1, INT64_MAX) == INT64_MAX);
    assert_false(schedule_is_expired(&patient, 0, 1000));
    assert_true(schedule_next_attempt(&policy, 0, 1, INT64_MIN) < 0);
    /* Written while the clock was a year ahead: comes within the longest delay. */
    assert_int_equal(schedule_clamp_due(&policy, 31536000000, 500), 60500);
    assert_int_equal(schedule_clamp_due(&policy, 700, 500), 700);
    assert_int_equal(schedule_clamp_due(&policy, 0, 500), 0);
}

static void the_first_due_comes_first(void **state)
{
    struct schedule *schedule = schedule_new();
    uint64_t id;

    (void)state;
    assert_int_equal(schedule_first_due(schedule), INT64_MAX);
    assert_false(schedule_take_due(schedule, INT64_MAX, &id));
    schedule_remove(schedule, 7);
    assert_int_equal(schedule_put(schedule, 3, 50), OK);
    assert_int_equal(schedule_put(schedule, 9, 10), OK);
    assert_int_equal(schedule_put(schedule, 4, 50), OK);
    assert_int_equal(schedule_put(schedule, 5, 90), OK);
    assert_int_equal(schedule_put(schedule, 5, 5), OK);  /* moved forward */
    assert_int_equal(schedule_put(schedule, 9, 60), OK); /* moved back */
    assert_int_equal(schedule_count(schedule), 4);
    schedule_remove(schedule, 4);
    schedule_remove(schedule, 4);
    assert_int_equal(schedule_first_due(schedule), 5);
    assert_false(schedule_take_due(schedule, 4, &id));
    assert_true(schedule_take_due(schedule, 55, &id));
    assert_int_equal(id, 5);
    assert_true(schedule_take_due(schedule, 55, &id));
    assert_int_equal(id, 3);
    assert_false(schedule_take_due(schedule, 55, &id));
    assert_true(schedule_take_due(schedule, 60, &id));
    assert_int_equal(id, 9);
    schedule_free(schedule);
    schedule_free(NULL);
}

#define MODEL_IDS 300

/* Against a plain array, with many moves and removals. */
static void a_model_agrees(void **state)
{
    struct schedule *schedule = schedule_new();
    int64_t due[MODEL_IDS];
    size_t count = 0;
    uint32_t random = 12345;

    (void)state;
    for (size_t i = 0; i < MODEL_IDS; i++)
        due[i] = -1;
    for (int round = 0; round < 20000; round++) {
        size_t id;
        random = random * 1664525u + 1013904223u;
        id = (random >> 8) % MODEL_IDS;
        if (random >> 30 == 0) {
            schedule_remove(schedule, id);
            count -= due[id] >= 0;
            due[id] = -1;
        } else if (random >> 30 == 1) {
            int64_t least = INT64_MAX;
            uint64_t taken;
            for (size_t i = 0; i < MODEL_IDS; i++) {
                if (due[i] >= 0 && due[i] < least)
                    least = due[i];
            }
            assert_true(schedule_first_due(schedule) == least);
            if (schedule_take_due(schedule, INT64_MAX, &taken)) {
                assert_int_equal(due[taken], least);
                due[taken] = -1;
                count--;
            }
        } else {
            count += due[id] < 0;
            due[id] = (random >> 4) % 1000;
            assert_int_equal(schedule_put(schedule, id, due[id]), OK);
        }
        assert_int_equal(schedule_count(schedule), count);
    }
    schedule_free(schedule);
}

/* A million deferred messages stay below 64 MiB. */
static void a_million_stays_small(void **state)
{
    struct schedule *schedule = schedule_new();
    uint64_t id;
    uint64_t previous = 0;

    (void)state;
    for (uint64_t i = 1; i <= 1000000; i++)
        assert_int_equal(schedule_put(schedule, i, (int64_t)(i / 3)), OK);
    assert_int_equal(schedule_count(schedule), 1000000);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(mallinfo2().hblkhd + mallinfo2().uordblks < 64u << 20);
#endif
    for (int i = 0; i < 1000; i++) {
        assert_true(schedule_take_due(schedule, INT64_MAX, &id));
        assert_int_equal(id, previous + 1);
        previous = id;
    }
    schedule_free(schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_grow_and_the_last_repeats),
        cmocka_unit_test(one_last_try_stands_at_the_expiry),
        cmocka_unit_test(extreme_clocks_do_not_overflow_or_strand_mail),
        cmocka_unit_test(the_first_due_comes_first),
        cmocka_unit_test(a_model_agrees),
        cmocka_unit_test(a_million_stays_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

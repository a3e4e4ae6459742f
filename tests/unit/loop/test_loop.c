#include "loop/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>

enum { TIMER_COUNT = 10000 };

struct crowd_timer {
    struct loop_timer timer;
    struct crowd *crowd;
    bool is_fired;
};

struct crowd {
    struct loop *loop;
    struct crowd_timer timers[TIMER_COUNT];
    uint64_t last_due_ms;
    size_t fired_count;
    size_t expected_count;
};

static void crowd_on_due(struct loop_timer *timer)
{
    struct crowd_timer *one = list_entry(timer, struct crowd_timer, timer);
    struct crowd *crowd = one->crowd;
    assert_false(loop_timer_is_running(timer));
    assert_false(one->is_fired);
    assert_true(timer->due_ms >= crowd->last_due_ms);
    assert_true(timer->due_ms <= loop_now_ms(crowd->loop));
    one->is_fired = true;
    crowd->last_due_ms = timer->due_ms;
    crowd->fired_count++;
    if (crowd->fired_count == crowd->expected_count) {
        loop_end(crowd->loop);
    }
}

static void test_ten_thousand_timers_fire_in_order(void **state)
{
    (void)state;
    struct crowd *crowd = calloc(1, sizeof *crowd);
    crowd->loop = loop_new("test", NULL);
    unsigned seed = 7;
    for (size_t i = 0; i < TIMER_COUNT; i++) {
        crowd->timers[i].crowd = crowd;
        loop_timer_init(&crowd->timers[i].timer, crowd->loop, crowd_on_due);
        loop_timer_start(&crowd->timers[i].timer, (unsigned)rand_r(&seed) % 40);
    }
    crowd->expected_count = TIMER_COUNT;
    for (size_t i = 0; i < TIMER_COUNT; i++) {
        if (i % 3 == 0) {
            loop_timer_start(&crowd->timers[i].timer, (unsigned)rand_r(&seed) % 40); /* moved both ways */
        } else if (i % 7 == 0) {
            loop_timer_stop(&crowd->timers[i].timer);
            crowd->expected_count--;
        }
    }
    loop_run(crowd->loop);
    assert_int_equal(crowd->fired_count, crowd->expected_count);
    loop_free(crowd->loop);
    free(crowd);
}

struct single {
    struct loop_timer timer;
    unsigned count;
};

static void single_on_due(struct loop_timer *timer)
{
    list_entry(timer, struct single, timer)->count++;
}

static void test_timers_follow_a_fake_clock(void **state)
{
    (void)state;
    struct clock_fake clock;
    clock_fake_init(&clock, 1000, 0);
    struct loop *loop = loop_new("test", &clock.clock);
    struct single single = {.count = 0};
    loop_timer_init(&single.timer, loop, single_on_due);
    loop_timer_start(&single.timer, 60000);
    loop_turn(loop);
    assert_int_equal(single.count, 0);
    clock_fake_advance(&clock, 59999);
    loop_turn(loop);
    assert_int_equal(single.count, 0);
    clock_fake_advance(&clock, 1);
    loop_turn(loop);
    assert_int_equal(single.count, 1);
    clock_fake_advance(&clock, 1000000);
    loop_turn(loop);
    assert_int_equal(single.count, 1);
    assert_int_equal(loop_now_ms(loop), 1061000);
    loop_timer_start(&single.timer, 5); /* left running: freeing the loop does not wait for it */
    loop_free(loop);
}

struct pipe_test {
    struct loop *loop;
    struct loop_poll *poll;
    struct loop_timer eager;
    int ends[2];
    unsigned eager_count;
};

static void eager_on_due(struct loop_timer *timer)
{
    struct pipe_test *test = list_entry(timer, struct pipe_test, eager);
    if (++test->eager_count == 3) {
        assert_int_equal(write(test->ends[1], "x", 1), 1);
    }
    loop_timer_start(timer, 0);
}

static void pipe_on_event(void *owner, int events)
{
    struct pipe_test *test = owner;
    assert_true(events & LOOP_READABLE);
    assert_true(test->eager_count >= 3);
    loop_timer_stop(&test->eager);
    loop_poll_free(test->poll);
    close(test->ends[0]);
    close(test->ends[1]);
    loop_end(test->loop);
}

static void test_a_timer_that_restarts_at_once_starves_nobody(void **state)
{
    (void)state;
    struct pipe_test test = {.loop = loop_new("test", NULL)};
    assert_int_equal(pipe(test.ends), 0);
    loop_timer_init(&test.eager, test.loop, eager_on_due);
    loop_timer_start(&test.eager, 0);
    assert_int_equal(loop_poll_new(test.loop, test.ends[0], pipe_on_event, &test, &test.poll), OK);
    loop_poll_set(test.poll, LOOP_READABLE);
    loop_run(test.loop);
    loop_free(test.loop);
}

static void never_on_event(void *owner, int events)
{
    (void)owner;
    (void)events;
    fail();
}

static void test_poll_is_quiet_when_nothing_is_watched(void **state)
{
    (void)state;
    struct loop *loop = loop_new("test", NULL);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct loop_poll *poll;
    assert_int_equal(loop_poll_new(loop, ends[0], never_on_event, NULL, &poll), OK);
    loop_poll_set(poll, LOOP_READABLE);
    loop_poll_set(poll, 0);
    assert_int_equal(write(ends[1], "x", 1), 1);
    loop_turn(loop);
    loop_poll_set(poll, LOOP_READABLE);
    loop_poll_free(poll);
    close(ends[0]);
    close(ends[1]);
    loop_turn(loop);
    loop_free(loop);
}

struct end_test {
    struct loop_end_hook hooks[3];
    struct loop_end_hook late;
    struct loop *loop;
    char order[8];
};

static void late_on_end(struct loop_end_hook *hook)
{
    struct end_test *test = list_entry(hook, struct end_test, late);
    strncat(test->order, "L", 2);
}

static void hook_on_end(struct loop_end_hook *hook, unsigned index)
{
    struct end_test *test =
        (struct end_test *)(void *)((char *)(hook - index) - offsetof(struct end_test, hooks));
    char digit[2] = {(char)('0' + index), '\0'};
    strncat(test->order, digit, 2);
    if (index == 2) {
        test->late.on_end = late_on_end;
        loop_on_end(test->loop, &test->late);
    }
}

static void on_end_0(struct loop_end_hook *hook)
{
    hook_on_end(hook, 0);
}

static void on_end_1(struct loop_end_hook *hook)
{
    hook_on_end(hook, 1);
}

static void on_end_2(struct loop_end_hook *hook)
{
    hook_on_end(hook, 2);
}

static void test_end_hooks_run_in_reverse_order(void **state)
{
    (void)state;
    struct end_test test = {
        .loop = loop_new("test", NULL),
        .hooks = {{.on_end = on_end_0}, {.on_end = on_end_1}, {.on_end = on_end_2}},
    };
    struct loop_end_hook gone = {.on_end = on_end_0};
    for (size_t i = 0; i < 3; i++) {
        loop_on_end(test.loop, &test.hooks[i]);
    }
    loop_on_end(test.loop, &gone);
    loop_off_end(&gone);
    loop_end(test.loop);
    loop_end(test.loop);
    loop_run(test.loop);
    assert_string_equal(test.order, "2L10");
    loop_free(test.loop);
}

static void test_a_loop_that_never_ran_is_freed(void **state)
{
    (void)state;
    loop_free(NULL);
    struct end_test test = {.loop = loop_new("test", NULL), .hooks = {{.on_end = on_end_0}}};
    loop_on_end(test.loop, &test.hooks[0]);
    assert_false(loop_is_current(test.loop));
    loop_free(test.loop);
    assert_string_equal(test.order, "0");
}

static void current_on_due(struct loop_timer *timer)
{
    assert_true(loop_is_current(timer->loop));
    loop_end(timer->loop);
}

static void test_a_thread_runs_the_loop(void **state)
{
    (void)state;
    struct loop *loop = loop_new("a-name-that-is-longer-than-a-thread's", NULL);
    assert_string_equal(loop_name(loop), "a-name-that-is-");
    assert_ptr_equal(loop_clock(loop), &clock_system);
    struct loop_timer timer;
    loop_timer_init(&timer, loop, current_on_due);
    loop_timer_start(&timer, 1);
    assert_int_equal(loop_start(loop), OK);
    loop_join(loop);
    loop_free(loop);
}

static void signal_on_loop(void *owner, int number)
{
    struct loop *loop = owner;
    assert_true(loop_is_current(loop));
    assert_int_equal(number, SIGUSR1);
    loop_end(loop);
}

static void test_a_signal_comes_on_the_loop(void **state)
{
    (void)state;
    struct loop *loop = loop_new("test", NULL);
    assert_int_equal(loop_signal(loop, SIGUSR1, signal_on_loop, loop), OK);
    kill(getpid(), SIGUSR1);
    loop_run(loop);
    loop_free(loop);
}

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_thousand_timers_fire_in_order),
        cmocka_unit_test(test_timers_follow_a_fake_clock),
        cmocka_unit_test(test_a_timer_that_restarts_at_once_starves_nobody),
        cmocka_unit_test(test_poll_is_quiet_when_nothing_is_watched),
        cmocka_unit_test(test_end_hooks_run_in_reverse_order),
        cmocka_unit_test(test_a_loop_that_never_ran_is_freed),
        cmocka_unit_test(test_a_thread_runs_the_loop),
        cmocka_unit_test(test_a_signal_comes_on_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

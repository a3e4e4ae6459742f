/* Delivery ends: running messages finish, or are cut and kept. */
/* fakes: delivery name_server smart_host organization */
#include "fakes/delivery_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"

#include <cmocka.h>

static void test_stopping_lets_running_messages_finish(void **state)
{
    (void)state;
    world.host.is_silent_at_end = true;
    put_many(25);
    fake_delivery_wait(&world, &world.host.message_count, 20);
    fake_delivery_stop(&world);
    fake_delivery_settle(&world);
    assert_false(world.is_stopped);
    fake_smart_host_say(&world.host, "250 2.0.0 taken");
    fake_delivery_settle(&world);
    assert_true(world.is_stopped);
    assert_int_equal(world.host.message_count, 20); /* those that waited wait for the next start */
    assert_int_equal(world.spool->ops->count(world.spool), 5);
    put_many(1);
    fake_delivery_settle(&world);
    assert_int_equal(world.host.message_count, 20);
}

/* proves: R10 */
static void test_abort_cuts_what_runs_and_keeps_it(void **state)
{
    (void)state;
    world.host.is_silent_at_end = true;
    put_many(3);
    fake_delivery_wait(&world, &world.host.message_count, 3);
    fake_delivery_stop(&world);
    fake_delivery_settle(&world);
    assert_false(world.is_stopped);
    delivery_abort(world.delivery);
    fake_delivery_settle(&world);
    assert_true(world.is_stopped);
    assert_int_equal(world.spool->ops->count(world.spool), 3);
}

static void test_abort_ends_what_cannot_be_stored(void **state)
{
    (void)state;
    for (int is_running = 0; is_running < 2; is_running++) {
        fake_delivery_open(&world);
        world.host.is_silent_at_end = is_running;
        fake_delivery_fail_updates(&world, SIZE_MAX);
        put_many(1);
        fake_delivery_wait(&world, &world.host.message_count, 1);
        fake_delivery_settle(&world);
        fake_delivery_stop(&world);
        fake_delivery_settle(&world);
        assert_false(world.is_stopped);
        delivery_abort(world.delivery);
        fake_delivery_settle(&world);
        assert_true(world.is_stopped);
        assert_int_equal(world.spool->ops->count(world.spool), 1);
        fake_delivery_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_stopping_lets_running_messages_finish),
        IN_WORLD(test_abort_cuts_what_runs_and_keeps_it),
        cmocka_unit_test(test_abort_ends_what_cannot_be_stored),
    };
    event_set_level(EVENT_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the administrator asks for: of a message that waits, and of one that is in the works. */
/* fakes: delivery name_server smart_host organization */
#include "fakes/delivery_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"

#include <cmocka.h>

/* proves: contract-4 */
static void test_hold_and_release(void **state)
{
    (void)state;
    world.host.mail_reply = "450 4.2.0 busy";
    uint64_t id = fake_delivery_put_tried(&world);
    fake_delivery_act(&world, id, DELIVERY_HOLD);
    fake_delivery_wait(&world, &world.answer_count, 1);
    assert_int_equal(world.answer, OK);
    world.host.mail_reply = NULL;
    fake_delivery_pass(&world, 30 * MINUTE_MS);
    assert_int_equal(world.host.mail_count, 1);
    fake_delivery_act(&world, id, DELIVERY_RETRY); /* held is held */
    fake_delivery_settle(&world);
    assert_int_equal(world.host.mail_count, 1);
    fake_delivery_act(&world, id, DELIVERY_RELEASE);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);
    assert_int_equal(world.answer_count, 3);
}

/* proves: contract-4 */
static void test_retry_does_not_wait(void **state)
{
    (void)state;
    world.host.banner = "421 4.3.2 closing"; /* a dead hop is asked again, too */
    uint64_t id = fake_delivery_put_tried(&world);
    world.host.banner = NULL;
    fake_delivery_act(&world, id, DELIVERY_RETRY);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);
    assert_int_equal(world.answer, OK);
}

/* Waiting, held or under way: the sender gets it back with what the hop said last, once. */
/* proves: contract-4 */
static void test_bounce(void **state)
{
    (void)state;
    world.host.mail_reply = "450 4.2.0 busy";
    uint64_t id = fake_delivery_put_tried(&world);
    fake_delivery_act(&world, id, DELIVERY_HOLD);
    fake_delivery_wait(&world, &world.answer_count, 1);
    world.host.mail_reply = NULL;
    fake_delivery_act(&world, id, DELIVERY_BOUNCE);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.answer_count, 2);
    assert_int_equal(world.answer, OK);
    assert_int_equal(world.host.message_count, 1);
    assert_true(fake_delivery_host_saw(&world.host, "RCPT TO:<a@b.example>"));
    assert_true(fake_delivery_host_saw(
        &world.host, "550 5.0.0 Returned by the administrator; last reply: 450 4.2.0 busy\r\n"));

    world.host.end_reply = "451 4.3.0 later";
    world.host.is_silent_at_end = true;
    id = fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    fake_delivery_wait(&world, &world.host.message_count, 2);
    fake_delivery_act(&world, id, DELIVERY_BOUNCE);
    fake_delivery_settle(&world);
    assert_int_equal(world.answer_count, 2);
    world.host.is_silent_at_end = false;
    world.host.end_reply = NULL;
    fake_smart_host_say(&world.host, "451 4.3.0 later");
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.answer_count, 3);
    assert_int_equal(world.host.message_count, 3);
}

/* proves: contract-4 R16 */
static void test_bounce_without_a_sender_removes(void **state)
{
    (void)state;
    world.host.mail_reply = "450 4.2.0 busy";
    uint64_t id = fake_delivery_put_small(&world, "", "c@d.example");
    fake_delivery_wait_attempts(&world, id, 1);
    fake_delivery_act(&world, id, DELIVERY_BOUNCE);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.answer, OK);
    assert_int_equal(world.host.message_count, 0);
}

/* The report cannot be stored: the message stays. */
static void test_bounce_needs_a_durable_report(void **state)
{
    (void)state;
    world.host.mail_reply = "450 4.2.0 busy";
    uint64_t id = fake_delivery_put_tried(&world);
    spool_memory_fail_commits(world.spool, ERROR_TEMPORARY);
    fake_delivery_act(&world, id, DELIVERY_BOUNCE);
    fake_delivery_wait(&world, &world.answer_count, 1);
    assert_int_equal(world.answer, ERROR_TEMPORARY);
    spool_memory_fail_commits(world.spool, OK);
    fake_delivery_settle(&world);
    fake_delivery_act(&world, id, DELIVERY_BOUNCE);
    fake_delivery_wait(&world, &world.answer_count, 2);
    assert_int_equal(world.answer, OK);
    fake_delivery_wait_queue(&world, 1); /* the report waits */
}

/* proves: contract-4 */
static void test_remove(void **state)
{
    (void)state;
    world.host.mail_reply = "450 4.2.0 busy";
    uint64_t id = fake_delivery_put_tried(&world);
    fake_delivery_act(&world, id, DELIVERY_REMOVE);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.answer, OK);
    fake_delivery_act(&world, id, DELIVERY_RETRY);
    fake_delivery_settle(&world);
    assert_int_equal(world.answer_count, 2);
    assert_int_equal(world.answer, ERROR_NOT_FOUND);
    fake_delivery_pass(&world, 30 * MINUTE_MS);
    assert_int_equal(world.host.mail_count, 1);
}

/* One under way at a hop that says nothing yet; then the hop says this. */
static uint64_t begin(void)
{
    world.host.is_silent_at_end = true;
    uint64_t id = fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    fake_delivery_wait(&world, &world.host.message_count, 1);
    fake_delivery_settle(&world);
    return id;
}

static void end(const char *reply)
{
    world.host.is_silent_at_end = false;
    fake_smart_host_say(&world.host, reply);
    fake_delivery_settle(&world);
}

static void test_hold_of_one_in_the_works(void **state)
{
    (void)state;
    uint64_t id = begin();
    fake_delivery_act(&world, id, DELIVERY_HOLD);
    fake_delivery_settle(&world);
    assert_int_equal(world.answer_count, 0); /* nothing is durable yet */
    end("450 4.2.0 busy");
    assert_int_equal(world.answer_count, 1);
    assert_int_equal(world.answer, OK);
    fake_delivery_pass(&world, 30 * MINUTE_MS);
    assert_int_equal(world.host.message_count, 1);
    fake_delivery_act(&world, id, DELIVERY_RELEASE);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 2);
}

static void remove_in_the_works(const char *reply)
{
    uint64_t id = begin();
    fake_delivery_act(&world, id, DELIVERY_REMOVE);
    end(reply);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.answer_count, 1);
    assert_int_equal(world.answer, OK);
    fake_delivery_pass(&world, 30 * MINUTE_MS);
    assert_int_equal(world.host.message_count, 1);
}

static void test_remove_of_one_in_the_works_that_is_delivered(void **state)
{
    (void)state;
    remove_in_the_works("250 2.0.0 taken");
}

static void test_remove_of_one_in_the_works_that_is_deferred(void **state)
{
    (void)state;
    remove_in_the_works("450 4.2.0 busy");
}

static void test_retry_of_one_in_the_works(void **state)
{
    (void)state;
    uint64_t id = begin();
    fake_delivery_act(&world, id, DELIVERY_RETRY);
    end("450 4.2.0 busy");
    fake_delivery_wait_queue(&world, 0); /* at once again */
    assert_int_equal(world.host.message_count, 2);
    assert_int_equal(world.answer_count, 1);
}

/* The update is under way, or fails for a while: what comes meanwhile is applied after it. */
static void test_actions_while_the_spool_stores(void **state)
{
    (void)state;
    uint64_t id = begin();
    fake_delivery_fail_updates(&world, 2);
    end("450 4.2.0 busy");
    fake_delivery_act(&world, id, DELIVERY_HOLD);
    fake_delivery_act(&world, id, DELIVERY_REMOVE);
    fake_delivery_pass(&world, 1000);
    assert_int_equal(world.answer_count, 0);
    fake_delivery_pass(&world, 1000);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.answer_count, 2);
    assert_int_equal(world.answer, OK);
}

/* It was delivered while the administrator asked. */
static void test_what_comes_too_late_is_not_found(void **state)
{
    (void)state;
    uint64_t id = begin();
    fake_delivery_fail_updates(&world, 0);
    fake_smart_host_say(&world.host, "250 2.0.0 taken");
    size_t updates = fake_delivery_update_count();
    while (fake_delivery_update_count() == updates)
        loop_turn(world.loop);
    fake_delivery_act(&world, id, DELIVERY_HOLD); /* its removal is on the way, or done */
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.answer_count, 1);
    assert_int_equal(world.answer, ERROR_NOT_FOUND);
}

/* Nobody is left without an answer. */
static void test_abort_answers_all(void **state)
{
    (void)state;
    uint64_t id = begin();
    fake_delivery_fail_updates(&world, SIZE_MAX);
    end("450 4.2.0 busy");
    fake_delivery_act(&world, id, DELIVERY_HOLD);
    fake_delivery_act(&world, id, DELIVERY_RETRY);
    fake_delivery_stop(&world);
    fake_delivery_settle(&world);
    delivery_abort(world.delivery);
    fake_delivery_settle(&world);
    assert_int_equal(world.answer_count, 2);
    assert_int_equal(world.answer, ERROR_CANCELED);
    assert_true(world.is_stopped);
    fake_delivery_act(&world, id, DELIVERY_HOLD);
    assert_int_equal(world.answer_count, 3);
    assert_int_equal(world.answer, ERROR_CANCELED);
}

static void test_an_action_holds_the_end_up_until_it_is_stored(void **state)
{
    (void)state;
    world.host.mail_reply = "450 4.2.0 busy";
    uint64_t id = fake_delivery_put_tried(&world);
    fake_delivery_act(&world, id, DELIVERY_HOLD);
    fake_delivery_stop(&world);
    fake_delivery_settle(&world);
    assert_int_equal(world.answer_count, 1);
    assert_int_equal(world.answer, OK);
    assert_true(world.is_stopped);
}

static void test_status(void **state)
{
    (void)state;
    struct delivery_status status;
    delivery_status(world.delivery, &status);
    assert_int_equal(status.message_count, 0);
    assert_int_equal(status.oldest_arrived_ms, 0);
    world.host.mail_reply = "450 4.2.0 busy";
    int64_t first_ms = clock_wall_ms(&world.clock.clock);
    fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    fake_delivery_pass(&world, 5000);
    fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    delivery_status(world.delivery, &status);
    assert_int_equal(status.message_count, 2);
    assert_int_equal(status.oldest_arrived_ms, first_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_hold_and_release),
        IN_WORLD(test_retry_does_not_wait),
        IN_WORLD(test_bounce),
        IN_WORLD(test_bounce_without_a_sender_removes),
        IN_WORLD(test_bounce_needs_a_durable_report),
        IN_WORLD(test_remove),
        IN_WORLD(test_hold_of_one_in_the_works),
        IN_WORLD(test_remove_of_one_in_the_works_that_is_delivered),
        IN_WORLD(test_remove_of_one_in_the_works_that_is_deferred),
        IN_WORLD(test_retry_of_one_in_the_works),
        IN_WORLD(test_actions_while_the_spool_stores),
        IN_WORLD(test_what_comes_too_late_is_not_found),
        IN_WORLD(test_abort_answers_all),
        IN_WORLD(test_an_action_holds_the_end_up_until_it_is_stored),
        IN_WORLD(test_status),
    };
    event_set_level(EVENT_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

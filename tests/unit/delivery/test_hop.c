/* Sessions to the smart hosts: reuse, limits, fail-over, dead and hostile hops, new organizations. */
/* fakes: delivery name_server smart_host organization */
#include "fakes/delivery_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"

#include <cmocka.h>

static void test_a_session_is_used_again(void **state)
{
    (void)state;
    for (size_t i = 1; i <= 3; i++) {
        put_many(1);
        fake_delivery_wait_queue(&world, 0);
    }
    assert_int_equal(world.host.message_count, 3);
    assert_int_equal(world.host.connection_count, 1);
    assert_int_equal(world.host.quit_count, 0);
    fake_delivery_pass(&world, 5000); /* idle long enough */
    assert_int_equal(world.host.quit_count, 1);
    assert_int_equal(world.host.session_count, 0);
}

static void take_two(struct send_connector *connector)
{
    connector->max_messages_per_connection = 2;
}

/* proves: facts-1.4 */
static void test_a_session_carries_so_many_messages(void **state)
{
    (void)state;
    fake_delivery_set(&world, (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1",
                                                    .smart_hosts = "[127.77.0.1]", .adjust = take_two},
                                                   {0}});
    for (size_t i = 1; i <= 5; i++) {
        put_many(1);
        fake_delivery_wait_queue(&world, 0);
    }
    assert_int_equal(world.host.message_count, 5);
    assert_int_equal(world.host.connection_count, 3);
    assert_int_equal(world.host.quit_count, 2);
}

static void test_sessions_to_a_hop_are_limited(void **state)
{
    (void)state;
    world.host.is_silent_at_end = true;
    put_many(50);
    fake_delivery_wait(&world, &world.host.message_count, 20);
    fake_delivery_settle(&world);
    assert_int_equal(world.host.connection_count, 20);
}

/* Both the message and those that come later go to the one that answers. */
static void test_the_next_smart_host_takes_over(void **state)
{
    (void)state;
    fake_smart_host_open(&world.second, world.loop, "127.77.0.2", world.host.endpoint.port);
    fake_delivery_set_hosts(&world, "[127.77.0.1],[127.77.0.2]", NULL);
    fake_smart_host_stop(&world.host);
    put_many(30); /* many sessions at once find out */
    fake_delivery_wait(&world, &world.second.message_count, 30);
    fake_delivery_wait_queue(&world, 0);
    fake_smart_host_start(&world.host);
    put_many(1);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.second.message_count, 31);

    fake_smart_host_stop(&world.second);
    fake_smart_host_cut(&world.second, true);
    put_many(1);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);
}

/* Connectors of one specificity stand in for each other, the costlier while the cheaper is dead; a wider one
 * never does. */
/* proves: facts-1.4 D15 */
static void test_the_next_connector_takes_over(void **state)
{
    (void)state;
    fake_smart_host_open(&world.second, world.loop, "127.77.0.2", world.host.endpoint.port);
    fake_delivery_set(
        &world, (struct fake_send[]){{"Cheap", .spaces = "SMTP:d.example;1", .smart_hosts = "[127.77.0.1]"},
                                     {"Dear", .spaces = "SMTP:d.example;9", .smart_hosts = "[127.77.0.2]"},
                                     {0}});
    fake_smart_host_stop(&world.host);
    put_many(30);
    fake_delivery_wait_queue(&world, 0); /* without an attempt lost or a minute waited */
    assert_int_equal(world.second.message_count, 30);
    fake_smart_host_start(&world.host);
    fake_delivery_pass(&world, MINUTE_MS);
    put_many(1);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);

    fake_smart_host_cut(&world.host, true);
    fake_smart_host_stop(&world.host);
    fake_smart_host_cut(&world.second, true);
    fake_smart_host_stop(&world.second);
    fake_delivery_settle(&world);
    uint64_t id = fake_delivery_put_tried(&world); /* both are dead: it waits for the cheap one */
    assert_string_equal(fake_delivery_reply(&world, id), "421 4.2.1 Unable to connect [127.77.0.1]");
    fake_smart_host_start(&world.second);
    fake_delivery_pass(&world, 5 * MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);

    fake_delivery_set(
        &world, (struct fake_send[]){{"Partner", .spaces = "SMTP:d.example;1", .smart_hosts = "[127.77.0.1]"},
                                     {"Wide", .spaces = "SMTP:*;1", .smart_hosts = "[127.77.0.2]"},
                                     {0}});
    size_t before = world.second.message_count;
    fake_delivery_put_tried(&world);
    assert_int_equal(world.second.message_count, before);
}

static void take_ten_bytes(struct send_connector *connector)
{
    connector->max_message_bytes = 10;
}

static void name_a_certificate(struct send_connector *connector)
{
    connector->tls_certificate_name = "<I>CN=CA<S>CN=nobody";
}

/* One whose certificate is not here is as good as one that is away. */
/* proves: facts-1.4 */
static void test_a_connector_without_its_certificate(void **state)
{
    (void)state;
    fake_delivery_set(
        &world,
        (struct fake_send[]){
            {"A", .spaces = "SMTP:*;1", .smart_hosts = "[127.77.0.1]", .adjust = name_a_certificate},
            {"D", .spaces = "SMTP:b.example;1 SMTP:c.example;2", .smart_hosts = "[127.77.0.1]"},
            {"C", .spaces = "SMTP:c.example;1", .smart_hosts = "[127.77.0.1]", .adjust = name_a_certificate},
            {0}});
    uint64_t id = fake_delivery_put_small(&world, "a@b.example", "c@a.example c@b.example c@c.example");
    fake_delivery_wait_attempts(&world, id, 1);
    assert_string_equal(fake_delivery_reply(&world, id),
                        "454 4.7.5 TlsCertificateName names none of this server's certificates");
    assert_int_equal(world.host.message_count, 2); /* c.example's after it was planned anew */
    assert_true(fake_delivery_host_saw(&world.host, "RCPT TO:<c@c.example>"));
    put_many(30);
    fake_delivery_settle(&world);
    assert_int_equal(world.host.message_count, 2);
    fake_delivery_set_hosts(&world, NULL, NULL);
    fake_delivery_pass(&world, MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);
}

/* proves: facts-1.4 */
static void test_a_connector_that_takes_the_size_is_chosen(void **state)
{
    (void)state;
    fake_delivery_set(&world,
                      (struct fake_send[]){{"Small", .spaces = "SMTP:*;1", .smart_hosts = "[127.77.0.9]",
                                            .adjust = take_ten_bytes},
                                           {"Large", .spaces = "SMTP:*;2", .smart_hosts = "[127.77.0.1]"},
                                           {0}});
    put_many(1);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);
}

/* A greeting that refuses is as good as none. */
static void test_a_refusing_greeting_is_no_host(void **state)
{
    (void)state;
    fake_smart_host_open(&world.second, world.loop, "127.77.0.2", world.host.endpoint.port);
    fake_delivery_set_hosts(&world, "[127.77.0.1],[127.77.0.2]", NULL);
    world.host.banner = "554 5.7.1 go away";
    put_many(1);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.second.message_count, 1);

    world.second.banner = "421 4.3.2 closing";
    fake_smart_host_cut(&world.second, true);
    fake_delivery_settle(&world);
    uint64_t id = fake_delivery_put_tried(&world);
    assert_string_equal(fake_delivery_reply(&world, id), "554 5.7.1 go away [127.77.0.1]");
}

static void test_a_dead_hop_is_not_called_for_each_message(void **state)
{
    (void)state;
    world.host.banner = "421 4.3.2 closing";
    uint64_t id = fake_delivery_put_tried(&world);
    assert_int_equal(world.host.connection_count, 1);
    for (size_t i = 0; i < 50; i++)
        id = fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    fake_delivery_wait_attempts(&world, id, 1);
    assert_int_equal(world.host.connection_count, 1);
    assert_string_equal(fake_delivery_reply(&world, id), "421 4.3.2 closing [127.77.0.1]");

    world.host.banner = NULL;
    fake_delivery_pass(&world, MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 51);
}

static void fail_again(uint64_t id, uint32_t attempts, uint64_t minutes)
{
    fake_delivery_wait_attempts(&world, id, attempts);
    assert_int_equal(fake_delivery_next_in_ms(&world, id), minutes * MINUTE_MS);
    fake_delivery_pass(&world, minutes * MINUTE_MS);
}

/* Each hop's delays grow with its own failures and begin anew once it takes something; another's mail comes
 * into the middle of them, and waits as long. */
static void test_each_hop_has_its_own_delays(void **state)
{
    (void)state;
    fake_smart_host_open(&world.second, world.loop, "127.77.0.2", world.host.endpoint.port);
    fake_delivery_set(
        &world, (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1", .smart_hosts = "[127.77.0.1]"},
                                     {"Other", .spaces = "SMTP:o.example;1", .smart_hosts = "[127.77.0.2]"},
                                     {0}});
    world.host.banner = "421 4.3.2 closing";
    uint64_t id = fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    fail_again(id, 1, 1);
    fail_again(id, 2, 5);
    fake_delivery_wait_attempts(&world, id, 3);
    uint64_t late = fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    fake_delivery_wait_attempts(&world, late, 1);
    assert_int_equal(fake_delivery_next_in_ms(&world, late), 15 * MINUTE_MS);

    world.second.banner = "421 4.3.2 closing";
    uint64_t other = fake_delivery_put_small(&world, "a@b.example", "c@o.example");
    fake_delivery_wait_attempts(&world, other, 1);
    assert_int_equal(fake_delivery_next_in_ms(&world, other), MINUTE_MS);
    world.second.banner = NULL;

    world.host.banner = NULL;
    fake_delivery_pass(&world, 15 * MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);
    world.host.banner = "421 4.3.2 closing";
    fake_smart_host_cut(&world.host, true);
    fake_delivery_settle(&world);
    id = fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    fake_delivery_wait_attempts(&world, id, 1);
    assert_int_equal(fake_delivery_next_in_ms(&world, id), MINUTE_MS);
}

/* proves: facts-8.2 */
static void test_nobody_listens(void **state)
{
    (void)state;
    fake_smart_host_stop(&world.host);
    uint64_t id = fake_delivery_put_tried(&world);
    assert_string_equal(fake_delivery_reply(&world, id), "421 4.2.1 Unable to connect [127.77.0.1]");
    fake_smart_host_start(&world.host);
    fake_delivery_pass(&world, MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);
}

/* It takes three sessions and not one more: those do the work, and nothing is put off. */
static void test_a_hop_that_limits_sessions_is_not_dead(void **state)
{
    (void)state;
    world.host.sessions_max = 3;
    put_many(1);
    fake_delivery_wait_queue(&world, 0);
    put_many(60);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 61);
    assert_true(world.host.connection_count < 40); /* it is not asked for a session with each message */
}

/* proves: R20 */
static void test_a_session_closed_under_us_is_not_used(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        fake_delivery_open(&world);
        put_many(1);
        fake_delivery_wait_queue(&world, 0);
        if (way == 0)
            fake_smart_host_say(&world.host, "421 4.4.2 idle for too long");
        else
            fake_smart_host_cut(&world.host, way == 1);
        loop_turn(world.loop); /* the hop has closed, and the next message is there at once */
        put_many(3);
        fake_delivery_wait_queue(&world, 0);
        assert_int_equal(world.host.message_count, 4);
        fake_delivery_close(&world);
    }
}

/* An old session that ends as we use it refuses nothing: the message goes over a new one at once. */
static void test_an_old_session_that_ends_is_no_refusal(void **state)
{
    (void)state;
    world.host.closes_after = 1;
    for (size_t i = 0; i < 4; i++) {
        put_many(1);
        fake_delivery_wait_queue(&world, 0);
    }
    assert_int_equal(world.host.message_count, 4);
    assert_int_equal(world.host.connection_count, 4);
}

/* proves: R10 */
static void test_a_lost_last_reply_is_tried_again(void **state)
{
    (void)state;
    world.host.closes_at_end = true;
    uint64_t id = fake_delivery_put_tried(&world);
    fake_delivery_settle(&world);
    assert_int_equal(world.host.message_count, 1);
    assert_string_equal(fake_delivery_reply(&world, id), "421 4.4.2 Connection dropped");
    world.host.closes_at_end = false;
    fake_delivery_pass(&world, MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 2);
}

/* The same on a session that carried a message before: content has left, so it waits for its time. */
static void test_a_lost_last_reply_gets_no_second_try(void **state)
{
    (void)state;
    put_many(1);
    fake_delivery_wait_queue(&world, 0);
    world.host.closes_at_end = true;
    fake_delivery_put_tried(&world);
    assert_int_equal(world.host.message_count, 2);
}

static void test_silence_at_the_end_has_a_deadline(void **state)
{
    (void)state;
    world.host.is_silent_at_end = true;
    uint64_t id = fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    fake_delivery_wait(&world, &world.host.message_count, 1);
    fake_delivery_pass(&world, 10 * MINUTE_MS);
    fake_delivery_wait_attempts(&world, id, 1);
    assert_string_equal(fake_delivery_reply(&world, id), "421 4.4.1 Connection timed out");
}

/* Its place is free again soon. */
static void test_a_hop_that_does_not_answer_quit_is_left(void **state)
{
    (void)state;
    world.host.is_silent_at_quit = true;
    put_many(1);
    fake_delivery_wait_queue(&world, 0);
    fake_delivery_pass(&world, 5000);
    assert_int_equal(world.host.quit_count, 1);
    assert_int_equal(world.host.session_count, 1);
    fake_delivery_pass(&world, 5000);
    assert_int_equal(world.host.session_count, 0);
}

/* Thousands of messages for a slow hop do not keep one for another hop waiting, and none is lost. */
static void test_a_slow_hop_holds_nobody_up(void **state)
{
    (void)state;
    fake_smart_host_open(&world.second, world.loop, "127.77.0.2", world.host.endpoint.port);
    const struct fake_send connectors[] = {
        {"Slow", .spaces = "SMTP:*;1", .smart_hosts = "[127.77.0.1]"},
        {"Quick", .spaces = "SMTP:quick.example;1", .smart_hosts = "[127.77.0.2]"},
        {0}};
    fake_delivery_set(&world, connectors);
    world.host.is_silent_at_end = true;
    put_many(2300);
    fake_delivery_wait(&world, &world.host.message_count, 20);
    fake_delivery_put_small(&world, "a@b.example", "c@d.example e@quick.example");
    fake_delivery_wait(&world, &world.second.message_count, 1);

    uint64_t id = fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    fake_delivery_settle(&world);
    fake_delivery_act(&world, id, DELIVERY_REMOVE); /* also one that has no place in the works */
    fake_delivery_wait_queue(&world, 2301);

    fake_delivery_set(&world, connectors); /* a new organization gives them all back */
    fake_delivery_settle(&world);
    world.host.is_silent_at_end = false;
    fake_smart_host_say(&world.host, "250 2.0.0 taken");
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.second.message_count, 1);
    assert_true(world.host.message_count >= 2301);
}

/* One sender has put in a thousand, another one: it does not wait for all of them. */
static void test_senders_are_served_in_turn(void **state)
{
    (void)state;
    world.host.is_silent_at_end = true;
    put_many(1000);
    fake_delivery_wait(&world, &world.host.message_count, 20);
    fake_delivery_settle(&world);
    fake_delivery_put_small(&world, "other@b.example", "c@d.example");
    fake_delivery_settle(&world);
    world.host.is_silent_at_end = false;
    fake_smart_host_say(&world.host, "250 2.0.0 taken");
    fake_delivery_wait_queue(&world, 0);
    struct bytes rest = buffer_bytes(&world.host.envelopes), line;
    size_t before = 0;
    while (bytes_next(&rest, '\n', &line) && !bytes_starts_nocase(line, "MAIL FROM:<other@"))
        before += bytes_starts_nocase(line, "MAIL");
    assert_in_range(before, 20, 500);
}

/* -- new organizations -- */

static void test_the_smart_host_changes(void **state)
{
    (void)state;
    fake_smart_host_open(&world.second, world.loop, "127.77.0.2", world.host.endpoint.port);
    world.host.is_silent_at_end = true;
    put_many(30); /* 20 under way, 10 wait */
    fake_delivery_wait(&world, &world.host.message_count, 20);
    fake_delivery_set_hosts(&world, "[127.77.0.2]", NULL);
    fake_delivery_wait(&world, &world.second.message_count,
                       10); /* without an attempt lost or a minute waited */
    fake_delivery_wait_queue(&world, 20);
    world.host.is_silent_at_end = false;
    fake_smart_host_say(&world.host, "250 2.0.0 taken"); /* those under way end where they are */
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.second.message_count, 10);
    assert_int_equal(world.host.session_count, 0); /* the old hop is gone */
}

static void test_the_connector_goes_away(void **state)
{
    (void)state;
    world.host.is_silent_at_end = true;
    put_many(25);
    fake_delivery_wait(&world, &world.host.message_count, 20);
    fake_delivery_set(&world, (struct fake_send[]){{0}});
    fake_smart_host_cut(&world.host, true);
    fake_delivery_settle(&world);
    assert_int_equal(world.spool->ops->count(world.spool), 25);
    assert_int_equal(world.host.session_count, 0);
    world.host.is_silent_at_end = false;
    fake_delivery_set_hosts(&world, NULL, NULL);
    fake_delivery_pass(&world, MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 45);
}

/* While sessions are being opened and messages wait. */
static void test_many_organizations_in_a_row(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        put_many(3);
        fake_delivery_set_hosts(&world, NULL, NULL);
        for (int turn = 0; turn < i; turn++)
            loop_turn(world.loop);
    }
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_a_session_is_used_again),
        IN_EMPTY_WORLD(test_a_session_carries_so_many_messages),
        IN_WORLD(test_sessions_to_a_hop_are_limited),
        IN_WORLD(test_the_next_smart_host_takes_over),
        IN_EMPTY_WORLD(test_the_next_connector_takes_over),
        IN_EMPTY_WORLD(test_a_connector_that_takes_the_size_is_chosen),
        IN_WORLD(test_a_refusing_greeting_is_no_host),
        IN_WORLD(test_a_dead_hop_is_not_called_for_each_message),
        IN_WORLD(test_a_connector_without_its_certificate),
        IN_WORLD(test_each_hop_has_its_own_delays),
        IN_WORLD(test_nobody_listens),
        IN_WORLD(test_a_hop_that_limits_sessions_is_not_dead),
        cmocka_unit_test(test_a_session_closed_under_us_is_not_used),
        IN_WORLD(test_an_old_session_that_ends_is_no_refusal),
        IN_WORLD(test_a_lost_last_reply_is_tried_again),
        IN_WORLD(test_a_lost_last_reply_gets_no_second_try),
        IN_WORLD(test_silence_at_the_end_has_a_deadline),
        IN_WORLD(test_a_hop_that_does_not_answer_quit_is_left),
        IN_EMPTY_WORLD(test_a_slow_hop_holds_nobody_up),
        IN_WORLD(test_senders_are_served_in_turn),
        IN_WORLD(test_the_smart_host_changes),
        IN_WORLD(test_the_connector_goes_away),
        IN_WORLD(test_many_organizations_in_a_row),
    };
    event_set_level(EVENT_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

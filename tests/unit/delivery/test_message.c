/* What becomes of a message: delivered, deferred, refused, expired, reported. */
/* fakes: delivery name_server smart_host organization */
#include "fakes/delivery_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"

#include <cmocka.h>

static bool is_in_queue(uint64_t id)
{
    struct arena arena;
    struct envelope envelope;
    arena_init(&arena, 1 << 20);
    bool is_there = world.spool->ops->read_envelope(world.spool, id, &arena, &envelope) == OK;
    arena_done(&arena);
    return is_there;
}

/* proves: C2 C81 */
static void test_a_message_arrives_as_it_was_accepted(void **state)
{
    (void)state;
    fake_delivery_put(&world, "chris@contoso.com", "kate@fabrikam.com",
                      "Subject: Test\r\n\r\n.a dot\r\n..two\r\nlast\r\n");
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);
    assert_true(fake_delivery_host_saw(&world.host, "MAIL FROM:<chris@contoso.com> SIZE=38\r\n"
                                                    "RCPT TO:<kate@fabrikam.com>\r\n"));
    struct bytes content = buffer_bytes(&world.host.content);
    assert_true(bytes_equal(content, BYTES_LITERAL("Subject: Test\r\n\r\n.a dot\r\n..two\r\nlast\r\n")));
}

static void test_nothing_is_sent_before_the_first_organization(void **state)
{
    (void)state;
    fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    fake_delivery_settle(&world);
    assert_int_equal(world.host.connection_count, 0);
    fake_delivery_set_hosts(&world, NULL, NULL);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);
}

/* The one taken is not sent again, the one refused is reported, the one put off is tried again. */
static void test_every_recipient_has_its_own_outcome(void **state)
{
    (void)state;
    world.host.rules = (struct smart_host_rule[]){
        {"later@d.example", "451 4.2.1 later"}, {"never@d.example", "550 5.1.1 No such user"}, {0}};
    uint64_t id =
        fake_delivery_put_small(&world, "a@b.example", "now@d.example later@d.example never@d.example");
    fake_delivery_wait(&world, &world.host.message_count, 2); /* the message and its report */
    fake_delivery_wait_queue(&world, 1);
    assert_true(fake_delivery_host_saw(&world.host, "MAIL FROM:<>"));
    assert_true(fake_delivery_host_saw(&world.host, "RCPT TO:<a@b.example>"));
    assert_true(fake_delivery_host_saw(&world.host, "never@d.example"));
    assert_false(fake_delivery_host_saw(&world.host, "Final-Recipient: rfc822; later@d.example"));

    struct arena arena;
    struct envelope envelope;
    fake_delivery_read(&world, id, &arena, &envelope);
    assert_int_equal(envelope.recipients[0].state, RECIPIENT_DELIVERED);
    assert_int_equal(envelope.recipients[1].state, RECIPIENT_PENDING);
    assert_true(bytes_equal(envelope.recipients[1].reply, BYTES_LITERAL("451 4.2.1 later")));
    assert_int_equal(envelope.recipients[2].state, RECIPIENT_FAILED);
    assert_true(bytes_equal(envelope.hop, BYTES_LITERAL("Internet")));
    arena_done(&arena);

    world.host.rules = NULL;
    buffer_clear(&world.host.envelopes);
    fake_delivery_pass(&world, MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 3);
    assert_true(fake_delivery_host_saw(&world.host, "RCPT TO:<later@d.example>"));
    assert_false(fake_delivery_host_saw(&world.host, "RCPT TO:<now@d.example>"));
    assert_false(fake_delivery_host_saw(&world.host, "RCPT TO:<never@d.example>"));
}

static void test_attempts_follow_the_schedule(void **state)
{
    (void)state;
    static const uint64_t DELAYS[] = {1, 5, 15, 15, 15};
    world.host.mail_reply = "450 4.2.0 busy";
    uint64_t id = fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    for (uint32_t i = 0; i < 5; i++) {
        fake_delivery_wait_attempts(&world, id, i + 1);
        assert_int_equal(fake_delivery_next_in_ms(&world, id), DELAYS[i] * MINUTE_MS);
        assert_string_equal(fake_delivery_reply(&world, id), "450 4.2.0 busy");
        size_t mails = world.host.mail_count;
        fake_delivery_pass(&world, DELAYS[i] * MINUTE_MS - 1);
        assert_int_equal(world.host.mail_count, mails);
        fake_delivery_pass(&world, 1);
    }
}

/* One last try stands at the expiry; then the sender is told, with the last thing the hop said. */
static void test_an_expired_message_is_reported(void **state)
{
    (void)state;
    world.host.rules = (struct smart_host_rule[]){{"c@d.example", "450 4.2.0 busy"}, {0}};
    fake_delivery_put_tried(&world);
    for (int i = 0; i < 4; i++)
        fake_delivery_pass(&world, 15 * MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);
    assert_true(fake_delivery_host_saw(&world.host, "RCPT TO:<a@b.example>"));
    assert_true(fake_delivery_host_saw(&world.host, "4.4.7 Message expired; last reply: 450 4.2.0 busy"));
}

/* proves: R16 */
static void test_a_report_that_fails_is_not_reported(void **state)
{
    (void)state;
    world.host.mail_reply = "550 5.7.1 no";
    fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.mail_count, 2); /* the message, its report and nothing more */
}

/* proves: R16 */
static void test_the_null_sender_gets_no_report(void **state)
{
    (void)state;
    world.host.mail_reply = "550 5.7.1 no";
    fake_delivery_put_small(&world, "", "c@d.example");
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.mail_count, 1);
}

/* The message is forgotten only when its report is durable: until then it counts as not refused. */
static void test_a_message_waits_for_its_report(void **state)
{
    (void)state;
    world.host.rules = (struct smart_host_rule[]){{"c@d.example", "550 5.1.1 No such user"}, {0}};
    uint64_t id = fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    spool_memory_fail_commits(world.spool, ERROR_TEMPORARY);
    fake_delivery_wait_attempts(&world, id, 1);
    struct arena arena;
    struct envelope envelope;
    fake_delivery_read(&world, id, &arena, &envelope);
    assert_int_equal(envelope.recipients[0].state, RECIPIENT_PENDING);
    arena_done(&arena);
    assert_int_equal(fake_delivery_next_in_ms(&world, id), MINUTE_MS);

    spool_memory_fail_commits(world.spool, OK);
    fake_delivery_pass(&world, MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);
    assert_true(fake_delivery_host_saw(&world.host, "RCPT TO:<a@b.example>"));
}

/* Past the expiry everything is due at once: a report that cannot be stored must not make a hot loop. */
static void test_a_report_that_cannot_be_stored_makes_no_hot_loop(void **state)
{
    (void)state;
    world.host.mail_reply = "450 4.2.0 busy";
    uint64_t id = fake_delivery_put_tried(&world);
    spool_memory_set_health(world.spool, SPOOL_FULL);
    fake_delivery_pass(&world, 61 * MINUTE_MS);
    assert_int_equal(world.host.mail_count, 2);
    assert_int_equal(fake_delivery_next_in_ms(&world, id), MINUTE_MS);
    spool_memory_set_health(world.spool, SPOOL_READY);
    world.host.mail_reply = NULL;
    fake_delivery_pass(&world, MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);
}

static void test_without_a_route_it_waits(void **state)
{
    (void)state;
    fake_delivery_set(
        &world, (struct fake_send[]){
                    {"Partner", .spaces = "SMTP:partner.example;1", .smart_hosts = "[127.77.0.1]"}, {0}});
    uint64_t id = fake_delivery_put_tried(&world);
    assert_string_equal(fake_delivery_reply(&world, id), "451 4.4.4 No send connector for this domain");
    fake_delivery_set_hosts(&world, NULL, NULL);
    fake_delivery_pass(&world, MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);
}

static void limit_size(struct send_connector *connector)
{
    connector->max_message_bytes = 100;
}

static void test_the_send_connector_limits_the_size(void **state)
{
    (void)state;
    char content[300] = "Subject: x\r\n\r\n";
    fake_delivery_set(&world,
                      (struct fake_send[]){{"Small", .spaces = "SMTP:small.example;1",
                                            .smart_hosts = "[127.77.0.1]", .adjust = limit_size},
                                           {"Other", .spaces = "SMTP:*;1", .smart_hosts = "[127.77.0.1]"},
                                           {0}});
    memset(content + 14, 'x', 200);
    memcpy(content + 214, "\r\n", 3);
    fake_delivery_put(&world, "a@b.example", "c@small.example d@other.example", content);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 2);
    assert_true(fake_delivery_host_saw(&world.host, "RCPT TO:<d@other.example>"));
    assert_false(fake_delivery_host_saw(&world.host, "RCPT TO:<c@small.example>"));
    assert_true(fake_delivery_host_saw(&world.host, "5.3.4 Message size exceeds fixed maximum message size"));
}

/* RFC 5321 4.5.3.1.8: a hop must take 100 recipients; more go in further transactions. */
static void test_many_recipients_are_split(void **state)
{
    (void)state;
    struct buffer recipients;
    buffer_init(&recipients, 1 << 16);
    for (int i = 0; i < 250; i++)
        assert_int_equal(buffer_printf(&recipients, "%sr%d@d.example", i ? " " : "", i), OK);
    assert_int_equal(buffer_append_byte(&recipients, 0), OK);
    fake_delivery_put_small(&world, "a@b.example", recipients.ptr);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 3);
    assert_true(fake_delivery_host_saw(&world.host, "RCPT TO:<r249@d.example>"));
    buffer_done(&recipients);
}

/* What the spool cannot store is stored later, and nothing is sent twice meanwhile. */
static void test_updates_that_fail_are_repeated(void **state)
{
    (void)state;
    fake_delivery_fail_updates(&world, 3);
    fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    fake_delivery_wait(&world, &world.host.message_count, 1);
    for (int i = 0; i < 3; i++) {
        fake_delivery_settle(&world);
        assert_int_equal(fake_delivery_update_count(), i + 1);
        assert_int_equal(world.spool->ops->count(world.spool), 1);
        fake_delivery_pass(&world, 1000);
    }
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);
}

/* proves: R13 */
static void test_a_jump_of_the_clock_moves_no_retry(void **state)
{
    (void)state;
    static const int64_t JUMPS[] = {INT64_C(-31536000000), INT64_C(3600000) - 1, -3600000};
    for (size_t i = 0; i < sizeof JUMPS / sizeof JUMPS[0]; i++) {
        fake_delivery_open(&world);
        world.host.mail_reply = "450 4.2.0 busy";
        uint64_t id = fake_delivery_put_tried(&world);
        world.clock.wall_ms += JUMPS[i];
        fake_delivery_pass(&world, MINUTE_MS - 1);
        assert_int_equal(world.host.mail_count, 1);
        fake_delivery_pass(&world, 1);
        fake_delivery_settle(&world);
        assert_true(is_in_queue(id) || JUMPS[i] > 0);
        assert_true(world.host.mail_count >= 2);
        fake_delivery_close(&world);
    }
}

/* proves: R13 */
static void test_a_due_time_far_ahead_is_cut(void **state)
{
    (void)state;
    world.clock.wall_ms += INT64_C(31536000000); /* a year ahead, and the message is written */
    fake_delivery_set(
        &world,
        (struct fake_send[]){{"None", .spaces = "SMTP:none.example;1", .smart_hosts = "[127.77.0.1]"}, {0}});
    fake_delivery_put_tried(&world);
    world.clock.wall_ms -= INT64_C(31536000000);
    fake_delivery_set_hosts(&world, NULL, NULL);
    fake_delivery_pass(&world, 15 * MINUTE_MS);
    fake_delivery_wait_queue(&world, 0);
}

/* Only what is in the works costs more than its place in the schedule. */
static void test_waiting_messages_are_cheap(void **state)
{
    (void)state;
    struct schedule *schedule = schedule_new();
    for (uint64_t id = 1; id <= 100000; id++)
        assert_int_equal(schedule_put(schedule, id, (int64_t)id), OK);
    assert_int_equal(schedule_count(schedule), 100000);
    schedule_free(schedule);

    world.host.mail_reply = "450 4.2.0 busy";
    for (int i = 0; i < 3000; i++) /* more than may be in the works at once */
        fake_delivery_put_small(&world, "a@b.example", "c@d.example");
    for (int i = 0; i < 50 && world.host.mail_count < 3000; i++)
        fake_delivery_settle(&world);
    assert_int_equal(world.host.mail_count, 3000);
    world.host.mail_reply = NULL;
    fake_delivery_pass(&world, MINUTE_MS);
    for (int i = 0; i < 50 && world.host.message_count < 3000; i++)
        fake_delivery_settle(&world);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 3000);
}

/* -- late mail -- */

static int open_warning_world(void **state)
{
    (void)state;
    fake_delivery_open_warning(&world, 4 * MINUTE_MS);
    return 0;
}

/* The sender is told once, at its time, though the next attempt would come later; never a null sender. */
/* proves: contract-2 R16 */
static void test_a_delay_is_told_once(void **state)
{
    (void)state;
    const struct smart_host_rule rules[] = {{"late@d.example", "451 4.3.2 later"}, {NULL, NULL}};
    world.host.rules = rules;
    uint64_t id = fake_delivery_put_small(&world, "a@b.example", "late@d.example");
    uint64_t silent = fake_delivery_put_small(&world, "", "late@d.example");
    fake_delivery_wait_attempts(&world, id, 1);
    fake_delivery_wait_attempts(&world, silent, 1);
    fake_delivery_pass(&world, MINUTE_MS);
    fake_delivery_wait_attempts(&world, id, 2);
    assert_int_equal(fake_delivery_next_in_ms(&world, id), 3 * MINUTE_MS);
    fake_delivery_pass(&world, 3 * MINUTE_MS);
    fake_delivery_wait_attempts(&world, id, 3);
    fake_delivery_wait(&world, &world.host.message_count, 1); /* the warning */
    assert_true(fake_delivery_host_saw(&world.host, "MAIL FROM:<>"));
    assert_true(fake_delivery_host_saw(&world.host, "RCPT TO:<a@b.example>"));
    assert_true(fake_delivery_host_saw(&world.host, "Action: delayed\r\nStatus: 4.3.2\r\n"));
    assert_true(fake_delivery_host_saw(&world.host, "\r\nWill-Retry-Until: "));
    fake_delivery_wait_queue(&world, 2);
    fake_delivery_pass(&world, 15 * MINUTE_MS);
    fake_delivery_wait_attempts(&world, id, 4);
    fake_delivery_wait_queue(&world, 2);
    assert_int_equal(world.host.message_count, 1);
}

/* A failure and a delay in one attempt are two reports. */
static void test_a_failure_and_a_delay(void **state)
{
    (void)state;
    const struct smart_host_rule rules[] = {
        {"late@d.example", "451 4.3.2 later"}, {"bad@d.example", "450 4.2.1 busy"}, {NULL, NULL}};
    const struct smart_host_rule later[] = {
        {"late@d.example", "451 4.3.2 later"}, {"bad@d.example", "550 5.1.1 no"}, {NULL, NULL}};
    world.host.rules = rules;
    uint64_t id = fake_delivery_put_small(&world, "a@b.example", "late@d.example bad@d.example");
    fake_delivery_wait_attempts(&world, id, 1);
    fake_delivery_pass(&world, MINUTE_MS);
    fake_delivery_wait_attempts(&world, id, 2);
    world.host.rules = later;
    fake_delivery_pass(&world, 3 * MINUTE_MS);
    fake_delivery_wait(&world, &world.host.message_count, 2);
    fake_delivery_wait_queue(&world, 1);
}

/* 10,000 recipients that the hop refuses, and so it does with the reports: each message has one report, no
 * report has one, and nothing is left. */
/* proves: R16 */
static void test_a_storm_of_bounces_ends(void **state)
{
    (void)state;
    char recipients[100 * 24] = "";
    for (size_t i = 0; i < 100; i++) {
        size_t len = strlen(recipients);
        (void)snprintf(recipients + len, sizeof recipients - len, "%sbad%zu@d.example", i ? " " : "", i);
    }
    world.host.end_reply = "550 5.7.1 refused";
    for (size_t i = 0; i < 100; i++)
        fake_delivery_put_small(&world, "a@b.example", recipients);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_a_message_arrives_as_it_was_accepted),
        IN_EMPTY_WORLD(test_nothing_is_sent_before_the_first_organization),
        IN_WORLD(test_every_recipient_has_its_own_outcome),
        IN_WORLD(test_attempts_follow_the_schedule),
        IN_WORLD(test_an_expired_message_is_reported),
        IN_WORLD(test_a_report_that_fails_is_not_reported),
        IN_WORLD(test_the_null_sender_gets_no_report),
        IN_WORLD(test_a_message_waits_for_its_report),
        IN_WORLD(test_a_report_that_cannot_be_stored_makes_no_hot_loop),
        IN_EMPTY_WORLD(test_without_a_route_it_waits),
        IN_EMPTY_WORLD(test_the_send_connector_limits_the_size),
        IN_WORLD(test_many_recipients_are_split),
        IN_WORLD(test_updates_that_fail_are_repeated),
        cmocka_unit_test(test_a_jump_of_the_clock_moves_no_retry),
        IN_EMPTY_WORLD(test_a_due_time_far_ahead_is_cut),
        IN_WORLD(test_waiting_messages_are_cheap),
        cmocka_unit_test_setup_teardown(test_a_delay_is_told_once, open_warning_world, close_world),
        cmocka_unit_test_setup_teardown(test_a_failure_and_a_delay, open_warning_world, close_world),
        IN_WORLD(test_a_storm_of_bounces_ends),
    };
    event_set_level(EVENT_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

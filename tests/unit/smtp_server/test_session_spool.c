/* fakes: organization dialogue slow_spool */
/* Sessions over a spool in trouble, a slow one, and clients that go before it has answered. */
#include "fakes/fake_slow_spool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "adjusted_session.h"

/* proves: R5 contract-5 facts-8.2 */
static void a_spool_in_trouble_answers_4xx(void **state)
{
    (void)state;
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, NULL, "10.1.0.5");
    const char *resources = "S: 452 4.3.1 Insufficient system resources";
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO));
    spool_memory_set_health(dialogue.spool, SPOOL_FULL);
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("C: MAIL FROM:<a@b.example>", resources));
    spool_memory_set_health(dialogue.spool, SPOOL_DEGRADED);
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("C: MAIL FROM:<a@b.example>", resources));
    spool_memory_set_health(dialogue.spool, SPOOL_READY);
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<a@b.example>", "S: 250 *"));
    spool_memory_set_health(dialogue.spool, SPOOL_FULL);
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("C: DATA", resources, "C: RSET", "S: 250 *"));
    spool_memory_set_health(dialogue.spool, SPOOL_READY);
    spool_memory_fail_commits(dialogue.spool, ERROR_IO);
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(ENVELOPE, "C: Subject: x", "C: .", resources));
    assert_int_equal(dialogue_message_count(&dialogue), 0);
    spool_memory_fail_commits(dialogue.spool, OK);
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(ENVELOPE, "C: Subject: x", "C: .", QUEUED, GOODBYE));
    close_adjusted(&dialogue, organization);
}

/* proves: F10 */
static void a_slow_spool_slows_the_client(void **state)
{
    (void)state;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    struct dialogue dialogue;
    dialogue_begin(&dialogue, organization);
    struct spool *slow = fake_slow_spool_new(dialogue.spool, dialogue.loop, 10);
    dialogue.service.spool = slow;
    dialogue_connect(&dialogue, "10.0.0.1:25", "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, ENVELOPE));
    dialogue_send(&dialogue,
                  BYTES_LITERAL("Subject: x\r\nDate: d\r\nMessage-ID: <1@x>\r\n\r\n..one\r\n..two\nthree\r\n"
                                ".\r\nNOOP\r\n"));
    for (int i = 0; i < 20; i++) {
        dialogue_advance(&dialogue, 10);
    }
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(QUEUED, "S: 250 2.0.0 OK"));
    char *text = dialogue_message(&dialogue, 0);
    assert_true(dialogue_matches("Received: *\r\n\r\n.one\r\n.two\r\nthree\r\n", text));
    free(text);
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(ENVELOPE, "C: Subject: x", "C: "));
    dialogue_close(&dialogue); /* in the middle of a message that waits */
    free(slow);
    organization_unref(organization);
}

static void a_client_that_goes_leaves_nothing_behind(void **state)
{
    (void)state;
    static const char *const blocks[] = {"C~ EHLO",
                                         "C~ MAIL FROM:<a@b.example>\r\nRCPT TO:<a@b.example>\r\nRC",
                                         "C~ MAIL FROM:<a@b.example>\r\nRCPT TO:<a@b.example>\r\nDATA\r\n"};
    for (size_t i = 0; i < 3; i++) {
        struct dialogue dialogue;
        struct organization *organization = open_adjusted(&dialogue, NULL, "10.1.0.5");
        dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO));
        dialogue_send(&dialogue, bytes_of_text(blocks[i] + 3));
        dialogue_send(&dialogue, BYTES_LITERAL("Subject: x\r\n\r\nhalf a messa"));
        buffer_clear(&dialogue.output);
        stream_memory_hang_up(dialogue.stream);
        dialogue_settle(&dialogue);
        assert_true(dialogue_is_closed(&dialogue));
        assert_int_equal(dialogue_message_count(&dialogue), 0);
        close_adjusted(&dialogue, organization);
    }
}

static void a_client_that_goes_during_the_commit_loses_only_the_reply(void **state)
{
    (void)state;
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, NULL, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, ENVELOPE));
    stream_memory_feed(dialogue.stream, BYTES_LITERAL("Subject: x\r\n\r\n.\r\n"));
    stream_abort(dialogue.stream);
    dialogue_settle(&dialogue);
    assert_true(dialogue_is_closed(&dialogue));
    assert_int_equal(dialogue_message_count(&dialogue), 1);
    assert_int_equal(dialogue.output.len, 0);
    close_adjusted(&dialogue, organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spool_in_trouble_answers_4xx),
        cmocka_unit_test(a_slow_spool_slows_the_client),
        cmocka_unit_test(a_client_that_goes_leaves_nothing_behind),
        cmocka_unit_test(a_client_that_goes_during_the_commit_loses_only_the_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

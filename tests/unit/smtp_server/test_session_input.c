/* fakes: organization dialogue */
/* When input comes: out of turn, too early, too late, behind a refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "adjusted_session.h"

#define VIOLATION "S: 554 5.5.0 *", "S: <closed>"

/* proves: F6 contract-5 */
static void input_behind_a_verb_to_be_waited_for_closes(void **state)
{
    (void)state;
    static const char *const blocks[] = {
        "C~ EHLO x\r\nMAIL FROM:<a@b.example>\r\n",
        "C~ HELO x\r\nN",
        "C~ QUIT\r\nNOOP\r\n",
        "C~ STARTTLS\r\nEHLO x\r\n",
        "C~ AUTH PLAIN\r\nAA==\r\n",
    };
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct dialogue dialogue;
        struct organization *organization = open_adjusted(&dialogue, NULL, "10.1.0.5");
        dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("S: 220 *", blocks[i], VIOLATION));
        close_adjusted(&dialogue, organization);
    }
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, NULL, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<a@b.example>",
                        "S: 250 *", "C~ DATA\r\nSubject: x\r\n\r\n.\r\n", VIOLATION));
    assert_int_equal(dialogue_message_count(&dialogue), 0);
    close_adjusted(&dialogue, organization);
}

/* proves: F6 contract-5 */
static void an_early_talker_is_not_served(void **state)
{
    (void)state;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    struct dialogue dialogue;
    dialogue_begin(&dialogue, organization);
    dialogue.service.greet_delay_ms = 2;
    dialogue_connect(&dialogue, "10.0.0.1:25", "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("S: <nothing>", "C: EHLO x", VIOLATION));
    dialogue_connect(&dialogue, "10.0.0.1:25", "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("S: <nothing>", "T: 2", "S: 220 *", "C: NOOP", "S: 250 *"));
    dialogue_close(&dialogue);
    organization_unref(organization);
}

/* proves: F13 contract-5 */
static void another_protocol_is_closed_without_a_word(void **state)
{
    (void)state;
    static const char *const openings[] = {"C: GET / HTTP/1.1",        "C: POST /x HTTP/1.1",
                                           "C: CONNECT a:25 HTTP/1.1", "C: SSH-2.0-OpenSSH_9.2",
                                           "C~ \x16\x03\x01\x02",      "C~ \x16"};
    for (size_t i = 0; i < sizeof openings / sizeof openings[0]; i++) {
        struct dialogue dialogue;
        struct organization *organization = open_adjusted(&dialogue, NULL, "10.1.0.5");
        dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("S: 220 *", openings[i], "S: <closed>"));
        close_adjusted(&dialogue, organization);
    }
}

/* -- time -- */

/* proves: R1 contract-5 facts-8.2 */
static void idle_and_slow_clients_are_cut(void **state)
{
    (void)state;
    const char *timeout = "S: 451 4.7.0 Timeout waiting for client input";
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, NULL, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("S: 220 *", "T: 299999", "S: <nothing>", "C: NOOP", "S: 250 *", "T: 299999",
                        "S: <nothing>", "T: 1", timeout, "S: <closed>"));
    close_adjusted(&dialogue, organization);
    organization = open_adjusted(&dialogue, NULL, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("S: 220 *", "T: 100000", "C~ N", "T: 100000", "C~ O", "T: 99999", "C~ O", "T: 1",
                        timeout, "S: <closed>"));
    close_adjusted(&dialogue, organization);
    organization = open_adjusted(&dialogue, NULL, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT(HELLO, ENVELOPE, "T: 200000", "C: a line", "T: 99999", "C: a line", "T: 1", timeout,
                        "S: <closed>"));
    assert_int_equal(dialogue_message_count(&dialogue), 0);
    close_adjusted(&dialogue, organization);
}

/* proves: R1 facts-8.2 */
static void a_connection_ends_after_its_time(void **state)
{
    (void)state;
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, NULL, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("S: 220 *", "T: 290000", "C: NOOP", "S: 250 *", "T: 290000", "C: NOOP", "S: 250 *",
                        "T: 20000", "S: 421 4.4.1 Connection timed out", "S: <closed>"));
    close_adjusted(&dialogue, organization);
}

static void tarpit_5_seconds(struct receive_connector *connector)
{
    connector->tarpit_s = 5;
}

/* proves: facts-8.6 R1 */
static void the_tarpit_delays_refusals_and_what_stands_behind_them(void **state)
{
    (void)state;
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, tarpit_5_seconds, "10.2.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 250 *",
                        "C~ RCPT TO:<a@b.example>\r\nRCPT TO:<x@contoso.com>\r\n", "S: <nothing>", "T: 4999",
                        "S: <nothing>", "C: RSET", "S: <nothing>", "T: 1", "S: 550 5.7.1 Unable to relay",
                        "S: 250 2.1.5 Recipient OK", "S: 250 2.0.0 Resetting", "C: NOOP", "S: 250 *"));
    close_adjusted(&dialogue, organization);
    organization = open_adjusted(&dialogue, tarpit_5_seconds, "10.4.0.5"); /* who is known is not slowed */
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, "C: XFOO", "S: 500 *"));
    close_adjusted(&dialogue, organization);
    organization = open_adjusted(&dialogue, tarpit_5_seconds, "10.2.0.5");
    dialogue.service.has_no_tarpit = true;
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, "C: XFOO", "S: 500 *"));
    close_adjusted(&dialogue, organization);
}

static void slow_and_one_recipient(struct receive_connector *connector)
{
    connector->tarpit_s = 5;
    connector->max_recipients = 1;
    connector->connection_timeout_s = 86400;
}

#define ONE_TOO_MANY "C: RCPT TO:<x@contoso.com>", "S: 452 4.5.3 *"

/* proves: facts-8.6 */
static void a_pipelining_client_may_overflow_a_thousand_times_at_once(void **state)
{
    (void)state;
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, slow_and_one_recipient, "10.2.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO));
    for (int turn = 0; turn < 2; turn++) { /* each transaction anew */
        dialogue_run(
            &dialogue, DIALOGUE_STEPS,
            SCRIPT("C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<x@contoso.com>", "S: 250 *"));
        for (int i = 0; i < 1000; i++) {
            dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(ONE_TOO_MANY));
        }
        dialogue_run(&dialogue, DIALOGUE_STEPS,
                     SCRIPT("C: RCPT TO:<x@contoso.com>", "S: <nothing>", "T: 5000", "S: 452 4.5.3 *",
                            "C: RSET", "S: 250 *"));
    }
    close_adjusted(&dialogue, organization);
    organization = open_adjusted(&dialogue, slow_and_one_recipient, "10.2.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("S: 220 *", "C: HELO x", "S: 250 *", "C: MAIL FROM:<a@b.example>", "S: 250 *",
                        "C: RCPT TO:<x@contoso.com>", "S: 250 *", "C: RCPT TO:<x@contoso.com>",
                        "S: <nothing>", "T: 5000", "S: 452 4.5.3 *"));
    close_adjusted(&dialogue, organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(input_behind_a_verb_to_be_waited_for_closes),
        cmocka_unit_test(an_early_talker_is_not_served),
        cmocka_unit_test(another_protocol_is_closed_without_a_word),
        cmocka_unit_test(idle_and_slow_clients_are_cut),
        cmocka_unit_test(a_connection_ends_after_its_time),
        cmocka_unit_test(the_tarpit_delays_refusals_and_what_stands_behind_them),
        cmocka_unit_test(a_pipelining_client_may_overflow_a_thousand_times_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* fakes: organization dialogue slow_spool */
/* Ceilings, time-outs, floods, early talkers and a spool in trouble. */
#include "fakes/fake_dialogue.h"
#include "fakes/fake_slow_spool.h"
#include "smtp_server/command.h"
#include "smtp_server/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smtp_organization.h"

/* A session of a connector changed by adjust. */
static struct organization *open_adjusted(struct dialogue *dialogue,
                                          void (*adjust)(struct receive_connector *), const char *client)
{
    adjust_all = adjust;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    adjust_all = NULL;
    dialogue_open(dialogue, organization, client);
    return organization;
}

static void close_adjusted(struct dialogue *dialogue, struct organization *organization)
{
    dialogue_close(dialogue);
    organization_unref(organization);
}

static void run_adjusted(void (*adjust)(struct receive_connector *), const char *client,
                         const char *const *script)
{
    adjust_all = adjust;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    adjust_all = NULL;
    dialogue_run_all(organization, client, script);
    organization_unref(organization);
}

static void send_many(struct dialogue *dialogue, const char *piece, size_t total)
{
    struct buffer block;
    buffer_init(&block, 1u << 20);
    while (block.len < 32768) {
        assert_int_equal(buffer_append_text(&block, piece), OK);
    }
    for (size_t sent = 0; sent < total; sent += block.len) {
        dialogue_send(dialogue, buffer_bytes(&block));
    }
    buffer_done(&block);
}

/* -- lines -- */

/* proves: F7 facts-8.2 */
static void an_over_long_line_is_answered_once_in_bounded_memory(void **state)
{
    (void)state;
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, NULL, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO));
    send_many(&dialogue, "x", 16u << 20);
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("C: ", "S: 500 5.5.2 Command too long", "C: NOOP", "S: 250 2.0.0 OK"));
    char line[COMMAND_LINE_MAX + 1];
    for (int length = COMMAND_LINE_MAX - 1; length <= COMMAND_LINE_MAX; length++) {
        memset(line, 'a', sizeof line);
        memcpy(line, "NOOP ", 5);
        memcpy(line + length - 2, "\r\n", 2);
        dialogue_send(&dialogue, (struct bytes){line, (size_t)length});
        dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("S: 250 2.0.0 OK"));
    }
    memset(line, 'a', sizeof line);
    dialogue_send(&dialogue, (struct bytes){line, sizeof line});
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("C: NOOP", "S: 500 5.5.2 Command too long", "C: NOOP", "S: 250 2.0.0 OK"));
    close_adjusted(&dialogue, organization);
}

static void two_errors(struct receive_connector *connector)
{
    connector->max_protocol_errors = 2;
}

static void no_errors(struct receive_connector *connector)
{
    connector->max_protocol_errors = 0;
}

static void endless_errors(struct receive_connector *connector)
{
    connector->max_protocol_errors = -1;
}

#define TOO_MANY                                                                                             \
    "S: 421 4.7.0 Too many errors on this connection, closing transmission channel", "S: <closed>"

/* proves: contract-5 facts-8.2 */
static void syntax_and_sequence_errors_count_refusals_do_not(void **state)
{
    (void)state;
    run_adjusted(two_errors, "10.2.0.5",
                 SCRIPT(HELLO, "C: XFOO", "S: 500 *", "C: RCPT TO:<a@b.example>", "S: 503 *",
                        "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<a@b.example>", "S: 550 *",
                        "C: RCPT TO:<a@b.example>", "S: 550 *", "C: RCPT TO:<a@b.example>", "S: 550 *",
                        "C: MAIL", TOO_MANY));
    run_adjusted(no_errors, "10.2.0.5", SCRIPT(HELLO, "C: XFOO", TOO_MANY));
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, endless_errors, "10.2.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO));
    for (int i = 0; i < 500; i++) {
        dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("C: XFOO", "S: 500 *"));
    }
    close_adjusted(&dialogue, organization);
}

/* A client that pipelines as RFC 2920 lets it can not know yet that MAIL or RCPT was refused. */
/* proves: contract-5 */
static void what_was_pipelined_behind_a_refusal_is_no_error(void **state)
{
    (void)state;
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, two_errors, "10.2.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO));
    for (int i = 0; i < 10; i++) {
        dialogue_run(&dialogue, DIALOGUE_PIPELINED,
                     SCRIPT("C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<a@b.example>", "S: 550 *",
                            "C: DATA", "S: 503 5.5.2 Need rcpt command", "C: RSET", "S: 250 *"));
    }
    close_adjusted(&dialogue, organization);
    organization = open_adjusted(&dialogue, two_errors, "10.3.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO));
    for (int i = 0; i < 10; i++) {
        dialogue_run(&dialogue, DIALOGUE_PIPELINED,
                     SCRIPT("C: MAIL FROM:<a@b.example>", "S: 530 *", "C: RCPT TO:<a@b.example>", "S: 503 *",
                            "C: DATA", "S: 503 *", "C: RSET", "S: 250 *"));
    }
    close_adjusted(&dialogue, organization);
}

/* proves: R2 */
static void idle_commands_are_bounded_and_transactions_are_not(void **state)
{
    (void)state;
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, endless_errors, "10.2.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO));
    for (int i = 0; i < 3000; i++) {
        dialogue_run(&dialogue, DIALOGUE_PIPELINED,
                     SCRIPT("C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<a@b.example>", "S: 550 *",
                            "C: RSET", "S: 250 *"));
    }
    for (int i = 0; i < 1000; i++) {
        dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("C: NOOP", "S: 250 *"));
    }
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("C: NOOP", TOO_MANY));
    close_adjusted(&dialogue, organization);
}

/* -- input out of turn -- */

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

/* -- sizes -- */

static void small_sizes(struct receive_connector *connector)
{
    connector->max_message_bytes = 65536;
    connector->max_header_bytes = 32768;
    connector->max_recipients = 2;
}

/* proves: F9 C26 C210 facts-8.2 contract-7 */
static void a_message_is_cut_at_its_limit_and_answered_once(void **state)
{
    (void)state;
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, small_sizes, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, ENVELOPE, "C: Subject: x", "C: "));
    send_many(&dialogue, "0123456789abcde\r\n", 1u << 20);
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("S: <nothing>", "C: .",
                        "S: 552 5.3.4 Message size exceeds fixed maximum message size", ENVELOPE, "C: small",
                        "C: .", QUEUED));
    assert_int_equal(dialogue_message_count(&dialogue), 1);
    close_adjusted(&dialogue, organization);
    organization = open_adjusted(&dialogue, small_sizes, "10.4.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, ENVELOPE, "C: Subject: x", "C: "));
    send_many(&dialogue, "0123456789abcde\r\n", 1u << 20);
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("C: .", QUEUED));
    close_adjusted(&dialogue, organization);
}

/* proves: F7 facts-8.2 contract-7 */
static void a_header_block_has_its_own_limit(void **state)
{
    (void)state;
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, small_sizes, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, ENVELOPE));
    send_many(&dialogue, "X-Folded: a\r\n b\r\n c\r\n", 10u << 20);
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("C: ", "C: body", "C: .", "S: 552 5.3.4 Header size exceeds fixed maximum size",
                        ENVELOPE, "C: a: b", "C: .", QUEUED));
    close_adjusted(&dialogue, organization);
}

/* proves: facts-8.3 contract-7 */
static void recipients_are_limited_before_they_are_judged(void **state)
{
    (void)state;
    run_adjusted(small_sizes, "10.2.0.5",
                 SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<1@contoso.com>",
                        "S: 250 *", "C: RCPT TO:<2@contoso.com>", "S: 250 *", "C: RCPT TO:<x@fabrikam.com>",
                        "S: 452 4.5.3 Too many recipients", "C: RCPT TO:<3@contoso.com>",
                        "S: 452 4.5.3 Too many recipients", GOODBYE));
    run_adjusted(small_sizes, "10.4.0.5",
                 SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<1@contoso.com>",
                        "S: 250 *", "C: RCPT TO:<2@contoso.com>", "S: 250 *", "C: RCPT TO:<3@contoso.com>",
                        "S: 250 *", GOODBYE));
}

static void one_a_source(struct receive_connector *connector)
{
    connector->max_inbound_connections_per_source = 1;
    connector->max_inbound_connections = 2;
    connector->max_inbound_percent_per_source = 100;
}

/* proves: R3 C84 facts-7 facts-8.2 */
static void connections_are_limited(void **state)
{
    (void)state;
    adjust_all = one_a_source;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    adjust_all = NULL;
    struct connection_limits *limits = connection_limits_new();
    struct dialogue dialogue;
    dialogue_begin(&dialogue, organization);
    dialogue.service.limits = limits;
    const char *clients[] = {"10.1.0.5", "10.1.0.5", "10.1.0.6", "10.1.0.7"};
    const char *replies[] = {
        "S: 220 *", "S: 421 4.3.2 The maximum number of concurrent connections has exceeded a limit, *",
        "S: 220 *",
        "S: 421 4.3.2 The maximum number of concurrent server connections has exceeded a limit, *"};
    struct stream *first = NULL;
    for (size_t i = 0; i < 4; i++) {
        dialogue_connect(&dialogue, "10.0.0.1:25", clients[i]);
        dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(replies[i]));
        first = i == 0 ? dialogue.stream : first;
        dialogue_settle(&dialogue);
    }
    assert_int_equal(dialogue.service.session_count, 2);
    stream_memory_hang_up(first);
    dialogue_settle(&dialogue);
    dialogue_connect(&dialogue, "10.0.0.1:25", "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("S: 220 *"));
    dialogue_close(&dialogue);
    connection_limits_free(limits);
    organization_unref(organization);
}

/* -- the spool -- */

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
        cmocka_unit_test(an_over_long_line_is_answered_once_in_bounded_memory),
        cmocka_unit_test(syntax_and_sequence_errors_count_refusals_do_not),
        cmocka_unit_test(what_was_pipelined_behind_a_refusal_is_no_error),
        cmocka_unit_test(idle_commands_are_bounded_and_transactions_are_not),
        cmocka_unit_test(input_behind_a_verb_to_be_waited_for_closes),
        cmocka_unit_test(an_early_talker_is_not_served),
        cmocka_unit_test(another_protocol_is_closed_without_a_word),
        cmocka_unit_test(idle_and_slow_clients_are_cut),
        cmocka_unit_test(a_connection_ends_after_its_time),
        cmocka_unit_test(the_tarpit_delays_refusals_and_what_stands_behind_them),
        cmocka_unit_test(a_message_is_cut_at_its_limit_and_answered_once),
        cmocka_unit_test(a_header_block_has_its_own_limit),
        cmocka_unit_test(recipients_are_limited_before_they_are_judged),
        cmocka_unit_test(connections_are_limited),
        cmocka_unit_test(a_spool_in_trouble_answers_4xx),
        cmocka_unit_test(a_slow_spool_slows_the_client),
        cmocka_unit_test(a_client_that_goes_leaves_nothing_behind),
        cmocka_unit_test(a_client_that_goes_during_the_commit_loses_only_the_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* fakes: organization dialogue */
/* Ceilings: lines, errors, sizes, recipients, connections. */
#include "smtp_server/command.h"
#include "smtp_server/rate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adjusted_session.h"

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

/* proves: R2 */
static void consequences_of_a_refusal_are_bounded(void **state)
{
    (void)state;
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, NULL, "10.3.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 530 *"));
    for (int i = 0; i < 1005; i++)
        dialogue_run(&dialogue, DIALOGUE_PIPELINED, SCRIPT("C: RCPT TO:<a@b.example>", "S: 503 *"));
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("C: RCPT TO:<a@b.example>", TOO_MANY));
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

/* Of a client without the right to it. */
#define STRIPPED "X-MS-Exchange-Organization-Filler: 0123456789abcdef\r\n"

/* proves: facts-6.1 facts-8.3 */
static void what_the_firewall_takes_away_counts_for_the_limits(void **state)
{
    (void)state;
    struct dialogue dialogue;
    struct organization *organization = open_adjusted(&dialogue, small_sizes, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, ENVELOPE));
    send_many(&dialogue, STRIPPED, 32768);
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("C: ", "C: .", "S: 552 5.3.4 Header size exceeds fixed maximum size", ENVELOPE));
    for (int i = 0; i < 500; i++) {
        dialogue_send(&dialogue, BYTES_LITERAL(STRIPPED));
    }
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("C: "));
    send_many(&dialogue, "0123456789abcde\r\n", 32768); /* alone it would do */
    send_many(&dialogue, "0123456789abcde\r\n", 8000);
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("C: .", "S: 552 5.3.4 Message size exceeds fixed maximum message size", ENVELOPE));
    for (int i = 0; i < 500; i++) {
        dialogue_send(&dialogue, BYTES_LITERAL(STRIPPED));
    }
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("C: ", "C: body", "C: .", QUEUED));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_over_long_line_is_answered_once_in_bounded_memory),
        cmocka_unit_test(syntax_and_sequence_errors_count_refusals_do_not),
        cmocka_unit_test(what_was_pipelined_behind_a_refusal_is_no_error),
        cmocka_unit_test(idle_commands_are_bounded_and_transactions_are_not),
        cmocka_unit_test(consequences_of_a_refusal_are_bounded),
        cmocka_unit_test(a_message_is_cut_at_its_limit_and_answered_once),
        cmocka_unit_test(a_header_block_has_its_own_limit),
        cmocka_unit_test(what_the_firewall_takes_away_counts_for_the_limits),
        cmocka_unit_test(recipients_are_limited_before_they_are_judged),
        cmocka_unit_test(connections_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

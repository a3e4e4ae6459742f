/* fakes: organization dialogue */
/* Whole sessions: dialogues to the letter, in steps, byte by byte and pipelined. */
#include "fakes/fake_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smtp_organization.h"

static void run(const char *client, const char *const *script)
{
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    dialogue_run_all(organization, client, script);
    organization_unref(organization);
}

/* proves: C2 C71 C72 C73 C74 C75 C76 C77 C80 C82 C83 F10 facts-8.1 facts-8.2 contract-5 */
static void the_documents_dialogue_relays(void **state)
{
    (void)state;
    run("10.1.0.5",
        SCRIPT("S: 220 *", "C: EHLO", "S: 250-mx1.contoso.com Hello [10.1.0.5]", "S: 250-SIZE 37748736",
               "S: 250-PIPELINING", "S: 250-DSN", "S: 250-ENHANCEDSTATUSCODES", "S: 250-8BITMIME",
               "S: 250-BINARYMIME", "S: 250-CHUNKING", "S: 250 XEXCH50", "C: MAIL FROM:chris@contoso.com",
               "S: 250 2.1.0 Sender OK", "C: RCPT TO:kate@fabrikam.com", "S: 250 2.1.5 Recipient OK",
               "C: DATA", "S: 354 Start mail input; end with <CRLF>.<CRLF>", "C: Subject: Test",
               "C: ", "C: This is a test message", "C: .",
               "S: 250 2.6.0 <*@mx1.contoso.com> [InternalId=*] Queued mail for delivery", GOODBYE));
}

/* proves: C78 C202 C272 C3 */
static void without_the_right_relay_is_refused(void **state)
{
    (void)state;
    run("10.2.0.5", SCRIPT(HELLO, "C: MAIL FROM:<a@fabrikam.com>", "S: 250 2.1.0 Sender OK",
                           "C: RCPT TO:<kate@fabrikam.com>", "S: 550 5.7.1 Unable to relay",
                           "C: RCPT TO:<chris@contoso.com>", "S: 250 2.1.5 Recipient OK", GOODBYE));
}

/* proves: C201 C265 contract-5 */
static void a_missing_submit_right_refuses_and_does_not_end_the_session(void **state)
{
    (void)state;
    run("10.3.0.5",
        SCRIPT(HELLO, "C: MAIL FROM:<a@fabrikam.com>", "S: 530 5.7.1 Client was not authenticated",
               "C: MAIL FROM:<a@fabrikam.com>", "S: 530 5.7.1 Client was not authenticated", GOODBYE));
}

/* proves: C33 C34 C36 C38 facts-8.5 */
static void an_externally_secured_host_relays_for_every_sender(void **state)
{
    (void)state;
    run("10.4.0.5",
        SCRIPT("S: 220 *", "C: HELO x", "S: 250 mx1.contoso.com Hello [10.4.0.5]",
               "C: MAIL FROM:<chris@contoso.com>", "S: 250 2.1.0 Sender OK", "C: RCPT TO:<kate@fabrikam.com>",
               "S: 250 2.1.5 Recipient OK", "C: RSET", "S: 250 2.0.0 Resetting",
               "C: MAIL FROM:<any@fabrikam.com>", "S: 250 2.1.0 Sender OK", GOODBYE));
}

/* proves: A9 C17 C204 C269 contract-7 */
static void the_own_domain_needs_its_right_in_model_2007(void **state)
{
    (void)state;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2007);
    dialogue_run_all(organization, "10.1.0.5",
                     SCRIPT("S: 220 *", "C: HELO x", "S: 250 *", "C: MAIL FROM:<chris@contoso.com>",
                            "S: 550 5.7.1 Client does not have permission to send as this sender",
                            "C: MAIL FROM:<a@fabrikam.com>", "S: 250 2.1.0 Sender OK",
                            "C: RCPT TO:<b@fabrikam.com>", "S: 250 2.1.5 Recipient OK", "C: DATA", "S: 354 *",
                            "C: From: chris@contoso.com", "C: ", "C: .",
                            "S: 550 5.7.1 Client does not have permission to send as this sender", GOODBYE));
    organization_unref(organization);
}

/* proves: contract-5 facts-7 C3 */
static void no_connector_and_a_refused_one_answer_421(void **state)
{
    (void)state;
    const char *const script[] = {"S: 421 4.3.2 Service not available", "S: <closed>", NULL};
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    const char *clients[] = {"10.5.0.5", "192.168.0.1"};
    for (size_t i = 0; i < 2; i++) {
        struct dialogue dialogue;
        dialogue_open(&dialogue, organization, clients[i]);
        dialogue_settle(&dialogue);
        dialogue_run(&dialogue, DIALOGUE_STEPS, script);
        dialogue_close(&dialogue);
    }
    organization_unref(organization);
}

/* proves: facts-8.2 facts-8.3 */
static void the_order_of_commands_is_kept(void **state)
{
    (void)state;
    run("10.1.0.5",
        SCRIPT("S: 220 *", "C: MAIL FROM:<a@b.example>", "S: 503 5.5.2 Send hello first",
               "C: RCPT TO:<a@b.example>", "S: 503 5.5.2 Send hello first", "C: RSET",
               "S: 250 2.0.0 Resetting", "C: EHLO x", "S+ 250 *", "C: RCPT TO:<a@b.example>",
               "S: 503 5.5.2 Need mail command", "C: MAIL FROM:<a@b.example>", "S: 250 2.1.0 Sender OK",
               "C: MAIL FROM:<a@b.example>", "S: 503 5.5.2 Sender already specified", "C: DATA",
               "S: 503 5.5.2 Need rcpt command", "C: RSET", "S: 250 2.0.0 Resetting", GOODBYE));
}

/* proves: facts-8.2 contract-5 */
static void small_verbs_answer(void **state)
{
    (void)state;
    run("10.1.0.5",
        SCRIPT("S: 220 *", "C: NOOP", "S: 250 2.0.0 OK", "C: noop anything", "S: 250 2.0.0 OK",
               "C: VRFY chris", "S: 252 2.1.5 Cannot VRFY user", "C: EXPN list",
               "S: 502 5.3.3 Command not implemented", "C: HELP",
               "S: 214-This server supports the following commands:",
               "S: 214 HELO EHLO RCPT DATA RSET MAIL QUIT HELP BDAT", "C: STARTTLS", "S: 502 5.3.3 *",
               "C: AUTH LOGIN", "S: 502 5.3.3 *", "C: XFOO", "S: 500 5.3.3 Unrecognized command",
               "C: ", "S: 500 5.3.3 Unrecognized command", GOODBYE));
}

/* proves: F11 A7 facts-8.2 facts-8.3 */
static void malformed_arguments_are_faults(void **state)
{
    (void)state;
    run("10.1.0.5", SCRIPT(HELLO, "C: MAIL <a@b>", "S: 501 5.5.4 Invalid arguments", "C: MAIL FROM:<a b@c>",
                           "S: 501 5.1.7 Invalid address", "C: MAIL FROM:<\xc3\xa9@contoso.com>",
                           "S: 501 5.1.8 UTF-8 addresses not supported", "C: MAIL FROM:<a@b.example> FOO=1",
                           "S: 501 5.5.4 Unrecognized parameter", "C: MAIL FROM:<a@b.example> BODY=NINEBIT",
                           "S: 501 5.5.4 Unsupported BODY type", GOODBYE));
    run("10.1.0.5", SCRIPT(HELLO, "C: MAIL FROM:<a@b.example> SIZE=-1", "S: 501 5.5.4 Invalid arguments",
                           "C: MAIL FROM:<a@b.example> SIZE=1 SIZE=2", "S: 501 5.5.4 Invalid arguments",
                           "C: MAIL FROM:<a@b.example> AUTH=<>", "S: 501 5.5.4 Unrecognized parameter",
                           "C: MAIL FROM:<a@b.example> size=10 body=8bitmime", "S: 250 2.1.0 Sender OK",
                           "C: RCPT TO:<>", "S: 501 5.1.3 Invalid address", "C: RCPT TO:<a@b.example> FOO=1",
                           "S: 501 5.5.4 Unrecognized parameter", GOODBYE));
    run("10.1.0.5", SCRIPT("S: 220 *", "C: EHLO a b", "S: 501 5.5.4 Invalid domain name", "C: EHLO x(;rm",
                           "S: 501 5.5.4 Invalid domain name", "C: EHLO [10.1.2.3]", "S+ 250 *", "C: NOOP \v",
                           "S: 501 5.5.4 Invalid arguments", "C: MAIL FROM:<a@b.example>\x01",
                           "S: 501 5.5.4 Invalid arguments", GOODBYE));
}

/* proves: F9 C26 C210 C32 facts-8.3 */
static void a_declared_size_over_the_limit_is_refused_unless_bypassed(void **state)
{
    (void)state;
    run("10.1.0.5", SCRIPT(HELLO, "C: MAIL FROM:<a@b.example> SIZE=37748737",
                           "S: 552 5.3.4 Message size exceeds fixed maximum message size",
                           "C: MAIL FROM:<a@b.example> SIZE=99999999999999999999999999",
                           "S: 552 5.3.4 Message size exceeds fixed maximum message size",
                           "C: MAIL FROM:<a@b.example> SIZE=37748736", "S: 250 2.1.0 Sender OK", GOODBYE));
    run("10.4.0.5", SCRIPT("S: 220 *", "C: EHLO x", "S: 250-*", "S: 250-SIZE", "S+ 250 *",
                           "C: MAIL FROM:<a@b.example> SIZE=37748737", "S: 250 2.1.0 Sender OK", GOODBYE));
}

static void hide_size(struct receive_connector *connector)
{
    connector->protocol_options |= OPTION_SIZE_HIDDEN;
}

/* proves: facts-2.3 facts-2.8 */
static void a_size_that_is_not_shown_binds_all_the_same(void **state)
{
    (void)state;
    adjust_all = hide_size;
    run("10.1.0.5", SCRIPT("S: 220 *", "C: EHLO x", "S: 250-*", "S: 250-SIZE", "S+ 250 *",
                           "C: MAIL FROM:<a@b.example> SIZE=37748737",
                           "S: 552 5.3.4 Message size exceeds fixed maximum message size",
                           "C: MAIL FROM:<a@b.example> SIZE=37748736", "S: 250 2.1.0 Sender OK", GOODBYE));
    adjust_all = NULL;
}

/* Whoever it is: what servers of Exchange say among themselves besides is unknown here. */
/* proves: facts-8.1 contract-5 */
static void words_that_are_not_offered_are_unknown(void **state)
{
    static const char *const clients[] = {"10.1.0.5", "10.4.0.5"};
    (void)state;
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        run(clients[i],
            SCRIPT(HELLO, "C: MAIL FROM:<a@b.example> XSHADOW=x", "S: 501 5.5.4 Unrecognized parameter",
                   "C: MAIL FROM:<a@b.example> XOORG=x", "S: 501 5.5.4 Unrecognized parameter",
                   "C: XSHADOW x", "S: 500 5.3.3 Unrecognized command", "C: XQDISCARD 1",
                   "S: 500 5.3.3 Unrecognized command", GOODBYE));
        run(clients[i], SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 250 *",
                               "C: RCPT TO:<x@contoso.com> XRDST=x", "S: 501 5.5.4 Unrecognized parameter",
                               "C: RCPT TO:<x@contoso.com> ORAR=x", "S: 501 5.5.4 Unrecognized parameter",
                               "C: XPROXY x", "S: 500 5.3.3 Unrecognized command", GOODBYE));
    }
}

/* proves: A8 contract-5 */
static void postmaster_and_the_null_sender_are_taken(void **state)
{
    (void)state;
    run("10.2.0.5", SCRIPT(HELLO, "C: MAIL FROM:<>", "S: 250 2.1.0 Sender OK", "C: RCPT TO:<postmaster>",
                           "S: 250 2.1.5 Recipient OK", "C: RCPT TO:<Postmaster@contoso.com>",
                           "S: 250 2.1.5 Recipient OK", "C: RCPT TO:<postmaster@fabrikam.com>",
                           "S: 550 5.7.1 Unable to relay", GOODBYE));
}

/* proves: A1 A2 A5 */
static void tricks_with_addresses_are_judged_by_their_domain(void **state)
{
    (void)state;
    run("10.2.0.5",
        SCRIPT(HELLO, "C: MAIL FROM:<>", "S: 250 2.1.0 Sender OK", "C: RCPT TO:<@contoso.com:a@fabrikam.com>",
               "S: 550 5.7.1 Unable to relay", "C: RCPT TO:<a%fabrikam.com@contoso.com>",
               "S: 250 2.1.5 Recipient OK", "C: RCPT TO:<fabrikam.com!a@contoso.com>",
               "S: 250 2.1.5 Recipient OK", "C: RCPT TO:<a@[10.0.0.1]>", "S: 550 5.7.1 Unable to relay",
               "C: RCPT TO:<\"a@fabrikam.com\"@contoso.com>", "S: 250 2.1.5 Recipient OK", GOODBYE));
}

/* proves: A2 A3 A10 */
static void recipients_are_stored_as_they_were_judged(void **state)
{
    (void)state;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    struct dialogue dialogue;
    struct envelope envelope;
    struct arena arena;
    static const char *const stored[] = {
        "\";id;\"@contoso.com",       "${run{x}}@contoso.com",         "%n%s@contoso.com",
        "a%fabrikam.com@contoso.com", "=?utf-8?q?a=40b?=@contoso.com", "u@fabrikam.com",
        "postmaster@contoso.com"};
    dialogue_open(&dialogue, organization, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_PIPELINED,
                 SCRIPT(HELLO, "C: MAIL FROM:<a@B.Example.> BODY=8BITMIME", "S: 250 *",
                        "C: RCPT TO:<\";id;\"@contoso.com>", "S: 250 *", "C: RCPT TO:<${run{x}}@contoso.com>",
                        "S: 250 *", "C: RCPT TO:<%n%s@contoso.com>", "S: 250 *",
                        "C: RCPT TO:<a%fabrikam.com@contoso.com>", "S: 250 *",
                        "C: RCPT TO:<=?utf-8?q?a=40b?=@contoso.com>", "S: 250 *",
                        "C: RCPT TO:<@x.example,@y.example:u@FABRIKAM.com>", "S: 250 *",
                        "C: RCPT TO:<postmaster>", "S: 250 *", "C: DATA", "S: 354 *", "C: .", QUEUED));
    arena_init(&arena, 1u << 20);
    assert_int_equal(dialogue.spool->ops->read_envelope(dialogue.spool, 1, &arena, &envelope), OK);
    assert_true(bytes_equal(envelope.sender, BYTES_LITERAL("a@b.example")));
    assert_int_equal(envelope.body, BODY_8BITMIME);
    assert_int_equal(envelope.recipient_count, sizeof stored / sizeof stored[0]);
    for (size_t i = 0; i < envelope.recipient_count; i++) {
        assert_int_equal(envelope.recipients[i].address.len, strlen(stored[i]));
        assert_memory_equal(envelope.recipients[i].address.ptr, stored[i], strlen(stored[i]));
    }
    assert_true(bytes_equal(envelope.connector, BYTES_LITERAL("MX1\\Relay")));
    assert_true(bytes_equal(envelope.client, BYTES_LITERAL("10.1.0.5:40000")));
    arena_done(&arena);
    dialogue_close(&dialogue);
    organization_unref(organization);
}

static void bare(struct receive_connector *connector)
{
    connector->protocol_options = 0;
    connector->protocol_restrictions = RESTRICTION_REQUIRE_EHLO_DOMAIN;
    connector->banner = "220 a banner of our own";
}

/* proves: C74 facts-2.3 facts-2.4 facts-8.1 contract-5 */
static void options_and_restrictions_are_obeyed(void **state)
{
    (void)state;
    adjust_all = bare;
    run("10.1.0.5",
        SCRIPT("S: 220 a banner of our own", "C: EHLO", "S: 501 EHLO requires domain address", "C: HELO",
               "S: 501 HELO requires domain address", "C: EHLO client",
               "S: 250-mx1.contoso.com Hello [10.1.0.5]", "S: 250 XEXCH50",
               "C: MAIL FROM:<a@b.example> SIZE=1", "S: 501 Unrecognized parameter",
               "C: MAIL FROM:<a@b.example> BODY=7BIT", "S: 501 Unrecognized parameter",
               "C: MAIL FROM:<a@b.example>", "S: 250 Sender OK", "C: RCPT TO:<a@b.example>",
               "S: 250 Recipient OK", "C: DATA", "S: 354 Start mail input; end with <CRLF>.<CRLF>", "C: .",
               "S: 250 <*> [InternalId=*] Queued mail for delivery", "C: QUIT",
               "S: 221 Service closing transmission channel", "S: <closed>"));
    adjust_all = NULL;
}

/* proves: C270 */
static void an_edge_refuses_the_own_domain_from_outside(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .model = PERMISSION_MODEL_2007,
        .is_edge = true,
        .receive =
            (struct fake_receive[]){
                {"Internet", .groups = GROUP_ANONYMOUS_USERS, .role = ROLE_EDGE, .adjust = no_tarpit}, {0}},
        .domains = (struct fake_domain[]){{"contoso.com", .is_default = true}, {0}},
        .send = (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1", .smart_hosts = "[10.9.9.9]"}, {0}}});
    dialogue_run_all(organization, "10.1.0.5",
                     SCRIPT(HELLO, "C: MAIL FROM:<chris@contoso.com>",
                            "S: 550 5.7.1 Client does not have permission to send as this sender", GOODBYE));
    organization_unref(organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documents_dialogue_relays),
        cmocka_unit_test(without_the_right_relay_is_refused),
        cmocka_unit_test(a_missing_submit_right_refuses_and_does_not_end_the_session),
        cmocka_unit_test(an_externally_secured_host_relays_for_every_sender),
        cmocka_unit_test(the_own_domain_needs_its_right_in_model_2007),
        cmocka_unit_test(no_connector_and_a_refused_one_answer_421),
        cmocka_unit_test(the_order_of_commands_is_kept),
        cmocka_unit_test(small_verbs_answer),
        cmocka_unit_test(malformed_arguments_are_faults),
        cmocka_unit_test(a_declared_size_over_the_limit_is_refused_unless_bypassed),
        cmocka_unit_test(a_size_that_is_not_shown_binds_all_the_same),
        cmocka_unit_test(words_that_are_not_offered_are_unknown),
        cmocka_unit_test(postmaster_and_the_null_sender_are_taken),
        cmocka_unit_test(tricks_with_addresses_are_judged_by_their_domain),
        cmocka_unit_test(recipients_are_stored_as_they_were_judged),
        cmocka_unit_test(options_and_restrictions_are_obeyed),
        cmocka_unit_test(an_edge_refuses_the_own_domain_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* fakes: organization dialogue */
/* The content of messages: what reaches the spool, what is refused at its end, and how many messages there
 * are. */
#include "fakes/fake_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smtp_organization.h"

/* Runs the script in all modes; returns the stored message of the last one (or NULL). Each mode must store
 * the same number. */
static char *run_and_take(enum permission_model model, const char *client, const char *const *script,
                          size_t expected_count)
{
    struct organization *organization = smtp_organization(model);
    char *text = NULL;
    for (int mode = DIALOGUE_STEPS; mode <= DIALOGUE_PIPELINED; mode++) {
        struct dialogue dialogue;
        dialogue_open(&dialogue, organization, client);
        dialogue_run(&dialogue, (enum dialogue_mode)mode, script);
        assert_int_equal(dialogue_message_count(&dialogue), expected_count);
        free(text);
        text = dialogue_message(&dialogue, 0);
        dialogue_close(&dialogue);
    }
    organization_unref(organization);
    return text;
}

static void assert_stored(const char *text, const char *pattern)
{
    if (text == NULL || !dialogue_matches(pattern, text)) {
        fprintf(stderr, "stored:\n%s\n", text != NULL ? text : "(nothing)");
        fail();
    }
}

static void check(const char *client, const char *const *script, const char *pattern)
{
    char *text = run_and_take(PERMISSION_MODEL_2010, client, script, 1);
    assert_stored(text, pattern);
    free(text);
}

#define RECEIVED_ESMTP                                                                                       \
    "Received: from client.example (10.*)\r\n by mx1.contoso.com (10.0.0.1)\r\n with *SMTP* id *;\r\n "      \
    "*, * +0000\r\n"

/* Below all that came. */
#define ORGANIZATION "X-MS-Exchange-Organization-"
#define STAMP_OF(as)                                                                                         \
    ORGANIZATION "OriginalArrivalTime: * (UTC)\r\n" ORGANIZATION                                             \
                 "AuthSource: mx1.contoso.com\r\n" ORGANIZATION "AuthAs: " as "\r\n"
#define STAMP STAMP_OF("Anonymous")

/* proves: C81 C82 facts-10.10 facts-8.3 */
static void trace_fields_are_added_and_the_rest_stays(void **state)
{
    (void)state;
    check("10.1.0.5",
          SCRIPT(HELLO, ENVELOPE, "C: Subject: Test", "C: ", "C: This is a test message", "C: .", QUEUED,
                 GOODBYE),
          RECEIVED_ESMTP "Subject: Test\r\n"
                         "Message-ID: <*@mx1.contoso.com>\r\nDate: *, * +0000\r\n" STAMP "\r\n"
                         "This is a test message\r\n");
    check("10.1.0.5",
          SCRIPT(HELLO, ENVELOPE, "C: Return-Path: <x@y>", "C: message-id:", "C:  <1@client>",
                 "C: DATE: today", "C: From: a@b.example", "C: ", "C: ..dots", "C: .",
                 "S: 250 2.6.0 <1@client> [InternalId=*] *", GOODBYE),
          RECEIVED_ESMTP "message-id:\r\n <1@client>\r\nDATE: today\r\nFrom: a@b.example\r\n" STAMP
                         "\r\n.dots\r\n");
}

/* proves: F15 C81 */
static void a_message_without_a_header_gets_one(void **state)
{
    (void)state;
    check("10.1.0.5", SCRIPT(HELLO, ENVELOPE, "C: .", QUEUED, GOODBYE),
          "Received: *\r\nMessage-ID: <*>\r\nDate: *\r\n\r\n");
    check("10.1.0.5", SCRIPT(HELLO, ENVELOPE, "C: ", "C: only a body", "C: .", QUEUED, GOODBYE),
          "Received: *\r\nMessage-ID: <*>\r\nDate: *\r\n\r\nonly a body\r\n");
    check("10.1.0.5",
          SCRIPT(HELLO, ENVELOPE, "C: Only a body", "C: X-MS-Exchange-Organization-SCL: -1", "C: .", QUEUED,
                 GOODBYE),
          "Received: *\r\nMessage-ID: <*>\r\nDate: *\r\n\r\nOnly a body\r\nX-MS-Exchange-Organization-SCL: "
          "-1\r\n");
    check("10.1.0.5", SCRIPT(HELLO, ENVELOPE, "C: Subject: no empty line", "C: .", QUEUED, GOODBYE),
          "Received: *\r\nSubject: no empty line\r\nMessage-ID: <*>\r\nDate: *\r\n\r\n");
}

#define FORGED                                                                                               \
    "C: Received: from elsewhere", "C: X-MS-Exchange-Organization-SCL: -1",                                  \
        "C: X-MS-Exchange-Forest-Foo: 1", "C: X-MS-Exchange-CrossPremises-Foo: 1", "C: Resent-From: x@y",    \
        "C: From: a@b.example", "C: Date: d", "C: Message-ID: <1@x>", "C: "

/* proves: C14 C22 C24 C30 C39 C41 C99 C206 C207 C208 F15 facts-6.1 facts-6.3 */
static void header_classes_stay_only_with_their_right(void **state)
{
    (void)state;
    /* the anonymous group of model 2010 holds Accept-Headers-Routing */
    check("10.1.0.5", SCRIPT(HELLO, ENVELOPE, FORGED, "C: .", QUEUED, GOODBYE),
          RECEIVED_ESMTP "Received: from elsewhere\r\nResent-From: x@y\r\nFrom: a@b.example\r\nDate: d\r\n"
                         "Message-ID: <1@x>\r\n" STAMP "\r\n");
    check("10.4.0.5", SCRIPT(HELLO, ENVELOPE, FORGED, "C: .", QUEUED, GOODBYE),
          RECEIVED_ESMTP "Received: from elsewhere\r\nResent-From: x@y\r\nFrom: a@b.example\r\nDate: d\r\n"
                         "Message-ID: <1@x>\r\n" STAMP_OF("Internal") ORGANIZATION
          "AuthMechanism: 10\r\n\r\n");
}

/* A connector whose anonymous clients lack Accept-Headers-Routing. */
static struct organization *make_without_routing(void)
{
    return fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){{"Plain", .ranges = "10.0.0.0/8", .adjust = no_tarpit,
                                            .aces = ANY_RECIPIENT
                                            "\nallow ms-Exch-SMTP-Submit to anonymous"
                                            "\nallow ms-Exch-SMTP-Accept-Any-Sender to anonymous"},
                                           {0}},
        .domains = (struct fake_domain[]){{"contoso.com", .is_default = true}, {0}},
        .send = (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1", .smart_hosts = "[10.9.9.9]"}, {0}}});
}

/* proves: C14 C206 R15 */
static void hops_that_are_taken_away_are_counted_on(void **state)
{
    (void)state;
    struct organization *organization = make_without_routing();
    struct dialogue dialogue;
    dialogue_open(&dialogue, organization, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT(HELLO, ENVELOPE, "C: Received: 1", "C: Received: 2", "C: X-Dirrelay-Hops: 3",
                        "C: Date: d", "C: Message-ID: <1@x>", "C: ", "C: .", QUEUED, ENVELOPE,
                        "C: Received: 1", "C: X-Dirrelay-Hops: 30", "C: ", "C: .",
                        "S: 554 5.4.6 Hop count exceeded - possible mail loop", GOODBYE));
    char *text = dialogue_message(&dialogue, 0);
    assert_stored(text, RECEIVED_ESMTP "Date: d\r\nMessage-ID: <1@x>\r\nX-Dirrelay-Hops: 5\r\n" STAMP "\r\n");
    free(text);
    dialogue_close(&dialogue);
    organization_unref(organization);
}

/* proves: A9 F15 facts-8.4 contract-5 */
static void header_senders_are_checked_after_the_block(void **state)
{
    (void)state;
    struct organization *organization = make_without_routing(); /* Any-Sender, not our own domains */
    dialogue_run_all(organization, "10.1.0.5",
                     SCRIPT(HELLO, ENVELOPE, "C: From: chris@contoso.com", "C: ", "C: body", "C: .",
                            "S: 550 5.7.1 Client does not have permission to send as this sender", ENVELOPE,
                            "C: From: x@y.example", "C: From: chris@contoso.com", "C: ", "C: .",
                            "S: 550 5.7.1 Client does not have permission to send as this sender", ENVELOPE,
                            "C: From: a@b.example", "C: ", "C: .", QUEUED, GOODBYE));
    organization_unref(organization);
}

/* proves: facts-8.2 facts-8.3 */
static void a_partial_message_is_refused(void **state)
{
    (void)state;
    free(run_and_take(PERMISSION_MODEL_2010, "10.1.0.5",
                      SCRIPT(HELLO, ENVELOPE, "C: Content-Type: Message/", "C:  Partial; id=1", "C: ", "C: x",
                             "C: .", "S: 554 5.6.1 Messages of type message/partial are not supported",
                             GOODBYE),
                      0));
}

/* proves: R15 facts-8.2 facts-6.1 */
static void hops_are_counted_before_the_firewall(void **state)
{
    (void)state;
    const char *script[64] = {HELLO, ENVELOPE};
    size_t count = 0;
    while (script[count] != NULL) {
        count++;
    }
    for (int i = 0; i < 31; i++) {
        script[count++] = "C: Received: from x";
    }
    script[count++] = "C: ";
    script[count++] = "C: .";
    script[count++] = "S: 554 5.4.6 Hop count exceeded - possible mail loop";
    free(run_and_take(PERMISSION_MODEL_2010, "10.1.0.5", script, 0));
}

struct smuggling_case {
    const char *name;
    struct bytes end;
    bool is_refused; /* else it is normalised: the session goes on */
};

#define END(text, refused)                                                                                   \
    {                                                                                                        \
#text, BYTES_LITERAL(text), refused                                                                  \
    }

static const struct smuggling_case smuggling_cases[] = {
    END("\n.\n", false),      END("\n.\r\n", false),     END("\r.\r", true),         END("\r.\r\n", true),
    END("\r\n.\n", false),    END("\r\n.\r", true),      END("\r\r\n.\r\r\n", true), END("\r\n.\r\r\n", true),
    END("\0\r\n.\r\n", true), END("\r\n\0.\r\n", true),  END("\r\0\n.\r\n", true),   END("\r\n.\0\r\n", true),
    END("\r\n.\r\0\n", true), END("\r\n.\r\n\0", false),
};

static void smuggle(struct organization *organization, const char *client, const struct smuggling_case *item,
                    bool is_bytewise)
{
    static const char before[] = "Subject: first\r\n\r\nbody";
    static const char behind[] = "MAIL FROM:<evil@b.example>\r\nRCPT TO:<victim@fabrikam.com>\r\nDATA\r\n"
                                 "Subject: second\r\n\r\nsmuggled\r\n.\r\n";
    struct dialogue dialogue;
    struct buffer bytes;
    buffer_init(&bytes, 4096);
    dialogue_open(&dialogue, organization, client);
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, ENVELOPE));
    assert_int_equal(buffer_append_text(&bytes, before), OK);
    assert_int_equal(buffer_append(&bytes, item->end), OK);
    assert_int_equal(buffer_append_text(&bytes, behind), OK);
    for (size_t i = 0; is_bytewise && i < bytes.len; i++) {
        dialogue_send(&dialogue, (struct bytes){bytes.ptr + i, 1});
    }
    if (!is_bytewise) {
        dialogue_send(&dialogue, buffer_bytes(&bytes));
    }
    assert_true(dialogue_message_count(&dialogue) <= 1);
    if (item->is_refused) {
        assert_true(dialogue_is_closed(&dialogue));
        assert_true(
            bytes_starts_nocase(buffer_bytes(&dialogue.output), "554 5.6.0 Invalid message content\r\n") ||
            dialogue_message_count(&dialogue) == 1);
    }
    buffer_done(&bytes);
    dialogue_close(&dialogue);
}

/* proves: F1 F3 contract-5 */
static void smuggling_never_makes_two_messages(void **state)
{
    (void)state;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    for (size_t i = 0; i < sizeof smuggling_cases / sizeof smuggling_cases[0]; i++) {
        /* byte by byte the DATA line of the second envelope is answered before its content comes, which an
         * attacker behind an honest relay cannot see: only the false ends count there */
        smuggle(organization, "10.1.0.5", &smuggling_cases[i], false);
        smuggle(organization, "10.4.0.5", &smuggling_cases[i], false);
        if (!bytes_equal(smuggling_cases[i].end, BYTES_LITERAL("\r\n.\r\n\0"))) {
            smuggle(organization, "10.1.0.5", &smuggling_cases[i], true);
            smuggle(organization, "10.4.0.5", &smuggling_cases[i], true);
        }
    }
    organization_unref(organization);
}

static void reject_linefeeds(struct receive_connector *connector)
{
    connector->protocol_options |= OPTION_BARE_LINEFEED_REJECTION;
}

/* proves: F1 facts-2.3 contract-5 */
static void bare_linefeeds_become_crlf_or_554_by_the_option(void **state)
{
    (void)state;
    check("10.1.0.5",
          SCRIPT(HELLO, ENVELOPE, "C~ Subject: x\nDate: d\nMessage-ID: <1@x>\n\nbody\n.\nmore\r\n", "C: .",
                 QUEUED, GOODBYE),
          RECEIVED_ESMTP "Subject: x\r\nDate: d\r\nMessage-ID: <1@x>\r\n" STAMP "\r\nbody\r\n.\r\nmore\r\n");
    adjust_all = reject_linefeeds;
    free(run_and_take(PERMISSION_MODEL_2010, "10.1.0.5",
                      SCRIPT(HELLO, ENVELOPE, "C~ Subject: x\nDate: d\r\n", "C: .",
                             "S: 554 5.6.0 Invalid message content, contains bare linefeeds", "S: <closed>"),
                      0));
    adjust_all = NULL;
}

/* proves: F11 */
static void a_bare_linefeed_in_a_command_hides_no_second_command(void **state)
{
    (void)state;
    free(run_and_take(PERMISSION_MODEL_2010, "10.1.0.5",
                      SCRIPT(HELLO, "C~ MAIL FROM:<a@b.example>\nRCPT TO:<kate@fabrikam.com>\r\n",
                             "S: 500 5.5.2 Command lines end with <CRLF>", "C: RCPT TO:<kate@fabrikam.com>",
                             "S: 503 5.5.2 Need mail command", "C~ NOOP x\rNOOP\r\n",
                             "S: 501 5.5.4 Invalid arguments", GOODBYE),
                      0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trace_fields_are_added_and_the_rest_stays),
        cmocka_unit_test(a_message_without_a_header_gets_one),
        cmocka_unit_test(header_classes_stay_only_with_their_right),
        cmocka_unit_test(hops_that_are_taken_away_are_counted_on),
        cmocka_unit_test(header_senders_are_checked_after_the_block),
        cmocka_unit_test(a_partial_message_is_refused),
        cmocka_unit_test(hops_are_counted_before_the_firewall),
        cmocka_unit_test(smuggling_never_makes_two_messages),
        cmocka_unit_test(bare_linefeeds_become_crlf_or_554_by_the_option),
        cmocka_unit_test(a_bare_linefeed_in_a_command_hides_no_second_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

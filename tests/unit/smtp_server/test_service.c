/* fakes: organization dialogue */
/* What happens to open sessions from outside: a new organization, a drain, the trace of explain, the log. */
#include "base/event.h"
#include "base/metric.h"
#include "fakes/fake_dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "smtp_organization.h"

/* One connector over 10/8, with or without the relay right, or what adjust makes of it. */
static struct organization *one_connector(const char *aces, bool is_disabled,
                                          void (*adjust)(struct receive_connector *connector))
{
    adjust_all = adjust;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){{"Relay", .groups = GROUP_ANONYMOUS_USERS, .aces = aces,
                                            .is_disabled = is_disabled, .adjust = no_tarpit},
                                           {0}},
        .domains = (struct fake_domain[]){{"contoso.com", .is_default = true}, {0}},
        .send = (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1", .smart_hosts = "[10.9.9.9]"}, {0}}});
    adjust_all = NULL;
    return organization;
}

static void another_id(struct receive_connector *connector)
{
    connector->id.octets[7] = 99;
}

static void another_name(struct receive_connector *connector)
{
    connector->fqdn = "renamed.contoso.com";
}

/* The organization is the service's alone afterwards. */
static void publish(struct dialogue *dialogue, struct organization *organization)
{
    smtp_service_set_organization(&dialogue->service, organization);
    organization_unref(organization);
}

static void open_with(struct dialogue *dialogue, struct organization *organization)
{
    dialogue_open(dialogue, organization, "10.1.0.5");
    organization_unref(organization);
}

/* proves: C69 contract-3 */
static void a_right_taken_away_is_gone_at_the_next_mail(void **state)
{
    (void)state;
    struct dialogue dialogue;
    open_with(&dialogue, one_connector(ANY_RECIPIENT, false, NULL));
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 250 *"));
    publish(&dialogue, one_connector(NULL, false, another_name));
    /* the transaction ends with what it began */
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("C: RCPT TO:<x@fabrikam.com>", "S: 250 *", "C: RSET", "S: 250 *",
                        "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<x@fabrikam.com>",
                        "S: 550 5.7.1 Unable to relay", "C: RSET", "S: 250 *"));
    publish(&dialogue, one_connector(ANY_RECIPIENT, false, NULL));
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<x@fabrikam.com>", "S: 250 *",
                        "C: DATA", "S: 354 *"));
    publish(&dialogue, one_connector(NULL, false, NULL));
    publish(&dialogue, one_connector(NULL, false, another_name));
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("C: Subject: x", "C: .", QUEUED, "C: MAIL FROM:<a@b.example>", "S: 250 *",
                        "C: RCPT TO:<x@fabrikam.com>", "S: 550 *", "C: EHLO x",
                        "S: 250-renamed.contoso.com Hello *", "S+ 250 *"));
    dialogue_close(&dialogue);
}

/* proves: contract-3 contract-5 */
static void a_connector_that_is_gone_ends_the_session_at_mail(void **state)
{
    (void)state;
    for (int change = 0; change < 4; change++) {
        struct dialogue dialogue;
        open_with(&dialogue, one_connector(ANY_RECIPIENT, false, NULL));
        dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO));
        switch (change) {
        case 0:
            publish(&dialogue, one_connector(ANY_RECIPIENT, true, NULL));
            break;
        case 1:
            publish(&dialogue, one_connector(ANY_RECIPIENT, false, another_id));
            break;
        case 2:
            publish(&dialogue, fake_organization_new(&(struct fake_organization){0}));
            break;
        case 3:
            smtp_service_set_organization(&dialogue.service, NULL);
            break;
        }
        dialogue_run(&dialogue, DIALOGUE_STEPS,
                     SCRIPT("C: NOOP", "S: 250 *", "C: MAIL FROM:<a@b.example>",
                            "S: 421 4.3.2 Service not available", "S: <closed>"));
        dialogue_close(&dialogue);
    }
}

/* proves: contract-3 */
static void a_connector_that_comes_back_in_time_serves_on(void **state)
{
    (void)state;
    struct dialogue dialogue;
    open_with(&dialogue, one_connector(ANY_RECIPIENT, false, NULL));
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO));
    publish(&dialogue, one_connector(ANY_RECIPIENT, true, NULL));
    publish(&dialogue, one_connector(ANY_RECIPIENT, false, NULL));
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("C: MAIL FROM:<a@b.example>", "S: 250 *", GOODBYE));
    dialogue_close(&dialogue);
}

static void on_empty(void *owner)
{
    ++*(int *)owner;
}

/* proves: R11 contract-1 */
static void a_drain_lets_transactions_finish(void **state)
{
    (void)state;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    struct dialogue dialogue;
    int empty_count = 0;
    dialogue_open(&dialogue, organization, "10.1.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO, ENVELOPE));
    struct stream *in_transaction = dialogue.stream;
    dialogue_connect(&dialogue, "10.0.0.1:25", "10.1.0.6");
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT(HELLO));
    smtp_service_drain(&dialogue.service, on_empty, &empty_count);
    dialogue_settle(&dialogue);
    assert_int_equal(dialogue.service.session_count, 1);
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("S: 421 4.3.2 Service not active"));
    dialogue_connect(&dialogue, "10.0.0.1:25", "10.1.0.7");
    dialogue_settle(&dialogue);
    dialogue_run(&dialogue, DIALOGUE_STEPS, SCRIPT("S: 421 4.3.2 Service not active"));
    assert_int_equal(empty_count, 0);
    dialogue.stream = in_transaction;
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("C: Subject: x", "C: .", QUEUED, "S: 421 4.3.2 Service not active", "S: <closed>"));
    assert_int_equal(empty_count, 1);
    assert_int_equal(dialogue_message_count(&dialogue), 1);
    dialogue_close(&dialogue);
    dialogue_begin(&dialogue, organization); /* nothing to wait for */
    smtp_service_drain(&dialogue.service, on_empty, &empty_count);
    assert_int_equal(empty_count, 1);
    dialogue_settle(&dialogue);
    assert_int_equal(empty_count, 2);
    dialogue_close(&dialogue);
    organization_unref(organization);
}

/* -- trace and log -- */

struct heard {
    char text[8192];
};

static void hear(struct heard *heard, const char *format, ...) PRINTF_LIKE(2, 3);
static void hear(struct heard *heard, const char *format, ...)
{
    size_t length = strlen(heard->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(heard->text + length, sizeof heard->text - length, format, arguments);
    va_end(arguments);
}

static void on_match(void *owner, const struct receive_connector *connector)
{
    hear(owner, "match %s\n", connector != NULL ? connector->name : "none");
}

static void on_right(void *owner, enum right right, bool is_granted, const char *why)
{
    hear(owner, "right %s %s: %s\n", right_name(right), is_granted ? "granted" : "missing", why);
}

static void on_reply(void *owner, const char *sent, const char *reply, const char *why)
{
    hear(owner, "%s -> %.3s (%s)\n", sent, reply, why != NULL ? why : "-");
}

/* proves: contract-4 C79 */
static void explain_hears_everything(void **state)
{
    (void)state;
    struct heard heard = {0};
    const struct smtp_trace trace = {
        .on_match = on_match, .on_right = on_right, .on_reply = on_reply, .owner = &heard};
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    struct dialogue dialogue;
    dialogue_begin(&dialogue, organization);
    dialogue.service.trace = &trace;
    dialogue_connect(&dialogue, "10.0.0.1:25", "10.2.0.5");
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT("S: 220 *", "C: HELO x", "S: 250 *", "C: MAIL FROM:<a@b.example>", "S: 250 *",
                        "C: RCPT TO:<a@fabrikam.com>", "S: 550 *", "C: RCPT TO:<a@contoso.com>", "S: 250 *",
                        "C: DATA", "S: 354 *", "C: .", QUEUED, "C: QUIT", "S: 221 *"));
    dialogue_close(&dialogue);
    dialogue_begin(&dialogue, organization);
    dialogue.service.trace = &trace;
    dialogue_connect(&dialogue, "10.0.0.1:25", "192.168.1.1");
    dialogue_settle(&dialogue);
    dialogue_close(&dialogue);
    assert_true(dialogue_matches("match Default\n"
                                 " -> 220 (-)\n"
                                 "HELO x -> 250 (-)\n"
                                 "right ms-Exch-SMTP-Submit granted: *\n"
                                 "MAIL FROM:<a@b.example> -> 250 (-)\n"
                                 "right ms-Exch-SMTP-Accept-Any-Recipient missing: *\n"
                                 "RCPT TO:<a@fabrikam.com> -> 550 (relay)\n"
                                 "RCPT TO:<a@contoso.com> -> 250 (-)\n"
                                 "DATA -> 354 (-)\n"
                                 ". -> 250 (-)\n"
                                 "QUIT -> 221 (-)\n"
                                 "match none\n"
                                 " -> 421 (not-available)\n",
                                 heard.text));
    organization_unref(organization);
}

/* What a session writes to the log. */
static char *log_of(struct organization *organization, const char *client, const char *const *script)
{
    struct dialogue dialogue;
    char name[] = "/tmp/dirrelay-log-XXXXXX";
    int file = mkstemp(name);
    assert_true(file >= 0);
    unlink(name);
    dialogue_begin(&dialogue, organization);
    event_writer_stop(1000);
    assert_int_equal(event_writer_start(file, EVENT_JSON, EVENT_INFO), OK);
    dialogue_connect(&dialogue, "10.0.0.1:25", client);
    dialogue_run(&dialogue, DIALOGUE_STEPS, script);
    dialogue_close(&dialogue);
    event_writer_stop(1000);
    size_t size = (size_t)lseek(file, 0, SEEK_END);
    char *text = calloc(1, size + 1);
    assert_int_equal(pread(file, text, size, 0), (ssize_t)size);
    close(file);
    return text;
}

static void assert_logged(const char *log, const char *pattern)
{
    if (!dialogue_matches(pattern, log)) {
        fprintf(stderr, "log:\n%s\nwanted: %s\n", log, pattern);
        fail();
    }
}

/* proves: C79 C29 contract-5 contract-6 */
static void every_refusal_says_which_right_and_ace_decided(void **state)
{
    (void)state;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    char *log = log_of(organization, "10.2.0.5",
                       SCRIPT("S: 220 *", "C: HELO x", "S: 250 *", "C: MAIL FROM:<a@b.example>", "S: 250 *",
                              "C: RCPT TO:<a@fabrikam.com>", "S: 550 *", "C: RCPT TO:<a@contoso.com>",
                              "S: 250 *", "C: DATA", "S: 354 *", "C: Message-ID: <1@x>", "C: ", "C: .",
                              "S: 250 *", "C: QUIT", "S: 221 *"));
    assert_logged(log, "*\"event\":\"session.open\",\"session\":\"*\",\"connector\":\"MX1\\\\Default\","
                       "\"client\":\"10.2.0.5:40000\"*\"identity\":*\n*");
    assert_logged(
        log, "*\"event\":\"rcpt.refused\",*\"connector\":\"MX1\\\\Default\",\"client\":\"10.2.0.5:40000\","
             "*\"sender\":\"a@b.example\",\"recipient\":\"a@fabrikam.com\",\"reason\":\"relay\","
             "\"right\":\"ms-Exch-SMTP-Accept-Any-Recipient\",\"ace\":\"no ACE speaks of it\","
             "\"reply\":\"550 5.7.1\"}\n*");
    assert_logged(
        log,
        "*\"event\":\"message.accepted\",*\"message_id\":\"<1@x>\",*\"recipients\":[\"a@contoso.com\"],*\n*");
    assert_logged(log, "*\"event\":\"session.close\",*\"messages\":1,*}\n");
    free(log);
    log = log_of(organization, "10.3.0.5",
                 SCRIPT("S: 220 *", "C: HELO x", "S: 250 *", "C: MAIL FROM:<a@b.example>", "S: 530 *",
                        "C: QUIT", "S: 221 *"));
    assert_logged(
        log, "*\"event\":\"mail.refused\",*\"reason\":\"submit-anonymous\",\"right\":\"ms-Exch-SMTP-Submit\","
             "\"ace\":\"*\",\"reply\":\"530 5.7.1\"}\n*");
    free(log);
    log = log_of(organization, "10.4.0.5", SCRIPT("S: 220 *"));
    assert_logged(
        log, "*\"event\":\"session.open\",*\"identity\":\"MS Exchange\\\\Externally Secured Servers\"}\n*");
    free(log);
    log = log_of(organization, "10.5.0.5", SCRIPT("S: 421 *"));
    assert_logged(
        log, "*\"event\":\"session.refused\",*\"connector\":\"MX1\\\\Refused\",*\"reason\":\"not-available\","
             "\"why\":\"a bad value\",\"reply\":\"421 4.3.2\"}\n");
    free(log);
    organization_unref(organization);
}

/* proves: R18 F11 F14 contract-6 */
static void hostile_bytes_stay_inside_their_log_line(void **state)
{
    (void)state;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    char *log = log_of(organization, "10.1.0.5",
                       SCRIPT("S: 220 *", "C: EHLO x\x1b[31m\"}", "S: 501 *", "C: HELO x\\y", "S: 501 *",
                              "C: HELO \xff\xfe", "S: 501 *", "C: QUIT", "S: 221 *"));
    for (const char *at = log; *at != '\0'; at++) {
        assert_true((unsigned char)*at >= 0x20 || *at == '\n');
    }
    assert_logged(log, "*\"line\":\"EHLO x\\u001b[31m\\\"}\"*");
    free(log);
    organization_unref(organization);
}

/* proves: contract-6 */
static void sessions_refusals_and_messages_are_counted(void **state)
{
    (void)state;
    struct organization *organization = smtp_organization(PERMISSION_MODEL_2010);
    struct dialogue dialogue;
    dialogue_open(&dialogue, organization, "10.2.0.5");
    struct metric *sessions = metric_register(METRIC_GAUGE, "dirrelay_sessions", "", NULL);
    struct metric *refusals =
        metric_register(METRIC_COUNTER, "dirrelay_refusals_total", "", "connector right reply");
    struct metric *accepted = metric_register(METRIC_COUNTER, "dirrelay_messages_accepted_total", "", NULL);
    int64_t refused_before = metric_value(refusals), accepted_before = metric_value(accepted);
    assert_int_equal(metric_value(sessions), 1);
    dialogue_run(&dialogue, DIALOGUE_STEPS,
                 SCRIPT(HELLO, "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<a@fabrikam.com>",
                        "S: 550 *", "C: RCPT TO:<a@contoso.com>", "S: 250 *", "C: DATA", "S: 354 *", "C: .",
                        QUEUED));
    assert_int_equal(metric_value(refusals), refused_before + 1);
    assert_int_equal(metric_value(accepted), accepted_before + 1);
    dialogue_close(&dialogue);
    assert_int_equal(metric_value(sessions), 0);
    organization_unref(organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_right_taken_away_is_gone_at_the_next_mail),
        cmocka_unit_test(a_connector_that_is_gone_ends_the_session_at_mail),
        cmocka_unit_test(a_connector_that_comes_back_in_time_serves_on),
        cmocka_unit_test(a_drain_lets_transactions_finish),
        cmocka_unit_test(explain_hears_everything),
        cmocka_unit_test(every_refusal_says_which_right_and_ace_decided),
        cmocka_unit_test(hostile_bytes_stay_inside_their_log_line),
        cmocka_unit_test(sessions_refusals_and_messages_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

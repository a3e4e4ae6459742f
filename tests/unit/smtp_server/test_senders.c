/* fakes: organization dialogue authenticator */
/* Whom an account sends as and on whose behalf, as the session asks the directory and answers. Facts 8.4. */
#include "base/event.h"
#include "unit/smtp_server/auth_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define STAFF_SID "S-1-5-21-9-9-9-700"

/* alice is in staff. */
static const struct fake_person accounts[] = {
    {"alice", "secret", ALICE_SID " " STAFF_SID " S-1-1-0 S-1-5-11", AUTH_STEP_CHALLENGE},
    {"bob", "secret", "S-1-5-21-9-9-9-501 S-1-1-0 S-1-5-11", AUTH_STEP_CHALLENGE},
    {"boss", "", "S-1-5-21-9-9-9-510", AUTH_STEP_CHALLENGE},
    {"desk", "", "S-1-5-21-9-9-9-511", AUTH_STEP_CHALLENGE},
    {"press", "", "S-1-5-21-9-9-9-512", AUTH_STEP_CHALLENGE},
    {"hall", "", "S-1-5-21-9-9-9-513", AUTH_STEP_CHALLENGE},
    {"mute", "secret", "S-1-5-21-9-9-9-514 S-1-5-11", AUTH_STEP_CHALLENGE},
    {"away", "", "", AUTH_STEP_UNAVAILABLE},
    {0}};
static const struct fake_sender senders[] = {
    {"boss", NULL, "S-1-5-21-9-9-9-999 " STAFF_SID, NULL},
    {"desk", "allow Send-As to " STAFF_SID, NULL, NULL},
    {"press", "allow Send-As to " STAFF_SID "\ndeny Send-As to " ALICE_SID, NULL, NULL},
    {"hall", NULL, "S-1-5-21-9-9-9-511", NULL},
    {"mute", "deny Send-As to S-1-5-10", NULL, NULL},
    {0}};

#define NOT_AS_THIS   "S: 550 5.7.1 Client does not have permission to send as this sender"
#define NOT_ON_BEHALF "S: 550 5.7.1 Client does not have permission to send on behalf of the from address"
#define LATER         "S: 454 4.7.0 Temporary authentication failure"
#define TAKEN         "S: 250 2.6.0 *"
#define SENDER_OK     "S: 250 2.1.0 Sender OK"
#define LOGIN         EVERY_HELLO, "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK
#define MESSAGE(from, header)                                                                                \
    "C: MAIL FROM:<" from ">", SENDER_OK, "C: RCPT TO:<b@contoso.com>", "S: 250 *", "C: DATA", "S: 354 *",   \
        "C: " header, "C: ", "C: x", "C: ."

static struct organization *senders_organization(const char *aces)
{
    return fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){{"Users", .ranges = "10.1.0.0/16", .aces = aces,
                                            .auth = AUTH_BASIC | AUTH_INTEGRATED, .adjust = no_tarpit},
                                           {0}},
        .domains = (struct fake_domain[]){{"contoso.com", .is_default = true}, {0}},
        .send = (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1", .smart_hosts = "[10.9.9.9]"}, {0}}});
}

static void open_with(struct auth_session *session, const char *aces)
{
    session->organization = senders_organization(aces);
    fake_authenticator_init(&session->authenticator, accounts);
    session->authenticator.senders = senders;
    dialogue_begin(&session->dialogue, session->organization);
    session->dialogue.service.authenticator = &session->authenticator.face;
    dialogue_connect(&session->dialogue, "10.0.0.1:25", "10.1.0.5");
}

static void open_session(struct auth_session *session)
{
    open_with(session, "allow ms-Exch-SMTP-Submit to authenticated");
}

/* proves: C269 facts-8.4 contract-5 */
static void send_as_by_the_entrys_aces(void **state)
{
    struct auth_session session;
    (void)state;
    open_session(&session);
    auth_run(&session,
             SCRIPT(LOGIN, "C: MAIL FROM:<alice@contoso.com>", SENDER_OK, "C: RSET", "S: 250 *",
                    "C: MAIL FROM:<desk@contoso.com>", SENDER_OK, "C: RSET", "S: 250 *",
                    "C: MAIL FROM:<press@contoso.com>", NOT_AS_THIS, "C: MAIL FROM:<boss@contoso.com>",
                    NOT_AS_THIS, "C: MAIL FROM:<nobody@contoso.com>", NOT_AS_THIS,
                    "C: MAIL FROM:<away@contoso.com>", LATER, "C: MAIL FROM:<desk@fabrikam.com>",
                    NOT_AS_THIS));
    auth_close(&session);
}

/* SELF holds it, unless it is denied. */
/* proves: F1 facts-8.4 */
static void a_denied_self(void **state)
{
    struct auth_session session;
    (void)state;
    open_session(&session);
    auth_run(&session, SCRIPT(EVERY_HELLO, "C: AUTH PLAIN AG11dGUAc2VjcmV0", AUTH_OK,
                              "C: MAIL FROM:<mute@contoso.com>", NOT_AS_THIS));
    auth_close(&session);
}

/* proves: A9 F15 facts-8.4 */
static void send_as_in_the_header(void **state)
{
    struct auth_session session;
    (void)state;
    open_session(&session);
    auth_run(
        &session,
        SCRIPT(LOGIN, MESSAGE("alice@contoso.com", "From: <desk@contoso.com>"), TAKEN,
               MESSAGE("alice@contoso.com", "From: <press@contoso.com>"), NOT_AS_THIS,
               MESSAGE("alice@contoso.com", "From: desk@contoso.com, boss@contoso.com"), NOT_AS_THIS,
               MESSAGE("alice@contoso.com", "From: us: desk@contoso.com, press@contoso.com;"), NOT_AS_THIS,
               MESSAGE("alice@contoso.com", "From: a@contoso.com\r\nFrom: boss@contoso.com"), NOT_AS_THIS,
               MESSAGE("", "From: boss@contoso.com"), NOT_AS_THIS, MESSAGE("", "From: desk@contoso.com"),
               TAKEN, MESSAGE("alice@contoso.com", "From: <away@contoso.com>"), LATER));
    auth_close(&session);
}

/* proves: C271 facts-8.4 */
static void on_behalf_of_those_who_named_a_delegate(void **state)
{
    struct auth_session session;
    (void)state;
    open_session(&session);
    auth_run(
        &session,
        SCRIPT(
            LOGIN, MESSAGE("alice@contoso.com", "Sender: alice@contoso.com\r\nFrom: Boss <boss@contoso.com>"),
            TAKEN,                                                               /* by her group */
            MESSAGE("alice@contoso.com", "From: boss@contoso.com"), NOT_AS_THIS, /* that is another right */
            MESSAGE("alice@contoso.com", "Sender: alice@contoso.com\r\nFrom: bob@contoso.com"), NOT_ON_BEHALF,
            MESSAGE("alice@contoso.com",
                    "Sender: alice@contoso.com\r\nFrom: boss@contoso.com, bob@contoso.com"),
            NOT_ON_BEHALF,
            MESSAGE("alice@contoso.com", "Sender: alice@contoso.com\r\nFrom: desk@contoso.com"), TAKEN,
            /* whom nobody knows nobody can ask */
            MESSAGE("alice@contoso.com", "Sender: alice@contoso.com\r\nFrom: kate@fabrikam.com"), TAKEN,
            MESSAGE("alice@contoso.com", "Sender: alice@contoso.com\r\nFrom: away@contoso.com"), LATER,
            /* another sender counts by its own name */
            MESSAGE("alice@contoso.com", "Sender: desk@contoso.com\r\nFrom: hall@contoso.com"), TAKEN,
            MESSAGE("desk@contoso.com", "Sender: desk@contoso.com\r\nFrom: hall@contoso.com"), TAKEN,
            MESSAGE("alice@contoso.com", "Sender: alice@contoso.com\r\nFrom: hall@contoso.com"),
            NOT_ON_BEHALF, MESSAGE("alice@contoso.com", "Sender: desk@contoso.com\r\nFrom: boss@contoso.com"),
            NOT_ON_BEHALF,
            MESSAGE("alice@contoso.com",
                    "Sender: alice@contoso.com\r\nSender: desk@contoso.com\r\nFrom: hall@contoso.com"),
            NOT_ON_BEHALF, MESSAGE("alice@contoso.com", "Sender: boss@contoso.com\r\nFrom: boss@contoso.com"),
            NOT_AS_THIS));
    auth_close(&session);
}

/* proves: C271 contract-7 */
static void a_right_for_senders_asks_nobody(void **state)
{
    struct auth_session session;
    (void)state;
    open_with(&session, "allow ms-Exch-SMTP-Submit,ms-Exch-SMTP-Accept-Any-Sender to authenticated");
    auth_run(&session,
             SCRIPT(LOGIN, MESSAGE("a@b.example", "Sender: a@b.example\r\nFrom: bob@contoso.com"), TAKEN));
    assert_int_equal(session.authenticator.owner_count, 0);
    auth_close(&session);
}

static void report_senders(struct receive_connector *connector)
{
    connector->report_only =
        RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_SENDER) | RIGHT_BIT(RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER);
}

/* What would be refused is let through; the directory is asked all the same, so that the report is true. */
/* proves: contract-3 C271 */
static void report_only_lets_senders_through(void **state)
{
    struct auth_session session;
    (void)state;
    adjust_all = report_senders;
    open_session(&session);
    adjust_all = NULL;
    auth_run(&session,
             SCRIPT(LOGIN, MESSAGE("press@contoso.com", "From: bob@contoso.com"), TAKEN,
                    MESSAGE("alice@contoso.com", "Sender: alice@contoso.com\r\nFrom: bob@contoso.com"),
                    TAKEN));
    assert_int_equal(session.authenticator.owner_count, 7); /* two of them for the name in From */
    auth_close(&session);
}

static char *log_of(const char *const *script)
{
    char path[] = "/tmp/dr-senders-log-XXXXXX";
    char *text = calloc(1, 1u << 16);
    int file = mkstemp(path);
    struct auth_session session;
    assert_true(file >= 0 && text != NULL);
    open_session(&session);
    event_writer_stop(1000);
    assert_int_equal(event_writer_start(file, EVENT_JSON, EVENT_INFO), OK);
    auth_run(&session, script);
    auth_close(&session);
    event_writer_stop(1000);
    assert_true(pread(file, text, (1u << 16) - 1, 0) > 0);
    close(file);
    unlink(path);
    return text;
}

/* proves: contract-5 contract-6 */
static void the_log_names_the_ace_of_the_entry(void **state)
{
    (void)state;
    char *log = log_of(SCRIPT(LOGIN, "C: MAIL FROM:<press@contoso.com>", NOT_AS_THIS));
    assert_true(dialogue_matches(
        "*\"event\":\"mail.refused\",*\"reason\":\"send-as\",\"why\":\"deny Send-As to " ALICE_SID
        " (uid=fake)\",\"right\":\"ms-Exch-SMTP-Accept-Authoritative-Domain-Sender\",*",
        log));
    free(log);
    log = log_of(SCRIPT(LOGIN,
                        MESSAGE("alice@contoso.com", "Sender: alice@contoso.com\r\nFrom: bob@contoso.com"),
                        NOT_ON_BEHALF));
    assert_true(
        dialogue_matches("*\"reason\":\"send-on-behalf\",\"why\":\"no ACE of uid=bob,ou=people lets it "
                         "send as that\",\"right\":\"ms-Exch-SMTP-Accept-Any-Sender\",*",
                         log));
    free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(send_as_by_the_entrys_aces),
        cmocka_unit_test(a_denied_self),
        cmocka_unit_test(send_as_in_the_header),
        cmocka_unit_test(on_behalf_of_those_who_named_a_delegate),
        cmocka_unit_test(a_right_for_senders_asks_nobody),
        cmocka_unit_test(report_only_lets_senders_through),
        cmocka_unit_test(the_log_names_the_ace_of_the_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

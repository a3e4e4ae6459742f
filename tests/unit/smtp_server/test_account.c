/* fakes: organization dialogue authenticator */
/* Who a session is after AUTH: its rights, and what becomes of them when the directory changes. */
#include "base/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth_session.h"

#define LOGIN         EVERY_HELLO, "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK
#define MAIL          "C: MAIL FROM:<a@b.example>"
#define RELAYS        "C: RCPT TO:<kate@fabrikam.com>", "S: 250 2.1.5 Recipient OK", "C: RSET", "S: 250 *"
#define MAY_NOT_RELAY "C: RCPT TO:<kate@fabrikam.com>", "S: 550 5.7.1 Unable to relay", "C: RSET", "S: 250 *"
#define SENDER_OK     "S: 250 2.1.0 Sender OK"

/* proves: C91 C107 C111 C112 */
static void the_account_replaces_the_anonymous_one(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session,
             SCRIPT(EVERY_HELLO, MAIL, SENDER_OK, MAY_NOT_RELAY, "C: MAIL FROM:<a@contoso.com>", SENDER_OK,
                    "C: RSET", "S: 250 *", "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK, MAIL, SENDER_OK, RELAYS,
                    /* what anonymous clients alone may do here */
                    "C: MAIL FROM:<a@contoso.com>",
                    "S: 550 5.7.1 Client does not have permission to send as this sender",
                    /* RFC 4954: another EHLO keeps it */
                    EHLO, "S: 250-AUTH *", "S+ 250 *", "C: NOOP", "S: 250 *", MAIL, SENDER_OK, RELAYS));
    auth_close(&session);
}

static void received_says_how(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session, SCRIPT(LOGIN, MAIL " AUTH=<>", SENDER_OK, "C: RCPT TO:<kate@fabrikam.com>", "S: 250 *",
                              "C: DATA", "S: 354 *", "C: Subject: x", "C: ", "C: .", "S: 250 2.6.0 *"));
    char *text = dialogue_message(&session.dialogue, 0);
    assert_non_null(strstr(text, " with ESMTPA id "));
    free(text);
    auth_close(&session);
}

/* proves: C92 facts-6.2 */
static void later_servers_are_told_how(void **state)
{
    static const struct {
        const char *line;
        const char *stamp;
    } rows[] = {{"C: X-EXPS GSSAPI c2VydmVy", "0c"}, {"C: X-EXPS NTLM c2VydmVy", "0a"}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct auth_session session;
        char pattern[128];
        auth_open(&session, "10.5.0.5");
        auth_run(&session,
                 SCRIPT("S: 220 *", EHLO, "S: 250-X-EXPS *", "S+ 250 *", rows[i].line, AUTH_OK,
                        "C: MAIL FROM:<a@contoso.com>", SENDER_OK, "C: RCPT TO:<b@contoso.com>", "S: 250 *",
                        "C: DATA", "S: 354 *", "C: Subject: x", "C: ", "C: .", "S: 250 *"));
        char *text = dialogue_message(&session.dialogue, 0);
        snprintf(pattern, sizeof pattern, "*AuthAs: Internal*AuthMechanism: %s*", rows[i].stamp);
        assert_true(dialogue_matches(pattern, text));
        free(text);
        auth_close(&session);
    }
}

/* RFC 4954 5: AUTH= is taken where AUTH is offered. */
static void the_parameter(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session, SCRIPT(LOGIN, MAIL " AUTH=<> SIZE=100", SENDER_OK, "C: RSET", "S: 250 *",
                              MAIL " AUTH=e+3Dmc2@example.com", SENDER_OK, "C: RSET", "S: 250 *",
                              MAIL " AUTH", "S: 501 5.5.4 *", MAIL " AUTH=<> AUTH=<>", "S: 501 5.5.4 *"));
    auth_close(&session);
    auth_open(&session, "10.4.0.5");
    auth_run(&session,
             SCRIPT("S: 220 *", EHLO, "S+ 250 *", MAIL " AUTH=<>", "S: 501 5.5.4 Unrecognized parameter"));
    auth_close(&session);
}

/* -- the directory changes -- */

static void publish(struct auth_session *session, const char *relay_ace)
{
    struct organization *organization = auth_organization(relay_ace);
    smtp_service_set_organization(&session->dialogue.service, organization);
    organization_unref(organization);
}

/* The token stays, the rights are computed from it again. */
/* proves: C113 contract-3 */
static void a_new_organization(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session, SCRIPT(LOGIN, MAIL, SENDER_OK, RELAYS));
    publish(&session, "");
    auth_run(&session, SCRIPT(MAIL, SENDER_OK, MAY_NOT_RELAY));
    publish(&session, "allow ms-Exch-SMTP-Accept-Any-Recipient to " ALICE_SID);
    auth_run(&session, SCRIPT(MAIL, SENDER_OK, RELAYS));
    publish(&session, "deny ms-Exch-SMTP-Submit to " RELAY_GROUP);
    auth_run(&session, SCRIPT(MAIL, "S: 550 5.7.1 Client does not have permission to submit to this server",
                              MAIL, "S: 550 5.7.1 *", "C: RSET", "S: 250 *"));
    publish(&session, RELAY_FOR_GROUP);
    auth_run(&session, SCRIPT(MAIL, SENDER_OK, RELAYS));
    auth_close(&session);
}

/* The organization in which a client was invited to begin is gone when he does. */
static void a_new_organization_meets_a_login(void **state)
{
    static const char *const scripts[][2] = {{"C: AUTH NTLM", "S: 334 NTLM supported"},
                                             {"C: AUTH GSSAPI YWxpY2Ur", "S: 334 *"}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct auth_session session;
        auth_open(&session, "10.1.0.5");
        auth_run(&session, SCRIPT(EVERY_HELLO, scripts[i][0], scripts[i][1]));
        publish(&session, "");
        organization_unref(session.organization);
        session.organization = NULL;
        auth_run(&session, SCRIPT("C: " ALICE, AUTH_OK, MAIL, SENDER_OK, MAY_NOT_RELAY));
        auth_close(&session);
    }
}

/* alice without her group. */
static const struct fake_person people_later[] = {
    {"alice", "secret", ALICE_SID " S-1-1-0 S-1-5-11 S-1-5-2", AUTH_STEP_CHALLENGE}, {0}};

/* proves: D8 */
static void a_group_is_left_in_an_open_session(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session, SCRIPT(LOGIN, MAIL, SENDER_OK, RELAYS));
    assert_int_equal(session.authenticator.renew_count, 0);
    session.authenticator.people = people_later;
    session.authenticator.is_stale = true;
    auth_run(&session, SCRIPT(MAIL, SENDER_OK));
    assert_int_equal(session.authenticator.renew_count, 1);
    session.authenticator.is_stale = false;
    auth_run(&session, SCRIPT(MAY_NOT_RELAY, MAIL, SENDER_OK, MAY_NOT_RELAY));
    assert_int_equal(session.authenticator.renew_count, 1);
    session.authenticator.people = people;
    session.authenticator.is_stale = true;
    auth_run(&session, SCRIPT(MAIL, SENDER_OK, RELAYS));
    auth_close(&session);
}

/* A client that sends its whole transaction at once waits as well, and every reply comes once. */
static void a_renewal_holds_the_pipeline(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session, SCRIPT(LOGIN));
    session.authenticator.is_stale = session.authenticator.is_held = true;
    auth_run(&session, SCRIPT("C~ MAIL FROM:<a@b.example>\r\nRCPT TO:<kate@fabrikam.com>\r\nDATA\r\n",
                              "S: <nothing>", "T: 310000", "S: <nothing>"));
    fake_authenticator_release(&session.authenticator);
    dialogue_settle(&session.dialogue);
    auth_run(&session, SCRIPT(SENDER_OK, "S: 250 2.1.5 Recipient OK", "S: 354 *"));
    auth_close(&session);
}

/* proves: C268 D7 D8 contract-3 contract-7 */
static void an_account_that_is_disabled_or_cannot_be_read(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session, SCRIPT(LOGIN));
    session.authenticator.is_stale = true;
    session.authenticator.renewal = AUTH_STEP_REFUSED;
    auth_run(&session, SCRIPT(MAIL, "S: 550 5.7.1 Client does not have permission to submit to this server",
                              "C: RCPT TO:<a@contoso.com>", "S: 503 *", MAIL, "S: 550 5.7.1 *"));
    session.authenticator.renewal = AUTH_STEP_UNAVAILABLE;
    auth_run(&session, SCRIPT(MAIL, "S: 454 4.7.0 Temporary authentication failure", "C: DATA", "S: 503 *"));
    session.authenticator.renewal = AUTH_STEP_CHALLENGE;
    auth_run(&session, SCRIPT(MAIL, SENDER_OK, RELAYS));
    assert_int_equal(session.authenticator.renew_count, 4);
    auth_close(&session);
}

/* The answer comes when the session has ended, was drained or has lost its connector. */
static void a_renewal_outlives_its_session(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct auth_session session;
        auth_open(&session, "10.1.0.5");
        auth_run(&session, SCRIPT(LOGIN));
        session.authenticator.is_stale = session.authenticator.is_held = true;
        auth_run(&session, SCRIPT(MAIL, "S: <nothing>"));
        if (way == 0) {
            stream_memory_hang_up(session.dialogue.stream);
            dialogue_settle(&session.dialogue);
        } else if (way == 1) {
            clock_fake_advance(&session.dialogue.clock, 600000);
            dialogue_settle(&session.dialogue);
            auth_run(&session, SCRIPT("S: 421 4.4.1 *", "S: <closed>"));
        } else {
            smtp_service_set_organization(&session.dialogue.service, NULL);
        }
        fake_authenticator_release(&session.authenticator);
        dialogue_settle(&session.dialogue);
        if (way == 2) {
            auth_run(&session, SCRIPT("S: 421 4.3.2 *", "S: <closed>"));
        }
        assert_int_equal(session.authenticator.pending, 0);
        auth_close(&session);
    }
}

/* -- Send-As -- */

#define NOT_AS_THIS "S: 550 5.7.1 Client does not have permission to send as this sender"

/* An address of ours is its owner's; bob's, nobody's and one that cannot be asked for are not alice's. */
/* proves: C269 F1 facts-8.4 contract-5 */
static void own_addresses_pass(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session, SCRIPT(LOGIN, "C: MAIL FROM:<alice@contoso.com> SIZE=10", SENDER_OK, RELAYS));
    assert_int_equal(session.authenticator.owner_count, 1);
    auth_run(&session,
             SCRIPT("C: MAIL FROM:<bob@contoso.com>", NOT_AS_THIS, "C: RCPT TO:<b@contoso.com>", "S: 503 *",
                    "C: MAIL FROM:<nobody@contoso.com>", NOT_AS_THIS, "C: MAIL FROM:<away@contoso.com>",
                    "S: 454 4.7.0 Temporary authentication failure", "C: DATA", "S: 503 *"));
    assert_int_equal(session.authenticator.owner_count, 4);
    /* what the rights decide is not asked for */
    auth_run(&session, SCRIPT(MAIL, SENDER_OK, "C: RSET", "S: 250 *", "C: MAIL FROM:<>", SENDER_OK, RELAYS));
    assert_int_equal(session.authenticator.owner_count, 4);
    auth_close(&session);
}

#define MESSAGE(from)                                                                                        \
    MAIL, SENDER_OK, "C: RCPT TO:<b@contoso.com>", "S: 250 *", "C: DATA", "S: 354 *", from, "C: ", "C: x",   \
        "C: ."

/* The header block's senders are asked for when all of the message is here. */
/* proves: A9 F15 facts-8.4 */
static void own_addresses_pass_in_the_header(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session, SCRIPT(LOGIN, MESSAGE("C: From: <alice@contoso.com>"), "S: 250 2.6.0 *"));
    assert_int_equal(session.authenticator.owner_count, 1);
    auth_run(&session,
             SCRIPT(MESSAGE("C: From: <bob@contoso.com>"), NOT_AS_THIS,
                    MESSAGE("C: From: alice@contoso.com, bob@contoso.com"), NOT_AS_THIS,
                    MESSAGE("C: From: <away@contoso.com>"), "S: 454 4.7.0 Temporary authentication failure",
                    MESSAGE("C: Sender: <alice@contoso.com>\r\nFrom: <kate@fabrikam.com>"), "S: 250 *",
                    /* by BDAT too, and the next transaction is none the worse */
                    MAIL, SENDER_OK, "C: RCPT TO:<b@contoso.com>", "S: 250 *",
                    "C~ BDAT 30 LAST\r\nFrom: <bob@contoso.com>\r\n\r\nx\r\n", NOT_AS_THIS,
                    MESSAGE("C: From: <alice@contoso.com>"), "S: 250 2.6.0 *"));
    auth_close(&session);
}

/* The client leaves while its message waits for the directory: nothing of it is kept. */
static void a_header_look_up_outlives_its_session(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session, SCRIPT(LOGIN));
    session.authenticator.is_held = true;
    auth_run(&session,
             SCRIPT(MESSAGE("C: From: <alice@contoso.com>"), "S: <nothing>", "T: 310000", "S: <nothing>"));
    stream_memory_hang_up(session.dialogue.stream);
    dialogue_settle(&session.dialogue);
    fake_authenticator_release(&session.authenticator);
    dialogue_settle(&session.dialogue);
    assert_int_equal(session.authenticator.pending, 0);
    auth_close(&session);
}

/* The line that waited and what came behind it are answered in order, each once. */
static void a_look_up_holds_the_pipeline(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session, SCRIPT(LOGIN));
    session.authenticator.is_held = true;
    auth_run(&session, SCRIPT("C~ MAIL FROM:<alice@contoso.com>\r\nRCPT TO:<kate@fabrikam.com>\r\nDATA\r\n",
                              "S: <nothing>", "T: 310000", "S: <nothing>"));
    fake_authenticator_release(&session.authenticator);
    dialogue_settle(&session.dialogue);
    auth_run(&session, SCRIPT(SENDER_OK, "S: 250 2.1.5 Recipient OK", "S: 354 *"));
    auth_close(&session);
}

/* proves: facts-8.4 */
static void a_look_up_outlives_its_session(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session, SCRIPT(LOGIN));
    session.authenticator.is_held = true;
    auth_run(&session, SCRIPT("C: MAIL FROM:<alice@contoso.com>", "S: <nothing>"));
    stream_memory_hang_up(session.dialogue.stream);
    dialogue_settle(&session.dialogue);
    fake_authenticator_release(&session.authenticator);
    dialogue_settle(&session.dialogue);
    assert_int_equal(session.authenticator.pending, 0);
    auth_close(&session);
}

/* -- the log -- */

/* What a run writes to the log. */
static char *log_of(const char *const *script)
{
    char path[] = "/tmp/dr-auth-log-XXXXXX";
    char *text = calloc(1, 1u << 16);
    int file = mkstemp(path);
    struct auth_session session;
    assert_true(file >= 0 && text != NULL);
    auth_begin(&session);
    event_writer_stop(1000);
    assert_int_equal(event_writer_start(file, EVENT_JSON, EVENT_INFO), OK);
    dialogue_connect(&session.dialogue, "10.0.0.1:25", "10.1.0.5");
    auth_run(&session, script);
    auth_close(&session);
    event_writer_stop(1000);
    assert_true(pread(file, text, (1u << 16) - 1, 0) > 0);
    close(file);
    unlink(path);
    return text;
}

/* proves: C107 contract-6 */
static void the_log_says_who_and_what_he_may(void **state)
{
    (void)state;
    char *log = log_of(SCRIPT(LOGIN, MAIL, SENDER_OK, "C: RCPT TO:<kate@fabrikam.com>", "S: 250 *"));
    assert_true(
        dialogue_matches("*\"event\":\"auth.ok\",*\"user\":\"alice\",\"identity\":\"uid=alice,ou=people\","
                         "\"mechanism\":\"PLAIN\",\"sids\":5,\"rights\":[\"ms-Exch-SMTP-Submit\","
                         "\"ms-Exch-SMTP-Accept-Any-Recipient\",*]*\"session.close\",*\"user\":\"alice\"*",
                         log));
    free(log);
    log = log_of(SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " GUEST_PLAIN, "T: 250", AUTH_FAILED));
    assert_true(
        dialogue_matches("*\"auth.fail\",*\"user\":\"guest\",\"mechanism\":\"PLAIN\",\"reason\":"
                         "\"submit-authenticated\",\"why\":\"no right to submit\",\"right\":"
                         "\"ms-Exch-SMTP-Submit\",\"ace\":\"no ACE speaks of it\",\"reply\":\"535 5.7.3\"*",
                         log));
    free(log);
}

/* proves: T11 contract-6 */
static void no_secret_is_logged(void **state)
{
    static const char *const secrets[] = {"secret", SECRET, ALICE_PLAIN, ALICE_WRONG, ALICE, "wrong", WRONG};
    (void)state;
    char *log = log_of(
        SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_WRONG, "T: 250", AUTH_FAILED, "C: AUTH LOGIN", "S: 334 *",
               "C: " ALICE, "S: 334 *", "C: " WRONG, "T: 250", AUTH_FAILED, "C: AUTH LOGIN", "S: 334 *",
               "C: " ALICE, "S: 334 *", "C: " SECRET "!", "S: 501 *", "C: AUTH PLAIN " ALICE_PLAIN " " SECRET,
               "S: 501 *", "C: AUTH " ALICE_PLAIN, "S: 504 *", "C: X-EXPS " ALICE_PLAIN, "S: 502 *",
               "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK, "C: AUTH PLAIN " ALICE_PLAIN, "S: 503 *"));
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        assert_null(strstr(log, secrets[i]));
    }
    free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_account_replaces_the_anonymous_one),
        cmocka_unit_test(received_says_how),
        cmocka_unit_test(later_servers_are_told_how),
        cmocka_unit_test(the_parameter),
        cmocka_unit_test(a_new_organization),
        cmocka_unit_test(a_new_organization_meets_a_login),
        cmocka_unit_test(a_group_is_left_in_an_open_session),
        cmocka_unit_test(a_renewal_holds_the_pipeline),
        cmocka_unit_test(an_account_that_is_disabled_or_cannot_be_read),
        cmocka_unit_test(a_renewal_outlives_its_session),
        cmocka_unit_test(own_addresses_pass),
        cmocka_unit_test(own_addresses_pass_in_the_header),
        cmocka_unit_test(a_header_look_up_outlives_its_session),
        cmocka_unit_test(a_look_up_holds_the_pipeline),
        cmocka_unit_test(a_look_up_outlives_its_session),
        cmocka_unit_test(the_log_says_who_and_what_he_may),
        cmocka_unit_test(no_secret_is_logged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* fakes: organization dialogue authenticator */
/* AUTH: the exchange on the wire and its ends. RFC 4954; facts 8.1, 8.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth_session.h"

/* The script in a session of its own, line by line and byte by byte. */
static void run_both(const char *client, const char *const *script)
{
    for (int mode = DIALOGUE_STEPS; mode <= DIALOGUE_BYTES; mode++) {
        struct auth_session session;
        auth_open(&session, client);
        dialogue_run(&session.dialogue, (enum dialogue_mode)mode, script);
        assert_int_equal(session.authenticator.pending, 0);
        auth_close(&session);
    }
}

/* A failure, and the time it takes without a tarpit. */
#define FAILS  "S: <nothing>", "T: 249", "S: <nothing>", "T: 1", AUTH_FAILED
#define RELAYS "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<kate@fabrikam.com>", "S: 250 *"
#define MAY_NOT_RELAY                                                                                        \
    "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<kate@fabrikam.com>", "S: 550 5.7.1 Unable to relay"

/* -- mechanisms -- */

/* proves: C87 C88 C91 C266 facts-8.1 facts-8.2 contract-5 */
static void plain(void **state)
{
    (void)state;
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK, RELAYS));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: auth plain", "S: 334 ", "C: " ALICE_PLAIN, AUTH_OK, RELAYS));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_WRONG, FAILS, "C: AUTH PLAIN " BOB_PLAIN,
                                AUTH_OK, MAY_NOT_RELAY));
}

/* proves: C115 C121 facts-8.1 contract-5 */
static void login_prompts(void **state)
{
    (void)state;
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH LOGIN", "S: 334 VXNlcm5hbWU6", "C: " ALICE,
                                "S: 334 UGFzc3dvcmQ6", "C: " SECRET, AUTH_OK, RELAYS));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH LOGIN " ALICE, "S: 334 UGFzc3dvcmQ6", "C: " SECRET,
                                AUTH_OK, RELAYS));
    run_both("10.1.0.5",
             SCRIPT(EVERY_HELLO, "C: AUTH LOGIN", "S: 334 *", "C: " ALICE, "S: 334 *", "C: " WRONG, FAILS));
}

/* proves: C119 facts-8.1 contract-5 */
static void tokens(void **state)
{
    (void)state;
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH GSSAPI", "S: 334 ", "C: YWxpY2Ur",
                                "S: 334 Z28gb24=", "C: eA==", AUTH_OK, RELAYS));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH GSSAPI " ALICE, AUTH_OK, RELAYS));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH NTLM", "S: 334 NTLM supported", "C: YWxpY2Ur",
                                "S: 334 Z28gb24=", "C: eA==", AUTH_OK, RELAYS));
}

/* RFC 4422: what comes with success is one more challenge, and the client's answer to it is empty. */
static void last_words(void **state)
{
    (void)state;
    run_both("10.1.0.5",
             SCRIPT(EVERY_HELLO, "C: AUTH GSSAPI YWxpY2Uh", "S: 334 ZmFyZXdlbGw=", "C: ", AUTH_OK, RELAYS));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH GSSAPI YWxpY2Uh",
                                "S: 334 ZmFyZXdlbGw=", "C: eA==", "S: 501 5.5.2 *", MAY_NOT_RELAY));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH GSSAPI YWxpY2Uh", "S: 334 ZmFyZXdlbGw=", "C: *",
                                "S: 501 5.5.4 Authentication cancelled", MAY_NOT_RELAY));
}

/* proves: C117 C119 C121 C123 facts-8.1 facts-2.1 contract-1 */
static void only_what_is_offered_works(void **state)
{
    (void)state;
    run_both("10.4.0.5",
             SCRIPT(AUTH_HELLO("C: NOOP"), "S: 250 2.0.0 OK", "C: HELP", "S: 214-*",
                    "S: 214 HELO EHLO RCPT DATA RSET MAIL QUIT HELP BDAT", "C: AUTH PLAIN " ALICE_PLAIN,
                    "S: 502 5.3.3 *", "C: X-EXPS NTLM", "S: 502 5.3.3 *"));
    run_both("10.2.0.5",
             SCRIPT(AUTH_HELLO("C: NOOP"), "S: 250 2.0.0 OK", "C: AUTH PLAIN " ALICE_PLAIN, "S: 538 5.7.11 *",
                    "C: AUTH NTLM", "S: 504 5.7.4 Unrecognized authentication type"));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: HELP", "S: 214-*",
                                "S: 214 HELO EHLO RCPT DATA RSET MAIL QUIT HELP AUTH BDAT", "C: X-EXPS NTLM",
                                "S: 502 5.3.3 *"));
    run_both("10.5.0.5",
             SCRIPT(AUTH_HELLO("S: 250-X-EXPS GSSAPI NTLM"), "C: AUTH PLAIN " ALICE_PLAIN, "S: 502 5.3.3 *",
                    "C: X-EXPS PLAIN " ALICE_PLAIN, "S: 504 5.7.4 *", "C: X-EXPS GSSAPI c2VydmVy", AUTH_OK,
                    "C: MAIL FROM:<a@contoso.com>", "S: 250 *"));
}

static void what_does_not_work_here_is_not_offered(void **state)
{
    struct auth_session session;
    (void)state;
    auth_begin(&session);
    session.authenticator.working = SASL_BIT(SASL_PLAIN);
    dialogue_connect(&session.dialogue, "10.0.0.1:25", "10.1.0.5");
    auth_run(&session, SCRIPT(AUTH_HELLO("S: 250-AUTH PLAIN"), "C: AUTH LOGIN", "S: 504 5.7.4 *",
                              "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK));
    auth_close(&session);
    auth_begin(&session);
    session.dialogue.service.authenticator = NULL;
    dialogue_connect(&session.dialogue, "10.0.0.1:25", "10.1.0.5");
    auth_run(&session, SCRIPT(AUTH_HELLO("C: AUTH PLAIN " ALICE_PLAIN), "S: 502 5.3.3 *"));
    auth_close(&session);
}

/* -- faults -- */

/* proves: T1 facts-8.2 contract-5 */
static void places(void **state)
{
    (void)state;
    run_both("10.1.0.5",
             SCRIPT("S: 220 *", "C: AUTH PLAIN " ALICE_PLAIN, "S: 503 5.5.2 Send hello first", "C: HELO x",
                    "S: 250 *", "C: AUTH PLAIN " ALICE_PLAIN, "S: 503 5.5.2 Send EHLO first", EHLO,
                    "S: 250-AUTH *", "S+ 250 *", "C: MAIL FROM:<a@b.example>", "S: 250 *",
                    "C: AUTH PLAIN " ALICE_PLAIN, "S: 503 5.5.2 *", "C: RCPT TO:<a@contoso.com>", "S: 250 *",
                    "C: AUTH PLAIN " ALICE_PLAIN, "S: 503 5.5.1 *", "C: RSET", "S: 250 *",
                    "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK, "C: AUTH PLAIN " ALICE_PLAIN,
                    "S: 503 5.5.2 Auth command already specified"));
}

/* proves: T1 facts-8.2 */
static void syntax(void **state)
{
    (void)state;
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH", "S: 501 5.5.4 *", "C: AUTH CRAM-MD5",
                                "S: 504 5.7.4 *", "C: AUTH PLAIN AGF", "S: 501 5.5.2 *",
                                "C: AUTH PLAIN AGFsaWNl c2VjcmV0", "S: 501 5.5.2 *", "C: NOOP", "S: 250 *"));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH LOGIN", "S: 334 *", "C: *",
                                "S: 501 5.5.4 Authentication cancelled", "C: AUTH LOGIN", "S: 334 *",
                                "C: " ALICE, "S: 334 *", "C: *", "S: 501 5.5.4 *", "C: AUTH PLAIN", "S: 334 ",
                                "C: not base64", "S: 501 5.5.2 *", "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH PLAIN", "S: 334 ", "C~ QUIT\n", "S: 501 5.5.2 *",
                                "C: NOOP", "S: 250 *"));
}

/* proves: T1 */
static void empty_responses(void **state)
{
    (void)state;
    /* Given, but empty: no PLAIN message. */
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH PLAIN =", "S: <nothing>", "T: 250", "S: 501 5.5.2 *"));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH PLAIN", "S: 334 ", "C: ", "S: <nothing>", "T: 250",
                                "S: 501 5.5.2 *"));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH LOGIN", "S: 334 *", "C: ", "S: 334 UGFzc3dvcmQ6",
                                "C: " SECRET, FAILS));
}

/* proves: T1 F4 contract-5 */
static void input_before_its_turn(void **state)
{
    (void)state;
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH PLAIN", "S: 334 "));
    static const char *const first[] = {"C~ AUTH PLAIN " ALICE_PLAIN "\r\nMAIL FROM:<a@b.example>\r\n",
                                        "C~ AUTH LOGIN\r\n" ALICE "\r\n" SECRET "\r\n", "C~ AUTH PLAIN\r\nx"};
    for (size_t i = 0; i < 3; i++) {
        struct auth_session session;
        auth_open(&session, "10.1.0.5");
        auth_run(&session, SCRIPT(EVERY_HELLO, first[i], "S: 554 5.5.0 *", "S: <closed>"));
        assert_int_equal(session.authenticator.start_count, 0);
        auth_close(&session);
        auth_open(&session, "10.1.0.5");
        auth_run(&session, SCRIPT(EVERY_HELLO, "C: AUTH PLAIN", "S: 334 ", "C~ " ALICE_PLAIN "\r\nRSET\r\n",
                                  "S: 554 5.5.0 *", "S: <closed>"));
        assert_int_equal(session.authenticator.start_count, 0);
        auth_close(&session);
    }
}

/* What arrives while a step is pending waits, and was sent before its turn. */
/* proves: T1 contract-5 */
static void nothing_is_read_while_a_step_is_pending(void **state)
{
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    session.authenticator.is_held = true;
    auth_run(&session,
             SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_PLAIN, "S: <nothing>", "T: 400000", "S: <nothing>"));
    fake_authenticator_release(&session.authenticator);
    auth_run(&session, SCRIPT(AUTH_OK, RELAYS));
    auth_close(&session);
}

/* Our trouble: nothing of the login is left, the session goes on, and the next one is proven. */
/* proves: C122 */
static void no_memory_for_a_login(void **state)
{
    struct auth_session session;
    (void)state;
    auth_begin(&session);
    struct failure_counts *failures = failure_counts_new(1, 600000, &session.dialogue.clock.clock);
    session.dialogue.service.failures = failures;
    dialogue_connect(&session.dialogue, "10.0.0.1:25", "10.1.0.5");
    session.authenticator.has_no_memory = true;
    auth_run(&session,
             SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_PLAIN, "S: <nothing>", "T: 250",
                    "S: 454 4.7.0 Temporary authentication failure", "C: AUTH LOGIN", "T: 250",
                    "S: 454 4.7.0 *", "C: AUTH GSSAPI", "S: 334 ", "C: " ALICE, "T: 250", "S: 454 4.7.0 *",
                    "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RSET", "S: 250 *"));
    assert_int_equal(session.authenticator.cancel_count, 0);
    session.authenticator.has_no_memory = false;
    auth_run(&session, SCRIPT("C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK, RELAYS));
    auth_close(&session);
    failure_counts_free(failures);
}

/* -- sizes -- */

static char *line_of(const char *before, size_t length)
{
    size_t start = strlen(before);
    char *line = malloc(start + length + 3);
    assert_non_null(line);
    memcpy(line, before, start);
    memset(line + start, 'A', length);
    memcpy(line + start + length, "\r\n", 3);
    return line;
}

/* Tickets with many groups are long; RFC 4954 wants 12,288 octets, and clients send them with AUTH too. */
/* proves: T1 */
static void long_responses(void **state)
{
    static const struct {
        const char *before;
        size_t length;
        const char *reply;
    } rows[] = {
        {"AUTH GSSAPI ", 12288, "S: 535 5.7.3 *"},
        {"AUTH GSSAPI ", 65536, "S: 535 5.7.3 *"},
        {"AUTH GSSAPI ", 66000, "S: 500 5.5.2 *"},
        {"AUTH GSSAPI ", 200000, "S: 500 5.5.2 *"},
        {"AUTHGSSAPI ", 3000, "S: 500 5.5.2 *"},
        {"MAIL FROM:", 3000, "S: 500 5.5.2 *"},
        {"", 12288, "S: 535 5.7.3 *"},
        {"", 65536, "S: 535 5.7.3 *"},
        {"", 65540, "S: 500 5.5.6 *"},
        {"", 300000, "S: 500 5.5.6 *"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t piece = 1000; piece <= 1000000; piece *= 1000) {
            struct auth_session session;
            auth_open(&session, "10.1.0.5");
            auth_run(&session, SCRIPT(EVERY_HELLO));
            if (rows[i].before[0] == '\0') {
                auth_run(&session, SCRIPT("C: AUTH GSSAPI", "S: 334 "));
            }
            char *line = line_of(rows[i].before, rows[i].length);
            for (struct bytes rest = bytes_of_text(line); rest.len > 0; rest = bytes_skip(rest, piece)) {
                dialogue_send(&session.dialogue, bytes_first(rest, piece));
            }
            free(line);
            auth_run(&session, SCRIPT("T: 250", rows[i].reply, "C: NOOP", "S: 250 2.0.0 OK"));
            auth_close(&session);
        }
    }
}

/* -- ends -- */

static void with_tarpit(struct receive_connector *connector)
{
    connector->tarpit_s = 5;
}

/* The time of a failure tells nothing of what took long; that of a slow directory is not added. */
/* proves: facts-8.6 */
static void failures_take_their_time(void **state)
{
    struct auth_session session;
    (void)state;
    adjust_all = with_tarpit;
    auth_open(&session, "10.1.0.5");
    adjust_all = NULL;
    auth_run(&session, SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_WRONG, "T: 4999", "S: <nothing>", "T: 1",
                              AUTH_FAILED, "C: AUTH PLAIN " AWAY_PLAIN, "T: 4999", "S: <nothing>", "T: 1",
                              "S: 454 4.7.0 Temporary authentication failure"));
    for (unsigned took_ms = 2000; took_ms <= 6000; took_ms += 4000) {
        session.authenticator.is_held = true;
        auth_run(&session, SCRIPT("C: AUTH PLAIN " ALICE_WRONG, "S: <nothing>"));
        dialogue_advance(&session.dialogue, took_ms);
        auth_run(&session, SCRIPT("S: <nothing>"));
        fake_authenticator_release(&session.authenticator);
        dialogue_settle(&session.dialogue);
        auth_run(&session, took_ms < 5000
                               ? SCRIPT("S: <nothing>", "T: 2999", "S: <nothing>", "T: 1", AUTH_FAILED)
                               : SCRIPT(AUTH_FAILED));
    }
    auth_close(&session);
}

/* The client's own time between two lines does not count. */
static void the_time_begins_with_the_last_response(void **state)
{
    (void)state;
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH LOGIN", "S: 334 *", "C: " ALICE, "S: 334 *", "T: 9000",
                                "C: " WRONG, FAILS));
}

/* proves: facts-1.3 facts-8.2 */
static void too_many_failures(void **state)
{
    (void)state;
    run_both("10.1.0.5",
             SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_WRONG, FAILS, "C: AUTH PLAIN " AWAY_PLAIN, "T: 250",
                    "S: 454 4.7.0 *", "C: AUTH PLAIN " ALICE_WRONG, FAILS, "C: AUTH PLAIN " ALICE_WRONG,
                    FAILS, "C: AUTH PLAIN " ALICE_WRONG, "T: 249", "S: <nothing>", "T: 1",
                    "S: 421 4.7.0 Too many errors on this connection, closing transmission channel",
                    "S: <closed>"));
}

/* One guesser over many connections; another address is not touched. A right password without the right to
 * submit is no guess. */
/* proves: contract-2 */
static void too_many_failures_of_one_address(void **state)
{
    struct auth_session session;
    (void)state;
    auth_begin(&session);
    struct failure_counts *failures = failure_counts_new(2, 600000, &session.dialogue.clock.clock);
    session.dialogue.service.failures = failures;
    dialogue_connect(&session.dialogue, "10.0.0.1:25", "10.1.0.5");
    auth_run(&session, SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " GUEST_PLAIN, FAILS, "C: AUTH PLAIN " ALICE_WRONG,
                              FAILS, "C: QUIT", "S: 221 *", "S: <closed>"));
    dialogue_connect(&session.dialogue, "10.0.0.1:25", "10.1.0.5");
    auth_run(&session, SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_WRONG, FAILS, "C: AUTH PLAIN " ALICE_PLAIN,
                              "S: 421 4.7.0 *", "S: <closed>"));
    dialogue_connect(&session.dialogue, "10.0.0.1:25", "10.1.0.6");
    auth_run(&session, SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK, "C: QUIT", "S: 221 *",
                              "S: <closed>", "T: 600000"));
    dialogue_connect(&session.dialogue, "10.0.0.1:25", "10.1.0.5");
    auth_run(&session, SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK));
    auth_close(&session);
    failure_counts_free(failures);
}

/* As many logins of a source are under way as may fail: one more waits until they have ended, well or badly.
 */
/* proves: T2 */
static void a_burst_of_one_address(void **state)
{
    (void)state;
    for (int has_failed = 0; has_failed < 2; has_failed++) {
        struct auth_session session;
        auth_begin(&session);
        struct failure_counts *failures = failure_counts_new(2, 600000, &session.dialogue.clock.clock);
        session.dialogue.service.failures = failures;
        dialogue_connect(&session.dialogue, "10.0.0.1:25", "10.1.0.5");
        const struct ip_address *source = &stream_remote(session.dialogue.stream)->address;
        const struct ip_address client = *source;
        assert_true(failure_counts_enter(failures, &client) && failure_counts_enter(failures, &client));
        auth_run(&session,
                 SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_PLAIN, "S: <nothing>", "T: 60", "S: <nothing>"));
        assert_int_equal(session.authenticator.start_count, 0);
        failure_counts_leave(failures, &client, has_failed);
        failure_counts_leave(failures, &client, has_failed);
        auth_run(&session, SCRIPT("T: 20", has_failed ? "S: 421 4.7.0 *" : AUTH_OK));
        assert_int_equal(session.authenticator.start_count, !has_failed);
        auth_close(&session);
        failure_counts_free(failures);
    }
}

/* Nobody waits for ever for a directory that is silent. */
static void a_crowd_is_told_to_come_back(void **state)
{
    struct auth_session session;
    (void)state;
    auth_begin(&session);
    struct failure_counts *failures = failure_counts_new(1, 600000, &session.dialogue.clock.clock);
    session.dialogue.service.failures = failures;
    dialogue_connect(&session.dialogue, "10.0.0.1:25", "10.1.0.5");
    const struct ip_address client = stream_remote(session.dialogue.stream)->address;
    assert_true(failure_counts_enter(failures, &client));
    auth_run(&session, SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " ALICE_PLAIN, "T: 9000", "S: <nothing>", "T: 1100",
                              "S: 454 4.7.0 *"));
    failure_counts_leave(failures, &client, false);
    auth_run(&session, SCRIPT("C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK));
    auth_close(&session);
    failure_counts_free(failures);
}

static void without_limit(struct receive_connector *connector)
{
    connector->max_logon_failures = 0;
}

static void failures_without_limit(void **state)
{
    struct auth_session session;
    (void)state;
    adjust_all = without_limit;
    auth_open(&session, "10.1.0.5");
    adjust_all = NULL;
    auth_run(&session, SCRIPT(EVERY_HELLO));
    for (int i = 0; i < 20; i++) {
        auth_run(&session, SCRIPT("C: AUTH PLAIN " ALICE_WRONG, FAILS));
    }
    auth_close(&session);
}

/* proves: C267 contract-5 contract-7 */
static void an_account_without_submit(void **state)
{
    (void)state;
    run_both("10.3.0.5",
             SCRIPT(AUTH_HELLO("S: 250-AUTH LOGIN PLAIN"), "C: AUTH PLAIN " ALICE_PLAIN, FAILS,
                    "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: RCPT TO:<a@contoso.com>", "S: 250 *"));
    run_both("10.1.0.5", SCRIPT(EVERY_HELLO, "C: AUTH PLAIN " GUEST_PLAIN, FAILS));
}

static void the_client_goes_in_the_middle(void **state)
{
    static const char *const lines[] = {"C: AUTH PLAIN " ALICE_PLAIN, "C: AUTH GSSAPI YWxpY2Ur",
                                        "C: AUTH PLAIN " ALICE_WRONG, "C: AUTH GSSAPI YWxpY2Uh",
                                        "C: AUTH PLAIN"};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        for (int is_held = 0; is_held < 2; is_held++) {
            struct auth_session session;
            auth_open(&session, "10.1.0.5");
            session.authenticator.is_held = is_held;
            auth_run(&session, SCRIPT(EVERY_HELLO));
            dialogue_send(&session.dialogue, bytes_of_text(lines[i] + 3));
            dialogue_send(&session.dialogue, BYTES_LITERAL("\r\nxx"));
            auth_close(&session);
        }
    }
}

static void on_drained(void *owner)
{
    *(bool *)owner = true;
}

static void drain_and_lifetime_end_a_login(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct auth_session session;
        bool is_drained = false;
        auth_open(&session, "10.1.0.5");
        session.authenticator.is_held = i & 1;
        auth_run(&session,
                 SCRIPT(EVERY_HELLO, i & 1 ? "C: AUTH PLAIN " ALICE_PLAIN : "C: AUTH PLAIN " ALICE_WRONG,
                        "S: <nothing>"));
        if (i & 2) {
            smtp_service_drain(&session.dialogue.service, on_drained, &is_drained);
        } else {
            clock_fake_advance(&session.dialogue.clock, 600000);
            dialogue_settle(&session.dialogue);
        }
        fake_authenticator_release(&session.authenticator);
        dialogue_settle(&session.dialogue);
        assert_int_equal(is_drained, (i & 2) != 0);
        assert_true(dialogue_is_closed(&session.dialogue));
        auth_close(&session);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(login_prompts),
        cmocka_unit_test(tokens),
        cmocka_unit_test(last_words),
        cmocka_unit_test(only_what_is_offered_works),
        cmocka_unit_test(what_does_not_work_here_is_not_offered),
        cmocka_unit_test(places),
        cmocka_unit_test(syntax),
        cmocka_unit_test(empty_responses),
        cmocka_unit_test(input_before_its_turn),
        cmocka_unit_test(nothing_is_read_while_a_step_is_pending),
        cmocka_unit_test(no_memory_for_a_login),
        cmocka_unit_test(long_responses),
        cmocka_unit_test(failures_take_their_time),
        cmocka_unit_test(the_time_begins_with_the_last_response),
        cmocka_unit_test(too_many_failures),
        cmocka_unit_test(too_many_failures_of_one_address),
        cmocka_unit_test(a_burst_of_one_address),
        cmocka_unit_test(a_crowd_is_told_to_come_back),
        cmocka_unit_test(failures_without_limit),
        cmocka_unit_test(an_account_without_submit),
        cmocka_unit_test(the_client_goes_in_the_middle),
        cmocka_unit_test(drain_and_lifetime_end_a_login),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

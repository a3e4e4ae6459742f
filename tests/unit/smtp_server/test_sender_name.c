/* fakes: organization dialogue authenticator */
/* The directory's name for the sender of an authenticated message goes to From, where none was given. */
#include "unit/smtp_server/auth_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct fake_person accounts[] = {
    {"alice", "secret", ALICE_SID " S-1-1-0 S-1-5-11", AUTH_STEP_CHALLENGE},
    {"desk", "", "S-1-5-21-9-9-9-511", AUTH_STEP_CHALLENGE},
    {"mallory", "", "S-1-5-21-9-9-9-512", AUTH_STEP_CHALLENGE},
    {"plain", "", "S-1-5-21-9-9-9-513", AUTH_STEP_CHALLENGE},
    {"away", "", "", AUTH_STEP_UNAVAILABLE},
    {0}};
static const struct fake_sender senders[] = {
    {"alice", NULL, NULL, "Alice \"Al\" Adams"},
    {"desk", "allow Send-As to " ALICE_SID, NULL, "D\xc3\xa9partement"},
    {"mallory", "allow Send-As to " ALICE_SID, NULL, "x\r\nBcc: all@contoso.com"},
    {"plain", "allow Send-As to " ALICE_SID, NULL, NULL},
    {0}};

/* 10.1/16: accounts; 10.2/16: externally secured; 10.3/16: anonymous, who may send as anybody. */
static struct organization *make_organization(void)
{
    return fake_organization_new(&(struct fake_organization){
        .receive =
            (struct fake_receive[]){
                {"Users", .ranges = "10.1.0.0/16", .aces = "allow ms-Exch-SMTP-Submit to authenticated",
                 .auth = AUTH_BASIC | AUTH_INTEGRATED, .adjust = no_tarpit},
                {"Secured", .ranges = "10.2.0.0/16", .groups = GROUP_EXCHANGE_SERVERS,
                 .auth = AUTH_EXTERNAL_AUTHORITATIVE, .adjust = no_tarpit},
                {"Anonymous", .ranges = "10.3.0.0/16", .groups = GROUP_ANONYMOUS_USERS, .adjust = no_tarpit},
                {0}},
        .domains = (struct fake_domain[]){{"contoso.com", .is_default = true}, {0}},
        .send = (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1", .smart_hosts = "[10.9.9.9]"}, {0}}});
}

static void open_session(struct auth_session *session, const char *client)
{
    session->organization = make_organization();
    fake_authenticator_init(&session->authenticator, accounts);
    session->authenticator.senders = senders;
    dialogue_begin(&session->dialogue, session->organization);
    session->dialogue.service.authenticator = &session->authenticator.face;
    dialogue_connect(&session->dialogue, "10.0.0.1:25", client);
}

#define USERS     "10.1.0.5"
#define SECURED   "10.2.0.5"
#define ANONYMOUS "10.3.0.5"
#define LOGIN     EVERY_HELLO, "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK
#define HELLO     "S: 220 *", "C: EHLO x", "S+ 250 *"
#define ENVELOPE  "C: MAIL FROM:<alice@contoso.com>", "S: 250 *", "C: RCPT TO:<b@contoso.com>", "S: 250 *"
#define DATA      ENVELOPE, "C: DATA", "S: 354 *"
#define QUEUED    "S: 250 2.6.0 <*> [InternalId=*"
#define CHUNK_OK  "S: 250 2.6.0 CHUNK received OK, *"
#define REST      "C: ", "C: body", "C: .", "S: 250 2.6.0 *"

/* Does the message of the script hold these lines, in the place where From stood? */
static void check_in(enum dialogue_mode mode, const char *client, const char *const *hello, const char *from,
                     const char *wanted)
{
    struct auth_session session;
    char pattern[1024];
    char line[512];
    open_session(&session, client);
    auth_run(&session, hello);
    snprintf(line, sizeof line, "C: %s", from);
    dialogue_run(&session.dialogue, mode, SCRIPT(DATA, "C: X-One:  1", line, "C: X-Two:\t2", REST));
    char *text = dialogue_message(&session.dialogue, 0);
    assert_non_null(text);
    snprintf(pattern, sizeof pattern, "Received: *\r\nX-One:  1\r\n%s\r\nX-Two:\t2\r\n*\r\n\r\nbody\r\n",
             wanted);
    if (!dialogue_matches(pattern, text)) {
        print_error("%s\n%s\n", pattern, text);
    }
    assert_true(dialogue_matches(pattern, text));
    assert_null(strstr(text, "Bcc"));
    free(text);
    auth_close(&session);
}

static void check(const char *client, const char *const *hello, const char *from, const char *wanted)
{
    for (int mode = DIALOGUE_STEPS; mode <= DIALOGUE_BYTES; mode++) {
        check_in((enum dialogue_mode)mode, client, hello, from, wanted);
    }
}

#define ALICE_NAMED "From: \"Alice \\\"Al\\\" Adams\"\r\n <alice@contoso.com>"

/* proves: C43 */
static void the_name_goes_to_a_bare_from(void **state)
{
    (void)state;
    check(USERS, SCRIPT(LOGIN), "From: alice@contoso.com", ALICE_NAMED);
    check(USERS, SCRIPT(LOGIN), "From: <alice@contoso.com>", ALICE_NAMED);
    check(USERS, SCRIPT(LOGIN), "From: desk@contoso.com",
          "From: =?utf-8?B?RMOpcGFydGVtZW50?=\r\n <desk@contoso.com>");
    check(SECURED, SCRIPT(HELLO), "From: desk@contoso.com",
          "From: =?utf-8?B?RMOpcGFydGVtZW50?=\r\n <desk@contoso.com>");
}

/* proves: C27 C43 F15 */
static void a_from_that_says_more_or_is_nobodys_stays(void **state)
{
    (void)state;
    static const char *const fields[] = {"From: Boss <alice@contoso.com>",
                                         "From: alice@contoso.com (Al)",
                                         "From: plain@contoso.com",
                                         "From: mallory@contoso.com",
                                         "From: alice@contoso.com, desk@contoso.com",
                                         "From: us: alice@contoso.com;"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        check(USERS, SCRIPT(LOGIN), fields[i], fields[i]);
    }
    static const char *const secured[] = {"From: nobody@contoso.com", "From: away@contoso.com",
                                          "From: desk@fabrikam.com", "From: desk", "From: <>"};
    for (size_t i = 0; i < sizeof secured / sizeof secured[0]; i++) {
        check(SECURED, SCRIPT(HELLO), secured[i], secured[i]);
    }
    check(ANONYMOUS, SCRIPT(HELLO), "From: desk@contoso.com", "From: desk@contoso.com");
}

/* proves: C43 */
static void nobody_is_asked_without_need(void **state)
{
    static const char *const scripts[] = {"C: From: desk@fabrikam.com", "C: From: Desk <desk@contoso.com>",
                                          "C: Subject: x"};
    (void)state;
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        struct auth_session session;
        open_session(&session, SECURED);
        auth_run(&session, SCRIPT(HELLO, DATA, scripts[i], REST));
        assert_int_equal(session.authenticator.owner_count, 0);
        auth_close(&session);
    }
}

/* proves: F2 F8 C43 */
static void by_chunks_too(void **state)
{
    static const char *const scripts[][4] = {
        {"C~ BDAT 31 LAST\r\nFrom: alice@contoso.com\r\n\r\nbody", QUEUED, NULL},
        {"C~ BDAT 25\r\nFrom: alice@contoso.com\r\nBDAT 6 LAST\r\n\r\nbody", CHUNK_OK, QUEUED, NULL},
        {"C~ BDAT 27\r\nFrom: alice@contoso.com\r\n\r\nBDAT 4 LAST\r\nbody", CHUNK_OK, QUEUED, NULL},
        {"C~ BDAT 29 LAST\r\nFrom: alice@contoso.com\r\nbody", QUEUED, NULL},
    };
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct auth_session session;
        open_session(&session, USERS);
        auth_run(&session, SCRIPT(LOGIN, ENVELOPE));
        auth_run(&session, scripts[i]);
        assert_int_equal(dialogue_message_count(&session.dialogue), 1);
        char *text = dialogue_message(&session.dialogue, 0);
        assert_true(dialogue_matches("Received: *\r\n" ALICE_NAMED "\r\n*\r\n\r\nbody", text));
        free(text);
        auth_close(&session);
    }
}

/* What comes behind the header waits with it; nothing is lost, whatever its size. */
static void the_body_waits(void **state)
{
    struct auth_session session;
    static char body[70000];
    (void)state;
    memset(body, 'b', sizeof body - 3);
    for (size_t i = 78; i < sizeof body - 3; i += 80) {
        body[i] = '\r';
        body[i + 1] = '\n';
    }
    memcpy(body + sizeof body - 3, "\r\n", 3);
    open_session(&session, USERS);
    auth_run(&session, SCRIPT(LOGIN, DATA));
    session.authenticator.is_held = true;
    dialogue_send(&session.dialogue, BYTES_LITERAL("From: desk@contoso.com\r\n\r\nfirst\r\n"));
    dialogue_send(&session.dialogue, bytes_of_text(body));
    dialogue_send(&session.dialogue, BYTES_LITERAL(".\r\nNOOP\r\n"));
    auth_run(&session, SCRIPT("S: <nothing>", "T: 310000", "S: <nothing>"));
    fake_authenticator_release(&session.authenticator);
    dialogue_settle(&session.dialogue);
    auth_run(&session, SCRIPT("S: 250 2.6.0 *", "S: 250 2.0.0 OK"));
    char *text = dialogue_message(&session.dialogue, 0);
    char *end = strstr(text, "\r\n\r\nfirst\r\n");
    assert_non_null(strstr(text, "\r\nFrom: =?utf-8?B?"));
    assert_non_null(end);
    assert_string_equal(end + 11, body);
    free(text);
    auth_close(&session);
}

/* The client leaves while its message waits: nothing of it is kept. */
static void a_session_that_ends_meanwhile(void **state)
{
    struct auth_session session;
    (void)state;
    open_session(&session, USERS);
    auth_run(&session, SCRIPT(LOGIN, DATA));
    session.authenticator.is_held = true;
    auth_run(&session, SCRIPT("C: From: desk@contoso.com", "C: ", "C: x", "S: <nothing>"));
    stream_memory_hang_up(session.dialogue.stream);
    dialogue_settle(&session.dialogue);
    fake_authenticator_release(&session.authenticator);
    dialogue_settle(&session.dialogue);
    assert_int_equal(session.authenticator.pending, 0);
    assert_int_equal(dialogue_message_count(&session.dialogue), 0);
    auth_close(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_goes_to_a_bare_from),
        cmocka_unit_test(a_from_that_says_more_or_is_nobodys_stays),
        cmocka_unit_test(nobody_is_asked_without_need),
        cmocka_unit_test(by_chunks_too),
        cmocka_unit_test(the_body_waits),
        cmocka_unit_test(a_session_that_ends_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* fakes: organization dialogue authenticator */
/* AUTH on MAIL: who may say whose a message is, what its stamp then says, and what the next hops are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth_session.h"

#define FLAG  "allow ms-Exch-SMTP-Accept-Authentication-Flag to "
#define LOGIN EVERY_HELLO, "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK
#define ENDS                                                                                                 \
    "S: 250 2.1.0 Sender OK", "C: RCPT TO:<b@contoso.com>", "S: 250 *", "C: DATA", "S: 354 *",               \
        "C: X-MS-Exchange-Organization-AuthAs: Internal", "C: Subject: x", "C: ", "C: .", "S: 250 2.6.0 *"

static bool keep_auth(void *owner, const struct envelope *envelope)
{
    snprintf(owner, 64, "%.*s", BYTES_ARG(envelope->auth));
    return true;
}

/* The one message's stamp and what its envelope has for AUTH. */
static void expect(struct auth_session *session, const char *as, const char *auth)
{
    char pattern[128], kept[64] = "no message";
    struct spool *spool = session->dialogue.spool;
    char *text = dialogue_message(&session->dialogue, 0);
    assert_non_null(text);
    snprintf(pattern, sizeof pattern, "*\r\nX-MS-Exchange-Organization-AuthAs: %s\r\n*", as);
    if (!dialogue_matches(pattern, text)) {
        fail_msg("not %s: %s", as, text);
    }
    assert_int_equal(spool->ops->each(spool, 0, keep_auth, kept), OK);
    assert_string_equal(kept, auth);
    free(text);
}

static void publish(struct auth_session *session, const char *aces)
{
    struct organization *organization = auth_organization(aces);
    smtp_service_set_organization(&session->dialogue.service, organization);
    organization_unref(organization);
}

struct row {
    const char *aces; /* besides those of authenticated users: Submit, and Accept-Any-Sender */
    const char *mail;
    const char *as;
    const char *auth;
};

static void run_rows(const char *client, const char *const *login, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct auth_session session;
        auth_open(&session, client);
        publish(&session, rows[i].aces);
        auth_run(&session, login);
        auth_run(&session, SCRIPT(rows[i].mail, ENDS));
        expect(&session, rows[i].as, rows[i].auth);
        auth_close(&session);
    }
}

#define MAIL "C: MAIL FROM:<a@b.example>"

/* proves: C24 C41 C92 C205 facts-6.3 */
static void an_account_with_the_flag_says_whose_it_is(void **state)
{
    static const struct row rows[] = {
        {FLAG RELAY_GROUP, MAIL, "Internal", ""},
        {FLAG RELAY_GROUP, MAIL " AUTH=<>", "Anonymous", "<>"},
        {FLAG RELAY_GROUP, MAIL " AUTH=+3C+3E", "Anonymous", "<>"},
        {FLAG RELAY_GROUP, MAIL " AUTH=a@b.example", "Internal", "a@b.example"},
        {FLAG RELAY_GROUP, MAIL " AUTH=e+3Dmc2@b.example", "Internal", "e+3Dmc2@b.example"},
        {FLAG RELAY_GROUP, MAIL " AUTH=nobody", "Anonymous", "<>"},
        {FLAG RELAY_GROUP, MAIL " AUTH=a@b.example+0D+0AX", "Anonymous", "<>"},
    };
    (void)state;
    run_rows("10.1.0.5", SCRIPT(LOGIN), rows, sizeof rows / sizeof rows[0]);
}

/* RFC 4954 5: as if AUTH=<> had been given, whatever was. */
/* proves: C205 facts-6.3 */
static void without_the_flag_it_is_ignored(void **state)
{
    static const struct row others[] = {
        {"", MAIL, "Anonymous", "<>"},
        {"", MAIL " AUTH=<>", "Anonymous", "<>"},
        {"", MAIL " AUTH=a@b.example", "Anonymous", "<>"},
    };
    /* Who may not speak for others speaks for himself; AUTH=<> does not take that away. */
    static const struct row own[] = {
        {"deny ms-Exch-SMTP-Accept-Any-Sender to authenticated", "C: MAIL FROM:<>", "Internal", ""},
        {"deny ms-Exch-SMTP-Accept-Any-Sender to authenticated", "C: MAIL FROM:<> AUTH=<>", "Internal", ""},
        {"deny ms-Exch-SMTP-Accept-Any-Sender to authenticated", "C: MAIL FROM:<> AUTH=x@b.example",
         "Internal", ""},
    };
    (void)state;
    run_rows("10.1.0.5", SCRIPT(LOGIN), others, sizeof others / sizeof others[0]);
    run_rows("10.1.0.5", SCRIPT(EVERY_HELLO), others, sizeof others / sizeof others[0]);
    run_rows("10.1.0.5", SCRIPT(LOGIN), own, sizeof own / sizeof own[0]);
}

#define SERVER_LOGIN "S: 220 *", EHLO, "S: 250-X-EXPS *", "S+ 250 *", "C: X-EXPS GSSAPI c2VydmVy", AUTH_OK

/* AUTH is not offered there, only X-EXPS; and an earlier server's stamp is trusted. */
/* proves: C205 C99 facts-6.3 facts-8.3 */
static void servers_say_it_where_auth_is_not_offered(void **state)
{
    static const struct row rows[] = {
        {"", MAIL, "Internal", ""},
        {"", MAIL " AUTH=<>", "Anonymous", "<>"},
        {"", MAIL " AUTH=a@b.example", "Internal", "a@b.example"},
    };
    struct auth_session session;
    (void)state;
    run_rows("10.5.0.5", SCRIPT(SERVER_LOGIN), rows, sizeof rows / sizeof rows[0]);
    auth_open(&session, "10.4.0.5");
    auth_run(&session, SCRIPT("S: 220 *", EHLO, "S+ 250 *", MAIL " AUTH=<>", "S: 501 5.5.4 *"));
    auth_close(&session);
}

/* proves: C99 facts-6.3 */
static void a_trusted_stamp_goes_on(void **state)
{
    static const struct {
        const char *header;
        const char *auth;
    } rows[] = {
        {"C: X-MS-Exchange-Organization-AuthAs: Anonymous", "<>"},
        {"C: X-MS-Exchange-Organization-AuthAs: Partner", "<>"},
        {"C: X-MS-Exchange-Organization-AuthAs: internal", "a@b.example"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct auth_session session;
        auth_open(&session, "10.5.0.5");
        auth_run(&session,
                 SCRIPT(SERVER_LOGIN, MAIL " AUTH=a@b.example", "S: 250 *", "C: RCPT TO:<b@contoso.com>",
                        "S: 250 *", "C: DATA", "S: 354 *", rows[i].header, "C: ", "C: .", "S: 250 *"));
        expect(&session, rows[i].header + sizeof "C: X-MS-Exchange-Organization-AuthAs: " - 1, rows[i].auth);
        auth_close(&session);
    }
}

/* proves: F12 facts-8.3 */
static void what_is_no_xtext_is_refused(void **state)
{
    static const char *const values[] = {"C: MAIL FROM:<> AUTH=+", "C: MAIL FROM:<> AUTH=+4",
                                         "C: MAIL FROM:<> AUTH=a=b", "C: MAIL FROM:<> AUTH=+zz",
                                         "C: MAIL FROM:<> AUTH="};
    struct auth_session session;
    (void)state;
    auth_open(&session, "10.1.0.5");
    auth_run(&session, SCRIPT(LOGIN));
    for (size_t i = 0; i < sizeof values / sizeof values[0] - 1; i++) {
        auth_run(&session, SCRIPT(values[i], "S: 501 5.5.4 Invalid arguments"));
    }
    auth_close(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_with_the_flag_says_whose_it_is),
        cmocka_unit_test(without_the_flag_it_is_ignored),
        cmocka_unit_test(servers_say_it_where_auth_is_not_offered),
        cmocka_unit_test(a_trusted_stamp_goes_on),
        cmocka_unit_test(what_is_no_xtext_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

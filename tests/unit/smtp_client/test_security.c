/* fakes: hop tls */
/* From EHLO to ready: STARTTLS, what the certificate must be, AUTH. Each scenario runs as it stands, byte by
 * byte, and cut after every byte the hop says (see fake_hop.h). */
#include "auth/sasl_library.h"
#include "fakes/fake_hop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define EHLO       "C: EHLO mx1.contoso.com"
#define GREETED    "S: 220 hop ESMTP", EHLO
#define OFFERED    GREETED, "S: 250-hop", "S: 250-SIZE 1000", "S: 250 STARTTLS"
#define SECURED    OFFERED, "C: STARTTLS", "C: <nothing>", "H: 220 go ahead", EHLO, "C: <nothing>"
#define GOODBYE    "A: quit", "C: QUIT", "S: 221 2.0.0 bye", "E: closed 221 2.0.0 bye"
#define BROKEN     "E: closed 421 4.4.0 Remote server response was not RFC conformant"
#define NEEDS_TLS  "451 5.7.3 STARTTLS is required to send mail"
#define NEEDS_AUTH "451 5.7.3 Require basic authentication"
#define LEFT(why)  "C: QUIT", "C: <nothing>", "E: <nothing>", "S: 221 2.0.0 bye", "E: closed " why
#define MESSAGE                                                                                              \
    {                                                                                                        \
        .sender = "chris@contoso.com", .recipients = {"kate@fabrikam.com"}, .size_bytes = 100,               \
        .content = "Subject: Test\r\n\r\n.dot\r\n"                                                           \
    }
#define SENT                                                                                                 \
    "E: ready", "A: send 0", "C: MAIL FROM:<chris@contoso.com>*", "S: 250 ok", "C: RCPT TO:<*>",             \
        "S: 250 ok", "C: DATA", "S: 354 go", "C: Subject: Test", "C: ", "C: ..dot", "C: .", "S: 250 queued", \
        "E: 0.0 delivered 250 queued", "E: 0 done reuse", GOODBYE

static void run(struct smtp_demand demand, bool trusts_hop, const char *user, const char *const *lines)
{
    hop_run_all(&(struct hop_script){.messages = {MESSAGE},
                                     .demand = demand,
                                     .has_tls = true,
                                     .trusts_hop = trusts_hop,
                                     .user = user,
                                     .lines = lines});
}

/* As it stands alone: for a dialogue that differs from one that is cut in its texts only. */
static void once(struct smtp_demand demand, bool trusts_hop, const char *const *lines)
{
    hop_run(&(struct hop_script){
        .messages = {MESSAGE}, .demand = demand, .has_tls = true, .trusts_hop = trusts_hop, .lines = lines});
}

static const struct smtp_demand NEVER = {.tls = TLS_DEMAND_NEVER};
static const struct smtp_demand IF_OFFERED = {.tls = TLS_DEMAND_OFFERED};
static const struct smtp_demand ALWAYS = {.tls = TLS_DEMAND_ALWAYS};

/* proves: C144 C153 facts-10.5 */
static void tls_is_used_where_it_is_offered(void **state)
{
    (void)state;
    run(IF_OFFERED, false, NULL, LINES(SECURED, "S: 250-hop", "S: 250 SIZE", SENT));
    run(IF_OFFERED, false, NULL, LINES(GREETED, "S: 250 hop", SENT));
    run(IF_OFFERED, false, NULL,
        LINES(OFFERED, "C: STARTTLS", "S: 454 4.7.0 TLS not available", "C: <nothing>", SENT));
    run(NEVER, false, NULL, LINES(OFFERED, "C: <nothing>", SENT));
    run(ALWAYS, false, NULL, LINES(SECURED, "S: 250 hop", SENT));
}

/* proves: C135 C169 facts-8.2 */
static void tls_may_be_demanded(void **state)
{
    (void)state;
    run(ALWAYS, true, NULL, LINES(GREETED, "S: 250-hop", "S: 250 SIZE", LEFT(NEEDS_TLS)));
    run(ALWAYS, true, NULL, LINES(GREETED, "S: 502 what", "C: HELO *", "S: 250 hop", LEFT(NEEDS_TLS)));
    run(ALWAYS, true, NULL,
        LINES(OFFERED, "C: STARTTLS", "S: 454 4.7.0 not now", LEFT(NEEDS_TLS " (454 4.7.0 not now)")));
    run(ALWAYS, true, NULL, LINES(OFFERED, "C: STARTTLS", "S: 250 sure", LEFT(NEEDS_TLS " (250 sure)")));
}

static void without_a_context_nothing_is_offered(void **state)
{
    (void)state;
    hop_run_all(
        &(struct hop_script){.messages = {MESSAGE}, .demand = IF_OFFERED, .lines = LINES(OFFERED, SENT)});
    hop_run_all(&(struct hop_script){
        .messages = {MESSAGE}, .demand = ALWAYS, .lines = LINES(OFFERED, LEFT(NEEDS_TLS))});
}

/* proves: F5 */
static void what_was_said_in_clear_does_not_count_inside(void **state)
{
    (void)state;
    /* In one piece: what comes later is no TLS, and the handshake fails. */
    hop_run(&(struct hop_script){.messages = {MESSAGE},
                                 .demand = IF_OFFERED,
                                 .has_tls = true,
                                 .lines = LINES(OFFERED, "C: STARTTLS",
                                                "S~ 220 go\r\n250-AUTH PLAIN\r\n250 ok\r\n", "C: <nothing>",
                                                BROKEN)});
    hop_run(&(struct hop_script){
        .messages = {MESSAGE},
        .demand = ALWAYS,
        .has_tls = true,
        .lines = LINES(OFFERED, "C: STARTTLS", "S~ 220-so\r\n220 go\r\n2", "C: <nothing>", BROKEN)});
    /* The size limit that was said in clear is forgotten. */
    struct hop_script script = {.messages = {MESSAGE}, .demand = ALWAYS, .has_tls = true};
    script.messages[0].size_bytes = 5000;
    script.lines = LINES(SECURED, "S: 250-hop", "S: 250 8BITMIME", SENT);
    hop_run_all(&script);
    script.messages[0].is_8bit = true;
    script.messages[0].content =
        "Subject: Test\r\n\r\n\xc3\xa4\r\n"; /* declared nowhere: not to be encoded */
    script.lines = LINES(SECURED, "S: 250 hop", "E: ready", "A: send 0", "C: <nothing>",
                         "E: 0.0 failed 554 5.6.3 *", "E: 0 done reuse", GOODBYE);
    hop_run_all(&script);
}

static void nothing_may_be_said_between(void **state)
{
    (void)state;
    run(IF_OFFERED, false, NULL, LINES(SECURED, "S: 250-hop", "S: 250 STARTTLS", SENT));
    run(IF_OFFERED, false, NULL, LINES(SECURED, "S: 421 4.3.2 bye", "E: closed 421 4.3.2 bye"));
    run(IF_OFFERED, false, NULL, LINES(SECURED, "S: 250 hop", "E: ready", "S: 250 and more", BROKEN));
}

/* proves: C137 C139 C145 C162 C170 C172 T6 */
static void the_certificate_must_be_good(void **state)
{
    static const char *const HOSTS[] = {"mail.contoso.com", "hop.example"};
    const struct smtp_demand trust = {.tls = TLS_DEMAND_ALWAYS, .needs_trust = true};
    struct smtp_demand named = trust, foreign = trust, listed = trust, unlisted = trust;
    named.domain = "hop.example";
    foreign.domain = ".contoso.com";
    listed.hosts = unlisted.hosts = HOSTS;
    listed.host_count = 2;
    unlisted.host_count = 1;
    (void)state;
    run(trust, true, NULL, LINES(SECURED, "S: 250 hop", SENT));
    once(named, true, LINES(SECURED, "S: 250 hop", SENT));
    once(listed, true, LINES(SECURED, "S: 250 hop", SENT));
#define JUDGED(why)                                                                                          \
    LINES(OFFERED, "C: STARTTLS", "H: 220 go", LEFT("454 4.7.5 Certificate validation failure: " why))
    run(trust, false, NULL, JUDGED("self-signed certificate"));
    once(foreign, true, JUDGED("the certificate is another host's: hop.example"));
    once(unlisted, true, JUDGED("the certificate is another host's: hop.example"));
}

/* A hop that is judged gets no more time than the answer to QUIT needs, and what it answers changes nothing.
 */
static void a_left_hop_has_no_last_word(void **state)
{
    (void)state;
    run(ALWAYS, true, NULL, LINES(GREETED, "S: 250 hop", "C: QUIT", "T: 6000", "E: closed " NEEDS_TLS));
    run(ALWAYS, true, NULL, LINES(GREETED, "S: 250 hop", "C: QUIT", "S: 500 no", "E: closed " NEEDS_TLS));
    run(ALWAYS, true, NULL, LINES(GREETED, "S: 250 hop", "C: QUIT", "S: 421 no", "E: closed " NEEDS_TLS));
    run(ALWAYS, true, NULL, LINES(GREETED, "S: 250 hop", "C: QUIT", "S: nonsense", "E: closed " NEEDS_TLS));
    run(ALWAYS, true, NULL, LINES(GREETED, "S: 250 hop", "C: QUIT", "X", "E: closed " NEEDS_TLS));
    run(ALWAYS, true, NULL, LINES(GREETED, "S: 250 hop", "C: QUIT", "A: abort", "E: closed " NEEDS_TLS));
}

/* -- AUTH -- */

#define OFFERS_AUTH GREETED, "S: 250-hop", "S: 250 AUTH PLAIN LOGIN"
#define USERNAME    "S: 334 VXNlcm5hbWU6"
#define PASSWORD    "S: 334 UGFzc3dvcmQ6"

static const struct smtp_demand LOGIN = {.tls = TLS_DEMAND_OFFERED, .login = LOGIN_DEMAND_PASSWORD};

/* proves: C128 C133 T3 facts-10.5 */
static void the_client_logs_in(void **state)
{
    (void)state;
    run(LOGIN, false, "relay",
        LINES(OFFERS_AUTH, "C: AUTH LOGIN", "C: <nothing>", USERNAME, "C: cmVsYXk=", "C: <nothing>", PASSWORD,
              "C: c2VjcmV0", "C: <nothing>", "E: <nothing>", "S: 235 2.7.0 ok", SENT));
    run(LOGIN, false, "relay",
        LINES(GREETED, "S: 250-hop", "S: 250 auth gssapi plain",
              "C: AUTH PLAIN AHJlbGF5AHNlY3JldA==", "C: <nothing>", "S: 235 ok", SENT));
    /* Inside TLS; what was offered in clear is forgotten. */
    run(LOGIN, false, "relay",
        LINES(GREETED, "S: 250-hop", "S: 250-AUTH LOGIN", "S: 250 STARTTLS", "C: STARTTLS", "H: 220 go", EHLO,
              "S: 250-hop", "S: 250 AUTH PLAIN", "C: AUTH PLAIN AHJlbGF5AHNlY3JldA==", "S: 235 ok", SENT));
}

static void once_with_login(const char *const *lines)
{
    hop_run(&(struct hop_script){.messages = {MESSAGE}, .demand = LOGIN, .user = "relay", .lines = lines});
}

/* proves: C129 C130 facts-8.2 */
static void without_login_nothing_is_sent(void **state)
{
    const struct smtp_demand both = {.tls = TLS_DEMAND_ALWAYS, .login = LOGIN_DEMAND_PASSWORD};
    (void)state;
    run(LOGIN, false, "relay", LINES(GREETED, "S: 250 hop", LEFT(NEEDS_AUTH)));
    run(LOGIN, false, "relay", LINES(GREETED, "S: 250-hop", "S: 250 AUTH GSSAPI NTLM", LEFT(NEEDS_AUTH)));
    run(LOGIN, false, "relay",
        LINES(GREETED, "S: 250-hop", "S: 250-AUTH LOGIN", "S: 250 STARTTLS", "C: STARTTLS", "H: 220 go", EHLO,
              "S: 250 hop", LEFT(NEEDS_AUTH)));
    run(both, false, "relay",
        LINES(OFFERS_AUTH, LEFT("451 5.7.3 Require STARTTLS to do basic authentication")));
    run(LOGIN, false, NULL, LINES(OFFERS_AUTH, LEFT(NEEDS_AUTH " (no password)")));
    run(LOGIN, false, "relay",
        LINES(OFFERS_AUTH, "C: AUTH LOGIN", "S: 504 5.7.4 what", LEFT(NEEDS_AUTH " (504 5.7.4)")));
    run(LOGIN, false, "relay",
        LINES(OFFERS_AUTH, "C: AUTH LOGIN", USERNAME, "C: *", PASSWORD, "C: *",
              "S: 535 5.7.3 Authentication unsuccessful", LEFT(NEEDS_AUTH " (535 5.7.3)")));
    run(LOGIN, false, "relay",
        LINES(OFFERS_AUTH, "C: AUTH LOGIN", USERNAME, "C: *", PASSWORD, "C: *", "S: 454 4.7.0 later",
              LEFT(NEEDS_AUTH " (454 4.7.0)")));
}

/* proves: T11 */
static void what_a_hop_repeats_of_a_login_is_not_told(void **state)
{
    (void)state;
    once_with_login(LINES(OFFERS_AUTH, "C: AUTH LOGIN", USERNAME, "C: cmVsYXk=", PASSWORD, "C: c2VjcmV0",
                          "S: 500 c2VjcmV0 is no command", LEFT(NEEDS_AUTH " (500 )")));
    once_with_login(LINES(OFFERS_AUTH, "C: AUTH LOGIN", USERNAME, "C: cmVsYXk=", PASSWORD, "C: c2VjcmV0",
                          "S: 500-5.5.1 what is", "S: 500 5.5.1 c2VjcmV0",
                          LEFT(NEEDS_AUTH " (500 5.5.1 / 5.5.1)")));
    once_with_login(LINES(OFFERS_AUTH, "C: AUTH LOGIN", USERNAME, "C: cmVsYXk=", PASSWORD, "C: c2VjcmV0",
                          "S: 421 4.7.0 I never want to hear c2VjcmV0 again", "E: closed 421 4.7.0"));
}

/* A token that is not taken: the hop says why in a challenge and waits for an empty answer. */
static void a_token_logs_in(void **state)
{
    const struct smtp_demand token = {.tls = TLS_DEMAND_OFFERED, .login = LOGIN_DEMAND_TOKEN};
    (void)state;
    run(token, false, "relay",
        LINES(GREETED, "S: 250-hop", "S: 250 AUTH LOGIN XOAUTH2",
              "C: AUTH XOAUTH2 dXNlcj1yZWxheQFhdXRoPUJlYXJlciBzZWNyZXQBAQ==", "S: 235 ok", SENT));
    run(token, false, "relay",
        LINES(GREETED, "S: 250-hop", "S: 250 AUTH XOAUTH2", "C: AUTH XOAUTH2 *",
              "S: 334 eyJzdGF0dXMiOiI0MDEifQ==", "C: ", "C: <nothing>", "S: 535 5.7.8 no",
              LEFT(NEEDS_AUTH " (535 5.7.8)")));
    run(token, false, "relay", LINES(GREETED, "S: 250-hop", "S: 250 AUTH LOGIN PLAIN", LEFT(NEEDS_AUTH)));
}

static void a_login_that_is_none(void **state)
{
    (void)state;
    run(LOGIN, false, "relay", LINES(OFFERS_AUTH, "C: AUTH LOGIN", "S: 250 ok", BROKEN));
    run(LOGIN, false, "relay", LINES(OFFERS_AUTH, "C: AUTH LOGIN", "S: 334 !!", BROKEN));
    run(LOGIN, false, "relay",
        LINES(OFFERS_AUTH, "C: AUTH LOGIN", USERNAME, "C: *", PASSWORD, "C: *", "S: 334 bW9yZQ==", BROKEN));
    run(LOGIN, false, "relay",
        LINES(GREETED, "S: 250-hop", "S: 250 AUTH PLAIN", "C: AUTH PLAIN *", "S: 334 ", BROKEN));
    run(LOGIN, false, "relay",
        LINES(OFFERS_AUTH, "C: AUTH LOGIN", "S: 421 4.7.0 bye", "E: closed 421 4.7.0"));
}

/* -- between servers of one organization -- */

static const struct smtp_demand EXCHANGE = {.tls = TLS_DEMAND_OFFERED, .login = LOGIN_DEMAND_EXCHANGE};

#define NEEDS_SERVER "451 5.7.3 Cannot achieve Exchange Server authentication"
#define DIRECT       GREETED, "S: 250-hop", "S: 250-STARTTLS", "S: 250 X-ANONYMOUSTLS", "C: X-ANONYMOUSTLS"

static void run_exchange(bool has_direct, bool knows_hop, const char *const *lines)
{
    hop_run_all(&(struct hop_script){.messages = {MESSAGE},
                                     .demand = EXCHANGE,
                                     .has_tls = true,
                                     .has_direct_identity = has_direct,
                                     .knows_hop = knows_hop,
                                     .lines = lines});
}

/* Whatever a chain would say of the certificate: the directory knows it, or it does not.
 * proves: C141 C155 C156 C157 C158 facts-10.2 facts-10.3 facts-10.5 */
static void a_server_is_known_by_its_certificate(void **state)
{
    (void)state;
    run_exchange(true, true, LINES(DIRECT, "H: 220 go", EHLO, "S: 250-hop", "S: 250 X-EXPS GSSAPI", SENT));
    run_exchange(true, false,
                 LINES(DIRECT, "H: 220 go",
                       LEFT("454 4.7.5 Certificate validation failure: the directory knows no server by "
                            "/O=Contoso/CN=hop.example")));
}

/* proves: C128 C129 C130 facts-8.2 facts-10.2 */
static void without_a_known_server_nothing_is_sent(void **state)
{
    (void)state;
    run_exchange(true, true, LINES(GREETED, "S: 250 hop", LEFT(NEEDS_SERVER)));
    run_exchange(true, true, LINES(SECURED, "S: 250 hop", LEFT(NEEDS_SERVER)));
    run_exchange(true, true, LINES(DIRECT, "S: 454 4.7.0 no", LEFT(NEEDS_SERVER " (454 4.7.0 no)")));
    /* Without a certificate of ours it is not asked for. */
    run_exchange(false, true, LINES(GREETED, "S: 250-hop", "S: 250 X-ANONYMOUSTLS", LEFT(NEEDS_SERVER)));
}

/* proves: F5 */
static void what_is_injected_behind_x_anonymoustls_ends_it(void **state)
{
    (void)state;
    hop_run(&(struct hop_script){.messages = {MESSAGE},
                                 .demand = EXCHANGE,
                                 .has_tls = true,
                                 .has_direct_identity = true,
                                 .knows_hop = true,
                                 .lines = LINES(DIRECT, "S~ 220 go\r\n250 ok\r\n", "C: <nothing>", BROKEN)});
}

static int setup(void **state)
{
    struct note note = {0};
    (void)state;
    return sasl_library_start(NULL, &note) != OK;
}

static int teardown(void **state)
{
    (void)state;
    hop_done();
    sasl_library_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tls_is_used_where_it_is_offered),
        cmocka_unit_test(tls_may_be_demanded),
        cmocka_unit_test(without_a_context_nothing_is_offered),
        cmocka_unit_test(what_was_said_in_clear_does_not_count_inside),
        cmocka_unit_test(nothing_may_be_said_between),
        cmocka_unit_test(the_certificate_must_be_good),
        cmocka_unit_test(a_left_hop_has_no_last_word),
        cmocka_unit_test(the_client_logs_in),
        cmocka_unit_test(without_login_nothing_is_sent),
        cmocka_unit_test(what_a_hop_repeats_of_a_login_is_not_told),
        cmocka_unit_test(a_token_logs_in),
        cmocka_unit_test(a_login_that_is_none),
        cmocka_unit_test(a_server_is_known_by_its_certificate),
        cmocka_unit_test(without_a_known_server_nothing_is_sent),
        cmocka_unit_test(what_is_injected_behind_x_anonymoustls_ends_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

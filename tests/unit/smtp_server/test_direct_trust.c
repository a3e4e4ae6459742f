/* fakes: organization dialogue tls authenticator */
/* X-ANONYMOUSTLS with direct trust, X-EXPS behind it, and AUTH meeting STARTTLS. Facts 8.5, 10.2, 10.3. */
#include "auth/certificate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth_session.h"
#include "tls_session.h"

static char folder[] = "/tmp/dr-trust-XXXXXX";
static const struct certificate_set *certificates;
static struct tls_ticket_keys *keys;
static struct fake_certificate own = {.name = FAKE_SERVER_FQDN}, hub = {.name = "hub1.contoso.com"},
                               edge = {.name = "edge1.contoso.com"}, stranger = {.name = "hub1.contoso.com"};
static struct trusted_server trusted[3];

static struct bytes der_of(const struct fake_certificate *certificate)
{
    unsigned char *der = NULL;
    int length = i2d_X509(certificate->x509, &der);
    return (struct bytes){(const char *)der, (size_t)length};
}

static int setup(void **state)
{
    static unsigned char thumbprint[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    struct note note = {0};
    char path[512];
    (void)state;
    fake_certificate_make(&own);
    fake_certificate_make(&hub);
    fake_certificate_make(&edge);
    fake_certificate_make(&stranger);
    if (mkdtemp(folder) == NULL || X509_digest(edge.x509, EVP_sha1(), thumbprint, &length) != 1) {
        return 1;
    }
    trusted[0] = (struct trusted_server){"MX1", IDENTITY_HUB, der_of(&own)};
    trusted[1] = (struct trusted_server){"HUB1", IDENTITY_HUB, der_of(&hub)};
    trusted[2] = (struct trusted_server){"EDGE1", IDENTITY_EDGE, {(const char *)thumbprint, length}};
    snprintf(path, sizeof path, "%s/mx1.pem", folder);
    char *pem = fake_certificate_pem(&own);
    FILE *out = fopen(path, "we");
    fputs(pem, out);
    fclose(out);
    free(pem);
    keys = tls_ticket_keys_new(&clock_system);
    enum error error = certificate_set_read(folder, NULL, &certificates, &note);
    unlink(path);
    rmdir(folder);
    return error != OK;
}

static int teardown(void **state)
{
    (void)state;
    OPENSSL_free((void *)(uintptr_t)trusted[0].certificate.ptr);
    OPENSSL_free((void *)(uintptr_t)trusted[1].certificate.ptr);
    fake_certificate_done(&own);
    fake_certificate_done(&hub);
    fake_certificate_done(&edge);
    fake_certificate_done(&stranger);
    certificate_set_unref(certificates);
    tls_ticket_keys_free(keys);
    return 0;
}

/* 10.5/16 takes Exchange servers; adjust changes it. */
static struct organization *make_organization(void (*adjust)(struct receive_connector *connector))
{
    adjust_all = adjust;
    struct organization *organization = auth_organization(RELAY_FOR_GROUP);
    adjust_all = NULL;
    organization->trusted = trusted;
    organization->trusted_count = 3;
    organization->server.internal_certificate = trusted[0].certificate;
    return organization;
}

static void with_tls(struct receive_connector *connector)
{
    connector->auth_mechanism |= AUTH_TLS;
}

struct trust_session {
    struct pair pair;
    struct fake_authenticator authenticator;
    SSL_CTX *client;
};

/* shown: the client's certificate, or NULL. */
static void trust_open(struct trust_session *session, struct organization *organization, const char *address,
                       const struct fake_certificate *shown)
{
    *session = (struct trust_session){.client = SSL_CTX_new(TLS_client_method())};
    if (shown != NULL) {
        SSL_CTX_use_certificate(session->client, shown->x509);
        SSL_CTX_use_PrivateKey(session->client, shown->key);
    }
    session->pair.organization = organization;
    fake_authenticator_init(&session->authenticator, people);
    dialogue_begin(&session->pair.dialogue, organization);
    session->pair.dialogue.service.authenticator = &session->authenticator.face;
    smtp_service_set_certificates(&session->pair.dialogue.service,
                                  certificate_contexts_new(certificates, TLS_PROFILE_MODERN, keys));
    dialogue_connect(&session->pair.dialogue, "10.0.0.1:25", address);
    dialogue_settle(&session->pair.dialogue);
}

static void trust_close(struct trust_session *session)
{
    struct pair *pair = &session->pair;
    smtp_service_abort_all(&pair->dialogue.service);
    dialogue_settle(&pair->dialogue);
    smtp_service_set_certificates(&pair->dialogue.service, NULL);
    dialogue_close(&pair->dialogue);
    organization_unref(pair->organization);
    if (pair->has_client) {
        fake_tls_client_done(&pair->client);
    }
    SSL_CTX_free(session->client);
}

static void say(struct trust_session *session, const char *const *script)
{
    dialogue_run(&session->pair.dialogue, DIALOGUE_STEPS, script);
}

#define TRUST_HELLO                                                                                          \
    "S: 220 *", EHLO, "S: 250-STARTTLS", "S: 250-X-ANONYMOUSTLS", "S: 250-X-EXPS GSSAPI NTLM", "S+ 250 *"

/* Up to the first EHLO inside. */
static void begin_trust(struct trust_session *session, const struct fake_certificate *shown, const char *verb)
{
    trust_open(session, make_organization(NULL), "10.5.0.5", shown);
    say(session,
        SCRIPT(TRUST_HELLO, "C: HELP", "S: 214-*", "S: 214 *", verb, "S: 220 2.0.0 SMTP server ready"));
    assert_true(shake_hands_as(&session->pair, session->client, SIZE_MAX));
    ask(&session->pair, "EHLO edge", "250-mx1*250-X-EXPS GSSAPI NTLM\r\n250-8BITMIME\r\n*");
}

/* The identity shows in what table 4 grants: hub and edge may submit, anonymous may not. */
static void expect_mail(struct trust_session *session, bool may_submit)
{
    ask(&session->pair, "MAIL FROM:<a@contoso.com>",
        may_submit ? "250 2.1.0 Sender OK\r\n" : "530 5.7.1 Client was not authenticated\r\n");
    ask(&session->pair, "RSET", "250 *");
}

/* proves: C125 C148 C156 C157 C158 facts-8.5 facts-10.2 facts-10.3 */
static void the_directory_knows_the_certificate(void **state)
{
    const struct fake_certificate *const shown[] = {&hub, &edge, &own, &stranger, NULL};
    const bool is_known[] = {true, true, true, false, false};
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct trust_session session;
        begin_trust(&session, shown[i], "C: X-ANONYMOUSTLS");
        expect_mail(&session, is_known[i]);
        ask(&session.pair, "X-ANONYMOUSTLS", "503 5.5.2 Only one *");
        trust_close(&session);
    }
    /* Behind STARTTLS nobody asks for it. */
    struct trust_session session;
    begin_trust(&session, &hub, "C: STARTTLS");
    expect_mail(&session, false);
    trust_close(&session);
}

/* proves: facts-10.3 */
static void a_certificate_leaves_the_directory(void **state)
{
    struct trust_session session;
    (void)state;
    begin_trust(&session, &hub, "C: X-ANONYMOUSTLS");
    expect_mail(&session, true);
    struct organization *later = make_organization(NULL);
    later->trusted_count = 1;
    smtp_service_set_organization(&session.pair.dialogue.service, later);
    organization_unref(later);
    expect_mail(&session, false);
    trust_close(&session);
}

static void suppressed(struct receive_connector *connector)
{
    connector->protocol_options |= OPTION_SUPPRESS_X_ANONYMOUSTLS;
}

/* proves: C125 facts-8.1 facts-10.2 facts-2.3 */
static void where_it_is_not_offered(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct organization *organization = make_organization(i == 0 ? suppressed : NULL);
        struct trust_session session;
        if (i == 1) {
            organization->server.internal_certificate = (struct bytes){0};
        } else if (i == 2) {
            organization->server.internal_certificate = trusted[1].certificate; /* not in the store */
        }
        trust_open(&session, organization, i == 3 ? "10.4.0.5" : "10.5.0.5", &hub);
        say(&session,
            i == 3 ? SCRIPT("S: 220 *", EHLO, "S+ 250 *")
                   : SCRIPT("S: 220 *", EHLO, "S: 250-STARTTLS", "S: 250-X-EXPS GSSAPI NTLM", "S+ 250 *"));
        say(&session, SCRIPT("C: X-ANONYMOUSTLS", "S: 502 5.3.3 *"));
        trust_close(&session);
    }
}

/* proves: C154 facts-8.5 facts-10.3 */
static void x_exps_behind_it(void **state)
{
    struct trust_session session;
    (void)state;
    begin_trust(&session, NULL, "C: X-ANONYMOUSTLS");
    ask(&session.pair, "X-EXPS GSSAPI c2VydmVy", "235 2.7.0 *");
    expect_mail(&session, true);
    ask(&session.pair, "EHLO again", "250-*");
    expect_mail(&session, true);
    trust_close(&session);
}

/* -24 comes by X-EXPS alone, to members of ExchangeLegacyInterop. */
/* proves: contract-7 */
static void an_old_server(void **state)
{
    (void)state;
    for (int by_exps = 0; by_exps < 2; by_exps++) {
        struct trust_session session;
        struct sid interop;
        struct organization *organization = fake_organization_new(&(struct fake_organization){
            .receive =
                (struct fake_receive[]){{"Old", .aces = "allow ms-Exch-SMTP-Submit to legacy-servers",
                                         .adjust = no_tarpit, .auth = AUTH_INTEGRATED | AUTH_EXCHANGE_SERVER},
                                        {0}}});
        assert_int_equal(sid_parse(BYTES_LITERAL(FAKE_LEGACY_INTEROP_SID), &interop), OK);
        organization->legacy_interop = &interop;
        trust_open(&session, organization, "10.5.0.5", NULL);
        say(&session,
            SCRIPT("S: 220 *", EHLO, "S: 250-AUTH GSSAPI NTLM", "S: 250-X-EXPS GSSAPI NTLM", "S+ 250 *"));
        say(&session, by_exps ? SCRIPT("C: X-EXPS NTLM b2xk", AUTH_OK, "C: MAIL FROM:<>", "S: 250 *")
                              : SCRIPT("C: AUTH NTLM b2xk", "T: 250", AUTH_FAILED));
        say(&session, SCRIPT("C: NOOP", "S: 250 *"));
        trust_close(&session);
    }
}

/* RFC 3207 4.2: what was before is forgotten, who the client was too. */
/* proves: F4 C118 facts-8.5 */
static void starttls_forgets_who_it_was(void **state)
{
    struct trust_session session;
    (void)state;
    trust_open(&session, make_organization(with_tls), "10.1.0.5", NULL);
    say(&session, SCRIPT("S: 220 *", EHLO, "S: 250-STARTTLS", "S: 250-AUTH *", "S+ 250 *",
                         "C: AUTH PLAIN " ALICE_PLAIN, AUTH_OK, "C: STARTTLS", "S: 220 2.0.0 *"));
    assert_true(shake_hands_as(&session.pair, session.client, 7));
    ask(&session.pair, "AUTH PLAIN " ALICE_PLAIN, "503 5.5.2 Send hello first\r\n");
    ask(&session.pair, "EHLO x", "250-*AUTH GSSAPI NTLM LOGIN PLAIN\r\n*");
    ask(&session.pair, "MAIL FROM:<a@b.example>", "250 *");
    ask(&session.pair, "RCPT TO:<kate@fabrikam.com>", "550 5.7.1 Unable to relay\r\n");
    ask(&session.pair, "RSET", "250 *");
    ask(&session.pair, "AUTH PLAIN " ALICE_PLAIN, "235 *");
    ask(&session.pair, "MAIL FROM:<a@b.example>", "250 *");
    ask(&session.pair, "RCPT TO:<kate@fabrikam.com>", "250 *");
    ask(&session.pair, "DATA", "354 *");
    ask(&session.pair, "Subject: x\r\n\r\ntext\r\n.", "250 2.6.0 *");
    char *message = dialogue_message(&session.pair.dialogue, 0);
    assert_non_null(strstr(message, " with ESMTPSA (TLS) id "));
    free(message);
    trust_close(&session);
}

/* A login in clear behind STARTTLS, in one segment or in pieces before the ClientHello, proves nothing. */
/* proves: F4 T1 */
static void a_login_injected_before_tls(void **state)
{
    static const char *const injected[] = {"AUTH PLAIN " ALICE_PLAIN "\r\n", "AUTH LOGIN\r\n" ALICE "\r\n"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct trust_session session;
        trust_open(&session, make_organization(with_tls), "10.1.0.5", NULL);
        say(&session, SCRIPT("S: 220 *", EHLO, "S: 250-STARTTLS", "S: 250-AUTH *", "S+ 250 *", "C: STARTTLS",
                             "S: 220 2.0.0 *"));
        feed(&session.pair, bytes_of_text(injected[i]), i + 1);
        assert_false(shake_hands_as(&session.pair, session.client, SIZE_MAX));
        assert_int_equal(session.authenticator.start_count, 0);
        trust_close(&session);
    }
}

/* proves: C123 facts-2.1 facts-8.1 contract-7 */
static void passwords_inside_tls_only(void **state)
{
    struct trust_session session;
    (void)state;
    trust_open(&session, make_organization(NULL), "10.2.0.5", NULL);
    say(&session, SCRIPT("S: 220 *", EHLO, "S: 250-STARTTLS", "S+ 250 *", "C: AUTH LOGIN", "S: 538 5.7.11 *",
                         "C: STARTTLS", "S: 220 2.0.0 *"));
    assert_true(shake_hands_as(&session.pair, session.client, SIZE_MAX));
    ask(&session.pair, "EHLO x", "250-*\r\n250-AUTH LOGIN PLAIN\r\n250-8BITMIME\r\n*");
    ask(&session.pair, "AUTH LOGIN", "334 VXNlcm5hbWU6\r\n");
    ask(&session.pair, ALICE, "334 UGFzc3dvcmQ6\r\n");
    ask(&session.pair, SECRET, "235 *");
    trust_close(&session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_directory_knows_the_certificate),
        cmocka_unit_test(a_certificate_leaves_the_directory),
        cmocka_unit_test(where_it_is_not_offered),
        cmocka_unit_test(x_exps_behind_it),
        cmocka_unit_test(an_old_server),
        cmocka_unit_test(starttls_forgets_who_it_was),
        cmocka_unit_test(a_login_injected_before_tls),
        cmocka_unit_test(passwords_inside_tls_only),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

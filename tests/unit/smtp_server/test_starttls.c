/* fakes: organization dialogue tls */
/* STARTTLS, RequireTLS and TLS from the first byte, over a stream in memory with a real TLS client. */
#include "auth/certificate.h"
#include "fakes/fake_dialogue.h"
#include "fakes/fake_tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "smtp_organization.h"
#include "tls_session.h"

static char folder[] = "/tmp/dr-starttls-XXXXXX";
static SSL_CTX *client_context;
static struct tls_ticket_keys *keys;
static const struct certificate_set *certificates;

static int setup(void **state)
{
    (void)state;
    char path[512];
    struct note note = {0};
    struct fake_certificate certificate = {.name = FAKE_SERVER_FQDN};
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    snprintf(path, sizeof path, "%s/mx1.pem", folder);
    fake_certificate_make(&certificate);
    char *pem = fake_certificate_pem(&certificate);
    FILE *out = fopen(path, "we");
    fputs(pem, out);
    fclose(out);
    free(pem);
    fake_certificate_done(&certificate);
    client_context = SSL_CTX_new(TLS_client_method());
    keys = tls_ticket_keys_new(&clock_system);
    enum error error = certificate_set_read(folder, NULL, &certificates, &note);
    unlink(path);
    rmdir(folder);
    return error != OK;
}

static int teardown(void **state)
{
    (void)state;
    certificate_set_unref(certificates);
    tls_ticket_keys_free(keys);
    SSL_CTX_free(client_context);
    return 0;
}

/* -- adjustments of all connectors -- */

static void with_tls(struct receive_connector *connector)
{
    connector->auth_mechanism |= AUTH_TLS;
}

static void with_required_tls(struct receive_connector *connector)
{
    connector->auth_mechanism |= AUTH_TLS;
    connector->protocol_restrictions |= RESTRICTION_REQUIRE_TLS;
}

static void with_implicit_tls(struct receive_connector *connector)
{
    connector->implicit_tls = true;
}

static void with_another_name(struct receive_connector *connector)
{
    connector->auth_mechanism |= AUTH_TLS;
    connector->fqdn = "other.contoso.com";
}

/* -- one session and its client -- */

static void open_pair(struct pair *pair, void (*adjust)(struct receive_connector *connector),
                      const char *address, bool has_certificates)
{
    *pair = (struct pair){0};
    adjust_all = adjust;
    pair->organization = smtp_organization(PERMISSION_MODEL_2010);
    dialogue_begin(&pair->dialogue, pair->organization);
    if (has_certificates) {
        smtp_service_set_certificates(&pair->dialogue.service,
                                      certificate_contexts_new(certificates, TLS_PROFILE_MODERN, keys));
    }
    dialogue_connect(&pair->dialogue, "10.0.0.1:25", address);
    dialogue_settle(&pair->dialogue);
}

static void close_pair(struct pair *pair)
{
    smtp_service_abort_all(&pair->dialogue.service);
    dialogue_settle(&pair->dialogue);
    smtp_service_set_certificates(&pair->dialogue.service, NULL);
    dialogue_close(&pair->dialogue);
    organization_unref(pair->organization);
    if (pair->has_client) {
        fake_tls_client_done(&pair->client);
    }
    adjust_all = NULL;
}

static void run(struct pair *pair, const char *const *script)
{
    dialogue_run(&pair->dialogue, DIALOGUE_STEPS, script);
}

static bool shake_hands(struct pair *pair, size_t piece)
{
    return shake_hands_as(pair, client_context, piece);
}

#define TLS_HELLO                                                                                            \
    "S: 220 *", "C: EHLO client.example", "S: 250-*", "S: 250-SIZE*", "S: 250-PIPELINING", "S: 250-DSN",     \
        "S: 250-ENHANCEDSTATUSCODES", "S: 250-STARTTLS", "S+ 250 *"

/* proves: C118 C144 C147 facts-8.1 facts-8.2 facts-10.10 contract-5 */
static void a_message_inside_tls(void **state)
{
    static const size_t pieces[] = {1, 7, SIZE_MAX};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct pair pair;
        open_pair(&pair, with_tls, "10.1.0.5", true);
        run(&pair, SCRIPT(TLS_HELLO, "C: HELP", "S: 214-*",
                          "S: 214 HELO EHLO STARTTLS RCPT DATA RSET MAIL QUIT HELP BDAT", "C: STARTTLS",
                          "S: 220 2.0.0 SMTP server ready"));
        assert_true(shake_hands(&pair, pieces[i]));
        ask(&pair, "MAIL FROM:<a@b.example>", "503 5.5.2 Send hello first\r\n");
        ask(&pair, "EHLO client.example",
            "250-mx1.contoso.com Hello *250-ENHANCEDSTATUSCODES\r\n250-8BITMIME\r\n*250 *\r\n");
        ask(&pair, "STARTTLS", "503 5.5.2 Only one STARTTLS command can be issued per session\r\n");
        ask(&pair, "MAIL FROM:<a@b.example>", "250 2.1.0 Sender OK\r\n");
        ask(&pair, "RCPT TO:<kate@fabrikam.com>", "250 2.1.5 Recipient OK\r\n");
        ask(&pair, "DATA", "354 *");
        ask(&pair, "Subject: x\r\n\r\ntext\r\n.", "250 2.6.0 *");
        char *message = dialogue_message(&pair.dialogue, 0);
        assert_non_null(strstr(message, " with ESMTPS (TLS) id "));
        free(message);
        ask(&pair, "QUIT", "221 2.0.0 *");
        assert_true(pair.client.is_over);
        assert_true(dialogue_is_closed(&pair.dialogue));
        close_pair(&pair);
    }
}

/* proves: C117 C118 C150 facts-10.1 */
static void without_tls_or_certificate_it_is_not_offered(void **state)
{
    static const struct {
        void (*adjust)(struct receive_connector *connector);
        bool has_certificates;
    } cases[] = {{NULL, true}, {with_tls, false}, {with_another_name, true}};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct pair pair;
        open_pair(&pair, cases[i].adjust, "10.1.0.5", cases[i].has_certificates);
        run(&pair, SCRIPT("S: 220 *", "C: EHLO client.example", "S: 250-*", "S: 250-SIZE*",
                          "S: 250-PIPELINING", "S: 250-DSN", "S: 250-ENHANCEDSTATUSCODES", "S+ 250 *",
                          "C: STARTTLS", "S: 502 5.3.3 *", GOODBYE));
        close_pair(&pair);
    }
}

static void starttls_has_its_place_and_no_arguments(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, with_tls, "10.1.0.5", true);
    run(&pair,
        SCRIPT("S: 220 *", "C: STARTTLS", "S: 503 5.5.2 Send hello first", "C: HELO x", "S: 250 *",
               "C: STARTTLS now", "S: 501 5.5.4 *", "C: MAIL FROM:<a@b.example>", "S: 250 *", "C: STARTTLS",
               "S: 503 5.5.2 *", "C: RSET", "S: 250 *", "C: STARTTLS", "S: 220 2.0.0 *"));
    assert_true(shake_hands(&pair, SIZE_MAX));
    close_pair(&pair);
}

/* Commands behind STARTTLS in one segment; in the next one; in pieces before the ClientHello: none is ever
 * executed, inside or outside TLS. */
/* proves: F4 contract-5 */
static void injected_commands_are_never_executed(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, with_tls, "10.1.0.5", true);
    run(&pair, SCRIPT(TLS_HELLO, "C~ STARTTLS\r\nEHLO evil\r\nMAIL FROM:<a@b.example>\r\n", "S: 554 5.5.0 *",
                      "S: <closed>"));
    close_pair(&pair);
    static const char *const injected[] = {"EHLO evil\r\n", "E", "RSET\r\nMAIL FROM:<a@b.example>\r\n",
                                           "AUTH PLAIN AGEAYg==\r\n"};
    for (size_t i = 0; i < sizeof injected / sizeof injected[0]; i++) {
        open_pair(&pair, with_tls, "10.1.0.5", true);
        run(&pair, SCRIPT(TLS_HELLO, "C: STARTTLS", "S: 220 2.0.0 SMTP server ready"));
        feed(&pair, bytes_of_text(injected[i]), 1);
        assert_false(shake_hands(&pair, SIZE_MAX));
        assert_int_equal(pair.client.plain.len, 0);
        assert_true(dialogue_is_closed(&pair.dialogue));
        close_pair(&pair);
    }
    /* STARTTLS itself in pieces, an injected line in the piece that ends it. */
    open_pair(&pair, with_tls, "10.1.0.5", true);
    run(&pair, SCRIPT(TLS_HELLO, "C~ START", "S: <nothing>", "C~ TLS\r\nEHLO evil\r\n", "S: 554 5.5.0 *",
                      "S: <closed>"));
    close_pair(&pair);
}

/* proves: C186 contract-7 contract-5 */
static void require_tls_refuses_every_verb_but_seven(void **state)
{
    struct pair pair;
    (void)state;
#define NEED_TLS "S: 530 5.7.0 Must issue a STARTTLS command first"
    open_pair(&pair, with_required_tls, "10.4.0.5", true);
    run(&pair,
        SCRIPT("S: 220 *", "C: MAIL FROM:<a@b.example>", NEED_TLS, "C: EHLO x", "S: 250-mx1*", "S: 250-SIZE*",
               "S: 250-PIPELINING", "S: 250-DSN", "S: 250-ENHANCEDSTATUSCODES", "S: 250-STARTTLS", "S+ 250 *",
               "C: MAIL FROM:<a@b.example>", NEED_TLS, "C: RCPT TO:<a@b.example>", NEED_TLS, "C: DATA",
               NEED_TLS, "C: VRFY a", NEED_TLS, "C: EXPN a", NEED_TLS, "C: AUTH LOGIN", NEED_TLS,
               "C~ BDAT 1 LAST\r\nx", NEED_TLS, "C: HELO x", "S: 250 *", "C: NOOP", "S: 250 *", "C: RSET",
               "S: 250 *", "C: HELP", "S: 214-*", "S: 214 *", "C: XFOO", "S: 500 5.3.3 *", "C: STARTTLS",
               "S: 220 2.0.0 SMTP server ready"));
    assert_true(shake_hands(&pair, SIZE_MAX));
    ask(&pair, "EHLO x", "250-*");
    ask(&pair, "MAIL FROM:<a@b.example>", "250 2.1.0 Sender OK\r\n");
    ask(&pair, "RCPT TO:<kate@fabrikam.com>", "250 2.1.5 Recipient OK\r\n");
    ask(&pair, "QUIT", "221 *");
    close_pair(&pair);
}

static void tls_from_the_first_byte(void **state)
{
    struct pair pair;
    (void)state;
    for (uint32_t delay_ms = 0; delay_ms <= 2; delay_ms += 2) {
        open_pair(&pair, with_implicit_tls, "10.6.0.1", true); /* no connector: a plain refusal */
        run(&pair, SCRIPT("S: 421 4.3.2 *", "S: <closed>"));
        pair.dialogue.service.greet_delay_ms = delay_ms;
        dialogue_connect(&pair.dialogue, "10.0.0.1:25", "10.1.0.5");
        run(&pair, SCRIPT("S: <nothing>"));
        assert_true(shake_hands(&pair, SIZE_MAX));
        dialogue_advance(&pair.dialogue, delay_ms);
        carry(&pair, SIZE_MAX);
        assert_true(pair.client.plain.len > 4 && memcmp(pair.client.plain.ptr, "220 ", 4) == 0);
        ask(&pair, "EHLO x", "250-*\r\n250 *\r\n");
        ask(&pair, "STARTTLS", "503 5.5.2 Only one *");
        ask(&pair, "MAIL FROM:<a@b.example>", "250 *");
        close_pair(&pair);
    }
    /* Refused or without a certificate: not a byte in plain. */
    open_pair(&pair, with_implicit_tls, "10.5.0.5", true);
    run(&pair, SCRIPT("S: <closed>"));
    close_pair(&pair);
    open_pair(&pair, with_implicit_tls, "10.1.0.5", false);
    run(&pair, SCRIPT("S: <closed>"));
    close_pair(&pair);
    /* A client that does not know. */
    open_pair(&pair, with_implicit_tls, "10.1.0.5", true);
    dialogue_send(&pair.dialogue, BYTES_LITERAL("EHLO x\r\n"));
    assert_true(dialogue_is_closed(&pair.dialogue));
    close_pair(&pair);
}

/* proves: T9 */
static void a_half_handshake_ends_in_a_minute_whatever_trickles(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, with_tls, "10.1.0.5", true);
    run(&pair, SCRIPT(TLS_HELLO, "C: STARTTLS", "S: 220 2.0.0 *"));
    struct buffer out;
    buffer_init(&out, 1 << 20);
    fake_tls_client_open(&pair.client, client_context, NULL, 0);
    pair.has_client = true;
    assert_false(fake_tls_client_step(&pair.client, &out));
    for (size_t i = 0; i < 59; i++) {
        dialogue_send(&pair.dialogue, (struct bytes){out.ptr + i, 1});
        dialogue_advance(&pair.dialogue, 1000);
        assert_false(dialogue_is_closed(&pair.dialogue));
    }
    dialogue_advance(&pair.dialogue, 1000);
    assert_true(dialogue_is_closed(&pair.dialogue));
    assert_int_equal(pair.dialogue.output.len, 0);
    buffer_done(&out);
    close_pair(&pair);
}

static void on_empty(void *owner)
{
    (void)owner;
}

static void a_drain_and_an_organization_meet_a_handshake(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, with_tls, "10.1.0.5", true);
    run(&pair, SCRIPT(TLS_HELLO, "C: STARTTLS", "S: 220 2.0.0 *"));
    struct organization *next = smtp_organization(PERMISSION_MODEL_2007);
    smtp_service_set_organization(&pair.dialogue.service, next);
    smtp_service_set_certificates(&pair.dialogue.service, NULL);
    assert_true(shake_hands(&pair, SIZE_MAX));
    ask(&pair, "EHLO x", "250-*\r\n250 *\r\n");
    organization_unref(next);
    close_pair(&pair);
    open_pair(&pair, with_tls, "10.1.0.5", true);
    run(&pair, SCRIPT(TLS_HELLO, "C: STARTTLS", "S: 220 2.0.0 *"));
    smtp_service_drain(&pair.dialogue.service, on_empty, NULL);
    dialogue_settle(&pair.dialogue);
    assert_true(dialogue_is_closed(&pair.dialogue));
    close_pair(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_inside_tls),
        cmocka_unit_test(without_tls_or_certificate_it_is_not_offered),
        cmocka_unit_test(starttls_has_its_place_and_no_arguments),
        cmocka_unit_test(injected_commands_are_never_executed),
        cmocka_unit_test(require_tls_refuses_every_verb_but_seven),
        cmocka_unit_test(tls_from_the_first_byte),
        cmocka_unit_test(a_half_handshake_ends_in_a_minute_whatever_trickles),
        cmocka_unit_test(a_drain_and_an_organization_meet_a_handshake),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

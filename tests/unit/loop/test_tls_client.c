/* fakes: tls */
/* TLS towards servers: every way the bytes of a handshake may be cut, what a certificate is worth, the names
 * it holds. The server is OpenSSL in the same process. */
#include "loop/tls.h"

#include "fakes/fake_tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define OUTPUT_MAX (16u << 20)

/* -- the zoo -- */

static struct fake_certificate root = {.name = "Contoso Root", .alternatives = "", .is_ca = true};
static struct fake_certificate other_root = {.name = "Other Root", .alternatives = "", .is_ca = true};
static struct fake_certificate middle = {
    .name = "Middle", .alternatives = "", .is_ca = true, .issuer = &root};
static struct fake_certificate good = {.name = "mail.contoso.com", .issuer = &root};
static struct fake_certificate deep = {.name = "mail.contoso.com", .issuer = &middle};
static struct fake_certificate expired = {
    .name = "mail.contoso.com", .issuer = &root, .age_days = 60, .days = 30};
static struct fake_certificate early = {.name = "mail.contoso.com", .issuer = &root, .age_days = -2};
static struct fake_certificate self_signed = {.name = "mail.contoso.com"};
static struct fake_certificate foreign = {.name = "mail.contoso.com", .issuer = &other_root};
static struct fake_certificate by_no_ca = {
    .name = "Leaf", .alternatives = "DNS:mail.contoso.com", .issuer = &good};
static struct fake_certificate revoked = {.name = "mail.contoso.com", .issuer = &root};
static struct fake_certificate *const zoo[] = {&root,  &other_root,  &middle,  &good,     &deep,   &expired,
                                               &early, &self_signed, &foreign, &by_no_ca, &revoked};

static char folder[] = "/tmp/dr-tls-client-XXXXXX";
static char ca_file[64], crl_file[64], stale_file[64], foreign_file[64], garbage_file[64];

static char *path_of(char *out, const char *name)
{
    snprintf(out, 64, "%s/%s", folder, name);
    return out;
}

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof zoo / sizeof zoo[0]; i++) {
        fake_certificate_make(zoo[i]);
    }
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    fake_certificate_append(&root, path_of(ca_file, "ca.pem"));
    fake_crl_append(&root, &revoked, false, path_of(crl_file, "crl.pem"));
    fake_crl_append(&middle, NULL, false, crl_file);
    fake_crl_append(&root, NULL, true, path_of(stale_file, "stale.pem"));
    fake_crl_append(&other_root, NULL, false, path_of(foreign_file, "foreign.pem"));
    FILE *file = fopen(path_of(garbage_file, "garbage.pem"), "w");
    return file == NULL || fputs("no list\n", file) < 0 || fclose(file) != 0;
}

static int teardown(void **state)
{
    (void)state;
    const char *const files[] = {ca_file, crl_file, stale_file, foreign_file, garbage_file};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        unlink(files[i]);
    }
    rmdir(folder);
    for (size_t i = 0; i < sizeof zoo / sizeof zoo[0]; i++) {
        fake_certificate_done(zoo[i]);
    }
    return 0;
}

/* -- both ends -- */

struct pair {
    struct loop *loop;
    struct stream *stream;
    struct fake_tls_client server;
    struct buffer to_server, received;
    struct tls_result result;
    char names[64];
    bool holds_mail;
    int secured_count;
    bool is_closed;
    enum error why;
};

static void on_output(void *peer, struct bytes data)
{
    assert_int_equal(buffer_append(&((struct pair *)peer)->to_server, data), OK);
}

static void on_read(void *owner, struct bytes data)
{
    assert_int_equal(buffer_append(&((struct pair *)owner)->received, data), OK);
}

static void on_close(void *owner, enum error why)
{
    struct pair *pair = owner;
    pair->is_closed = true;
    pair->why = why;
}

static void on_secured(void *owner, const struct tls_result *result)
{
    struct pair *pair = owner;
    pair->result = *result;
    pair->secured_count++;
    if (result->peer != NULL) {
        pair->holds_mail = tls_certificate_holds(result->peer, "mail.contoso.com");
        tls_certificate_names(result->peer, pair->names, sizeof pair->names);
    }
}

static SSL_CTX *new_server_context(int lowest, int highest)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    assert_non_null(context);
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, lowest);
    SSL_CTX_set_max_proto_version(context, highest);
    return context;
}

static struct tls_context *new_client_context(const struct tls_client_config *config, const char *complaint)
{
    struct tls_context *context = NULL;
    struct note note = {0};
    assert_int_equal(tls_context_new_client(config, &context, &note), OK);
    if (complaint == NULL) {
        assert_string_equal(note.text, "");
    } else if (strstr(note.text, complaint) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", note.text, complaint);
    }
    return context;
}

static void open_pair_with(struct pair *pair, struct tls_context *client, SSL_CTX *server,
                           const struct fake_certificate *certificate,
                           const struct tls_client_request *request)
{
    static const struct stream_events EVENTS = {.on_read = on_read, .on_close = on_close};
    static const struct ip_endpoint nowhere = {.address = {IP_V4, {10, 0, 0, 1}}, .port = 25};
    *pair = (struct pair){.loop = loop_new("tls", NULL)};
    buffer_init(&pair->to_server, OUTPUT_MAX);
    buffer_init(&pair->received, OUTPUT_MAX);
    pair->stream = stream_memory_new(pair->loop, &nowhere, &nowhere, on_output, pair);
    stream_attach(pair->stream, &EVENTS, pair);
    fake_tls_server_open(&pair->server, server, certificate);
    assert_int_equal(stream_start_tls_client(pair->stream, client, request), OK);
    assert_true(stream_is_tls(pair->stream));
}

static void open_pair(struct pair *pair, struct tls_context *client, SSL_CTX *server,
                      const struct fake_certificate *certificate, const char *server_name)
{
    const struct tls_client_request request = {.server_name = server_name, .on_secured = on_secured};
    open_pair_with(pair, client, server, certificate, &request);
}

static void carry(struct pair *pair, size_t piece)
{
    for (int rounds = 0; rounds < 8 && !pair->is_closed; rounds++) {
        struct buffer out;
        buffer_init(&out, OUTPUT_MAX);
        fake_tls_client_take(&pair->server, buffer_bytes(&pair->to_server));
        buffer_clear(&pair->to_server);
        fake_tls_client_step(&pair->server, &out);
        for (struct bytes rest = buffer_bytes(&out); rest.len > 0 && !pair->is_closed;
             rest = bytes_skip(rest, piece)) {
            stream_memory_feed(pair->stream, bytes_first(rest, piece));
        }
        buffer_done(&out);
    }
}

static void done(struct pair *pair)
{
    if (!pair->is_closed) {
        stream_abort(pair->stream);
    }
    for (int i = 0; i < 4; i++) {
        loop_turn(pair->loop);
    }
    assert_true(pair->is_closed);
    loop_free(pair->loop);
    fake_tls_client_done(&pair->server);
    buffer_done(&pair->to_server);
    buffer_done(&pair->received);
}

static bool is_text(const struct buffer *buffer, const char *text)
{
    return bytes_equal(buffer_bytes(buffer), bytes_of_text(text));
}

/* -- tests -- */

/* proves: C149 C153 */
static void a_handshake_cut_anywhere_succeeds(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    static const size_t pieces[] = {1, 3, 7, 100, 100000};
    struct tls_context *client = new_client_context(&(struct tls_client_config){.ca_file = ca_file}, NULL);
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        SSL_CTX *server = new_server_context(versions[v], versions[v]);
        for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
            struct pair pair;
            struct buffer out;
            buffer_init(&out, OUTPUT_MAX);
            open_pair(&pair, client, server, &good, "mail.contoso.com");
            carry(&pair, pieces[p]);
            assert_int_equal(pair.secured_count, 1);
            assert_int_equal(pair.result.error, OK);
            assert_string_equal(pair.result.version, v == 0 ? "TLSv1.2" : "TLSv1.3");
            assert_true(pair.result.is_trusted);
            assert_string_equal(SSL_get_servername(pair.server.ssl, TLSEXT_NAMETYPE_host_name),
                                "mail.contoso.com");
            stream_write(pair.stream, BYTES_LITERAL("EHLO x\r\n"));
            carry(&pair, pieces[p]);
            assert_true(is_text(&pair.server.plain, "EHLO x\r\n"));
            fake_tls_client_say(&pair.server, BYTES_LITERAL("250 ok\r\n"), &out);
            stream_memory_feed(pair.stream, buffer_bytes(&out));
            assert_true(is_text(&pair.received, "250 ok\r\n"));
            buffer_done(&out);
            done(&pair);
        }
        SSL_CTX_free(server);
    }
    tls_context_free(client);
}

/* proves: T6 T7 C137 C138 C161 C162 facts-10.4 */
static void what_a_certificate_is_worth(void **state)
{
    const struct row {
        const struct fake_certificate *certificate;
        const char *crl_file;
        const char *distrust; /* NULL: trusted */
        const char *complaint;
    } rows[] = {
        {&good, NULL, NULL, NULL},
        {&deep, NULL, NULL, NULL},
        {&revoked, NULL, NULL, NULL}, /* nobody asks */
        {&expired, NULL, "certificate has expired", NULL},
        {&early, NULL, "certificate is not yet valid", NULL},
        {&self_signed, NULL, "self-signed certificate", NULL},
        {&foreign, NULL, "self-signed certificate in certificate chain", NULL},
        {&by_no_ca, NULL, "invalid CA certificate", NULL},
        {&good, crl_file, NULL, NULL},
        {&deep, crl_file, NULL, NULL},
        {&revoked, crl_file, "certificate revoked", NULL},
        {&good, stale_file, "CRL has expired", NULL},
        {&good, foreign_file, "unable to get certificate CRL", NULL},
        {&good, garbage_file, "unable to get certificate CRL", "tls.crl_file: /tmp/"},
        {&good, "/nonexistent/crl.pem", "unable to get certificate CRL",
         "tls.crl_file: /nonexistent/crl.pem cannot be read"},
        {&good, "/dev/zero", "unable to get certificate CRL", "/dev/zero is no file"},
    };
    SSL_CTX *server = new_server_context(TLS1_2_VERSION, TLS1_3_VERSION);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tls_client_config config = {.ca_file = ca_file, .crl_file = rows[i].crl_file};
        struct tls_context *client = new_client_context(&config, rows[i].complaint);
        struct pair pair;
        open_pair(&pair, client, server, rows[i].certificate, NULL);
        carry(&pair, SIZE_MAX);
        assert_int_equal(pair.result.error, OK);
        if (pair.result.is_trusted != (rows[i].distrust == NULL)) {
            fail_msg("row %zu: %s", i, pair.result.distrust);
        }
        if (rows[i].distrust != NULL && strcmp(pair.result.distrust, rows[i].distrust) != 0) {
            fail_msg("row %zu: \"%s\", not \"%s\"", i, pair.result.distrust, rows[i].distrust);
        }
        assert_true(pair.holds_mail);
        assert_string_equal(pair.names, "mail.contoso.com");
        done(&pair);
        tls_context_free(client);
    }
    SSL_CTX_free(server);
}

static int take_any(int is_good, X509_STORE_CTX *store)
{
    (void)is_good;
    (void)store;
    return 1;
}

/* proves: C146 C148 C168 facts-10.4 */
static void our_certificate_is_shown_to_who_asks(void **state)
{
    static const struct row {
        bool has_identity, is_asked;
    } rows[] = {{true, true}, {true, false}, {false, true}, {false, false}};
    struct tls_context *client = new_client_context(&(struct tls_client_config){.ca_file = ca_file}, NULL);
    const struct tls_identity identity = {self_signed.x509, self_signed.key, NULL};
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i / 2];
        const struct tls_client_request request = {.identity = row->has_identity ? &identity : NULL,
                                                   .on_secured = on_secured};
        SSL_CTX *server = new_server_context(versions[i % 2], versions[i % 2]);
        SSL_CTX_set_verify(server, row->is_asked ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, take_any);
        struct pair pair;
        open_pair_with(&pair, client, server, &good, &request);
        carry(&pair, SIZE_MAX);
        bool is_shown = row->has_identity && row->is_asked;
        assert_int_equal(pair.result.error, OK);
        assert_int_equal(pair.result.is_identity_shown, is_shown);
        X509 *seen = SSL_get1_peer_certificate(pair.server.ssl);
        assert_true(is_shown ? seen != NULL && X509_cmp(seen, self_signed.x509) == 0 : seen == NULL);
        X509_free(seen);
        done(&pair);
        SSL_CTX_free(server);
    }
    tls_context_free(client);
}

/* proves: T6 T7 C161 C177 facts-10.4 */
static void what_a_clients_certificate_is_worth(void **state)
{
    const struct row {
        const struct fake_certificate *certificate;
        bool shows_middle;
        const char *crl_file;
        const char *distrust; /* NULL: good */
    } rows[] = {
        {&good, false, NULL, NULL},
        {&deep, true, NULL, NULL},
        {&deep, false, NULL, "unable to get local issuer certificate"},
        {&expired, false, NULL, "certificate has expired"},
        {&early, false, NULL, "certificate is not yet valid"},
        {&self_signed, false, NULL, "self-signed certificate"},
        {&foreign, false, NULL, "unable to get local issuer certificate"},
        {&deep, true, crl_file, NULL},
        {&revoked, false, crl_file, "certificate revoked"},
        {&good, false, stale_file, "CRL has expired"},
        {&good, false, foreign_file, "unable to get certificate CRL"},
    };
    STACK_OF(X509) *chain = sk_X509_new_null();
    (void)state;
    sk_X509_push(chain, middle.x509);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tls_client_config config = {.ca_file = ca_file, .crl_file = rows[i].crl_file};
        struct tls_context *client = new_client_context(&config, NULL);
        SSL_CTX *trust = tls_context_trust(client);
        const char *distrust = NULL;
        tls_context_free(client); /* it lives on */
        bool is_good = tls_trust_is_good_client(trust, rows[i].certificate->x509,
                                                rows[i].shows_middle ? chain : NULL, &distrust);
        if (is_good != (rows[i].distrust == NULL)) {
            fail_msg("row %zu: %s", i, distrust);
        }
        if (rows[i].distrust != NULL) {
            assert_string_equal(distrust, rows[i].distrust);
        }
        tls_trust_unref(trust);
    }
    sk_X509_free(chain);
}

/* An anchor that cannot be read trusts nobody. */
static void without_anchors_nobody_is_trusted(void **state)
{
    struct tls_context *client = new_client_context(
        &(struct tls_client_config){.ca_file = "/nonexistent/ca.pem"}, "tls.ca_file: /nonexistent/ca.pem");
    SSL_CTX *server = new_server_context(TLS1_2_VERSION, TLS1_3_VERSION);
    struct pair pair;
    (void)state;
    open_pair(&pair, client, server, &good, NULL);
    carry(&pair, SIZE_MAX);
    assert_int_equal(pair.result.error, OK);
    assert_false(pair.result.is_trusted);
    done(&pair);
    SSL_CTX_free(server);
    tls_context_free(client);
}

/* proves: T6 */
static void the_names_of_a_certificate(void **state)
{
    static const struct row {
        const char *alternatives;
        const char *name;
        bool is_held;
    } rows[] = {
        {"DNS:mail.contoso.com", "mail.contoso.com", true},
        {"DNS:MAIL.Contoso.COM", "mail.contoso.com", true},
        {"DNS:mail.contoso.com", "contoso.com", false},
        {"DNS:mail.contoso.com", "xmail.contoso.com", false},
        {"DNS:a.example,DNS:mail.contoso.com", "mail.contoso.com", true},
        {"DNS:*.contoso.com", "mail.contoso.com", true},
        {"DNS:*.contoso.com", "contoso.com", false},
        {"DNS:*.contoso.com", "a.mail.contoso.com", false},
        {"DNS:*.com", "contoso.com", false},
        {"DNS:*", "contoso.com", false},
        {"DNS:m*.contoso.com", "mail.contoso.com", false},
        {"DNS:mail.*.com", "mail.contoso.com", false},
        {"DNS:*.xn--contoso-1ya.com", "mail.xn--contoso-1ya.com", true},
        {"IP:10.0.0.1", "10.0.0.1", false},
        {"DNS:10.0.0.1", "10.0.0.2", false},
        {"email:kate@mail.contoso.com", "mail.contoso.com", false},
        {"", "subject.contoso.com", false}, /* the subject alone does not count */
        {"DNS:a.example", "subject.contoso.com", false},
        {"DNS:mail.contoso.com", ".contoso.com", true},
        {"DNS:a.mail.contoso.com", ".contoso.com", true},
        {"DNS:*.contoso.com", ".contoso.com", true},
        {"DNS:contoso.com", ".contoso.com", false},
        {"DNS:mail.notcontoso.com", ".contoso.com", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake_certificate certificate = {.name = "subject.contoso.com",
                                               .alternatives = rows[i].alternatives};
        fake_certificate_make(&certificate);
        if (tls_certificate_holds(certificate.x509, rows[i].name) != rows[i].is_held) {
            fail_msg("\"%s\" and \"%s\"", rows[i].alternatives, rows[i].name);
        }
        fake_certificate_done(&certificate);
    }
}

static void names_are_printed_in_one_line(void **state)
{
    struct fake_certificate certificate = {
        .name = "x", .alternatives = "DNS:a.example,email:x@b.example,DNS:*.b.example,DNS:c\x01\x1b.example"};
    char text[64], small[10];
    (void)state;
    fake_certificate_make(&certificate);
    tls_certificate_names(certificate.x509, text, sizeof text);
    assert_string_equal(text, "a.example *.b.example c??.example");
    tls_certificate_names(certificate.x509, small, sizeof small);
    assert_string_equal(small, "a.example");
    fake_certificate_done(&certificate);
}

/* proves: T8 F5 */
static void what_is_no_handshake_ends_the_stream(void **state)
{
    static const char *const noise[] = {"250 AUTH PLAIN\r\n250 ok, so it seems\r\n",
                                        "HTTP/1.0 400 no\r\n\r\n", "\x15\x03\x03\x00\x02\x02\x28"};
    struct tls_context *client = new_client_context(&(struct tls_client_config){.ca_file = ca_file}, NULL);
    SSL_CTX *server = new_server_context(TLS1_2_VERSION, TLS1_3_VERSION);
    (void)state;
    for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++) {
        struct pair pair;
        size_t len = i == 2 ? 7 : strlen(noise[i]);
        open_pair(&pair, client, server, &good, NULL);
        stream_memory_feed(pair.stream, (struct bytes){noise[i], len});
        loop_turn(pair.loop);
        assert_int_equal(pair.secured_count, 1);
        assert_int_equal(pair.result.error, ERROR_PROTOCOL);
        assert_int_equal(pair.received.len, 0);
        done(&pair);
    }
    SSL_CTX_free(server);
    tls_context_free(client);
}

/* proves: C143 T8 */
static void old_servers_need_the_legacy_profile(void **state)
{
    SSL_CTX *server = new_server_context(TLS1_VERSION, TLS1_1_VERSION);
    (void)state;
    for (enum tls_profile profile = TLS_PROFILE_MODERN; profile <= TLS_PROFILE_LEGACY; profile++) {
        struct tls_client_config config = {.profile = profile, .ca_file = ca_file};
        struct tls_context *client = new_client_context(&config, NULL);
        struct pair pair;
        SSL_CTX_set_cipher_list(server, "ALL:@SECLEVEL=0");
        open_pair(&pair, client, server, &good, NULL);
        carry(&pair, SIZE_MAX);
        for (int i = 0; i < 4; i++) {
            loop_turn(pair.loop);
        }
        assert_int_equal(pair.result.error == OK && pair.secured_count == 1, profile == TLS_PROFILE_LEGACY);
        done(&pair);
        tls_context_free(client);
    }
    SSL_CTX_free(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_cut_anywhere_succeeds),
        cmocka_unit_test(what_a_certificate_is_worth),
        cmocka_unit_test(without_anchors_nobody_is_trusted),
        cmocka_unit_test(our_certificate_is_shown_to_who_asks),
        cmocka_unit_test(what_a_clients_certificate_is_worth),
        cmocka_unit_test(the_names_of_a_certificate),
        cmocka_unit_test(names_are_printed_in_one_line),
        cmocka_unit_test(what_is_no_handshake_ends_the_stream),
        cmocka_unit_test(old_servers_need_the_legacy_profile),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

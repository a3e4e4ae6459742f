/* fakes: tls */
/* TLS on streams in memory against an OpenSSL client in the same process: every way the bytes may be cut,
 * suspended owners, resumption, what is refused. */
#include "loop/tls.h"

#include "fakes/fake_tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>

#define OUTPUT_MAX (16u << 20)

/* Both ends of one connection. */
struct pair {
    struct loop *loop;
    struct stream *stream;
    struct fake_tls_client client;
    struct buffer to_client;
    struct buffer received; /* plaintext, at the owner */
    struct tls_result result;
    int secured_count;
    bool is_closed;
    enum error why;
    bool suspends; /* after each read */
    bool closes;   /* after the first read */
    bool has_peer;
};

static struct fake_certificate certificate = {.name = "mx1.contoso.com"};
static struct clock_fake clock_of_keys;
static struct tls_ticket_keys *keys;
static struct tls_context *context;
static SSL_CTX *client_context;

static struct tls_context *new_context(enum tls_profile profile)
{
    struct tls_context *made = NULL;
    struct note note = {0};
    assert_int_equal(tls_context_new_server(&(struct tls_server_config){.certificate = certificate.x509,
                                                                        .key = certificate.key,
                                                                        .profile = profile,
                                                                        .ticket_keys = keys},
                                            &made, &note),
                     OK);
    return made;
}

static int setup(void **state)
{
    (void)state;
    fake_certificate_make(&certificate);
    clock_fake_init(&clock_of_keys, 1000, 1795315500123);
    keys = tls_ticket_keys_new(&clock_of_keys.clock);
    context = new_context(TLS_PROFILE_MODERN);
    client_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(client_context, 0);
    SSL_CTX_set_session_cache_mode(client_context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    return keys == NULL || client_context == NULL;
}

static int teardown(void **state)
{
    (void)state;
    SSL_CTX_free(client_context);
    tls_context_free(context);
    tls_ticket_keys_free(keys);
    fake_certificate_done(&certificate);
    return 0;
}

static void on_output(void *peer, struct bytes data)
{
    assert_int_equal(buffer_append(&((struct pair *)peer)->to_client, data), OK);
}

static void on_read(void *owner, struct bytes data)
{
    struct pair *pair = owner;
    assert_int_equal(buffer_append(&pair->received, data), OK);
    if (pair->suspends) {
        stream_suspend(pair->stream);
    }
    if (pair->closes) {
        stream_write(pair->stream, BYTES_LITERAL("bye\r\n"));
        stream_close(pair->stream);
    }
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
    pair->has_peer = result->peer != NULL;
    pair->secured_count++;
}

static const struct stream_events events = {.on_read = on_read, .on_close = on_close};

static void open_with(struct pair *pair, struct tls_context *server, SSL_SESSION *session, int version,
                      const char *scope, bool asks_certificate)
{
    static const struct ip_endpoint nowhere = {.address = {IP_V4, {10, 0, 0, 1}}, .port = 25};
    *pair = (struct pair){.loop = loop_new("tls", NULL)};
    buffer_init(&pair->to_client, OUTPUT_MAX);
    buffer_init(&pair->received, OUTPUT_MAX);
    pair->stream = stream_memory_new(pair->loop, &nowhere, &nowhere, on_output, pair);
    stream_attach(pair->stream, &events, pair);
    fake_tls_client_open(&pair->client, client_context, session, version);
    assert_false(stream_is_tls(pair->stream));
    assert_int_equal(
        stream_start_tls_server(pair->stream, server,
                                &(struct tls_server_request){.scope = bytes_of_text(scope),
                                                             .asks_certificate = asks_certificate,
                                                             .on_secured = on_secured}),
        OK);
    assert_true(stream_is_tls(pair->stream));
}

static void open_pair(struct pair *pair, SSL_SESSION *session, int version)
{
    open_with(pair, context, session, version, "a", false);
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
    fake_tls_client_done(&pair->client);
    buffer_done(&pair->to_client);
    buffer_done(&pair->received);
}

/* Feeds bytes in pieces of this size. */
static void feed(struct pair *pair, struct bytes bytes, size_t piece)
{
    while (bytes.len > 0 && !pair->is_closed) {
        struct bytes now = bytes_first(bytes, piece);
        stream_memory_feed(pair->stream, now);
        bytes = bytes_skip(bytes, now.len);
    }
}

/* Carries bytes both ways until neither end has any; true when the client's handshake is done. */
static bool carry(struct pair *pair, size_t piece)
{
    bool is_done = false;
    for (int round = 0; round < 8; round++) {
        struct buffer out;
        buffer_init(&out, OUTPUT_MAX);
        fake_tls_client_take(&pair->client, buffer_bytes(&pair->to_client));
        buffer_clear(&pair->to_client);
        is_done = fake_tls_client_step(&pair->client, &out);
        feed(pair, buffer_bytes(&out), piece);
        buffer_done(&out);
        loop_turn(pair->loop);
    }
    return is_done;
}

static void say(struct pair *pair, struct bytes text, size_t piece)
{
    struct buffer out;
    buffer_init(&out, OUTPUT_MAX);
    fake_tls_client_say(&pair->client, text, &out);
    feed(pair, buffer_bytes(&out), piece);
    buffer_done(&out);
}

static void assert_heard(const struct buffer *heard, const char *text)
{
    assert_int_equal(heard->len, strlen(text));
    assert_memory_equal(heard->ptr, text, heard->len);
}

/* proves: C143 C144 T9 */
static void a_handshake_cut_anywhere_succeeds(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    static const size_t pieces[] = {1, 2, 3, 5, 7, 100, 1000, 100000};
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
            struct pair pair;
            open_pair(&pair, NULL, versions[v]);
            assert_true(carry(&pair, pieces[p]));
            assert_int_equal(pair.secured_count, 1);
            assert_int_equal(pair.result.error, OK);
            assert_string_equal(pair.result.version, v == 0 ? "TLSv1.2" : "TLSv1.3");
            assert_false(pair.result.is_resumed);
            assert_null(pair.result.peer);
            say(&pair, BYTES_LITERAL("EHLO x\r\nNOOP\r\n"), pieces[p]);
            assert_heard(&pair.received, "EHLO x\r\nNOOP\r\n");
            stream_write(pair.stream, BYTES_LITERAL("250 OK\r\n"));
            carry(&pair, pieces[p]);
            assert_heard(&pair.client.plain, "250 OK\r\n");
            done(&pair);
        }
    }
}

/* Every cut into two of the client's first flight, so that records end in every place. */
static void a_first_flight_cut_in_two_anywhere_succeeds(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < 300; cut++) {
        struct pair pair;
        struct buffer out;
        buffer_init(&out, OUTPUT_MAX);
        open_pair(&pair, NULL, 0);
        assert_false(fake_tls_client_step(&pair.client, &out));
        feed(&pair, bytes_first(buffer_bytes(&out), cut), SIZE_MAX);
        assert_int_equal(pair.to_client.len > 0, cut >= out.len);
        feed(&pair, bytes_skip(buffer_bytes(&out), cut), SIZE_MAX);
        buffer_done(&out);
        assert_true(carry(&pair, SIZE_MAX));
        assert_int_equal(pair.result.error, OK);
        done(&pair);
    }
}

/* What is written before stays readable, what is written during the handshake is not sent at all. */
static void nothing_leaves_unprotected_after_the_start(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, NULL, 0);
    stream_write(pair.stream, BYTES_LITERAL("secret"));
    assert_int_equal(pair.to_client.len, 0);
    assert_true(carry(&pair, SIZE_MAX));
    assert_int_equal(pair.client.plain.len, 0);
    done(&pair);
}

/* proves: T9 */
static void records_of_one_byte_reach_the_owner_together(void **state)
{
    struct pair pair;
    struct buffer out;
    (void)state;
    open_pair(&pair, NULL, 0);
    assert_true(carry(&pair, SIZE_MAX));
    buffer_init(&out, OUTPUT_MAX);
    for (int i = 0; i < 3000; i++) {
        fake_tls_client_say(&pair.client, BYTES_LITERAL("x"), &out);
    }
    pair.suspends = true; /* would stop at the first read */
    feed(&pair, buffer_bytes(&out), SIZE_MAX);
    assert_int_equal(pair.received.len, 3000);
    buffer_done(&out);
    done(&pair);
}

/* A suspended owner gets no more than the one run it has, and loses nothing. */
static void a_suspended_owner_loses_nothing(void **state)
{
    struct pair pair;
    struct buffer text;
    (void)state;
    open_pair(&pair, NULL, 0);
    assert_true(carry(&pair, SIZE_MAX));
    buffer_init(&text, OUTPUT_MAX);
    for (int i = 0; i < 20000; i++) {
        assert_int_equal(buffer_printf(&text, "%07d\r\n", i), OK);
    }
    pair.suspends = true;
    say(&pair, buffer_bytes(&text), SIZE_MAX);
    assert_in_range(pair.received.len, 1, 64 << 10);
    stream_memory_hang_up(pair.stream);
    for (int i = 0; i < 8 && !pair.is_closed; i++) {
        stream_resume(pair.stream);
        loop_turn(pair.loop);
    }
    assert_int_equal(pair.received.len, text.len);
    assert_memory_equal(pair.received.ptr, text.ptr, text.len);
    buffer_done(&text);
    done(&pair);
}

static void a_close_says_what_is_left_and_goodbye(void **state)
{
    struct pair pair;
    (void)state;
    open_pair(&pair, NULL, 0);
    assert_true(carry(&pair, SIZE_MAX));
    pair.closes = true;
    say(&pair, BYTES_LITERAL("QUIT\r\n"), SIZE_MAX);
    assert_true(pair.is_closed);
    assert_int_equal(pair.why, ERROR_CANCELED);
    carry(&pair, SIZE_MAX);
    assert_heard(&pair.client.plain, "bye\r\n");
    assert_true(pair.client.is_over);
    done(&pair);
}

static void the_clients_goodbye_closes(void **state)
{
    struct pair pair;
    struct buffer out;
    (void)state;
    open_pair(&pair, NULL, 0);
    assert_true(carry(&pair, SIZE_MAX));
    SSL_shutdown(pair.client.ssl);
    buffer_init(&out, OUTPUT_MAX);
    fake_tls_client_step(&pair.client, &out);
    feed(&pair, buffer_bytes(&out), SIZE_MAX);
    buffer_done(&out);
    assert_true(pair.is_closed);
    assert_int_equal(pair.why, OK);
    done(&pair);
}

/* proves: T8 F4 */
static void what_is_no_handshake_ends_the_stream(void **state)
{
    static const char *const noise[] = {"EHLO x\r\nMAIL FROM:<a@b>\r\n", "GET / HTTP/1.0\r\n\r\n",
                                        "\x16\x03\x01\xff\xff\xff\xff\xff", "\x80\x2e\x01\x03\x01"};
    (void)state;
    for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++) {
        struct pair pair;
        open_pair(&pair, NULL, 0);
        feed(&pair, bytes_of_text(noise[i]), 1);
        if (!pair.is_closed) {
            stream_memory_hang_up(pair.stream);
        }
        assert_true(pair.is_closed);
        assert_int_equal(pair.received.len, 0);
        assert_true(pair.secured_count == 0 || pair.result.error == ERROR_PROTOCOL);
        done(&pair);
    }
}

/* A broken record behind good ones: what came before is delivered, then the stream ends. */
static void a_forged_record_ends_the_stream(void **state)
{
    struct pair pair;
    struct buffer out;
    (void)state;
    open_pair(&pair, NULL, 0);
    assert_true(carry(&pair, SIZE_MAX));
    buffer_init(&out, OUTPUT_MAX);
    fake_tls_client_say(&pair.client, BYTES_LITERAL("good"), &out);
    fake_tls_client_say(&pair.client, BYTES_LITERAL("evil"), &out);
    out.ptr[out.len - 1] ^= 1;
    feed(&pair, buffer_bytes(&out), SIZE_MAX);
    assert_heard(&pair.received, "good");
    assert_true(pair.is_closed);
    assert_int_equal(pair.why, ERROR_PROTOCOL);
    buffer_done(&out);
    done(&pair);
}

/* proves: C143 T8 */
static void old_versions_are_refused_but_by_the_legacy_profile(void **state)
{
    static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION};
    struct tls_context *legacy = new_context(TLS_PROFILE_LEGACY);
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pair pair;
        open_pair(&pair, NULL, versions[i]);
        assert_false(carry(&pair, SIZE_MAX));
        assert_int_equal(pair.result.error, ERROR_PROTOCOL);
        assert_non_null(pair.result.why);
        done(&pair);
        open_with(&pair, legacy, NULL, versions[i], "a", false);
        assert_true(carry(&pair, SIZE_MAX));
        assert_string_equal(pair.result.version, i == 0 ? "TLSv1" : "TLSv1.1");
        done(&pair);
    }
    tls_context_free(legacy);
}

/* proves: T8 */
static void weak_ciphers_are_refused(void **state)
{
    static const char *const weak[] = {"NULL",       "aNULL",        "kRSA", "AES128-SHA",
                                       "ECDHE+SHA1", "ECDHE+SHA256", "DHE",  "CAMELLIA"};
    (void)state;
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        struct pair pair;
        open_pair(&pair, NULL, TLS1_2_VERSION);
        if (SSL_set_cipher_list(pair.client.ssl, weak[i]) == 1) {
            SSL_set_security_level(pair.client.ssl, 0);
            bool is_done = carry(&pair, SIZE_MAX);
            if (is_done) {
                print_message("%s: %s\n", weak[i], pair.result.cipher);
            }
            assert_false(is_done);
        }
        ERR_clear_error();
        done(&pair);
    }
}

/* proves: T8 T9 */
static void renegotiation_is_refused(void **state)
{
    struct pair pair;
    struct buffer out;
    (void)state;
    open_pair(&pair, NULL, TLS1_2_VERSION);
    assert_true(carry(&pair, SIZE_MAX));
    SSL_renegotiate(pair.client.ssl);
    buffer_init(&out, OUTPUT_MAX);
    fake_tls_client_step(&pair.client, &out);
    feed(&pair, buffer_bytes(&out), SIZE_MAX);
    buffer_done(&out);
    carry(&pair, SIZE_MAX);
    assert_int_equal(pair.secured_count, 1);
    assert_false(SSL_do_handshake(pair.client.ssl) == 1 && pair.client.plain.len > 0);
    done(&pair);
}

static void alpn_is_smtp_or_the_client_means_another_server(void **state)
{
    static const unsigned char smtp[] = "\x04smtp", http[] = "\x02h2\x08http/1.1";
    (void)state;
    struct pair pair;
    const unsigned char *chosen;
    unsigned chosen_len;
    open_pair(&pair, NULL, 0);
    SSL_set_alpn_protos(pair.client.ssl, smtp, sizeof smtp - 1);
    assert_true(carry(&pair, SIZE_MAX));
    SSL_get0_alpn_selected(pair.client.ssl, &chosen, &chosen_len);
    assert_int_equal(chosen_len, 4);
    assert_memory_equal(chosen, "smtp", 4);
    done(&pair);
    open_pair(&pair, NULL, 0);
    SSL_set_alpn_protos(pair.client.ssl, http, sizeof http - 1);
    assert_false(carry(&pair, SIZE_MAX));
    assert_int_equal(pair.result.error, ERROR_PROTOCOL);
    done(&pair);
}

static SSL_SESSION *taken_session;

static int on_new_session(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(taken_session);
    taken_session = session;
    return 1;
}

static bool has_same_ticket(const SSL_SESSION *one, const SSL_SESSION *other)
{
    const unsigned char *a, *b;
    size_t a_len, b_len = 0;
    SSL_SESSION_get0_ticket(one, &a, &a_len);
    if (other != NULL) {
        SSL_SESSION_get0_ticket(other, &b, &b_len);
    }
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

/* One connection with the last ticket; tells whether it resumed, and leaves the ticket that it got. */
static bool resume(struct tls_context *server, int version, const char *scope, bool *out_has_fresh)
{
    struct pair pair;
    SSL_SESSION *offered = taken_session;
    taken_session = NULL;
    open_with(&pair, server, offered, version, scope, false);
    assert_true(carry(&pair, SIZE_MAX));
    bool is_resumed = pair.result.is_resumed;
    if (taken_session == NULL &&
        version == TLS1_2_VERSION) { /* OpenSSL tells of a renewed one in TLS 1.3 only */
        taken_session = SSL_get1_session(pair.client.ssl);
    }
    *out_has_fresh = taken_session != NULL && !has_same_ticket(taken_session, offered);
    done(&pair);
    if (taken_session == NULL) {
        taken_session = offered;
    } else {
        SSL_SESSION_free(offered);
    }
    return is_resumed;
}

/* On this context, on another loop's with the same keys, and again and again; not in another scope; not once
 * both keys are gone. */
static void every_ticket_resumes_and_a_fresh_one_is_given(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct tls_context *other = new_context(TLS_PROFILE_MODERN);
    (void)state;
    SSL_CTX_sess_set_new_cb(client_context, on_new_session);
    for (size_t v = 0; v < 2; v++) {
        bool has_fresh;
        assert_false(resume(context, versions[v], "a", &has_fresh));
        assert_true(has_fresh);
        for (int i = 0; i < 6; i++) {
            assert_true(resume(i % 2 == 0 ? other : context, versions[v], "a", &has_fresh));
            assert_true(has_fresh);
        }
        clock_fake_advance(&clock_of_keys, 13u * 3600 * 1000);
        assert_true(resume(context, versions[v], "a", &has_fresh));
        assert_true(has_fresh);
        assert_false(resume(context, versions[v], "b", &has_fresh));
        clock_fake_advance(&clock_of_keys, 13u * 3600 * 1000);
        assert_false(resume(context, versions[v], "a", &has_fresh)); /* of scope b */
        SSL_SESSION *old = taken_session;
        SSL_SESSION_up_ref(old);
        for (int i = 0; i < 2; i++) {
            clock_fake_advance(&clock_of_keys, 13u * 3600 * 1000);
            resume(context, versions[v], "a", &has_fresh);
        }
        SSL_SESSION_free(taken_session);
        taken_session = old;
        assert_false(resume(context, versions[v], "a", &has_fresh));
        SSL_SESSION_free(taken_session);
        taken_session = NULL;
    }
    SSL_CTX_sess_set_new_cb(client_context, NULL);
    tls_context_free(other);
}

/* proves: C104 */
static void a_client_certificate_is_asked_for_and_may_be_missing(void **state)
{
    struct pair pair;
    struct fake_certificate client = {.name = "partner.example"};
    (void)state;
    open_with(&pair, context, NULL, 0, "a", true);
    assert_true(carry(&pair, SIZE_MAX));
    assert_int_equal(pair.result.error, OK);
    assert_false(pair.has_peer);
    done(&pair);
    fake_certificate_make(&client);
    for (int asks = 0; asks < 2; asks++) {
        open_with(&pair, context, NULL, 0, "a", asks == 1);
        assert_int_equal(SSL_use_certificate(pair.client.ssl, client.x509), 1);
        assert_int_equal(SSL_use_PrivateKey(pair.client.ssl, client.key), 1);
        assert_true(carry(&pair, SIZE_MAX));
        assert_int_equal(pair.has_peer, asks == 1);
        done(&pair);
    }
    fake_certificate_done(&client);
}

static void a_foreign_key_makes_no_context(void **state)
{
    struct fake_certificate other = {.name = "other.example"};
    struct tls_context *made = NULL;
    struct note note = {0};
    (void)state;
    fake_certificate_make(&other);
    assert_int_equal(tls_context_new_server(&(struct tls_server_config){.certificate = certificate.x509,
                                                                        .key = other.key,
                                                                        .ticket_keys = keys},
                                            &made, &note),
                     ERROR_SYNTAX);
    assert_non_null(strstr(note.text, "mismatch"));
    fake_certificate_done(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_cut_anywhere_succeeds),
        cmocka_unit_test(a_first_flight_cut_in_two_anywhere_succeeds),
        cmocka_unit_test(nothing_leaves_unprotected_after_the_start),
        cmocka_unit_test(records_of_one_byte_reach_the_owner_together),
        cmocka_unit_test(a_suspended_owner_loses_nothing),
        cmocka_unit_test(a_close_says_what_is_left_and_goodbye),
        cmocka_unit_test(the_clients_goodbye_closes),
        cmocka_unit_test(what_is_no_handshake_ends_the_stream),
        cmocka_unit_test(a_forged_record_ends_the_stream),
        cmocka_unit_test(old_versions_are_refused_but_by_the_legacy_profile),
        cmocka_unit_test(weak_ciphers_are_refused),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(alpn_is_smtp_or_the_client_means_another_server),
        cmocka_unit_test(every_ticket_resumes_and_a_fresh_one_is_given),
        cmocka_unit_test(a_client_certificate_is_asked_for_and_may_be_missing),
        cmocka_unit_test(a_foreign_key_makes_no_context),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

/* fakes: tls */
/* Handshakes of TLS against an OpenSSL client in the same process: every way their bytes may be cut, what is
 * refused, certificates. */
#include "tls_pair.h"

#include <openssl/err.h>

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

/* proves: T5 */
static void the_channel_is_named_by_the_certificate(void **state)
{
    static const char PREFIX[] = "tls-server-end-point:";
    struct pair pair;
    struct tls_end_point end_point;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    (void)state;
    open_pair(&pair, NULL, 0);
    assert_true(carry(&pair, SIZE_MAX));
    assert_true(stream_tls_end_point(pair.stream, &end_point));
    assert_int_equal(X509_digest(certificate.x509, EVP_sha256(), digest, &len), 1);
    assert_int_equal(end_point.len, sizeof PREFIX - 1 + len);
    assert_memory_equal(end_point.text, PREFIX, sizeof PREFIX - 1);
    assert_memory_equal(end_point.text + sizeof PREFIX - 1, digest, len);
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
        cmocka_unit_test(the_channel_is_named_by_the_certificate),
        cmocka_unit_test(what_is_no_handshake_ends_the_stream),
        cmocka_unit_test(old_versions_are_refused_but_by_the_legacy_profile),
        cmocka_unit_test(weak_ciphers_are_refused),
        cmocka_unit_test(renegotiation_is_refused),
        cmocka_unit_test(alpn_is_smtp_or_the_client_means_another_server),
        cmocka_unit_test(a_client_certificate_is_asked_for_and_may_be_missing),
        cmocka_unit_test(a_foreign_key_makes_no_context),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

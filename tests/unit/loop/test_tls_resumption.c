/* fakes: tls */
/* Tickets of TLS: who resumes with them, where and for how long. */
#include "tls_pair.h"

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

/* proves: T5 T8 */
static void a_ticket_ends_with_its_certificate(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct fake_certificate first = certificate;
    (void)state;
    certificate = (struct fake_certificate){.name = "mx1.contoso.com"};
    fake_certificate_make(&certificate);
    struct tls_context *renewed = new_context(TLS_PROFILE_MODERN);
    SSL_CTX_sess_set_new_cb(client_context, on_new_session);
    for (size_t v = 0; v < 2; v++) {
        bool has_fresh;
        assert_false(resume(context, versions[v], "a", &has_fresh));
        assert_true(resume(context, versions[v], "a", &has_fresh));
        assert_false(resume(renewed, versions[v], "a", &has_fresh));
        assert_true(resume(renewed, versions[v], "a", &has_fresh));
        SSL_SESSION_free(taken_session);
        taken_session = NULL;
    }
    SSL_CTX_sess_set_new_cb(client_context, NULL);
    tls_context_free(renewed);
    fake_certificate_done(&certificate);
    certificate = first;
}

/* The file is read anew: another loop's context, or a later one, is of the same certificate all the same. */
static void a_ticket_outlives_reading_its_certificate_anew(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    X509 *first = certificate.x509;
    (void)state;
    certificate.x509 = X509_dup(first);
    assert_non_null(certificate.x509);
    struct tls_context *anew = new_context(TLS_PROFILE_MODERN);
    SSL_CTX_sess_set_new_cb(client_context, on_new_session);
    for (size_t v = 0; v < 2; v++) {
        bool has_fresh;
        assert_false(resume(context, versions[v], "a", &has_fresh));
        assert_true(resume(anew, versions[v], "a", &has_fresh));
        assert_true(has_fresh);
        assert_true(resume(context, versions[v], "a", &has_fresh));
        assert_true(has_fresh);
        SSL_SESSION_free(taken_session);
        taken_session = NULL;
    }
    SSL_CTX_sess_set_new_cb(client_context, NULL);
    tls_context_free(anew);
    X509_free(certificate.x509);
    certificate.x509 = first;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_ticket_resumes_and_a_fresh_one_is_given),
        cmocka_unit_test(a_ticket_ends_with_its_certificate),
        cmocka_unit_test(a_ticket_outlives_reading_its_certificate_anew),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

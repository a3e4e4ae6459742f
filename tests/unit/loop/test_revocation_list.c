/* fakes: tls */
/* Where certificates say that their revocation lists are, and what may come from there. */
#include "loop/revocation_list.h"

#include "fakes/fake_tls.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct fake_certificate root = {.name = "Contoso Root", .alternatives = "", .is_ca = true};
static struct fake_certificate other = {.name = "Contoso Root", .alternatives = "", .is_ca = true};
static struct fake_certificate stranger = {.name = "Other Root", .alternatives = "", .is_ca = true};
static struct fake_certificate revoked = {.name = "mail.contoso.com", .issuer = &root};
static struct fake_certificate *const zoo[] = {&root, &other, &stranger, &revoked};

static int setup(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof zoo / sizeof zoo[0]; i++)
        fake_certificate_make(zoo[i]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof zoo / sizeof zoo[0]; i++)
        fake_certificate_done(zoo[i]);
    return 0;
}

/* -- places -- */

/* The addresses, blank separated. */
static void check_points(const char *extension, const char *expected)
{
    struct revocation_points points;
    char text[4 * REVOCATION_URL_SIZE] = "";
    X509 *certificate = X509_new();
    X509V3_CTX context;
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *value = X509V3_EXT_conf_nid(NULL, &context, NID_crl_distribution_points, extension);
    assert_true(value != NULL && X509_add_ext(certificate, value, -1) == 1);
    revocation_points_read(certificate, &points);
    for (size_t i = 0; i < points.count; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "%s%s", i > 0 ? " " : "", points.urls[i]);
    }
    assert_string_equal(text, expected);
    X509_EXTENSION_free(value);
    X509_free(certificate);
}

/* proves: T7 */
static void places_of_lists(void **state)
{
    char text[REVOCATION_URL_SIZE + 20] = "URI:http://a/";
    (void)state;
    check_points("URI:http://a.example/ca.crl", "http://a.example/ca.crl");
    check_points("URI:ldap:///cn=x,URI:HTTP://b.example/x,URI:https://c.example/,URI:file:///etc/passwd",
                 "HTTP://b.example/x");
    check_points("URI:http://a/1,URI:http://a/2,URI:http://a/3,URI:http://a/4,URI:http://a/5",
                 "http://a/1 http://a/2 http://a/3 http://a/4");
    check_points("DNS:a.example,URI:http://a b/,URI:http://a/\x7f", "");
    memset(text + strlen(text), 'x', sizeof text - strlen(text) - 1);
    check_points(text, "");
}

static void a_certificate_without_places(void **state)
{
    struct revocation_points points;
    (void)state;
    revocation_points_read(revoked.x509, &points);
    assert_int_equal(points.count, 0);
}

/* -- lists -- */

/* In DER; the caller frees it. */
static unsigned char *make_list(const struct fake_certificate *issuer, bool is_stale, size_t *out_len)
{
    char path[] = "/tmp/dr-list-XXXXXX";
    unsigned char *der = NULL;
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0 && close(descriptor) == 0);
    fake_crl_append(issuer, &revoked, is_stale, path);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    X509_CRL *list = PEM_read_X509_CRL(file, NULL, NULL, NULL);
    int len = i2d_X509_CRL(list, &der);
    assert_true(len > 0 && fclose(file) == 0 && unlink(path) == 0);
    X509_CRL_free(list);
    *out_len = (size_t)len;
    return der;
}

/* proves: T7 */
static void the_issuers_list(void **state)
{
    (void)state;
    for (int is_stale = 0; is_stale <= 1; is_stale++) {
        X509_CRL *list;
        X509_REVOKED *entry;
        int64_t seconds;
        size_t len;
        struct note note = {0};
        unsigned char *der = make_list(&root, is_stale, &len);
        assert_int_equal(
            revocation_list_read((struct bytes){(char *)der, len}, root.x509, &list, &seconds, &note), OK);
        assert_int_equal(X509_CRL_get0_by_cert(list, &entry, revoked.x509), 1);
        assert_true(is_stale ? seconds < 0 : seconds > 86000 && seconds <= 86400);
        X509_CRL_free(list);
        OPENSSL_free(der);
    }
}

static void check_refused(const unsigned char *der, size_t len, const char *why)
{
    X509_CRL *list;
    int64_t seconds;
    struct note note = {0};
    assert_int_equal(
        revocation_list_read((struct bytes){(const char *)der, len}, root.x509, &list, &seconds, &note),
        ERROR_SYNTAX);
    assert_string_equal(note.text, why);
}

/* proves: T7 */
static void what_is_no_list_of_the_issuer(void **state)
{
    size_t len;
    (void)state;
    unsigned char *der = make_list(&stranger, false, &len);
    check_refused(der, len, "another issuer's revocation list");
    OPENSSL_free(der);
    der = make_list(&other, false, &len);
    check_refused(der, len, "the issuer did not sign it");
    OPENSSL_free(der);
    der = make_list(&root, false, &len);
    for (size_t cut = 0; cut < len; cut++)
        check_refused(der, cut, "no revocation list in DER");
    der = OPENSSL_realloc(der, len + 1);
    der[len] = 0;
    check_refused(der, len + 1, "more than a revocation list");
    der[len / 2] ^= 1;
    X509_CRL *list;
    int64_t seconds;
    assert_int_equal(revocation_list_read((struct bytes){(char *)der, len}, root.x509, &list, &seconds, NULL),
                     ERROR_SYNTAX);
    OPENSSL_free(der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_of_lists),
        cmocka_unit_test(a_certificate_without_places),
        cmocka_unit_test(the_issuers_list),
        cmocka_unit_test(what_is_no_list_of_the_issuer),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

#include "fakes/fake_tls.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_MAX (16u << 20)
#define DAY_S      86400L

static void need(bool is_good)
{
    if (!is_good) {
        abort();
    }
}

static void add_extension(X509 *x509, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, x509, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    need(extension != NULL && X509_add_ext(x509, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

void fake_certificate_make(struct fake_certificate *certificate)
{
    static long serial = 1000;
    const struct fake_certificate *issuer = certificate->issuer != NULL ? certificate->issuer : certificate;
    X509 *x509 = X509_new();
    certificate->x509 = x509;
    certificate->key = EVP_EC_gen("P-256");
    need(x509 != NULL && certificate->key != NULL);
    need(X509_set_version(x509, certificate->is_version_1 ? 0 : 2) == 1);
    need(ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++) == 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), -certificate->age_days * DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(x509),
                    ((certificate->days != 0 ? certificate->days : 30) - certificate->age_days) * DAY_S);
    need(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "O", MBSTRING_ASC,
                                    (const unsigned char *)"Contoso", -1, -1, 0) == 1);
    need(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                                    (const unsigned char *)certificate->name, -1, -1, 0) == 1);
    need(X509_set_issuer_name(x509, X509_get_subject_name(issuer->x509)) == 1);
    need(X509_set_pubkey(x509, certificate->key) == 1);
    char names[512];
    snprintf(names, sizeof names, "DNS:%s", certificate->name);
    if (!certificate->is_version_1 &&
        (certificate->alternatives == NULL || certificate->alternatives[0] != '\0')) {
        add_extension(x509, NID_subject_alt_name,
                      certificate->alternatives != NULL ? certificate->alternatives : names);
    }
    if (certificate->is_ca) {
        add_extension(x509, NID_basic_constraints, "critical,CA:TRUE");
    }
    need(X509_sign(x509, issuer->key, EVP_sha256()) > 0);
}

void fake_certificate_done(struct fake_certificate *certificate)
{
    X509_free(certificate->x509);
    EVP_PKEY_free(certificate->key);
    certificate->x509 = NULL;
    certificate->key = NULL;
}

char *fake_certificate_pem(const struct fake_certificate *certificate)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text, *copy;
    need(bio != NULL && PEM_write_bio_X509(bio, certificate->x509) == 1 &&
         PEM_write_bio_PrivateKey(bio, certificate->key, NULL, NULL, 0, NULL, NULL) == 1);
    long length = BIO_get_mem_data(bio, &text);
    copy = bytes_copy_text((struct bytes){text, (size_t)length});
    BIO_free(bio);
    return copy;
}

void fake_certificate_append(const struct fake_certificate *certificate, const char *path)
{
    FILE *file = fopen(path, "a");
    need(file != NULL && PEM_write_X509(file, certificate->x509) == 1 && fclose(file) == 0);
}

void fake_crl_append(const struct fake_certificate *issuer, const struct fake_certificate *revoked,
                     bool is_stale, const char *path)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *time = X509_gmtime_adj(NULL, -2 * DAY_S);
    need(crl != NULL && time != NULL && X509_CRL_set_version(crl, 1) == 1 &&
         X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x509)) == 1 &&
         X509_CRL_set1_lastUpdate(crl, time) == 1);
    if (revoked != NULL) {
        X509_REVOKED *entry = X509_REVOKED_new();
        need(entry != NULL &&
             X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->x509)) == 1 &&
             X509_REVOKED_set_revocationDate(entry, time) == 1 && X509_CRL_add0_revoked(crl, entry) == 1);
    }
    X509_gmtime_adj(time, is_stale ? -DAY_S : DAY_S);
    need(X509_CRL_set1_nextUpdate(crl, time) == 1 && X509_CRL_sign(crl, issuer->key, EVP_sha256()) > 0);
    FILE *file = fopen(path, "a");
    need(file != NULL && PEM_write_X509_CRL(file, crl) == 1 && fclose(file) == 0);
    ASN1_TIME_free(time);
    X509_CRL_free(crl);
}

static void open_ssl(struct fake_tls_client *end, SSL_CTX *context)
{
    *end = (struct fake_tls_client){.ssl = SSL_new(context)};
    need(end->ssl != NULL);
    SSL_set_bio(end->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    buffer_init(&end->plain, BUFFER_MAX);
}

void fake_tls_server_open(struct fake_tls_client *server, SSL_CTX *context,
                          const struct fake_certificate *certificate)
{
    open_ssl(server, context);
    need(SSL_use_certificate(server->ssl, certificate->x509) == 1 &&
         SSL_use_PrivateKey(server->ssl, certificate->key) == 1);
    if (certificate->issuer != NULL) {
        need(SSL_add1_chain_cert(server->ssl, certificate->issuer->x509) == 1);
    }
    SSL_set_accept_state(server->ssl);
}

void fake_tls_client_open(struct fake_tls_client *client, SSL_CTX *context, SSL_SESSION *session, int highest)
{
    open_ssl(client, context);
    SSL_set_connect_state(client->ssl);
    if (highest != 0) {
        need(SSL_set_min_proto_version(client->ssl, highest) == 1 &&
             SSL_set_max_proto_version(client->ssl, highest) == 1);
    }
    if (session != NULL) {
        need(SSL_set_session(client->ssl, session) == 1);
    }
}

void fake_tls_client_done(struct fake_tls_client *client)
{
    /* Without it the session could not be resumed. */
    SSL_set_shutdown(client->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(client->ssl);
    buffer_done(&client->plain);
}

void fake_tls_client_take(struct fake_tls_client *client, struct bytes records)
{
    if (records.len > 0) {
        need(BIO_write(SSL_get_rbio(client->ssl), records.ptr, (int)records.len) == (int)records.len);
    }
}

static void collect(struct fake_tls_client *client, struct buffer *out)
{
    BIO *bio = SSL_get_wbio(client->ssl);
    char piece[4096];
    int got;
    while ((got = BIO_read(bio, piece, sizeof piece)) > 0) {
        need(buffer_append(out, (struct bytes){piece, (size_t)got}) == OK);
    }
}

bool fake_tls_client_step(struct fake_tls_client *client, struct buffer *out)
{
    char piece[4096];
    int got;
    bool is_done = SSL_do_handshake(client->ssl) == 1;
    while (is_done && (got = SSL_read(client->ssl, piece, sizeof piece)) > 0) {
        need(buffer_append(&client->plain, (struct bytes){piece, (size_t)got}) == OK);
    }
    client->is_over = (SSL_get_shutdown(client->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
    collect(client, out);
    return is_done;
}

void fake_tls_client_say(struct fake_tls_client *client, struct bytes plain, struct buffer *out)
{
    need(SSL_write(client->ssl, plain.ptr, (int)plain.len) == (int)plain.len);
    collect(client, out);
}

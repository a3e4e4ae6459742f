/* Certificates made on the spot and a TLS client without a socket, for tests. */
#ifndef FAKE_TLS_H
#define FAKE_TLS_H

#include "base/buffer.h"

#include <openssl/ssl.h>

struct fake_certificate {
    const char *name;                      /* CN and, unless alternatives say otherwise, the one DNS name */
    const char *alternatives;              /* "DNS:a.example,DNS:b.example"; "": no subjectAltName */
    const struct fake_certificate *issuer; /* NULL: self-signed */
    int age_days;                          /* valid from so long ago */
    int days;                              /* valid for; 0: 30 */
    bool is_version_1;
    bool is_ca; /* may issue others */
    X509 *x509; /* made */
    EVP_PKEY *key;
};
/* EC P-256. Fills x509 and key; aborts when OpenSSL does not want. */
void fake_certificate_make(struct fake_certificate *certificate);
void fake_certificate_done(struct fake_certificate *certificate);
/* Certificate and key as PEM, a terminated text; the caller frees it. */
char *fake_certificate_pem(const struct fake_certificate *certificate);

/* Appends the certificate, without its key, to the file. */
void fake_certificate_append(const struct fake_certificate *certificate, const char *path);
/* Appends the issuer's list of revoked certificates, with this one or, by NULL, with none. is_stale: its next
 * update is overdue. */
void fake_crl_append(const struct fake_certificate *issuer, const struct fake_certificate *revoked,
                     bool is_stale, const char *path);

/* The other end of a stream under test. */
struct fake_tls_client {
    SSL *ssl;
    struct buffer plain; /* received */
    bool is_over;        /* close_notify came */
};
/* highest: TLS1_2_VERSION, … or 0; session: to resume, or NULL. The client owns nothing of what is given. */
void fake_tls_client_open(struct fake_tls_client *client, SSL_CTX *context, SSL_SESSION *session,
                          int highest);
/* The same as a server with this certificate, its key, and the issuer's sent along. */
void fake_tls_server_open(struct fake_tls_client *server, SSL_CTX *context,
                          const struct fake_certificate *certificate);
void fake_tls_client_done(struct fake_tls_client *client);
/* Records from the server. */
void fake_tls_client_take(struct fake_tls_client *client, struct bytes records);
/* Goes on with handshake and reading; returns true when the handshake is done. *out holds the records to send
 * and is the caller's. */
bool fake_tls_client_step(struct fake_tls_client *client, struct buffer *out);
/* Encrypts. */
void fake_tls_client_say(struct fake_tls_client *client, struct bytes plain, struct buffer *out);

#endif

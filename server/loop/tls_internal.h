/* What the TLS files share. */
#ifndef LOOP_TLS_INTERNAL_H
#define LOOP_TLS_INTERNAL_H

#include "loop/tls.h"

#include <openssl/ssl.h>

#define TLS_FINGERPRINT_SIZE 32

struct tls_context {
    SSL_CTX *ssl;
    unsigned char fingerprint[TLS_FINGERPRINT_SIZE]; /* SHA-256 of a server's certificate */
};

/* tls_context.c: versions, ciphers and limits of either side. */
bool tls_context_set_profile(SSL_CTX *ssl, enum tls_profile profile);
/* The newest error's words. */
const char *tls_why_not(void);

/* tls.c: of a stream that was raised. */
SSL *tls_stream_ssl(struct stream *stream);

/* tls_dane.c: the handshake is to be judged by these records alone, where one of them can be used;
 * *out_count: how many can. False: no memory. Spec: RFC 7672 3. */
MUST_USE bool tls_dane_use(SSL *ssl, const struct dane *dane, size_t *out_count);

/* tls_ticket_keys.c: lets the context seal and open its tickets with them. */
MUST_USE enum error tls_ticket_keys_use(struct tls_ticket_keys *keys, SSL_CTX *ssl);

#endif

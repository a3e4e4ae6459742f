#include "loop/tls_internal.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#define MODERN_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
/* Security level 0: the signatures of TLS 1.0 and 1.1 need SHA-1. */
#define LEGACY_CIPHERS                                                                                       \
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:ECDHE+AES:DHE+AES:kRSA+AES:!aNULL:!eNULL:!PSK:!SRP:@SECLEVEL=0"
#define GROUPS "X25519:P-256:P-384"
/* A client's certificate with its chain. */
#define PEER_CHAIN_MAX (64 << 10)

struct profile_row {
    int lowest;
    const char *ciphers;
};

static const struct profile_row profile_rows[] = {
    [TLS_PROFILE_MODERN] = {TLS1_2_VERSION, MODERN_CIPHERS},
    [TLS_PROFILE_LEGACY] = {TLS1_VERSION, LEGACY_CIPHERS},
};

/* A client that names protocols and not ours means another server (RFC 7301 3.2): nothing it says may be
 * taken for mail. */
static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *offered,
                   unsigned int offered_len, void *owner)
{
    static const unsigned char smtp[] = "\x04smtp";
    unsigned char *chosen;
    (void)ssl;
    (void)owner;
    if (SSL_select_next_proto(&chosen, out_len, smtp, sizeof smtp - 1, offered, offered_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

bool tls_context_set_profile(SSL_CTX *ssl, enum tls_profile profile)
{
    const struct profile_row *row = &profile_rows[profile];
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
                                 SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF); /* tickets only: nothing is kept here */
    SSL_CTX_set_max_cert_list(ssl, PEER_CHAIN_MAX);
    SSL_CTX_set_alpn_select_cb(ssl, on_alpn, NULL);
    return SSL_CTX_set_min_proto_version(ssl, row->lowest) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(ssl, row->ciphers) == 1 && SSL_CTX_set1_groups_list(ssl, GROUPS) == 1 &&
           SSL_CTX_set_num_tickets(ssl, 1) == 1;
}

static bool set_certificate(SSL_CTX *ssl, const struct tls_server_config *config)
{
    return SSL_CTX_use_cert_and_key(ssl, config->certificate, config->key, config->chain, 1) == 1 &&
           SSL_CTX_check_private_key(ssl) == 1;
}

const char *tls_why_not(void)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    return why != NULL ? why : "OpenSSL does not say why";
}

enum error tls_context_new_server(const struct tls_server_config *config, struct tls_context **out,
                                  struct note *note)
{
    struct tls_context *context = calloc(1, sizeof *context);
    ERR_clear_error();
    if (context == NULL || (context->ssl = SSL_CTX_new(TLS_server_method())) == NULL ||
        !tls_context_set_profile(context->ssl, config->profile) ||
        tls_ticket_keys_use(config->ticket_keys, context->ssl) != OK) {
        note_set(note, "TLS: %s", tls_why_not());
        tls_context_free(context);
        return ERROR_TEMPORARY;
    }
    if (!set_certificate(context->ssl, config) ||
        X509_digest(config->certificate, EVP_sha256(), context->fingerprint, NULL) != 1) {
        note_set(note, "TLS: %s", tls_why_not());
        tls_context_free(context);
        return ERROR_SYNTAX;
    }
    *out = context;
    return OK;
}

void tls_context_free(struct tls_context *context)
{
    if (context != NULL) {
        SSL_CTX_free(context->ssl);
        free(context);
    }
}

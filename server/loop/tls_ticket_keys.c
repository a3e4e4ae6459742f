#include "loop/tls_internal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ROTATION_MS (UINT64_C(12) * 3600 * 1000)
#define NAME_SIZE   16
#define SECRET_SIZE 32

/* What the callback of OpenSSL says of a ticket. */
enum ticket_answer { TICKET_FAILED = -1, TICKET_UNKNOWN = 0, TICKET_SEALED = 1, TICKET_RENEW = 2 };

struct ticket_key {
    unsigned char name[NAME_SIZE];
    unsigned char cipher[SECRET_SIZE];
    unsigned char mac[SECRET_SIZE];
};

struct tls_ticket_keys {
    const struct clock *clock;
    EVP_CIPHER *cipher;
    pthread_mutex_t lock; /* over what follows */
    struct ticket_key current;
    struct ticket_key previous;
    uint64_t made_ms;
};

static bool make_key(struct ticket_key *out)
{
    return RAND_bytes(out->name, NAME_SIZE) == 1 && RAND_bytes(out->cipher, SECRET_SIZE) == 1 &&
           RAND_bytes(out->mac, SECRET_SIZE) == 1;
}

struct tls_ticket_keys *tls_ticket_keys_new(const struct clock *clock)
{
    struct tls_ticket_keys *keys = calloc(1, sizeof *keys);
    if (keys == NULL) {
        return NULL;
    }
    keys->clock = clock;
    keys->made_ms = clock_monotonic_ms(clock);
    keys->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    if (keys->cipher == NULL || !make_key(&keys->current) || !make_key(&keys->previous) ||
        pthread_mutex_init(&keys->lock, NULL) != 0) {
        EVP_CIPHER_free(keys->cipher);
        OPENSSL_clear_free(keys, sizeof *keys);
        return NULL;
    }
    return keys;
}

void tls_ticket_keys_free(struct tls_ticket_keys *keys)
{
    if (keys == NULL) {
        return;
    }
    pthread_mutex_destroy(&keys->lock);
    EVP_CIPHER_free(keys->cipher);
    OPENSSL_cleanse(keys, sizeof *keys);
    free(keys);
}

/* Under the lock. Without random numbers the old key stays. */
static void rotate(struct tls_ticket_keys *keys)
{
    uint64_t now_ms = clock_monotonic_ms(keys->clock);
    struct ticket_key fresh;
    if (now_ms - keys->made_ms < ROTATION_MS || !make_key(&fresh)) {
        return;
    }
    keys->previous = keys->current;
    keys->current = fresh;
    keys->made_ms = now_ms;
    OPENSSL_cleanse(&fresh, sizeof fresh);
}

/* The key to seal with, or the one of this name; false: none. */
static bool take_key(struct tls_ticket_keys *keys, const unsigned char *name, struct ticket_key *out)
{
    bool is_found = true;
    pthread_mutex_lock(&keys->lock);
    rotate(keys);
    if (name == NULL || CRYPTO_memcmp(name, keys->current.name, NAME_SIZE) == 0) {
        *out = keys->current;
    } else if (CRYPTO_memcmp(name, keys->previous.name, NAME_SIZE) == 0) {
        *out = keys->previous;
    } else {
        is_found = false;
    }
    pthread_mutex_unlock(&keys->lock);
    return is_found;
}

static bool use_mac(EVP_MAC_CTX *mac, const struct ticket_key *key)
{
    char digest[] = "SHA256";
    unsigned char secret[SECRET_SIZE];
    memcpy(secret, key->mac, SECRET_SIZE);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, SECRET_SIZE),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    bool is_used = EVP_MAC_CTX_set_params(mac, parameters) == 1;
    OPENSSL_cleanse(secret, sizeof secret);
    return is_used;
}

/* OpenSSL's tlsext_ticket_key_evp_cb. Each ticket that opens is answered with a fresh one. */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int is_sealing)
{
    struct tls_ticket_keys *keys = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct ticket_key key;
    if (!take_key(keys, is_sealing ? NULL : name, &key)) {
        return TICKET_UNKNOWN;
    }
    bool is_good = true;
    if (is_sealing) {
        memcpy(name, key.name, NAME_SIZE);
        is_good = RAND_bytes(iv, EVP_CIPHER_get_iv_length(keys->cipher)) == 1;
    }
    is_good = is_good && EVP_CipherInit_ex(cipher, keys->cipher, NULL, key.cipher, iv, is_sealing) == 1 &&
              use_mac(mac, &key);
    OPENSSL_cleanse(&key, sizeof key);
    return !is_good ? TICKET_FAILED : is_sealing ? TICKET_SEALED : TICKET_RENEW;
}

enum error tls_ticket_keys_use(struct tls_ticket_keys *keys, SSL_CTX *ssl)
{
    SSL_CTX_set_app_data(ssl, keys);
    SSL_CTX_set_timeout(ssl, (long)(ROTATION_MS / 1000));
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(ssl, on_ticket) == 1 ? OK : ERROR_TEMPORARY;
}

#include "loop/tls_internal.h"

#include <openssl/err.h>

X509_STORE *tls_context_trust(const struct tls_context *context)
{
    X509_STORE *trust = SSL_CTX_get_cert_store(context->ssl);
    X509_STORE_up_ref(trust);
    return trust;
}

X509_STORE *tls_trust_ref(X509_STORE *trust)
{
    X509_STORE_up_ref(trust);
    return trust;
}

void tls_trust_unref(X509_STORE *trust)
{
    X509_STORE_free(trust);
}

bool tls_trust_is_good_client(X509_STORE *trust, X509 *certificate, STACK_OF(X509) * chain,
                              const char **out_distrust)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    bool is_good = false;
    *out_distrust = "no memory";
    if (check != NULL && X509_STORE_CTX_init(check, trust, certificate, chain) == 1 &&
        X509_STORE_CTX_set_default(check, "ssl_client") == 1) {
        is_good = X509_verify_cert(check) == 1;
        *out_distrust = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check));
    }
    X509_STORE_CTX_free(check);
    ERR_clear_error();
    return is_good;
}

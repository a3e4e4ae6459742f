#include "loop/tls_internal.h"

#include <openssl/err.h>

SSL_CTX *tls_context_trust(const struct tls_context *context)
{
    return tls_trust_ref(context->ssl);
}

SSL_CTX *tls_trust_ref(SSL_CTX *trust)
{
    SSL_CTX_up_ref(trust);
    return trust;
}

void tls_trust_unref(SSL_CTX *trust)
{
    SSL_CTX_free(trust);
}

/* Whether lists are asked for stands in the context, not in its store. */
static unsigned long flags_of(SSL_CTX *trust)
{
    return X509_VERIFY_PARAM_get_flags(SSL_CTX_get0_param(trust));
}

bool tls_trust_is_good_client(SSL_CTX *trust, X509 *certificate, STACK_OF(X509) * chain,
                              const char **out_distrust)
{
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    bool is_good = false;
    *out_distrust = "no memory";
    if (check != NULL && X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(trust), certificate, chain) == 1 &&
        X509_STORE_CTX_set_default(check, "ssl_client") == 1) {
        X509_STORE_CTX_set_flags(check, flags_of(trust));
        is_good = X509_verify_cert(check) == 1;
        *out_distrust = X509_verify_cert_error_string(X509_STORE_CTX_get_error(check));
    }
    X509_STORE_CTX_free(check);
    ERR_clear_error();
    return is_good;
}

#include "loop/tls_chain.h"

#include "loop/stream_internal.h"

#include <openssl/x509v3.h>

#define LIST_FLAGS (X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)

bool tls_chain_take(struct stream *stream, struct tls_chain *out)
{
    SSL *ssl = tls_stream_ssl(stream);
    SSL_CTX *context = SSL_get_SSL_CTX(ssl);
    *out = (struct tls_chain){
        .store = SSL_CTX_get_cert_store(context),
        .leaf = SSL_get1_peer_certificate(ssl),
        .shown = X509_chain_up_ref(SSL_get_peer_cert_chain(ssl)),
        .purpose = "ssl_server",
        .security_level = SSL_get_security_level(ssl),
        .is_strict = X509_VERIFY_PARAM_get_flags(SSL_CTX_get0_param(context)) & X509_V_FLAG_CRL_CHECK,
    };
    X509_STORE_up_ref(out->store);
    if (out->leaf && out->shown)
        return true;
    tls_chain_release(out);
    return false;
}

void tls_chain_take_client(SSL_CTX *trust, X509 *leaf, STACK_OF(X509) * shown, struct tls_chain *out)
{
    *out = (struct tls_chain){
        .store = SSL_CTX_get_cert_store(trust),
        .leaf = leaf,
        .shown = shown ? X509_chain_up_ref(shown) : NULL,
        .purpose = "ssl_client",
        .security_level = SSL_CTX_get_security_level(trust),
        .is_strict = X509_VERIFY_PARAM_get_flags(SSL_CTX_get0_param(trust)) & X509_V_FLAG_CRL_CHECK,
    };
    X509_STORE_up_ref(out->store);
    X509_up_ref(leaf);
}

void tls_chain_release(struct tls_chain *chain)
{
    X509_STORE_free(chain->store);
    X509_free(chain->leaf);
    sk_X509_pop_free(chain->shown, X509_free);
    *chain = (struct tls_chain){0};
}

/* As the handshake does it, but for the lists. */
static X509_STORE_CTX *new_verification(const struct tls_chain *chain, unsigned long flags)
{
    X509_STORE_CTX *verification = X509_STORE_CTX_new();
    if (!verification || X509_STORE_CTX_init(verification, chain->store, chain->leaf, chain->shown) != 1 ||
        X509_STORE_CTX_set_default(verification, chain->purpose) != 1) {
        X509_STORE_CTX_free(verification);
        return NULL;
    }
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(verification);
    X509_VERIFY_PARAM_set_auth_level(param, chain->security_level);
    X509_VERIFY_PARAM_set_flags(param, flags);
    return verification;
}

static const char *why_not(X509_STORE_CTX *verification)
{
    return X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification));
}

const char *tls_chain_find_path(const struct tls_chain *chain, STACK_OF(X509) * *out_path)
{
    X509_STORE_CTX *verification = new_verification(chain, 0);
    const char *why = NULL;
    *out_path = NULL;
    if (!verification)
        return "out of memory";
    if (X509_verify_cert(verification) == 1)
        *out_path = X509_STORE_CTX_get1_chain(verification);
    if (!*out_path)
        why = why_not(verification);
    X509_STORE_CTX_free(verification);
    return why;
}

/* Forgives that there is no list where none is due. */
static int on_verdict(int is_good, X509_STORE_CTX *verification)
{
    const X509 *certificate = X509_STORE_CTX_get_current_cert(verification);
    if (is_good || X509_STORE_CTX_get_error(verification) != X509_V_ERR_UNABLE_TO_GET_CRL)
        return is_good;
    return X509_get_ext_by_NID(certificate, NID_crl_distribution_points, -1) < 0 ||
           (X509_get_extension_flags((X509 *)(uintptr_t)certificate) & EXFLAG_SS);
}

const char *tls_chain_judge(const struct tls_chain *chain, STACK_OF(X509_CRL) * lists, bool *out_lacks_list)
{
    X509_STORE_CTX *verification = new_verification(chain, LIST_FLAGS);
    const char *why = NULL;
    *out_lacks_list = false;
    if (!verification)
        return "out of memory";
    X509_STORE_CTX_set0_crls(verification, lists);
    if (!chain->is_strict)
        X509_STORE_CTX_set_verify_cb(verification, on_verdict);
    if (X509_verify_cert(verification) != 1) {
        why = why_not(verification);
        *out_lacks_list = X509_STORE_CTX_get_error(verification) == X509_V_ERR_UNABLE_TO_GET_CRL;
    }
    X509_STORE_CTX_free(verification);
    return why;
}

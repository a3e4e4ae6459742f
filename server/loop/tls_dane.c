#include "loop/tls_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

/* NULL: nothing to add. */
static bool add_name(SSL *ssl, const char *name)
{
    return name == NULL || SSL_add1_host(ssl, name) == 1;
}

/* 1: it counts; 0: it is no certificate or key after all, and cannot be used; less: no memory. */
static int add_record(SSL *ssl, const struct dane_record *record)
{
    int added = SSL_dane_tlsa_add(ssl, record->usage, record->selector, record->matching,
                                  (const unsigned char *)record->data.ptr, record->data.len);
    ERR_clear_error();
    return added;
}

bool tls_dane_use(SSL *ssl, const struct dane *dane, size_t *out_count)
{
    /* Sets SNI too. */
    if (SSL_dane_enable(ssl, dane->base) != 1 || !add_name(ssl, dane->domain) ||
        !add_name(ssl, dane->expanded))
        return false;
    /* The key is the server's identity, whatever names its certificate bears (RFC 7672 3.1.1). */
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    /* Revocation lists are for public issuers; here the zone's owner vouches, and takes its record away. */
    X509_VERIFY_PARAM_clear_flags(SSL_get0_param(ssl), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    *out_count = 0;
    for (size_t i = 0; i < dane->count; i++) {
        int added = dane_is_usable(&dane->records[i]) ? add_record(ssl, &dane->records[i]) : 0;
        if (added < 0)
            return false;
        *out_count += added > 0;
    }
    return true;
}

#include "loop/tls.h"

#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/x509.h>
#include <string.h>

#define PREFIX "tls-server-end-point:"

_Static_assert(sizeof PREFIX - 1 + EVP_MAX_MD_SIZE <= TLS_END_POINT_MAX, "room for every hash");

/* The hash of the signature, a better one in the place of those that are broken. */
static const EVP_MD *hash_of(X509 *certificate)
{
    int hash = NID_undef;
    if (X509_get_signature_info(certificate, &hash, NULL, NULL, NULL) != 1 || hash == NID_undef) {
        return NULL;
    }
    return hash == NID_md5 || hash == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(hash);
}

bool tls_certificate_end_point(const struct x509_st *certificate, struct tls_end_point *out)
{
    /* OpenSSL fills caches inside. */
    X509 *own = (X509 *)(uintptr_t)certificate;
    const EVP_MD *hash = hash_of(own);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (hash == NULL || X509_digest(own, hash, digest, &len) != 1) {
        return false;
    }
    memcpy(out->text, PREFIX, sizeof PREFIX - 1);
    memcpy(out->text + sizeof PREFIX - 1, digest, len);
    out->len = sizeof PREFIX - 1 + len;
    return true;
}

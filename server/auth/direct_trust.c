#include "auth/direct_trust.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

static X509 *parse(struct bytes der)
{
    const unsigned char *at = (const unsigned char *)der.ptr;
    X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
    bool is_whole = at == (const unsigned char *)der.ptr + der.len;
    if (certificate != NULL && !is_whole) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

static bool has_thumbprint(const X509 *certificate, struct bytes thumbprint)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    return X509_digest(certificate, EVP_sha1(), digest, &length) == 1 && length == thumbprint.len &&
           memcmp(digest, thumbprint.ptr, length) == 0;
}

bool direct_trust_is_certificate(struct bytes value, const X509 *certificate)
{
    if (value.len == CERTIFICATE_THUMBPRINT_SIZE) {
        return has_thumbprint(certificate, value);
    }
    X509 *meant = parse(value);
    bool is_same = meant != NULL && X509_cmp(meant, certificate) == 0;
    X509_free(meant);
    return is_same;
}

static bool has_key_of(struct bytes value, const X509 *peer)
{
    if (value.len == CERTIFICATE_THUMBPRINT_SIZE) {
        return has_thumbprint(peer, value);
    }
    X509 *known = parse(value);
    EVP_PKEY *known_key = known != NULL ? X509_get0_pubkey(known) : NULL;
    EVP_PKEY *peer_key = X509_get0_pubkey(peer);
    bool is_same = known_key != NULL && peer_key != NULL && EVP_PKEY_eq(known_key, peer_key) == 1;
    X509_free(known);
    return is_same;
}

const struct trusted_server *direct_trust_find(const struct organization *organization, const X509 *peer)
{
    for (size_t i = 0; i < organization->trusted_count; i++) {
        if (has_key_of(organization->trusted[i].certificate, peer)) {
            return &organization->trusted[i];
        }
    }
    return NULL;
}

const X509 *direct_trust_keep(const X509 *peer)
{
    if (peer != NULL) {
        X509_up_ref((X509 *)(uintptr_t)peer);
    }
    return peer;
}

void direct_trust_drop(const X509 *peer)
{
    X509_free((X509 *)(uintptr_t)peer);
}

void direct_trust_name(const X509 *peer, struct note *out)
{
    char name[200];
    X509_NAME_oneline(X509_get_subject_name(peer), name, sizeof name);
    note_set(out, "%s", name);
}

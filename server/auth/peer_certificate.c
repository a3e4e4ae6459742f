#include "auth/peer_certificate.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

struct peer_certificate {
    X509 *leaf;
    STACK_OF(X509) * chain; /* what it showed between itself and the root; may be NULL */
};

struct peer_certificate *peer_certificate_keep(const struct tls_result *result)
{
    struct peer_certificate *peer = result->peer != NULL ? calloc(1, sizeof *peer) : NULL;
    if (peer == NULL) {
        return NULL;
    }
    peer->leaf = (X509 *)(uintptr_t)result->peer;
    X509_up_ref(peer->leaf);
    if (result->peer_chain != NULL) {
        peer->chain = X509_chain_up_ref(result->peer_chain);
    }
    return peer;
}

void peer_certificate_free(struct peer_certificate *peer)
{
    if (peer != NULL) {
        X509_free(peer->leaf);
        sk_X509_pop_free(peer->chain, X509_free);
        free(peer);
    }
}

bool peer_certificate_check(const struct peer_certificate *peer, struct ssl_ctx_st *trust,
                            struct revocation *revocation, struct revocation_check *check)
{
    const char *why = "there are no anchors";
    if (trust != NULL && revocation != NULL) {
        return revocation_check_start_client(revocation, trust, peer->leaf, peer->chain, check);
    }
    bool is_good = trust != NULL && tls_trust_is_good_client(trust, peer->leaf, peer->chain, &why);
    snprintf(check->distrust, sizeof check->distrust, "%s", is_good ? "" : why);
    return true;
}

bool peer_certificate_is_of(const struct peer_certificate *peer, const char *domain)
{
    return tls_certificate_holds_domain(peer->leaf, domain);
}

void peer_certificate_names(const struct peer_certificate *peer, char *out, size_t size)
{
    tls_certificate_names(peer->leaf, out, size);
}

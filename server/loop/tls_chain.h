/* A peer's certificates out of a handshake, to be judged again with revocation lists that were not there
 * during it. Private to the room. */
#ifndef LOOP_TLS_CHAIN_H
#define LOOP_TLS_CHAIN_H

#include "loop/tls_internal.h"

#include <openssl/x509_vfy.h>

/* Zeroed it holds nothing. */
struct tls_chain {
    X509_STORE *store; /* anchors and lists of the handshake's context */
    X509 *leaf;
    STACK_OF(X509) * shown; /* what the peer sent */
    const char *purpose;    /* what it must be meant for, as OpenSSL calls it */
    int security_level;
    bool is_strict; /* each certificate needs a list; else only those that name where theirs is */
};

/* Takes what the stream's handshake showed; false: no certificate, or no memory. */
MUST_USE bool tls_chain_take(struct stream *stream, struct tls_chain *out);
/* The same of a client's, kept since; shown may be NULL. */
void tls_chain_take_client(SSL_CTX *trust, X509 *leaf, STACK_OF(X509) * shown, struct tls_chain *out);
void tls_chain_release(struct tls_chain *chain);

/* Does it lead to an anchor, in force and meant for its purpose, whatever the lists say? Then *out_path is
 * leaf to anchor, the caller's to free with its elements, else NULL and the answer is OpenSSL's words,
 * static. */
const char *tls_chain_find_path(const struct tls_chain *chain, STACK_OF(X509) * *out_path);
/* The same with the lists of the context and these, of which each certificate must be on none. NULL: good. A
 * certificate that names no place for its list needs none, unless the chain is strict; nor does an anchor.
 * Lists: only those of a certificate's own issuer, in force, count. */
const char *tls_chain_judge(const struct tls_chain *chain, STACK_OF(X509_CRL) * lists, bool *out_lacks_list);

#endif

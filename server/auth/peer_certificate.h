/* What a client showed in its handshake, kept for questions that come later. */
#ifndef AUTH_PEER_CERTIFICATE_H
#define AUTH_PEER_CERTIFICATE_H

#include "loop/revocation.h"

struct peer_certificate;

/* Of a handshake that went well; NULL: nothing was shown, or no memory. */
struct peer_certificate *peer_certificate_keep(const struct tls_result *result);
void peer_certificate_free(struct peer_certificate *peer); /* NULL is a no-op */
/* Is it good as a client's, now? trust NULL: nothing is. revocation NULL: the lists of trust must do. True:
 * answered at once; else check->on_done comes. Cost: a signature a certificate; a system's store may be read
 * from the disk. */
MUST_USE bool peer_certificate_check(const struct peer_certificate *peer, struct ssl_ctx_st *trust,
                                     struct revocation *revocation, struct revocation_check *check);
/* Does it hold this domain, or a host below it? Its DNS alternative names count alone. */
bool peer_certificate_is_of(const struct peer_certificate *peer, const char *domain);
/* Those names, in one line. */
void peer_certificate_names(const struct peer_certificate *peer, char *out, size_t size);

#endif

/* Which server of the organization shows this certificate? Validation is its presence in the directory, no
 * chain. Facts 10.2, 10.3. */
#ifndef AUTH_DIRECT_TRUST_H
#define AUTH_DIRECT_TRUST_H

#include "organization/organization.h"

struct x509_st; /* OpenSSL's X509 */

/* Is this certificate the one that a directory value (DER, or a thumbprint) means? */
bool direct_trust_is_certificate(struct bytes value, const struct x509_st *certificate);
/* The server whose certificate has the same public key (where the directory holds a thumbprint: the same
 * certificate), or NULL. peer proved to have the key. Cost: some 10 us a server. */
const struct trusted_server *direct_trust_find(const struct organization *organization,
                                               const struct x509_st *peer);
/* A reference of its own; NULL stays NULL. */
const struct x509_st *direct_trust_keep(const struct x509_st *peer);
void direct_trust_drop(const struct x509_st *peer); /* NULL is a no-op */
/* "CN=edge1.contoso.com", cut where it is too long. */
void direct_trust_name(const struct x509_st *peer, struct note *out);

#endif

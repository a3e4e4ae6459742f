/* One revocation list: where a certificate says that it is, and what came from there. Pure. Private to
 * revocation.c. */
#ifndef LOOP_REVOCATION_LIST_H
#define LOOP_REVOCATION_LIST_H

#include "base/bytes.h"

#include <openssl/x509.h>

#define REVOCATION_POINTS_MAX 4    /* of a certificate are tried */
#define REVOCATION_URL_SIZE   1024 /* with its terminator; longer ones are passed over */

struct revocation_points {
    size_t count;
    char urls[REVOCATION_POINTS_MAX][REVOCATION_URL_SIZE];
};

/* The http addresses of the certificate's distribution points, in its order. Points for some reasons of a
 * revocation only, and those of another issuer's lists, are passed over. Spec: RFC 5280 4.2.1.13. */
void revocation_points_read(const X509 *certificate, struct revocation_points *out);

/* The list in DER, as it must come over HTTP: the issuer's and signed by it, for *out_seconds from now (none
 * or less: its next update is overdue). The caller frees it. ERROR_SYNTAX with a note. Cost: a digest over
 * all of it and a sort: for a job. Spec: RFC 5280 4.2.1.13, 5. */
MUST_USE enum error revocation_list_read(struct bytes content, const X509 *issuer, X509_CRL **out,
                                         int64_t *out_seconds, struct note *note);

#endif

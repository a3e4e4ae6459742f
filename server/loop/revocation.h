/* Is a certificate of a peer's chain revoked? Asked are the lists at the distribution points that the
 * certificates name (RFC 5280), fetched over HTTP off the loop and kept until their next update is due. Who
 * cannot be asked gives no leave: no list, no trust. On one loop. Matrix T7. */
#ifndef LOOP_REVOCATION_H
#define LOOP_REVOCATION_H

#include "loop/tls.h"

#define REVOCATION_LIST_MAX  (8u << 20)  /* bytes of one list */
#define REVOCATION_CACHE_MAX (32u << 20) /* of all that are kept; parsed they take several times as much */

struct revocation;
struct revocation_asking;

#define REVOCATION_WHY_SIZE 320

/* Caller-owned; zeroed before the first use. */
struct revocation_check {
    /* Once after each revocation_check_start that did not answer at once, on the loop, never inside a call.
     */
    void (*on_done)(struct revocation_check *check);
    char distrust[REVOCATION_WHY_SIZE]; /* the answer: why the certificate is not good, or "" */
    struct revocation_asking *asking;   /* private; NULL: nothing is open */
};

/* NULL without memory. clock borrowed. */
struct revocation *revocation_new(struct loop *loop, const struct clock *clock);
/* Fetches end soon, without a list. */
void revocation_stop(struct revocation *revocation);
/* When no check is open and the loop has ended. NULL is a no-op. */
void revocation_free(struct revocation *revocation);

/* Judges what the stream's handshake, as a client, showed: first that it leads to an anchor (nobody else can
 * make us fetch anything), then by lists: those of the context (tls.crl_file) and those that its certificates
 * point to. A certificate that points to none needs none, unless the context has lists of its own. True:
 * answered at once. Cost: a chain's verification each time, and a digest over each list. */
MUST_USE bool revocation_check_start(struct revocation *revocation, struct stream *stream,
                                     struct revocation_check *check);
/* The same of what a client showed, kept since; chain may be NULL. All borrowed for the call. */
MUST_USE bool revocation_check_start_client(struct revocation *revocation, struct ssl_ctx_st *trust,
                                            struct x509_st *leaf, struct stack_st_X509 *chain,
                                            struct revocation_check *check);
/* on_done does not come any more. A no-op when nothing is open. */
void revocation_check_cancel(struct revocation_check *check);

#endif

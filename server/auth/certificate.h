/* The certificates of tls.certificate_dir, and which of them a connector shows. Facts 10.1. */
#ifndef AUTH_CERTIFICATE_H
#define AUTH_CERTIFICATE_H

#include "loop/tls.h"

#define CERTIFICATE_FILES_MAX 1024

/* Immutable once made. */
struct certificate {
    const char *file; /* its name in the directory */
    struct x509_st *leaf;
    struct evp_pkey_st *key;
    struct stack_st_X509 *chain;
    int64_t valid_from; /* seconds since 1970 */
    int64_t valid_to;
    bool is_self_signed;
};

/* A file that does not serve as it stands, and why. */
struct certificate_refusal {
    const char *file;
    const char *why;
    bool is_kept; /* its previous content serves on */
};

/* What one reading of the directory gave. Immutable, counted by atomic references: each loop owns one. */
struct certificate_set;

/* Reads `*.pem`: each holds a private key, its certificate first of all certificates, then the chain. A file
 * that cannot be read, or whose key is not its certificate's, is listed as refused and the others serve; when
 * previous (may be NULL) had a good version of it, that one stays. A directory that is not there holds
 * nothing; *note then says so. ERROR_TEMPORARY: no memory. Blocks on the disk; any thread. */
MUST_USE enum error certificate_set_read(const char *directory, const struct certificate_set *previous,
                                         const struct certificate_set **out, struct note *note);
const struct certificate_set *certificate_set_ref(const struct certificate_set *set);
void certificate_set_unref(const struct certificate_set *set); /* NULL is a no-op */
size_t certificate_set_count(const struct certificate_set *set);
const struct certificate *certificate_set_at(const struct certificate_set *set, size_t index);
const struct certificate_refusal *certificate_set_refusals(const struct certificate_set *set,
                                                           size_t *out_count);

/* A number that changes when a file of the directory is added, removed, written or touched. Blocks. */
uint64_t certificate_directory_stamp(const char *directory);

/* Who asks for a certificate: of a receive connector. */
struct certificate_wish {
    const char *certificate_name; /* TlsCertificateName, "<I>issuer<S>subject", or NULL */
    const char *fqdn;             /* what counts without it */
    struct bytes
        internal; /* or this very one: DER or thumbprint, as of msExchServerInternalTLSCert; else empty */
};
/* Eligible are X.509 v3 certificates whose subject or alternative names hold the wished name (with
 * TlsCertificateName: of that issuer and subject). Of these one that a CA issued goes before a self-signed
 * one, then the newest by its beginning; an expired one is chosen all the same. Returns its index, or
 * certificate_set_count: none. With internal that certificate is chosen, whatever it says. set NULL: none
 * (0). Cost: one name comparison a certificate. */
size_t certificate_set_choose(const struct certificate_set *set, const struct certificate_wish *wish);

/* The TLS contexts of one loop, one a certificate, made when first asked for. */
struct certificate_contexts;
/* Takes a reference of the set. NULL without memory. */
struct certificate_contexts *certificate_contexts_new(const struct certificate_set *set,
                                                      enum tls_profile profile,
                                                      struct tls_ticket_keys *ticket_keys);
/* Streams that were raised go on. NULL is a no-op. */
void certificate_contexts_free(struct certificate_contexts *contexts);
bool certificate_contexts_has(const struct certificate_contexts *contexts,
                              const struct certificate_wish *wish);
/* Of the chosen certificate. ERROR_NOT_FOUND: none is eligible; else as tls_context_new_server, with the
 * file's name in the note. */
MUST_USE enum error certificate_contexts_find(struct certificate_contexts *contexts,
                                              const struct certificate_wish *wish, struct tls_context **out,
                                              struct note *note);

#endif

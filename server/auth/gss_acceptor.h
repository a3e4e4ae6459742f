/* The server's side of a GSS-API context: what NTLM (ntlm.c) and tickets that name their channel
 * (bound_ticket.c) have in common. Internal to the room. */
#ifndef AUTH_GSS_ACCEPTOR_H
#define AUTH_GSS_ACCEPTOR_H

#include "auth/authenticator.h"

#include <gssapi/gssapi_ext.h>

struct gss_kind {
    const char *label;             /* "NTLM", for notes */
    gss_OID_set_desc mechanisms;   /* the first one's words explain a failure */
    const gss_OID_set_desc *inner; /* what may be negotiated by it; NULL: it does not negotiate */
};

struct gss_acceptor {
    const struct gss_kind *kind;
    char *service; /* "smtp@mail.example.test" */
    gss_cred_id_t credential;
    gss_ctx_id_t context;
    gss_buffer_desc token; /* the last one of ours */
    gss_name_t peer;       /* with DONE */
    OM_uint32 flags;       /* with DONE */
};

/* Zeroed by the caller. kind is kept. ERROR_TEMPORARY without memory. */
MUST_USE enum error gss_acceptor_init(struct gss_acceptor *acceptor, const struct gss_kind *kind,
                                      const char *service, const char *host);
/* One message of the client. end_point: the channel that it may name; NULL: any. CHALLENGE or DONE, with
 * what is to be sent in token; REFUSED, an anonymous logon too; UNAVAILABLE: no credentials of ours. *why
 * says it. Blocks. DONE may come where the client named no channel at all: Kerberos says by
 * GSS_C_CHANNEL_BOUND_FLAG whether it did. */
enum auth_step gss_acceptor_step(struct gss_acceptor *acceptor, struct bytes input,
                                 const struct tls_end_point *end_point, struct note *why);
void gss_acceptor_done(struct gss_acceptor *acceptor);

/* Credentials for service, "smtp" or "smtp@mail.example.test". ERROR_NOT_FOUND with a note. Blocks. */
MUST_USE enum error gss_acceptor_acquire(const struct gss_kind *kind, const char *service, gss_cred_id_t *out,
                                         struct note *note);
/* What failed at this step, in the library's words. */
void gss_acceptor_explain(const struct gss_acceptor *acceptor, const char *step, OM_uint32 major,
                          OM_uint32 minor, struct note *note);

#endif

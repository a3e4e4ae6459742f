/* Whether a message counts as authenticated, which is not the same as its session, and the headers that say
 * so to later servers. Facts 6.2, 6.3. Pure. */
#ifndef POLICY_AUTH_STAMP_H
#define POLICY_AUTH_STAMP_H

#include "base/buffer.h"
#include "mail/header_block.h"
#include "organization/identity.h"
#include "security/rights.h"

/* The codes of X-MS-Exchange-Organization-AuthMechanism that a relay can write. */
enum auth_stamp_mechanism {
    STAMP_NONE = 0x00,
    STAMP_MUTUAL_TLS = 0x02,
    STAMP_LOGIN_TLS = 0x06,
    STAMP_LOGIN = 0x07,
    STAMP_NTLM = 0x0a,
    STAMP_GSSAPI = 0x0b,
    STAMP_MUTUAL_GSSAPI = 0x0c,
    STAMP_EXTERNALLY_SECURED = 0x10,
    STAMP_DIRECT_TRUST = 0x11,
};

enum auth_as { AUTH_AS_ANONYMOUS, AUTH_AS_INTERNAL, AUTH_AS_PARTNER };

struct auth_evidence {
    enum identity identity;
    enum auth_stamp_mechanism mechanism; /* of an account or a partner; the other identities have their own */
    uint32_t rights;                     /* RIGHT_BITs of the session */
    bool is_declared_anonymous;          /* AUTH=<> stood on MAIL */
    struct bytes server;                 /* our FQDN */
    struct bytes partner_domain;         /* with IDENTITY_PARTNER: the domain proved */
};

/* Facts 6.3: AUTH=<> counts where the session may use the flag; an authenticated session's message is
 * internal when it holds Accept-Authentication-Flag, or neither of the rights that let it speak for others.
 */
enum auth_as auth_stamp_decide(const struct auth_evidence *evidence);

/* What becomes of the authentication headers of a block that went through the firewall. */
struct auth_stamp {
    enum auth_as as;
    bool is_trusted;   /* an earlier server's stamp stays as it is: nothing is removed or written. Only of a
                          session that may send organization headers */
    bool keeps_source; /* its AuthSource stays: it said Anonymous as well */
};
struct auth_stamp auth_stamp_plan(const struct auth_evidence *evidence, struct bytes block);
/* Is the field one that the plan takes away? */
bool auth_stamp_removes(const struct auth_stamp *stamp, const struct header_field *field);
/* Appends the new headers. ERROR_LIMIT, ERROR_TEMPORARY. */
MUST_USE enum error auth_stamp_append(const struct auth_stamp *stamp, const struct auth_evidence *evidence,
                                      struct buffer *out);
/* Does the stamp of a finished block say Internal, and only that? */
bool auth_stamp_is_internal(struct bytes block);
/* Will the stamp of this block say so, by this session or by an earlier server that it may speak for? */
bool auth_stamp_makes_internal(const struct auth_evidence *evidence, struct bytes block);

#endif

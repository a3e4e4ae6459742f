/* Proving who is on the line: what an SMTP session asks, and does not know how. Bytes and results only; the
 * texts of SMTP stay with smtp_server. */
#ifndef AUTH_AUTHENTICATOR_H
#define AUTH_AUTHENTICATOR_H

#include "auth/accounts.h"
#include "base/ip.h"
#include "loop/loop.h"
#include "loop/tls.h"
#include "organization/receive_connector.h"

enum sasl_mechanism { SASL_PLAIN, SASL_LOGIN, SASL_GSSAPI, SASL_NTLM, SASL_MECHANISM_COUNT };
#define SASL_BIT(mechanism) (1u << (mechanism))
/* "PLAIN", "LOGIN", "GSSAPI", "NTLM". */
const char *sasl_mechanism_name(enum sasl_mechanism mechanism);
/* Any case. */
bool sasl_mechanism_by_name(struct bytes name, enum sasl_mechanism *out);

#define AUTH_MESSAGE_MAX 49152 /* bytes of a token; a Kerberos ticket with many groups is large */

enum auth_step {
    AUTH_STEP_CHALLENGE,   /* output is to be sent, then auth_exchange_step with what comes back */
    AUTH_STEP_DONE,        /* account holds a reference for the caller; output may hold a last message */
    AUTH_STEP_REFUSED,     /* 535: whatever was wrong, the client hears the same */
    AUTH_STEP_UNAVAILABLE, /* 454: the directory does not answer, or too many logins at once */
    AUTH_STEP_MALFORMED,   /* 501: not even the mechanism's form */
};

struct authenticator;

/* One AUTH command, caller-owned from start until after the final on_step, or until on_canceled. Never two
 * steps at a time. */
struct auth_exchange {
    struct authenticator *authenticator; /* private */
    void *state;                         /* private; NULL outside start … final step */
    enum sasl_mechanism mechanism;
    struct loop *loop; /* where the callbacks come: the caller's */
    bool is_tls;
    bool is_exchange; /* X-EXPS: a computer account's logon */
    const char *host; /* the connector's FQDN; borrowed */
    enum extended_protection protection;
    struct tls_end_point end_point; /* with protection; empty: the channel has no name */
    struct ip_address client;
    /* Exactly once a start or step, never before it returns. All but CHALLENGE are final. */
    void (*on_step)(struct auth_exchange *exchange, enum auth_step step);
    struct bytes output;           /* until the next step */
    const struct account *account; /* with DONE */
    struct note why;               /* for the log, with anything but CHALLENGE and DONE; never a secret */
};

struct auth_renewal;
struct auth_owner_question;

struct authenticator_ops {
    /* SASL_BITs that work here: no keytab, no GSSAPI; no NTLM plugin, no NTLM. */
    uint32_t (*mechanisms)(const struct authenticator *authenticator);
    /* input: decoded; borrowed for the call; copied and wiped afterwards. has_input false: no initial
     * response, which differs from an empty one (RFC 4954). Input past AUTH_MESSAGE_MAX: MALFORMED.
     * ERROR_TEMPORARY: no memory; nothing was begun, and no on_step comes. */
    enum error (*start)(struct authenticator *authenticator, struct auth_exchange *exchange, bool has_input,
                        struct bytes input);
    void (*step)(struct auth_exchange *exchange, struct bytes input);
    /* The client gave up or is gone. No on_step after it; a blocking step may still run, so the exchange
     * struct may be freed at once but the work is counted until it returns. */
    void (*cancel)(struct auth_exchange *exchange);
    /* The account as it is now (at MAIL, when it is not current any more). Caller-owned until on_done. */
    void (*renew)(struct authenticator *authenticator, struct auth_renewal *renewal);
    bool (*is_current)(const struct authenticator *authenticator, const struct account *account);
    /* Whose own address it is. Caller-owned until on_done, which never comes before it returns. */
    void (*find_owner)(struct authenticator *authenticator, struct auth_owner_question *question);
};

/* One asking again at MAIL. */
struct auth_renewal {
    struct account_request request; /* private */
    struct loop *loop;
    const struct account *old;                                          /* borrowed until on_done */
    void (*on_done)(struct auth_renewal *renewal, enum auth_step step); /* DONE, REFUSED, UNAVAILABLE */
    const struct account *account;                                      /* with DONE: a reference */
    struct note why;
};

/* One look for the owner of an address. */
struct auth_owner_question {
    struct account_request request; /* private */
    struct loop *loop;
    struct bytes address; /* borrowed until on_done */
    bool needs_access;    /* owner->access is wanted */
    /* DONE; REFUSED: nobody's, or several entries have it; UNAVAILABLE */
    void (*on_done)(struct auth_owner_question *question, enum auth_step step);
    const struct account *owner; /* with DONE: a reference, without a token */
    bool is_nobodys;             /* with REFUSED: no entry has it */
    struct note why;
};

struct authenticator {
    const struct authenticator_ops *ops;
};

#endif

/* What a session must come to before a message may leave on it: TLS, the server's certificate,
 * authentication. Decisions only; client.c and security.c act on them. Facts 10.5. */
#ifndef SMTP_CLIENT_DEMAND_H
#define SMTP_CLIENT_DEMAND_H

#include "loop/tls.h"

enum tls_demand {
    TLS_DEMAND_NEVER,   /* not even where it is offered */
    TLS_DEMAND_OFFERED, /* where it is offered; whatever the certificate */
    TLS_DEMAND_ALWAYS,
};

enum login_demand {
    LOGIN_DEMAND_NONE,
    LOGIN_DEMAND_PASSWORD, /* LOGIN or PLAIN */
    LOGIN_DEMAND_TOKEN,    /* XOAUTH2 */
    LOGIN_DEMAND_EXCHANGE, /* both sides are servers of one organization: X-ANONYMOUSTLS where it is offered
                              and there is a certificate to show, else X-EXPS */
};

/* All zero: nothing is demanded and TLS is not used. Texts borrowed. */
struct smtp_demand {
    enum tls_demand tls;
    bool needs_trust;         /* the certificate must be good: anchor, time, revocation */
    const char *domain;       /* and hold this name, or by ".contoso.com" any below it; NULL: none asked */
    bool domain_has_hosts;    /* a name below the domain counts as the domain */
    const char *const *hosts; /* and one of these; */
    size_t host_count;        /* 0: none asked */
    bool is_mutual;           /* and the hop must ask for ours */
    const struct dane *dane;  /* the certificate must be what these say; when they cannot be used it may be
                                 any. In place of all above but tls */
    enum login_demand login;
};

/* How far the session is. */
struct smtp_situation {
    bool offers_tls;        /* and it can be used */
    bool offers_direct_tls; /* X-ANONYMOUSTLS, and it can be used */
    bool is_tls_refused;    /* the verb was answered with anything but 220 */
    bool is_tls;
    bool offers_mechanism; /* one that is allowed */
    bool is_authenticated; /* by a login, or as a server by its certificate */
};

enum smtp_step {
    SMTP_STEP_STARTTLS,
    SMTP_STEP_DIRECT_TLS,
    SMTP_STEP_AUTHENTICATE,
    SMTP_STEP_READY,
    SMTP_STEP_LEAVE
};

/* What comes next after EHLO; for SMTP_STEP_LEAVE *out_why is the reply that the messages are deferred with
 * (facts 8.2). */
enum smtp_step demand_next_step(const struct smtp_demand *demand, const struct smtp_situation *situation,
                                const char **out_why);

/* The reply that the messages are deferred with where the login comes to nothing; NULL: none is demanded. */
const char *demand_needs_login(const struct smtp_demand *demand);

enum certificate_flaw {
    CERTIFICATE_GOOD_ENOUGH,
    CERTIFICATE_MISSING,
    CERTIFICATE_NOT_TRUSTED, /* the result's distrust says why */
    CERTIFICATE_OF_ANOTHER,  /* none of its names is one that is asked for */
    CERTIFICATE_NOT_MUTUAL,  /* it is good, but ours was not asked for, or there is none */
};

/* Is what the handshake showed enough? Cost: a name comparison for each name asked and held. */
enum certificate_flaw demand_judge(const struct smtp_demand *demand, const struct tls_result *result);

#endif

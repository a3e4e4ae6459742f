/* What a pure decision answers. A refusal names its reason; the reply belongs to smtp_server. */
#ifndef POLICY_DECISION_H
#define POLICY_DECISION_H

#include "security/rights.h"

enum verdict { VERDICT_ALLOW, VERDICT_DENY, VERDICT_NEED };

/* Why something was refused: the stable ids of the log (reason_id) and the rows of the reply catalogue. */
enum reason {
    REASON_NONE,
    REASON_SUBMIT_ANONYMOUS,     /* 530 5.7.1 Client was not authenticated */
    REASON_SUBMIT_AUTHENTICATED, /* 550 5.7.1 Client does not have permission to submit to this server */
    REASON_SEND_AS,              /* 550 5.7.1 … to send as this sender */
    REASON_SEND_ON_BEHALF,       /* 550 5.7.1 … on behalf of the from address */
    REASON_RELAY,                /* 550 5.7.1 Unable to relay */
    REASON_NO_ROUTE,             /* 451 4.4.4 */
    REASON_EXCH50,               /* 504 5.7.1 Not authorized */
    REASON_SECURE_DOMAIN_CLOSED, /* 451 4.7.3 */
    REASON_PARTNER_UNPROVEN,     /* 454 4.7.0 */
    REASON_PARTNER_CERTIFICATE,  /* 454 4.7.5 */
    REASON_COUNT
};
/* "submit-anonymous", … for the log field `reason`; users search for it, so it never changes. */
const char *reason_id(enum reason reason);

struct decision {
    enum verdict verdict;
    enum reason reason; /* VERDICT_DENY */
    bool has_right;
    enum right right; /* the right whose absence decided, when has_right */
};

/* Allowed: no reason, no right. */
struct decision decision_allow(void);
/* Undecided: a fact has to be fetched. */
struct decision decision_need(void);
/* A refusal that no right would have lifted. */
struct decision decision_deny(enum reason reason);
/* A refusal for want of a right. */
struct decision decision_deny_right(enum reason reason, enum right right);

#endif

#include "policy/decision.h"

#include <assert.h>

const char *reason_id(enum reason reason)
{
    static const char *const IDS[REASON_COUNT] = {
        [REASON_NONE] = "none",
        [REASON_SUBMIT_ANONYMOUS] = "submit-anonymous",
        [REASON_SUBMIT_AUTHENTICATED] = "submit-authenticated",
        [REASON_SEND_AS] = "send-as",
        [REASON_SEND_ON_BEHALF] = "send-on-behalf",
        [REASON_RELAY] = "relay",
        [REASON_NO_ROUTE] = "no-route",
        [REASON_EXCH50] = "exch50",
        [REASON_SECURE_DOMAIN_CLOSED] = "secure-domain-closed",
        [REASON_PARTNER_UNPROVEN] = "partner-unproven",
        [REASON_PARTNER_CERTIFICATE] = "partner-certificate",
    };
    assert(reason < REASON_COUNT);
    return IDS[reason];
}

struct decision decision_allow(void)
{
    return (struct decision){.verdict = VERDICT_ALLOW};
}

struct decision decision_need(void)
{
    return (struct decision){.verdict = VERDICT_NEED};
}

struct decision decision_deny(enum reason reason)
{
    return (struct decision){.verdict = VERDICT_DENY, .reason = reason};
}

struct decision decision_deny_right(enum reason reason, enum right right)
{
    return (struct decision){.verdict = VERDICT_DENY, .reason = reason, .has_right = true, .right = right};
}

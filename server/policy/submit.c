#include "policy/submit.h"

struct decision submit_check(const struct session_rights *rights)
{
    if (session_rights_has(rights, RIGHT_SMTP_SUBMIT)) {
        return decision_allow();
    }
    enum reason reason =
        rights->identity == IDENTITY_ANONYMOUS ? REASON_SUBMIT_ANONYMOUS : REASON_SUBMIT_AUTHENTICATED;
    return decision_deny_right(reason, RIGHT_SMTP_SUBMIT);
}

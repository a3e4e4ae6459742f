#include "policy/exch50.h"

struct decision exch50_check(const struct session_rights *rights)
{
    return session_rights_has(rights, RIGHT_SMTP_ACCEPT_EXCH50)
               ? decision_allow()
               : decision_deny_right(REASON_EXCH50, RIGHT_SMTP_ACCEPT_EXCH50);
}

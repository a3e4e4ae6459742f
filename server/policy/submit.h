/* May this session begin a message at all? */
#ifndef POLICY_SUBMIT_H
#define POLICY_SUBMIT_H

#include "policy/decision.h"
#include "policy/session_rights.h"

/* Allowed with ms-Exch-SMTP-Submit; the reason of a refusal tells anonymous clients from others. Pure. */
struct decision submit_check(const struct session_rights *rights);

#endif

/* May this session hand over EXCH50 data? */
#ifndef POLICY_EXCH50_H
#define POLICY_EXCH50_H

#include "policy/decision.h"
#include "policy/session_rights.h"

/* Allowed with ms-Exch-SMTP-Accept-Exch50. Pure. */
struct decision exch50_check(const struct session_rights *rights);

#endif

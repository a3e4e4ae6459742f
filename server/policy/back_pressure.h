/* Whose mail is refused when resources are short: mail from outside first, at last all. Pure. Facts 10.7. */
#ifndef POLICY_BACK_PRESSURE_H
#define POLICY_BACK_PRESSURE_H

#include "base/pressure.h"
#include "mail/address.h"
#include "policy/session_rights.h"

/* Medium: sessions that are anonymous or a partner's, unless the sender's domain is ours (authoritative or
 * internal relay; the null sender is nobody's). High: all. */
bool back_pressure_refuses(enum pressure_level level, const struct organization *organization,
                           enum identity identity, const struct address *sender);

#endif

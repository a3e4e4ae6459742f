/* May this session send to this recipient? */
#ifndef POLICY_RECIPIENT_H
#define POLICY_RECIPIENT_H

#include "mail/address.h"
#include "policy/decision.h"
#include "policy/session_rights.h"

/* Accepted domain, or Accept-Any-Recipient; postmaster with or without a domain of ours always; a literal is
 * never an accepted domain. Then a route must exist (REASON_NO_ROUTE). */
struct decision recipient_check(const struct organization *organization, const struct session_rights *rights,
                                const struct address *recipient);
/* Where mail to postmaster goes: the external postmaster address, else postmaster@ the default accepted
 * domain. False when neither is configured. Other addresses are copied as they are. */
bool recipient_resolve(const struct organization *organization, const struct address *recipient,
                       struct address *out);

#endif

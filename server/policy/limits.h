/* What a session may send at most: the connector's limits and the organization's, whichever is smaller, and
 * what Bypass-Message-Size-Limit lifts of them. Pure. Facts 1.3, 1.6; contract 7. */
#ifndef POLICY_LIMITS_H
#define POLICY_LIMITS_H

#include "policy/session_rights.h"

/* MaxMessageSize, and of the organization's sizes MaxReceiveSize for those outside it (anonymous sessions and
 * partners), MaxSendSize for its own accounts and servers. UINT64_MAX: none, by both or by
 * Bypass-Message-Size-Limit. */
uint64_t limits_message_bytes(const struct organization *organization, const struct session_rights *rights);
/* MaxRecipientsPerMessage and MaxRecipientEnvelopeLimit; UINT32_MAX: none. */
uint32_t limits_recipients(const struct organization *organization, const struct session_rights *rights);
/* Does Bypass-Message-Size-Limit lift the limits of recipients, header size and message rate too? In model
 * 2010. */
bool limits_are_bypassed(const struct organization *organization, const struct session_rights *rights);

#endif

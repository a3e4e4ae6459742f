/* The rights a session holds: one DACL walk, bits after. */
#ifndef POLICY_SESSION_RIGHTS_H
#define POLICY_SESSION_RIGHTS_H

#include "organization/organization.h"

#define SESSION_RIGHTS_WITHHELD "withheld: the client's address is that of a gateway, which hides who it is"

/* Valid as long as the connector it was made from; a session makes it anew with every organization. */
struct session_rights {
    const struct receive_connector *connector;
    enum identity identity;
    const char *partner_domain; /* with IDENTITY_PARTNER: what it proved, borrowed; set by the session */
    struct access_result result;
    uint32_t withheld; /* RIGHT_BITs that the DACL may grant and policy/gateway.h took away */
};

/* token is NULL for a fixed identity (whose bits are there already), else the account's. */
void session_rights_compute(const struct receive_connector *connector, enum identity identity,
                            const struct token *token, struct session_rights *out);
static inline bool session_rights_has(const struct session_rights *rights, enum right right)
{
    return (rights->result.granted & RIGHT_BIT(right)) != 0;
}
/* What decided a right, for log and explain: the ACE's text, "no ACE speaks of it", or why it is withheld. */
const char *session_rights_why(const struct session_rights *rights, enum right right);

#endif

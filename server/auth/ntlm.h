/* AUTH NTLM: raw NTLMSSP, which is no SASL mechanism, by GSS-API and its plugin gss-ntlmssp. That asks
 * winbindd of a domain member; its file of users (NTLM_USER_FILE) is for tests. Internal to the room. */
#ifndef AUTH_NTLM_H
#define AUTH_NTLM_H

#include "auth/conversation.h"

/* The plugin is installed and can accept. ERROR_NOT_FOUND with a note: not. Blocks. */
MUST_USE enum error ntlm_look(struct note *note);
/* exchange: what is needed of it is copied; the host is what the challenge says of us. NULL without memory.
 */
struct conversation *ntlm_new(const struct conversation_means *means, const struct auth_exchange *exchange);

#endif

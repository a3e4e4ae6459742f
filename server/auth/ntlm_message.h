/* NTLM's own messages, as far as they are looked into before the plugin takes them. Pure. Internal to the
 * room. Spec: MS-NLMP 2.2. */
#ifndef AUTH_NTLM_MESSAGE_H
#define AUTH_NTLM_MESSAGE_H

#include "base/bytes.h"

/* Begins as every message does: "NTLMSSP", zero, a type. */
bool ntlm_message_is_one(struct bytes message);
/* An AUTHENTICATE whose answer names a channel. The password's hash protects the answer, so that nobody on
 * the way can take the name out of it. */
bool ntlm_message_names_channel(struct bytes message);

#endif

/* NTLM's own messages, as far as they are looked into before the plugin takes them. Pure. Internal to the
 * room. Spec: MS-NLMP 2.2. */
#ifndef AUTH_NTLM_MESSAGE_H
#define AUTH_NTLM_MESSAGE_H

#include "base/buffer.h"

/* Begins as every message does: "NTLMSSP", zero, a type. */
bool ntlm_message_is_one(struct bytes message);
#define NTLM_COMPLETION_MAX 40 /* bytes that it adds */
/* Appends the message as gss-ntlmssp wants it: old clients, and curl, leave out the version behind the fixed
 * fields of NEGOTIATE and AUTHENTICATE, or even those fields; zeros take their place. Any other message as it
 * is. ERROR_LIMIT, ERROR_TEMPORARY: of the buffer. */
MUST_USE enum error ntlm_message_complete(struct bytes message, struct buffer *out);
/* An AUTHENTICATE whose answer names a channel. The password's hash protects the answer, so that nobody on
 * the way can take the name out of it. */
bool ntlm_message_names_channel(struct bytes message);

#endif

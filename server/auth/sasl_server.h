/* AUTH PLAIN, LOGIN and GSSAPI by Cyrus SASL. Its functions are auth_server_…, since sasl_… is the library's.
 * Internal to the room.
 *
 * LOGIN's prompts are the contract's ("Username:", "Password:"), whatever the plugin of the day says. GSSAPI
 * is RFC 4752 or, as Windows sends it under the same name, SPNEGO: the first token decides. No security
 * layer. A password is proven by the prover for the one entry that the name means; another identity than
 * one's own is never taken on (RFC 4616's authzid). */
#ifndef AUTH_SASL_SERVER_H
#define AUTH_SASL_SERVER_H

#include "auth/conversation.h"

/* sasl_library_start came before. exchange: not of NTLM; what is needed of it is copied; the key of
 * service/host in the keytab is GSSAPI's. NULL without memory. */
struct conversation *auth_server_new(const struct conversation_means *means,
                                     const struct auth_exchange *exchange);

#endif

/* AUTH GSSAPI where ExtendedProtectionPolicy is set: tickets that name the TLS channel they come through. By
 * GSS-API itself, since Cyrus' plugin, which does it elsewhere (sasl_server.c), does not tell whether a
 * channel was named. The same on the wire: RFC 4752 without a security layer, or SPNEGO under the same name.
 * Internal to the room. */
#ifndef AUTH_BOUND_TICKET_H
#define AUTH_BOUND_TICKET_H

#include "auth/conversation.h"

/* exchange: with an end point; what is needed of it is copied. NULL without memory. */
struct conversation *bound_ticket_new(const struct conversation_means *means,
                                      const struct auth_exchange *exchange);

#endif

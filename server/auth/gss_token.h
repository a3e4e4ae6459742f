/* What a first token of GSS-API is (RFC 2743, 3.1; RFC 4178). Pure. Internal to the room. */
#ifndef AUTH_GSS_TOKEN_H
#define AUTH_GSS_TOKEN_H

#include "base/bytes.h"

/* Framed with SPNEGO's object identifier, 1.3.6.1.5.5.2. */
bool gss_token_is_spnego(struct bytes token);

#endif

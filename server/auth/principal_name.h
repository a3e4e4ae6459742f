/* Whom a GSS-API context has proven, as text. Internal to the room. */
#ifndef AUTH_PRINCIPAL_NAME_H
#define AUTH_PRINCIPAL_NAME_H

#include "auth/accounts.h"

#define PRINCIPAL_NAME_SIZE 1024

/* name: a gss_name_t. KERBEROS "alice@REALM" or NTLM "DOMAIN\alice". DENIED_CREDENTIALS with a note:
 * anonymous, another kind of name, a zero byte inside, too long. */
MUST_USE enum error principal_name_read(const void *name, enum account_name_kind *out_kind,
                                        char out_text[PRINCIPAL_NAME_SIZE], struct note *note);

#endif

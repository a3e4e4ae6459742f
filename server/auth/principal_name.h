/* Whom a mechanism of GSS-API has proven, in the form that the accounts take. Internal to the room. */
#ifndef AUTH_PRINCIPAL_NAME_H
#define AUTH_PRINCIPAL_NAME_H

#include "base/bytes.h"

#define PRINCIPAL_NAME_SIZE 1024

/* Cyrus' name of a Kerberos principal: "alice@REALM", or "alice" where the realm is the machine's own, to
 * which it is put again. DENIED_CREDENTIALS with a note: a name with escapes, which no directory knows (a
 * backslash; NTLM inside SPNEGO is one too), or too long; TEMPORARY: there is no realm of the machine. Reads
 * krb5.conf. */
MUST_USE enum error principal_name_of_ticket(struct bytes name, char out_text[PRINCIPAL_NAME_SIZE],
                                             struct note *note);
/* name: a gss_name_t of NTLM, "DOMAIN\alice". DENIED_CREDENTIALS with a note: anonymous, another form, a zero
 * byte inside, too long. */
MUST_USE enum error principal_name_of_ntlm(const void *name, char out_text[PRINCIPAL_NAME_SIZE],
                                           struct note *note);

#endif

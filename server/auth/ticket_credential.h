/* Who this server is to a KDC: the principal of a keytab's first key. Internal to the room. */
#ifndef AUTH_TICKET_CREDENTIAL_H
#define AUTH_TICKET_CREDENTIAL_H

#include "base/error.h"

struct gss_cred_id_struct; /* GSS-API's */

/* Tickets are got when they are needed, kept in memory for the process and renewed by libkrb5.
 * ERROR_TEMPORARY with a note: no such file, no key in it. Blocks; any thread. */
MUST_USE enum error ticket_credential_acquire(const char *keytab, struct gss_cred_id_struct **out,
                                              struct note *note);
void ticket_credential_release(struct gss_cred_id_struct *credential); /* NULL is a no-op */

#endif

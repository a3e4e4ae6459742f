/* What a user name, a password and a message of PLAIN look like before anybody is asked about them. Pure;
 * matrix D1-D3. */
#ifndef AUTH_CREDENTIAL_FORM_H
#define AUTH_CREDENTIAL_FORM_H

#include "base/bytes.h"

#define CREDENTIAL_BYTES_MAX 1024u

/* OK, or DENIED_CREDENTIALS: empty, a zero byte inside, longer than CREDENTIAL_BYTES_MAX. why never holds the
 * bytes. */
MUST_USE enum error credential_check_name(struct bytes name, struct note *why);
/* As above; blanks alone count as empty: a directory that trims would take the bind for one without a
 * password, which succeeds (RFC 4513, 5.1.2). */
MUST_USE enum error credential_check_password(struct bytes password, struct note *why);
/* "[authzid] NUL authcid NUL passwd" (RFC 4616). SYNTAX: not even that; DENIED_CREDENTIALS as above, also for
 * further zero bytes, which can only stand inside the password. */
MUST_USE enum error credential_check_plain(struct bytes message, struct note *why);

#endif

/* Logging in at a next hop: the client's side of Cyrus SASL, bytes and results only. The texts of SMTP stay
 * with smtp_client. After sasl_library_start. Its functions are auth_client_…, since sasl_… is the
 * library's. */
#ifndef AUTH_SASL_CLIENT_H
#define AUTH_SASL_CLIENT_H

#include "base/buffer.h"

#define AUTH_USER_MAX     1024
#define AUTH_PASSWORD_MAX 8192 /* an access token is much longer than a password */

/* Terminated texts. Wipe it where it ends. */
struct auth_credential {
    char user[AUTH_USER_MAX + 1];
    char password[AUTH_PASSWORD_MAX + 1];
};
void auth_credential_wipe(struct auth_credential *credential);

/* LOGIN before PLAIN (facts 10.5), or XOAUTH2 where the password is an access token; NULL: it is not among
 * the blank-separated names, any case. */
const char *auth_client_choose(struct bytes offered, bool is_token);

/* One exchange. Names and passwords do not block, tickets do. */
struct auth_client;
/* credential: copied, the copy is wiped when the exchange is freed. host: the hop's name, or its address as
 * text. *out_is_first: the client begins, and out_message holds what it says; else the hop's first challenge
 * comes first. ERROR_TEMPORARY: no memory, or the library does not want, with a note. */
MUST_USE enum error auth_client_new(const char *mechanism, const char *host,
                                    const struct auth_credential *credential, struct auth_client **out,
                                    bool *out_is_first, struct buffer *out_message, struct note *note);
/* Tickets (SPNEGO): the client begins, as the principal of the keytab's first key, and the host has to prove
 * that it is smtp/host of a realm that is trusted. Blocks as asking a KDC does; errors as above. */
MUST_USE enum error auth_client_new_ticket(const char *keytab, const char *host, struct auth_client **out,
                                           struct buffer *out_message, struct note *note);
/* Has the mechanism ended well? Tickets: the host has proved itself. */
bool auth_client_is_complete(const struct auth_client *client);
/* The answer to a challenge, appended; both decoded. It may be a secret: wipe it. ERROR_PROTOCOL: the
 * mechanism ends here, yet the hop asks. */
MUST_USE enum error auth_client_step(struct auth_client *client, struct bytes challenge,
                                     struct buffer *out_message);
/* NULL is a no-op. */
void auth_client_free(struct auth_client *client);

#endif

/* Access tokens for logins at smart hosts: the client-credentials grant of OAuth 2.0 (RFC 6749 4.4). */
#ifndef DELIVERY_TOKEN_H
#define DELIVERY_TOKEN_H

#include "organization/send_connector.h"
#include "smtp_client/client.h"

/* Its form: client id, secret and scope, encoded. It holds a secret: wipe it. ERROR_LIMIT. */
MUST_USE enum error token_write_form(const struct send_connector *connector, const char *secret,
                                     struct buffer *out);
/* The endpoint's answer: the token, terminated, and how long it is good. ERROR_SYNTAX with a note: it is no
 * token for bearers, or one that no mail server could be told; the note holds the endpoint's error code. */
MUST_USE enum error token_read_answer(unsigned status, struct bytes body, char out[AUTH_PASSWORD_MAX + 1],
                                      uint64_t *out_lifetime_s, struct note *note);

#endif

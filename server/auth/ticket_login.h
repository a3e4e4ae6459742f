/* Logging in at a next hop with a ticket: the blocking steps of auth_client run as jobs. */
#ifndef AUTH_TICKET_LOGIN_H
#define AUTH_TICKET_LOGIN_H

#include "auth/sasl_client.h"
#include "loop/jobs.h"

#define TICKET_MESSAGE_MAX 49152 /* with many groups it is large */

struct ticket_login;

/* After the start and after each step, once, on the loop, never inside a call. message: what is to be said to
 * the hop, borrowed; with an error the login is over, and why says the reason. */
typedef void ticket_login_on_step(void *owner, enum error error, struct bytes message, const char *why);

/* keytab: of this server. host: the hop's name. Both copied. Owner until the login is dropped.
 * ERROR_TEMPORARY: no memory; ERROR_LIMIT: too many at once; then no callback comes. */
MUST_USE enum error ticket_login_start(struct jobs *jobs, struct loop *loop, const char *keytab,
                                       const char *host, ticket_login_on_step *on_step, void *owner,
                                       struct ticket_login **out);
/* Is a step under way? */
bool ticket_login_is_busy(const struct ticket_login *login);
/* With a challenge of the hop, decoded; never while it is busy. Errors as those of the start. */
MUST_USE enum error ticket_login_step(struct ticket_login *login, struct bytes challenge);
/* Has the hop proved itself? */
bool ticket_login_is_complete(const struct ticket_login *login);
/* No callback comes any more; a step that runs is waited for by nobody. NULL is a no-op. */
void ticket_login_drop(struct ticket_login *login);

#endif

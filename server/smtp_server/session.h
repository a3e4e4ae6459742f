/* One SMTP session: a state table over verbs, on one loop, from accept to close. */
#ifndef SMTP_SERVER_SESSION_H
#define SMTP_SERVER_SESSION_H

#include "smtp_server/service.h"

struct smtp_session;

/* Begins: chooses the connector for the stream's endpoints, counts, greets (or refuses with 421 and closes).
 * The session owns the stream and frees itself when that closes. */
void smtp_session_start(struct smtp_service *service, struct stream *stream);

#endif

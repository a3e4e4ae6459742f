/* What comes before a session: from a proxy that is trusted with it, who the client is. */
#ifndef SMTP_SERVER_ACCEPT_H
#define SMTP_SERVER_ACCEPT_H

#include "smtp_server/service.h"

/* Takes the stream. From an address of service->proxy_trusted a PROXY header comes first and the stream then
 * has the client's address; its own end stays, since Bindings mean what we listen on. Without a good one, in
 * time, it is closed and the log says why. From all others the session begins at once. */
void smtp_accept(struct smtp_service *service, struct stream *stream);

#endif

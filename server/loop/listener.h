/* Listening sockets: SO_REUSEPORT, IPV6_V6ONLY, one for every loop. */
#ifndef LOOP_LISTENER_H
#define LOOP_LISTENER_H

#include "loop/stream.h"

struct listener;

/* Listens on the endpoint for this loop; each accepted connection is handed over with its real local endpoint
 * (TCP_NODELAY set). ERROR_IO with a note: in use, no such address, no permission. On the loop's thread. */
MUST_USE enum error listener_open(struct loop *loop, const struct ip_endpoint *endpoint,
                                  void (*on_accept)(void *owner, struct stream *stream), void *owner,
                                  struct listener **out, struct note *note);
/* Where it listens; with the port the system chose when the endpoint named port 0. */
const struct ip_endpoint *listener_local(const struct listener *listener);
/* The same on a Unix stream socket: a stale file is replaced, a live one is ERROR_TEMPORARY; the file gets
 * the mode and is removed by listener_close. The streams' endpoints have the family IP_NONE. */
MUST_USE enum error listener_open_unix(struct loop *loop, const char *path, unsigned mode,
                                       void (*on_accept)(void *owner, struct stream *stream), void *owner,
                                       struct listener **out, struct note *note);
/* Accepts until EAGAIN, then closes, so that nothing queued is reset. Frees it. On the loop's thread, also
 * inside on_accept; its owner does so before the loop can end. EMFILE and its like never spin: accepting
 * pauses 100 ms and says so once a minute. */
void listener_close(struct listener *listener);

#endif

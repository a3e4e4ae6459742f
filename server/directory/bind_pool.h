/* Proving passwords by binds, on connections of their own, which nothing else is asked on: a bind changes who
 * a connection is. */
#ifndef DIRECTORY_BIND_POOL_H
#define DIRECTORY_BIND_POOL_H

#include "directory/directory.h"

struct bind_pool;

/* config: copied (texts too); its URIs, TLS rules and deadline count. Connections are opened as they are
 * wanted. ERROR_TEMPORARY without memory. */
MUST_USE enum error bind_pool_new(const struct directory_config *config, struct bind_pool **out);
/* When nobody is inside bind_pool_try. NULL is a no-op. */
void bind_pool_free(struct bind_pool *pool);
/* Ends what is under way and lets nothing begin any more: whoever waits is let go at once with TEMPORARY or
 * TIMEOUT. Any thread. */
void bind_pool_give_up(struct bind_pool *pool);
/* Binds as dn; blocks. Any thread, each on a connection of its own, which is kept for the next one. A server
 * that does not answer is left for the next URI; each gets the configuration's deadline. An empty password is
 * the caller's to refuse: here it aborts (RFC 4513, 5.1.2). OK; DENIED_CREDENTIALS: wrong password, or this
 * entry is not let in (locked, expired, without a password); TEMPORARY, TIMEOUT: no server answers. why: the
 * server's words. */
MUST_USE enum error bind_pool_try(struct bind_pool *pool, const char *dn, struct bytes password,
                                  struct note *why);

#endif

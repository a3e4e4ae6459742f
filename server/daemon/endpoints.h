/* Where to listen: the distinct addresses and ports of the connectors' bindings. */
#ifndef DAEMON_ENDPOINTS_H
#define DAEMON_ENDPOINTS_H

#include "organization/organization.h"

/* A sorted set. */
struct endpoint_set {
    size_t count;
    struct ip_endpoint items[];
};

/* The bindings of every connector that takes part in the match (refused ones answer 421 there). To be freed
 * by the caller; NULL without memory. Pure. */
struct endpoint_set *endpoint_set_of(const struct organization *organization);
bool endpoint_set_has(const struct endpoint_set *set, const struct ip_endpoint *endpoint);
/* Takes one out. */
void endpoint_set_remove(struct endpoint_set *set, size_t index);

/* May we listen here, as far as other processes go? SO_REUSEPORT would hide one of the same user, so a socket
 * without it is bound for a moment; not asked where one of `ours` covers the port, since that would stand in
 * the way. ERROR_TEMPORARY: somebody listens there; ERROR_IO: no such address here, no permission. */
MUST_USE enum error endpoint_probe(const struct ip_endpoint *endpoint, const struct endpoint_set *ours,
                                   struct note *note);

#endif

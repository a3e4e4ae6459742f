/* Recipient → send connector. Facts 1.4. */
#ifndef POLICY_ROUTE_H
#define POLICY_ROUTE_H

#include "mail/address.h"
#include "organization/organization.h"

/* Send connectors whose address space holds the domain, best first: most specific space, then cost, then
 * name; enabled, not refused, for this server. A refused connector keeps its place: what its space holds more
 * specifically never falls to a wider one, which may be less protected (matrix D15). domain: normal form; a
 * literal or an empty one has no route. Writes at most capacity (1 and up) of them and returns how many.
 * Linear in the address spaces. Pure. */
size_t route_find(const struct organization *organization, struct bytes domain,
                  const struct send_connector **out, size_t capacity);

#endif

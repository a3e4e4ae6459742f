/* Recipient → send connector. Facts 1.4. */
#ifndef POLICY_ROUTE_H
#define POLICY_ROUTE_H

#include "mail/address.h"
#include "organization/organization.h"

/* Send connectors whose address space holds the domain, best first: most specific space, then cost, then name; enabled,
 * not refused, for this server. Writes at most capacity of them and returns how many. Pure. */
size_t route_find(const struct organization *organization, struct bytes domain, const struct send_connector **out,
                  size_t capacity);

#endif

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
/* The first of them that share the best one's specificity: they stand in for each other, wider ones do not.
 */
size_t route_alternatives(const struct organization *organization, struct bytes domain,
                          const struct send_connector **out, size_t capacity);

/* Every send connector's story: each(connector, is_chosen, why, owner) in the organization's order; why is a
 * sentence such as "SMTP:*;1 is wider than SMTP:*.contoso.com;5" (valid during the call). */
void route_explain(const struct organization *organization, struct bytes domain,
                   void (*each)(const struct send_connector *connector, bool is_chosen, const char *why,
                                void *owner),
                   void *owner);

#endif

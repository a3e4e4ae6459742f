/* Which receive connector a connection belongs to. Facts 7. */
#ifndef ORGANIZATION_CONNECTOR_MATCH_H
#define ORGANIZATION_CONNECTOR_MATCH_H

#include "organization/organization.h"

/* Among the enabled connectors (refused ones keep their place) whose bindings cover the local endpoint, the one whose
 * smallest range holds the client; a specific binding beats a wildcard on a tie, then the older connector.
 * NULL: none. Pure, any thread, about a microsecond for 1,000 connectors of 100 ranges. */
const struct receive_connector *connector_match(const struct organization *organization,
                                                const struct ip_endpoint *local, const struct ip_address *remote);

/* The same question with every connector's story: each(connector, is_chosen, why, owner); why is a sentence such as
 * "range 192.168.1.0-192.168.1.255 is wider than 192.168.1.75" (valid during the call). */
void connector_match_explain(const struct organization *organization, const struct ip_endpoint *local,
                             const struct ip_address *remote,
                             void (*each)(const struct receive_connector *connector, bool is_chosen, const char *why,
                                          void *owner),
                             void *owner);

/* The conflict rules of facts 7 over all enabled connectors, by a sweep (not pairwise over ranges). Calls each for every
 * connector that must not serve because `winner` is in conflict with it: the one already serving stays (is_serving says
 * so for its id), at start the older createTimestamp. Called while building, before organization_finish. */
void connector_conflicts(const struct receive_connector *connectors, size_t count,
                         bool (*is_serving)(const struct guid *id, void *owner),
                         void (*each)(size_t loser, size_t winner, const char *why, void *owner), void *owner);

#endif

/* Which receive connectors may not serve beside each other. Facts 7. */
#ifndef ORGANIZATION_CONNECTOR_CONFLICTS_H
#define ORGANIZATION_CONNECTOR_CONFLICTS_H

#include "organization/receive_connector.h"

/* The conflict rules of facts 7 over all connectors that are enabled and not refused. On bindings they share:
 * another TransportRole (0 is none and differs from nothing), ranges that overlap without one lying inside
 * the other, and on an equal binding equal ranges. Connectors are taken in turn, those already serving first
 * (is_serving says so for an id), then the older createTimestamp; one in conflict with a connector already
 * taken loses. Calls each for every loser, with the connector it collides with and a sentence that is valid
 * during the call. Called while building, before organization_finish. O(n log n) in bindings times ranges.
 * ERROR_TEMPORARY without memory: nothing may then serve. */
MUST_USE enum error
connector_conflicts(const struct receive_connector *connectors, size_t count,
                    bool (*is_serving)(const struct guid *id, void *owner),
                    void (*each)(size_t loser, size_t winner, const char *why, void *owner), void *owner);

#endif

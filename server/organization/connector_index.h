/* The index behind connector_match: for each bound (address, port) the client addresses as disjoint segments,
 * each naming the connector that wins there. Facts 7. */
#ifndef ORGANIZATION_CONNECTOR_INDEX_H
#define ORGANIZATION_CONNECTOR_INDEX_H

#include "organization/receive_connector.h"
#include "organization/segment_sweep.h"

/* All enabled connectors bound to one local endpoint, wildcard or specific; both ends of a connection are of
 * one family. */
struct connector_group {
    struct ip_endpoint local;
    const struct connector_segment *segments;
    size_t segment_count;
};

struct connector_index {
    const struct connector_group *groups; /* by family, address, port; a family's wildcard address first */
    size_t group_count;
};

/* Builds the index from the enabled connectors, refused ones included. All that lasts is in the arena.
 * Best first: the smaller range; a connector that is not refused; the older createTimestamp (unknown:
 * youngest); the smaller id; the first in the array. O(n log n) in bindings times ranges. ERROR_LIMIT. */
MUST_USE enum error connector_index_build(const struct receive_connector *connectors, size_t count,
                                          struct arena *arena, const struct connector_index **out);

/* The group bound to exactly this endpoint, or NULL. */
const struct connector_group *connector_index_group(const struct connector_index *index,
                                                    const struct ip_endpoint *local);
/* The segment that holds a client address of the group's family. */
const struct connector_segment *connector_group_segment(const struct connector_group *group,
                                                        ip_number remote);

/* Orders two connectors by age as above: negative when a is the older one. A total order but for equal ids.
 */
int connector_compare_age(const struct receive_connector *a, const struct receive_connector *b);

#endif

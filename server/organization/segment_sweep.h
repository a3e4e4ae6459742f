/* Overlapping ranges made into disjoint segments, each naming the best range that holds it: one sweep over
 * their ends. */
#ifndef ORGANIZATION_SEGMENT_SWEEP_H
#define ORGANIZATION_SEGMENT_SWEEP_H

#include "base/arena.h"
#include "organization/ip_number.h"

#define SEGMENT_NOBODY UINT32_MAX

/* From start up to the next segment's start; the first of a group starts at 0. */
struct connector_segment {
    ip_number start;
    uint32_t connector; /* index, or SEGMENT_NOBODY */
    uint32_t range;     /* the winner's range that holds the segment */
};

/* One range that stands for a connector. The smaller range is the better one, then the smaller rank. */
struct contender {
    ip_number low;
    ip_number high;
    uint32_t connector;
    uint32_t range;
    uint32_t rank;
};

/* Sorts the contenders, all of one family, and makes the segments; they are in the arena and at least one.
 * O(n log n). ERROR_LIMIT. */
MUST_USE enum error segment_sweep(struct contender *contenders, size_t count, enum ip_family family,
                                  struct arena *arena, const struct connector_segment **out,
                                  size_t *out_count);

#endif

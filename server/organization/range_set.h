/* A growing set of ranges that answers which of them collides with a new one, for the conflict rules of
 * connectors. */
#ifndef ORGANIZATION_RANGE_SET_H
#define ORGANIZATION_RANGE_SET_H

#include "organization/ip_number.h"

#define RANGE_NOBODY UINT32_MAX

/* low <= high. */
struct ip_span {
    ip_number low;
    ip_number high;
};

struct range_best {
    ip_number value;
    uint32_t owner; /* RANGE_NOBODY: empty */
};

/* The places that added ranges may use are fixed by range_set_init; every operation is logarithmic in their
 * number. */
struct range_set {
    struct ip_span *spans;      /* all that may be added, by low, then high, without doubles */
    uint32_t *owners;           /* who added spans[i], or RANGE_NOBODY */
    ip_number *lows;            /* sorted */
    ip_number *highs;           /* sorted */
    struct range_best *by_low;  /* a tree over lows: the greatest high */
    struct range_best *by_high; /* a tree over highs: the greatest ~low, which is the smallest low */
    size_t count;
};

/* Makes an empty set for these spans; takes the heap array spans in any case. ERROR_TEMPORARY without memory.
 */
MUST_USE enum error range_set_init(struct range_set *set, struct ip_span *spans, size_t count);
void range_set_done(struct range_set *set);
/* Adds one of the spans given to range_set_init. The first owner of a span stays. */
void range_set_add(struct range_set *set, const struct ip_span *span, uint32_t owner);
/* The owner of an added span equal to this one, or RANGE_NOBODY. */
uint32_t range_set_equal(const struct range_set *set, const struct ip_span *span);
/* The owner of an added span that intersects this one while neither contains the other, or RANGE_NOBODY. */
uint32_t range_set_overlap(const struct range_set *set, const struct ip_span *span);

#endif

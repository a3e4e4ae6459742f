/* How short a resource is, in three levels with hysteresis: what went up comes down at a lower mark, so that
 * a value that trembles at a mark does not open and shut the door. Pure. Facts 10.7. */
#ifndef BASE_PRESSURE_H
#define BASE_PRESSURE_H

#include <stdint.h>

enum pressure_level { PRESSURE_LOW, PRESSURE_MEDIUM, PRESSURE_HIGH };

/* low <= medium <= high. Up: to medium and to high when the value reaches them. Down: from high when it is no
 * more than medium, to low when it is below low. */
struct pressure_marks {
    uint64_t low;
    uint64_t medium;
    uint64_t high;
};

/* One resource as it is watched. */
struct pressure_gauge {
    const char *resource; /* "disk" */
    struct pressure_marks marks;
    enum pressure_level level;
    uint64_t value; /* of the last look */
};

enum pressure_level pressure_next(enum pressure_level level, const struct pressure_marks *marks,
                                  uint64_t value);
const char *pressure_level_name(enum pressure_level level); /* "low", "medium", "high" */

#endif

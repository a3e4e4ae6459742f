/* What the log and the metrics say about the organization in force. Internal to the room. */
#ifndef SOURCE_KEEPER_REPORT_H
#define SOURCE_KEEPER_REPORT_H

#include "base/clock.h"
#include "organization/organization.h"

#include <stdatomic.h>

/* Read by the thread that writes the metrics page. */
struct keeper_gauges {
    const struct clock *clock;
    atomic_bool is_current;            /* the directory stands behind what is in force at this moment */
    _Atomic int64_t confirmed_wall_ms; /* else: when it last did; 0 never */
};

/* dirrelay_directory_up and dirrelay_organization_age_seconds. */
void keeper_report_open(struct keeper_gauges *gauges);
void keeper_report_close(void);
void keeper_report_directory(bool is_up, const char *why);
/* org.loaded, and org.refused once for every refusal that `previous` (may be NULL) did not have. */
void keeper_report_organization(const struct organization *previous, const struct organization *now,
                                bool is_from_disk);

#endif

/* What Transport Settings say of the reports this server writes to senders. Pure. Facts 1.6. */
#ifndef POLICY_NOTICE_H
#define POLICY_NOTICE_H

#include "organization/organization.h"

struct notice_rules {
    bool may_warn;              /* of a delay */
    const char *reporting_name; /* of Reporting-MTA */
    size_t body_bytes_max;      /* of the original's; SIZE_MAX: no limit */
};

/* Senders of an authoritative or internal relay domain of ours are internal, all others external:
 * InternalDelayDsnDisabled for those, ExternalDelayDsnDisabled, ExternalDsnReportingAuthority and
 * ExternalDsnMaxMessageAttachSize for these. sender: a reverse-path. */
struct notice_rules notice_rules_for(const struct organization *organization, struct bytes sender);
/* GenerateCopyOfDSNFor names the status ("5.4.6"): postmaster gets a copy of the report of failure. */
bool notice_is_copied(const struct organization *organization, struct bytes status);

#endif

/* Rights whose want is reported and not enforced: dirrelayReportOnly. Contract 3. */
#ifndef POLICY_REPORT_ONLY_H
#define POLICY_REPORT_ONLY_H

#include "policy/session_rights.h"

/* The rights this session lacks and may act as if it had, RIGHT_BITs. Of an anonymous session never Submit,
 * Accept-Any-Recipient or a header right, unless the administrator acknowledged an open relay; nothing where
 * the permissions could not be read, and nothing that is withheld (gateway.h). Pure. */
uint32_t report_only_rights(const struct session_rights *rights);

#endif

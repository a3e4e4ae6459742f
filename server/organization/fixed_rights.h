/* The rights of the fixed identities on an object, computed once when the organization is built (design 2).
 */
#ifndef ORGANIZATION_FIXED_RIGHTS_H
#define ORGANIZATION_FIXED_RIGHTS_H

#include "organization/access_list.h"
#include "organization/identity.h"

/* Walks the list once for each fixed identity, whose token is its SID alone: neither Everyone nor
 * Authenticated Users is in it (permissions document, table 6: well-known accounts are excluded from
 * ExchangeUsers). grants_nothing: all results stay empty. ERROR_TEMPORARY without memory. */
MUST_USE enum error fixed_rights_compute(const struct access_list *list, bool grants_nothing,
                                         struct access_result out[IDENTITY_FIXED_COUNT]);

#endif

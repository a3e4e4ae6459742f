/* The permission groups that a stored DACL amounts to. Facts 2.2 and 5.1. */
#ifndef ORGANIZATION_PERMISSION_GROUP_FIND_H
#define ORGANIZATION_PERMISSION_GROUP_FIND_H

#include "organization/permission_group.h"

/* A group is there when each of its SIDs holds the rights that every version of Exchange writes for it (the
 * 2007 ones); its ACEs, those of newer versions too, then name it in their origin. Explicit ACEs for rights
 * of transport that belong to no such group make Custom. SIDs of groups the directory does not name are left
 * out. The list's origins are replaced by others in the arena. ERROR_LIMIT. */
MUST_USE enum error permission_group_find(struct access_list *list, bool is_edge,
                                          const struct group_sids *sids, struct arena *arena,
                                          uint32_t *out_groups);

#endif

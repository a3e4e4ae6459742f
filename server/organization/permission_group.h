/* Permission groups as tables (permissions document table 6; facts 5.1; contract 7). */
#ifndef ORGANIZATION_PERMISSION_GROUP_H
#define ORGANIZATION_PERMISSION_GROUP_H

#include "organization/access_list.h"

enum permission_model { PERMISSION_MODEL_2010, PERMISSION_MODEL_2007 };

/* Bits of facts 2.2. */
enum permission_group {
    GROUP_ANONYMOUS_USERS = 1,
    GROUP_EXCHANGE_USERS = 2,
    GROUP_EXCHANGE_SERVERS = 4,
    GROUP_EXCHANGE_LEGACY_SERVERS = 8,
    GROUP_PARTNERS = 16,
    GROUP_CUSTOM = 32,
};

/* Who a grant goes to: a well-known SID, or one of the two groups whose SIDs the directory knows. */
enum group_principal {
    PRINCIPAL_ANONYMOUS,
    PRINCIPAL_AUTHENTICATED,
    PRINCIPAL_PARTNER_SERVERS,
    PRINCIPAL_HUB_SERVERS,
    PRINCIPAL_EDGE_SERVERS,
    PRINCIPAL_EXTERNALLY_SECURED,
    PRINCIPAL_LEGACY_SERVERS,
    PRINCIPAL_EXCHANGE_SERVERS_GROUP,        /* otherWellKnownObjects 6C01D2A7-… */
    PRINCIPAL_EXCHANGE_LEGACY_INTEROP_GROUP, /* otherWellKnownObjects 3F965B9C-… */
};

struct group_grant {
    enum permission_group group;
    enum group_principal principal;
    uint32_t allowed; /* RIGHT_BITs */
    uint32_t denied;
};

/* The SIDs of the two directory groups; NULL where the directory does not name one: its grants are then left
 * out. */
struct group_sids {
    const struct sid *exchange_servers;
    const struct sid *legacy_interop;
};

/* By the names of contract 3, any case; `Partner` is read as Partners; Custom is not a value. */
bool permission_group_by_name(struct bytes name, enum permission_group *out);
const char *permission_group_name(enum permission_group group);
/* Is the group available on a server with these roles under this model (contract 7)? */
bool permission_group_is_available(enum permission_group group, enum permission_model model, bool is_edge);
/* The rows of the model for one role; *out_count of them, static storage. */
const struct group_grant *permission_group_grants(enum permission_model model, bool is_edge,
                                                  size_t *out_count);
/* The SID a row goes to, or NULL when the directory does not name that group. */
const struct sid *permission_group_sid(enum group_principal principal, const struct group_sids *sids);

/* Adds the explicit ACEs of all groups in the bit set; `from` is the DN of the object that carries them
 * (kept). A group that is not available adds nothing. ERROR_LIMIT. */
MUST_USE enum error permission_group_add(struct access_list_builder *builder, uint32_t groups,
                                         enum permission_model model, bool is_edge,
                                         const struct group_sids *sids, const char *from);

#endif

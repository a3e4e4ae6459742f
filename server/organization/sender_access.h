/* Who may send as an entry of the directory, and on its behalf. Facts 8.4; contract 3. */
#ifndef ORGANIZATION_SENDER_ACCESS_H
#define ORGANIZATION_SENDER_ACCESS_H

#include "organization/access_list.h"

/* A value; what it points to lives with the entry's account. */
struct sender_access {
    struct access_list list;     /* only what it says of Send-As counts */
    const char *grants_nothing;  /* why, or NULL */
    const struct sid *delegates; /* publicDelegates: users and groups */
    size_t delegate_count;
    bool has_sid;
    struct sid sid; /* the entry's own */
};

/* Adds, behind everything else, what holds unless an ACE says otherwise: an entry sends as itself (SELF,
 * S-1-5-10). Descriptors of Active Directory have an ACE of their own for that. ERROR_LIMIT. */
MUST_USE enum error sender_access_add_default(struct access_list_builder *builder);

/* Does the token hold Send-As on the entry? is_self: the token is the entry's own, and SELF in it.
 * *out_origin: the ACE that decided, NULL where none speaks of it. Pure. ERROR_TEMPORARY without memory. */
MUST_USE enum error sender_access_check(const struct sender_access *access, const struct token *token,
                                        bool is_self, bool *out_is_held,
                                        const struct ace_origin **out_origin);
/* May somebody send on its behalf: is one of the token's SIDs, or this SID, among its delegates? */
bool sender_access_has_delegate(const struct sender_access *access, const struct token *token);
bool sender_access_names_delegate(const struct sender_access *access, const struct sid *sid);

#endif

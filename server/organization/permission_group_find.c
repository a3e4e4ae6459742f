#include "organization/permission_group_find.h"

#include <string.h>

static bool is_allow(const struct ace *ace)
{
    return ace->type == ACE_ALLOW || ace->type == ACE_ALLOW_OBJECT;
}

static bool is_deny(const struct ace *ace)
{
    return ace->type == ACE_DENY || ace->type == ACE_DENY_OBJECT;
}

/* The rights of transport it speaks of on the object itself; RIGHTS_ALL without an object type. */
static uint32_t rights_of(const struct ace *ace)
{
    enum right right;
    if (ace->is_opaque || (ace->flags & ACE_FLAG_INHERIT_ONLY) || ace->has_inherited_object_type ||
        !(ace->mask & (ACE_MASK_CONTROL_ACCESS | ACE_MASK_GENERIC_ALL)))
        return 0;
    if (!ace->has_object_type)
        return RIGHTS_ALL;
    return right_by_guid(&ace->object_type, &right) ? RIGHT_BIT(right) : 0;
}

static uint32_t rights_allowed(const struct acl *acl, const struct sid *sid)
{
    uint32_t allowed = 0;
    for (size_t i = 0; i < acl->count; i++)
        if (is_allow(&acl->aces[i]) && sid_equal(&acl->aces[i].sid, sid))
            allowed |= rights_of(&acl->aces[i]);
    return allowed;
}

/* Edges of 2007 have no row for some groups that newer ones have. */
static enum permission_model model_of(enum permission_group group, bool is_edge)
{
    return permission_group_is_available(group, PERMISSION_MODEL_2007, is_edge) ? PERMISSION_MODEL_2007
                                                                                : PERMISSION_MODEL_2010;
}

static uint32_t find_held(const struct acl *acl, bool is_edge, const struct group_sids *sids)
{
    uint32_t found = 0, lacking = 0;
    for (int model = PERMISSION_MODEL_2010; model <= PERMISSION_MODEL_2007; model++) {
        size_t count;
        const struct group_grant *grants =
            permission_group_grants((enum permission_model)model, is_edge, &count);
        for (size_t i = 0; i < count; i++) {
            const struct sid *sid = permission_group_sid(grants[i].principal, sids);
            /* Exchange 2007 and later never wrote ACEs for S-1-9-…-24 itself. */
            if (!sid || grants[i].principal == PRINCIPAL_LEGACY_SERVERS ||
                (int)model_of(grants[i].group, is_edge) != model)
                continue;
            found |= grants[i].group;
            if (grants[i].allowed & ~rights_allowed(acl, sid))
                lacking |= grants[i].group;
        }
    }
    return found & ~lacking;
}

/* The name of the held group that this ACE is of, or NULL. */
static const char *group_of(const struct ace *ace, uint32_t held, bool is_edge, const struct group_sids *sids)
{
    uint32_t rights = rights_of(ace);
    for (int model = PERMISSION_MODEL_2010; model <= PERMISSION_MODEL_2007; model++) {
        size_t count;
        const struct group_grant *grants =
            permission_group_grants((enum permission_model)model, is_edge, &count);
        for (size_t i = 0; i < count; i++) {
            const struct sid *sid = permission_group_sid(grants[i].principal, sids);
            uint32_t granted = is_deny(ace) ? grants[i].denied : grants[i].allowed;
            if (sid && (held & grants[i].group) && !(rights & ~granted) && sid_equal(sid, &ace->sid))
                return permission_group_name(grants[i].group);
        }
    }
    return NULL;
}

enum error permission_group_find(struct access_list *list, bool is_edge, const struct group_sids *sids,
                                 struct arena *arena, uint32_t *out_groups)
{
    uint32_t held = find_held(&list->acl, is_edge, sids);
    struct ace_origin *origins = arena_array(arena, list->acl.count + 1, sizeof(*origins));
    if (!origins)
        return ERROR_LIMIT;
    bool is_custom = false;
    for (size_t i = 0; i < list->acl.count; i++) {
        const struct ace *ace = &list->acl.aces[i];
        origins[i] = list->origins[i];
        if ((!is_allow(ace) && !is_deny(ace)) || !rights_of(ace) || origins[i].is_inherited)
            continue;
        origins[i].group = group_of(ace, held, is_edge, sids);
        is_custom = is_custom || !origins[i].group;
    }
    list->origins = origins;
    *out_groups = held | (is_custom ? GROUP_CUSTOM : 0);
    return OK;
}

/* Comparing descriptors in tests: by meaning (what SDDL can say) or with every byte that is kept. */
#ifndef TESTS_DESCRIPTOR_EQUAL_H
#define TESTS_DESCRIPTOR_EQUAL_H

#include "security/descriptor.h"

#define CONTROL_DACL_FLAGS                                                                                   \
    (DESCRIPTOR_DACL_INHERIT_REQUIRED | DESCRIPTOR_DACL_AUTO_INHERITED | DESCRIPTOR_DACL_PROTECTED)

static inline bool ace_means_equal(const struct ace *a, const struct ace *b)
{
    return a->type == b->type && a->flags == b->flags && a->mask == b->mask &&
           a->has_object_type == b->has_object_type &&
           a->has_inherited_object_type == b->has_inherited_object_type &&
           guid_equal(&a->object_type, &b->object_type) &&
           guid_equal(&a->inherited_object_type, &b->inherited_object_type) && sid_equal(&a->sid, &b->sid) &&
           a->is_opaque == b->is_opaque;
}

static inline bool acl_equals(const struct acl *a, const struct acl *b, bool is_exact)
{
    if (a->state != b->state || a->count != b->count || (is_exact && a->revision != b->revision))
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!ace_means_equal(&a->aces[i], &b->aces[i]))
            return false;
        if (is_exact && !bytes_equal(a->aces[i].body, b->aces[i].body))
            return false;
    }
    return true;
}

static inline bool descriptor_equals(const struct descriptor *a, const struct descriptor *b, bool is_exact)
{
    unsigned differing = (unsigned)(a->control ^ b->control);
    unsigned compared = (a->dacl.state != ACL_ABSENT ? CONTROL_DACL_FLAGS : 0u) |
                        (a->sacl.state != ACL_ABSENT ? CONTROL_DACL_FLAGS << 1 : 0u);

    if (differing & (is_exact ? UINT16_MAX : compared))
        return false;
    if (a->has_owner != b->has_owner || a->has_group != b->has_group)
        return false;
    return (!a->has_owner || sid_equal(&a->owner, &b->owner)) &&
           (!a->has_group || sid_equal(&a->group, &b->group)) && acl_equals(&a->dacl, &b->dacl, is_exact) &&
           acl_equals(&a->sacl, &b->sacl, is_exact);
}

#endif

/* A second access check, straight from the pseudocode of MS-DTYP 2.5.3.2 and deliberately slow: one right at
 * a time over an object tree of the object and that right below it (facts 9.4), the token a plain list. It
 * shares no line with the room's own walk, so that a slip in one of them shows. */
#ifndef TESTS_NAIVE_ACCESS_CHECK_H
#define TESTS_NAIVE_ACCESS_CHECK_H

#include "security/descriptor.h"

#include <string.h>

struct naive_member {
    struct sid sid;
    bool is_deny_only;
};

struct naive_answer {
    bool is_granted;
    int ace; /* that decided, or -1 */
};

/* The tree: 0 the object itself, which only an ACE without ObjectType means, 1 the right below it. */
#define NAIVE_ROOT  0
#define NAIVE_RIGHT 1

static inline bool naive_sid_in_token(const struct naive_member *members, size_t count, const struct sid *sid,
                                      bool for_allow)
{
    char wanted[SID_TEXT_SIZE], have[SID_TEXT_SIZE];

    for (size_t i = 0; i < count; i++) {
        if (members[i].sid.sub_authorities[0] != sid->sub_authorities[0])
            continue; /* saves the texts */
        if (strcmp(sid_format(&members[i].sid, have), sid_format(sid, wanted)) == 0)
            return !(for_allow && members[i].is_deny_only);
    }
    return false;
}

/* Facts 9.3: what the generic bits mean on a directory object. */
static inline uint32_t naive_map_generic(uint32_t mask)
{
    uint32_t mapped = mask & 0x0fffffffu;

    mapped |= mask & 0x10000000u ? 0x000f01ffu : 0;
    mapped |= mask & 0x20000000u ? 0x00020004u : 0;
    mapped |= mask & 0x40000000u ? 0x00020028u : 0;
    mapped |= mask & 0x80000000u ? 0x00020094u : 0;
    return mapped;
}

/* The node an ACE speaks of, or -1 when it names one outside the tree. */
static inline int naive_node_of(const struct guid *right, const struct ace *ace)
{
    if (!ace->has_object_type)
        return NAIVE_ROOT;
    return memcmp(right, &ace->object_type, sizeof(struct guid)) == 0 ? NAIVE_RIGHT : -1;
}

/* 0: the ACE decides nothing, 1: allow, 2: deny. */
static inline int naive_kind_of(const struct ace *ace)
{
    if (ace->flags & 0x08)
        return 0;
    switch (ace->type) {
    case 0x00:
    case 0x05:
        return 1;
    case 0x01:
    case 0x06:
    case 0x0a: /* a condition that nobody evaluates: the deny counts, the allow does not */
    case 0x0c:
        return 2;
    default:
        return 0;
    }
}

static inline struct naive_answer naive_access_check(const struct acl *dacl,
                                                     const struct naive_member *members, size_t member_count,
                                                     const struct guid *right)
{
    uint32_t remaining[2] = {0x100, 0x100};

    if (dacl->state != ACL_PRESENT)
        return (struct naive_answer){true, -1};
    for (size_t i = 0; i < dacl->count; i++) {
        const struct ace *ace = &dacl->aces[i];
        int kind = naive_kind_of(ace);
        int node = naive_node_of(right, ace);
        uint32_t mask = naive_map_generic(ace->mask);

        if (kind == 0 || node < 0 || !naive_sid_in_token(members, member_count, &ace->sid, kind == 1))
            continue;
        if (kind == 2 && remaining[node] & mask)
            return (struct naive_answer){false, (int)i};
        /* What a node gains its descendants gain. */
        for (int below = node; kind == 1 && below <= NAIVE_RIGHT; below++)
            remaining[below] &= ~mask;
        if (remaining[NAIVE_RIGHT] == 0)
            return (struct naive_answer){true, (int)i};
    }
    return (struct naive_answer){false, -1};
}

#endif

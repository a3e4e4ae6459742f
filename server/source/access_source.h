/* The effective access list of an object: dirrelayAce lines and permission groups, inherited lines of the
 * containers above it, or its nTSecurityDescriptor. Contract 3. */
#ifndef SOURCE_ACCESS_SOURCE_H
#define SOURCE_ACCESS_SOURCE_H

#include "directory/directory.h"
#include "organization/permission_group.h"
#include "source/image.h"
#include "source/trustee.h"

struct container_lines;

struct access_source {
    const struct image *image;
    const char *top_key; /* DN (normal form) of the organization: inheritance ends with it */
    enum directory_flavor flavor;
    bool may_lack_containers;
    enum permission_model model;
    bool is_edge;
    struct group_sids group_sids;
    struct trustee_table trustees;
    struct arena *arena;                /* the organization's */
    struct container_lines *containers; /* private: each container's lines are read once */
    /* An ACE that gives rights to nobody (allow, and no such principal) is left out; told once an object. */
    void (*on_left_out)(void *owner, const char *dn, const char *why);
    void *owner;
};

struct access_reading {
    struct access_list list;
    uint32_t permission_groups; /* as written, or as the descriptor's DACL holds them */
    bool has_group_value;       /* dirrelayPermissionGroups is there, readable or not */
    const char *grants_nothing; /* why, or NULL */
    bool is_unreadable;         /* grants_nothing for a value that cannot be read, not for want of any */
};

/* Reads one object's permissions. ERROR_LIMIT without memory. */
MUST_USE enum error access_source_read(struct access_source *source, const struct entry *entry,
                                       struct access_reading *out);
void access_source_done(struct access_source *source);

#endif

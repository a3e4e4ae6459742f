/* From the entry of a principal to all SIDs he holds: says what is to be asked for next and takes what comes;
 * asks nothing itself. How groups are found differs by directory, so there are two. Internal to the room. */
#ifndef AUTH_EXPANSION_H
#define AUTH_EXPANSION_H

#include "auth/search_queue.h"
#include "auth/sid_list.h"

#define EXPANSION_BATCH 50 /* DNs or SIDs in one filter */

struct expansion_config {
    const struct entry *principal; /* borrowed */
    const char *base;              /* groups are sought at and below it; borrowed */
    uint32_t group_depth;
    uint32_t group_limit;
    bool is_path_wanted;
    bool has_unique_members; /* uniqueMember is worth asking for */
};

struct expansion;

struct expansion_ops {
    /* As search_queue's. is_idle: nothing is under way. ERROR_LIMIT, ERROR_DENIED_CREDENTIALS (a SID of the
     * principal is refused) or ERROR_TEMPORARY, with the note in the expansion. */
    enum error (*next)(struct expansion *expansion, bool is_idle, struct search_question *out,
                       bool *out_is_some);
    enum error (*take)(struct expansion *expansion, const struct search_question *question,
                       const struct entry *entry);
    void (*free)(struct expansion *expansion);
};

struct expansion {
    const struct expansion_ops *ops;
    struct expansion_config config;
    struct sid_list sids; /* the first is the principal's own */
    struct note note;
    bool has_named_group; /* memberOf named a group that no search found */
};

/* OpenLDAP, 389, FreeIPA: groups by member, uniqueMember, memberUid, memberOf and gidNumber, level by level.
 * NULL without memory. */
struct expansion *group_walk_new(const struct expansion_config *config);
/* Active Directory: tokenGroups. NULL without memory. */
struct expansion *token_groups_new(const struct expansion_config *config);

/* What both have in common. */
/* The principal's own SID and its sIDHistory. */
MUST_USE enum error expansion_add_principal(struct expansion *expansion, bool is_object_sid_needed);
/* sIDHistory of the entry, come by via. */
MUST_USE enum error expansion_add_history(struct expansion *expansion, const struct entry *entry, size_t via);
/* Adds the SID of an entry. ERROR_DENIED_CREDENTIALS: another entry has it too. *out_row may be NULL. */
MUST_USE enum error expansion_add(struct expansion *expansion, const struct account_sid *sid,
                                  const struct entry *owner, struct sid_row **out_row);
/* The entry has the row's SID: ERROR_DENIED_CREDENTIALS when that is another's. */
MUST_USE enum error expansion_check_owner(struct expansion *expansion, struct sid_row *row,
                                          const struct entry *entry);
/* The row of the entry's own SID, checked as above; NULL: the token has no such SID. */
MUST_USE enum error expansion_find_owned(struct expansion *expansion, const struct entry *entry,
                                         struct sid_row **out_row);
/* Past group_limit: ERROR_LIMIT. */
MUST_USE enum error expansion_check_count(struct expansion *expansion, size_t group_count);
/* Starts the question: the base and what to read. */
MUST_USE enum error expansion_ask(struct search_question *out, const char *base, enum directory_scope scope,
                                  const char *const *attributes);

#endif

/* What is known of an owner while it is read, for the two files that share it: owner_access.c asks,
 * owner_access_list.c makes the list. Internal to the room. */
#ifndef AUTH_OWNER_ACCESS_INTERNAL_H
#define AUTH_OWNER_ACCESS_INTERNAL_H

#include "auth/owner_access.h"
#include "organization/ace_text.h"

#define LEVELS_MAX 64

enum access_step { STEP_CONTAINERS, STEP_NAMED };

/* One level of inheritance; the owner is the first. */
struct level {
    const char *dn;
    const struct entry *entry; /* NULL: it cannot be read */
    struct entry *owned;
};

/* Somebody who is named. */
struct named {
    char *dn;
    char *dn_key;
    bool is_found;
    bool has_sid;
    struct sid sid;
    struct note note; /* found, and without a SID */
};

struct owner_access {
    struct owner_access_config config;
    enum access_step step;
    struct level levels[LEVELS_MAX];
    size_t level_count;
    size_t level_at;
    struct named *named;
    size_t named_count;
    size_t named_capacity;
    size_t named_at;
    bool is_too_deep;
    bool is_full;     /* more are named than are asked for */
    bool is_too_many; /* it was when ACEs had named theirs; delegates that are left out are none */
};

/* Whom the directory was asked for by this DN, found or not; NULL: it was not asked. */
const struct named *owner_access_find_named(const struct owner_access *access, struct bytes dn);
/* The line speaks of Send-As. */
static inline bool ace_is_about_senders(const struct ace_text *ace)
{
    return ace->rights & RIGHT_BIT(RIGHT_SEND_AS);
}

#endif

/* Who may send as an entry: its ACEs and those of the containers above it, its delegates, and everybody whom
 * these name. Says what is to be asked for next and takes what comes, like an expansion; asks nothing itself.
 * Internal to the room. */
#ifndef AUTH_OWNER_ACCESS_H
#define AUTH_OWNER_ACCESS_H

#include "auth/search_queue.h"
#include "organization/sender_access.h"

/* What is read of the owner beside what an account is made of; and of it what a watch of all accounts asks
 * for, which descriptors would make too long. NULL-terminated. */
extern const char *const owner_access_attributes[];
extern const char *const owner_access_watched_attributes[];

struct owner_access_config {
    const struct entry *owner; /* borrowed */
    enum directory_flavor flavor;
    const char *base; /* of the accounts: inheritance ends with it; borrowed */
};

struct owner_access;

/* NULL without memory. */
struct owner_access *owner_access_new(const struct owner_access_config *config);
/* As search_queue's. is_idle: nothing is under way. */
MUST_USE enum error owner_access_next(struct owner_access *access, bool is_idle, struct search_question *out,
                                      bool *out_is_some);
MUST_USE enum error owner_access_take(struct owner_access *access, const struct search_question *question,
                                      const struct entry *entry);
/* All was asked and answered. out's memory is the arena's. ERROR_LIMIT. */
MUST_USE enum error owner_access_finish(const struct owner_access *access, struct arena *arena,
                                        struct sender_access *out);
/* A watch sees its changes, so that it may be kept. */
bool owner_access_is_watched(const struct owner_access *access);
void owner_access_free(struct owner_access *access); /* NULL is a no-op */

#endif

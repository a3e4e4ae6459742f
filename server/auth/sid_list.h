/* The SIDs of an account while they are being gathered: each once, with whose it is. Internal to the room. */
#ifndef AUTH_SID_LIST_H
#define AUTH_SID_LIST_H

#include "auth/account.h"

#include <uthash.h>

struct sid_row {
    struct account_sid sid;
    char *name; /* sid.name, owned */
    size_t index;
    bool has_owner;
    uint8_t owner[16]; /* the id of the entry it was read from */
    uint8_t key[68];   /* private */
    UT_hash_handle hh; /* private */
};

/* Zero-initialised it is empty. */
struct sid_list {
    struct sid_row **rows; /* in the order they came */
    struct sid_row *by_sid;
    size_t count;
    size_t capacity;
};

void sid_list_done(struct sid_list *list);
/* The row of the SID, or NULL. */
struct sid_row *sid_list_find(const struct sid_list *list, const struct sid *sid);
/* Adds it, unless it is there; its name is copied. owner: 16 bytes or NULL. Gives the row of the SID, or NULL
 * without memory. */
struct sid_row *sid_list_add(struct sid_list *list, const struct account_sid *sid, const uint8_t *owner);

/* The row's SID was read from the entry with this id. */
void sid_list_own(struct sid_row *row, const uint8_t owner[16]);
/* The name of a row that has none yet. False without memory. */
bool sid_list_set_name(struct sid_row *row, const char *name);

#endif

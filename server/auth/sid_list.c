#define uthash_fatal(message) abort()
#include "auth/sid_list.h"

#include <stdlib.h>
#include <string.h>

void sid_list_done(struct sid_list *list)
{
    HASH_CLEAR(hh, list->by_sid);
    for (size_t i = 0; i < list->count; i++) {
        free(list->rows[i]->name);
        free(list->rows[i]);
    }
    free(list->rows);
    *list = (struct sid_list){0};
}

struct sid_row *sid_list_find(const struct sid_list *list, const struct sid *sid)
{
    struct sid_row *row = NULL;
    uint8_t key[68];
    size_t len = sid_encode(sid, key);
    HASH_FIND(hh, list->by_sid, key, len, row);
    return row;
}

void sid_list_own(struct sid_row *row, const uint8_t owner[16])
{
    row->has_owner = true;
    memcpy(row->owner, owner, sizeof(row->owner));
}

static bool make_room(struct sid_list *list)
{
    if (list->count < list->capacity)
        return true;
    size_t capacity = list->capacity ? 2 * list->capacity : 32;
    struct sid_row **rows = realloc(list->rows, capacity * sizeof(struct sid_row *));
    if (!rows)
        return false;
    list->rows = rows;
    list->capacity = capacity;
    return true;
}

struct sid_row *sid_list_add(struct sid_list *list, const struct account_sid *sid, const uint8_t *owner)
{
    struct sid_row *row = sid_list_find(list, &sid->sid);
    if (row)
        return row;
    row = make_room(list) ? calloc(1, sizeof(*row)) : NULL;
    if (!row)
        return NULL;
    row->sid = *sid;
    row->sid.name = NULL;
    row->index = list->count;
    if (owner)
        sid_list_own(row, owner);
    if (sid->name && !sid_list_set_name(row, sid->name)) {
        free(row);
        return NULL;
    }
    size_t len = sid_encode(&sid->sid, row->key);
    HASH_ADD_KEYPTR(hh, list->by_sid, row->key, len, row);
    list->rows[list->count++] = row;
    return row;
}

bool sid_list_set_name(struct sid_row *row, const char *name)
{
    if (row->name)
        return true;
    row->name = strdup(name);
    row->sid.name = row->name;
    return row->name != NULL;
}

#include "directory/entry_table.h"

#include "directory/entry_builder.h"
#include "directory/filter_match.h"
#include "directory/filter_text.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define DN_KEY_MAX 65536

struct entry_row {
    struct entry *entry;
    UT_hash_handle hh;    /* by DN */
    UT_hash_handle hh_id; /* by id */
};

static struct entry_row *find_dn(const struct entry_table *table, struct bytes key)
{
    struct entry_row *row = NULL;
    HASH_FIND(hh, table->by_dn, key.ptr ? key.ptr : "", key.len, row);
    return row;
}

static void drop(struct entry_table *table, struct entry_row *row)
{
    HASH_DELETE(hh, table->by_dn, row);
    HASH_DELETE(hh_id, table->by_id, row);
    entry_free(row->entry);
    free(row);
}

void entry_table_clear(struct entry_table *table)
{
    while (table->by_dn)
        drop(table, table->by_dn);
}

size_t entry_table_count(const struct entry_table *table)
{
    return HASH_CNT(hh, table->by_dn);
}

enum error entry_table_put(struct entry_table *table, struct entry *entry)
{
    size_t key_len = strlen(entry->dn_key);
    struct entry_row *old = find_dn(table, (struct bytes){entry->dn_key, key_len});
    if (old)
        drop(table, old);
    HASH_FIND(hh_id, table->by_id, entry->id, sizeof entry->id, old);
    if (old)
        drop(table, old); /* it was renamed */
    struct entry_row *row = entry_table_count(table) < ENTRY_TABLE_MAX ? calloc(1, sizeof *row) : NULL;
    if (!row) {
        entry_free(entry);
        return ERROR_LIMIT;
    }
    row->entry = entry;
    HASH_ADD_KEYPTR(hh, table->by_dn, entry->dn_key, key_len, row);
    HASH_ADD_KEYPTR(hh_id, table->by_id, entry->id, sizeof entry->id, row);
    return OK;
}

enum error entry_table_delete(struct entry_table *table, const char *dn)
{
    struct buffer key;
    buffer_init(&key, DN_KEY_MAX);
    enum error error = dn_normalize(bytes_of_text(dn), &key);
    struct entry_row *row = error == OK ? find_dn(table, buffer_bytes(&key)) : NULL;
    buffer_done(&key);
    if (error == OK && !row)
        return ERROR_NOT_FOUND;
    if (row)
        drop(table, row);
    return error;
}

const struct entry *entry_table_find(const struct entry_table *table, struct bytes dn_key)
{
    const struct entry_row *row = find_dn(table, dn_key);
    return row ? row->entry : NULL;
}

void entry_table_each(const struct entry_table *table, void (*each)(const struct entry *entry, void *owner),
                      void *owner)
{
    for (const struct entry_row *row = table->by_dn; row; row = row->hh.next)
        each(row->entry, owner);
}

static bool is_in_scope(const struct entry *entry, struct bytes base_key, enum directory_scope scope)
{
    struct bytes key = bytes_of_text(entry->dn_key);
    switch (scope) {
    case SCOPE_BASE:
        return bytes_equal(key, base_key);
    case SCOPE_ONE:
        return key.len > base_key.len && bytes_equal(dn_parent(key), base_key);
    case SCOPE_SUBTREE:
        return dn_is_within(key, base_key);
    }
    return false;
}

static enum error select_row(const struct entry *entry, const struct entry_question *question,
                             struct bytes base_key, struct entry_selection *out)
{
    bool matches = false;
    enum error error = OK;
    if (is_in_scope(entry, base_key, question->scope))
        error = filter_match(question->filter, entry, &matches);
    if (error != OK || !matches)
        return error;
    struct entry *copy = entry_select(entry, question->attributes);
    if (!copy)
        return ERROR_LIMIT;
    out->entries[out->count++] = copy;
    return OK;
}

enum error entry_table_select(const struct entry_table *table, const struct entry_question *question,
                              struct entry_selection *out)
{
    struct buffer key;
    buffer_init(&key, DN_KEY_MAX);
    out->count = 0;
    out->entries = calloc(entry_table_count(table) + 1, sizeof *out->entries);
    enum error error = out->entries ? dn_normalize(bytes_of_text(question->base), &key) : ERROR_LIMIT;
    struct bytes base_key = buffer_bytes(&key);
    if (error == OK && base_key.len > 0 && !find_dn(table, base_key))
        error = ERROR_NOT_FOUND;
    for (const struct entry_row *row = table->by_dn; error == OK && row; row = row->hh.next)
        error = select_row(row->entry, question, base_key, out);
    buffer_done(&key);
    return error;
}

void entry_selection_done(struct entry_selection *selection)
{
    for (size_t i = 0; i < selection->count; i++)
        entry_free(selection->entries[i]);
    free(selection->entries);
    *selection = (struct entry_selection){0};
}

/* Entries in memory, found by DN and by id, asked by base, scope and filter. Internal to the room. */
#ifndef DIRECTORY_ENTRY_TABLE_H
#define DIRECTORY_ENTRY_TABLE_H

#include "directory/directory.h"

struct entry_row;

/* Zero-initialised it is empty. */
struct entry_table {
    struct entry_row *by_dn;
    struct entry_row *by_id;
};

#define ENTRY_TABLE_MAX 1000000u

/* Frees all entries; the table is empty and may be used again. */
void entry_table_clear(struct entry_table *table);
size_t entry_table_count(const struct entry_table *table);
/* Takes the entry (it has an id); replaces those with its DN or id. ERROR_LIMIT past ENTRY_TABLE_MAX or
 * without memory: the entry is freed. */
MUST_USE enum error entry_table_put(struct entry_table *table, struct entry *entry);
/* dn in any spelling. ERROR_NOT_FOUND, or ERROR_SYNTAX: not a DN. */
MUST_USE enum error entry_table_delete(struct entry_table *table, const char *dn);
/* By normal form; NULL when absent. */
const struct entry *entry_table_find(const struct entry_table *table, struct bytes dn_key);
/* In the order they were put. */
void entry_table_each(const struct entry_table *table, void (*each)(const struct entry *entry, void *owner),
                      void *owner);

struct entry_question {
    const char *base;
    enum directory_scope scope;
    const char *filter;
    const char *const *attributes;
};

/* Copies; whoever takes one puts NULL in its place. */
struct entry_selection {
    struct entry **entries;
    size_t count;
};

/* ERROR_NOT_FOUND: the base does not exist; ERROR_SYNTAX: bad base or filter; ERROR_LIMIT: memory. out is to
 * be freed with entry_selection_done whatever the answer. */
MUST_USE enum error entry_table_select(const struct entry_table *table, const struct entry_question *question,
                                       struct entry_selection *out);
void entry_selection_done(struct entry_selection *selection);

#endif

/* A directory entry: attributes with lengths, typed reads. */
#ifndef DIRECTORY_ENTRY_H
#define DIRECTORY_ENTRY_H

#include "base/arena.h"

struct attribute {
    struct bytes name; /* without options; as the server spelled it */
    const struct bytes *values;
    size_t value_count;
};

/* Owns its memory (its own arena); passed by pointer, freed by whoever took it. */
struct entry {
    char *dn;       /* as the server wrote it */
    char *dn_key;   /* normal form for comparing (directory/filter_text) */
    uint8_t id[16]; /* entryUUID or objectGUID in text order */
    bool has_id;
    const struct attribute *attributes;
    size_t attribute_count;
    struct arena arena;
};

/* A group of 50,000 members fits. */
#define ENTRY_BYTES_MAX (16u << 20)

void entry_free(struct entry *entry); /* NULL is a no-op */
/* A deep copy, or NULL without memory. */
struct entry *entry_copy(const struct entry *entry);
/* By name, any case; NULL when absent. */
const struct attribute *entry_find(const struct entry *entry, const char *name);
bool entry_has_class(const struct entry *entry, const char *object_class);
/* Typed reads of a single value. ERROR_NOT_FOUND: absent; ERROR_SYNTAX: more than one value, or not of the
 * type; ERROR_LIMIT: out of range. */
MUST_USE enum error entry_text(const struct entry *entry, const char *name, struct bytes *out);
MUST_USE enum error entry_integer(const struct entry *entry, const char *name, int64_t minimum,
                                  int64_t maximum, int64_t *out);
MUST_USE enum error entry_boolean(const struct entry *entry, const char *name, bool *out);

#endif

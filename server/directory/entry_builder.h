/* Builds an entry out of the pieces a wire format gives. Internal to the room. */
#ifndef DIRECTORY_ENTRY_BUILDER_H
#define DIRECTORY_ENTRY_BUILDER_H

#include "directory/entry.h"

#define ENTRY_ATTRIBUTES_MAX 4096

struct entry_builder {
    struct entry *entry;
    struct attribute *attributes; /* the entry's, while they may still grow */
    size_t attribute_capacity;
};

/* Starts an entry. ERROR_SYNTAX: not a DN; ERROR_LIMIT past ENTRY_BYTES_MAX or without memory. */
MUST_USE enum error entry_builder_begin(struct entry_builder *builder, struct bytes dn);
/* Makes sure that the attribute is there, with no value yet. Options behind ";" are left out of the name.
 * ERROR_SYNTAX: not an attribute description; ERROR_LIMIT as above. */
MUST_USE enum error entry_builder_name(struct entry_builder *builder, struct bytes description);
/* Adds a copy of the value, whatever bytes it holds. */
MUST_USE enum error entry_builder_add(struct entry_builder *builder, struct bytes description,
                                      struct bytes value);
/* Reads the id out of entryUUID or objectGUID (none and unreadable: has_id stays false) and gives the entry.
 */
struct entry *entry_builder_finish(struct entry_builder *builder);
/* Frees what was begun and not finished; harmless otherwise. */
void entry_builder_drop(struct entry_builder *builder);

/* Gives the entry an id made of its normal form (a name-based UUID, RFC 9562 version 8), the same at every
 * reading. */
void entry_make_id(struct entry *entry);
/* A copy with only the attributes asked for ("*" or NULL: all) and the id, or NULL without memory. */
struct entry *entry_select(const struct entry *entry, const char *const *attributes);
/* A number that differs when DN, attributes, values or their order differ. */
uint64_t entry_digest(const struct entry *entry);

#endif

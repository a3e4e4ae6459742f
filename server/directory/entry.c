#include "directory/entry.h"

#include "base/utf8.h"
#include "directory/entry_builder.h"

#include <stdlib.h>
#include <string.h>

void entry_free(struct entry *entry)
{
    if (!entry)
        return;
    arena_done(&entry->arena);
    free(entry);
}

struct entry *entry_copy(const struct entry *entry)
{
    return entry_select(entry, NULL);
}

const struct attribute *entry_find(const struct entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->attribute_count; i++)
        if (bytes_equal_text_nocase(entry->attributes[i].name, name))
            return &entry->attributes[i];
    return NULL;
}

bool entry_has_class(const struct entry *entry, const char *object_class)
{
    const struct attribute *classes = entry_find(entry, "objectClass");
    for (size_t i = 0; classes && i < classes->value_count; i++)
        if (bytes_equal_text_nocase(classes->values[i], object_class))
            return true;
    return false;
}

static enum error single_value(const struct entry *entry, const char *name, struct bytes *out)
{
    const struct attribute *attribute = entry_find(entry, name);
    if (!attribute || attribute->value_count == 0)
        return ERROR_NOT_FOUND;
    if (attribute->value_count > 1)
        return ERROR_SYNTAX;
    *out = attribute->values[0];
    return OK;
}

/* What a directoryString may hold; a zero byte would end a C text early. */
static bool is_text(struct bytes value)
{
    return utf8_is_valid(value) && bytes_find(value, '\0') == value.len;
}

enum error entry_text(const struct entry *entry, const char *name, struct bytes *out)
{
    struct bytes value;
    enum error error = single_value(entry, name, &value);
    if (error != OK)
        return error;
    if (!is_text(value))
        return ERROR_SYNTAX;
    *out = value;
    return OK;
}

enum error entry_integer(const struct entry *entry, const char *name, int64_t minimum, int64_t maximum,
                         int64_t *out)
{
    struct bytes value;
    enum error error = single_value(entry, name, &value);
    return error == OK ? bytes_to_i64(value, minimum, maximum, out) : error;
}

enum error entry_boolean(const struct entry *entry, const char *name, bool *out)
{
    struct bytes value;
    enum error error = single_value(entry, name, &value);
    if (error != OK)
        return error;
    bool is_true = bytes_equal_text_nocase(value, "TRUE");
    if (!is_true && !bytes_equal_text_nocase(value, "FALSE"))
        return ERROR_SYNTAX;
    *out = is_true;
    return OK;
}

#include "directory/entry.h"

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

/* How many bytes follow the first one of a UTF-8 sequence, or -1; *out_low: the least second byte that is no
 * overlong form. */
static int utf8_tail(uint8_t first, uint8_t *out_low, uint8_t *out_high)
{
    *out_low = 0x80;
    *out_high = 0xbf;
    if (first < 0x80)
        return 0;
    if (first >= 0xc2 && first <= 0xdf)
        return 1;
    if (first >= 0xe0 && first <= 0xef) {
        if (first == 0xe0)
            *out_low = 0xa0;
        if (first == 0xed)
            *out_high = 0x9f;
        return 2;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        if (first == 0xf0)
            *out_low = 0x90;
        if (first == 0xf4)
            *out_high = 0x8f;
        return 3;
    }
    return -1;
}

/* Valid UTF-8 without a zero byte: what a directoryString may hold. */
static bool is_text(struct bytes value)
{
    for (size_t i = 0; i < value.len;) {
        uint8_t low, high;
        uint8_t first = (uint8_t)value.ptr[i++];
        int tail = utf8_tail(first, &low, &high);
        if (first == 0 || tail < 0 || value.len - i < (size_t)tail)
            return false;
        for (; tail > 0; tail--, i++) {
            uint8_t next = (uint8_t)value.ptr[i];
            if (next < low || next > high)
                return false;
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
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

#include "source/attribute_table.h"

#include <inttypes.h>
#include <stdio.h>

#define VALUE_SHOWN 80

/* "msExch… "value" what" into a note that holds nothing yet. */
static void say_value(struct note *note, const struct attribute_row *row, struct bytes value,
                      const char *what)
{
    if (note->text[0] != '\0')
        return;
    if (row->kind == ATTRIBUTE_SECRET)
        note_set(note, "%s %s", row->name, what);
    else
        note_set(note, "%s \"%.*s\" %s", row->name, BYTES_ARG(bytes_first(value, VALUE_SHOWN)), what);
}

static void store_number(const struct attribute_row *row, int64_t value, void *object)
{
    void *field = (char *)object + row->offset;
    switch (row->store) {
    case STORE_BOOL:
        *(bool *)field = value != 0;
        break;
    case STORE_U16:
        *(uint16_t *)field = (uint16_t)value;
        break;
    case STORE_U32:
        *(uint32_t *)field = (uint32_t)value;
        break;
    case STORE_U64_KB:
        *(uint64_t *)field = (uint64_t)value * 1024;
        break;
    case STORE_I64:
        *(int64_t *)field = value;
        break;
    case STORE_NONE:
    case STORE_TEXT:
        break;
    }
}

static bool is_clean_text(struct bytes text, int64_t maximum)
{
    if ((int64_t)text.len > maximum)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if ((uint8_t)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

/* What a complaint repeats. */
static struct bytes first_value(const struct attribute_row *row, const struct entry *entry)
{
    const struct attribute *attribute = entry_find(entry, row->name);
    return attribute && attribute->value_count > 0 ? attribute->values[0] : (struct bytes){0};
}

/* The number an entry gives: *out keeps the default when it is absent or bad. */
static void read_number(const struct attribute_row *row, const struct entry *entry, int64_t *out,
                        struct attribute_reading *reading)
{
    enum error error;
    int64_t value = *out;
    if (row->kind == ATTRIBUTE_BOOLEAN) {
        bool is_true;
        error = entry_boolean(entry, row->name, &is_true);
        if (error == OK)
            value = is_true;
    } else if (row->kind == ATTRIBUTE_BITS) {
        /* Bit 31 makes the stored number negative. */
        error = entry_integer(entry, row->name, INT32_MIN, UINT32_MAX, &value);
        value = (uint32_t)value;
        if (error == OK && (value & ~row->maximum) != 0)
            error = ERROR_LIMIT;
    } else {
        error = entry_integer(entry, row->name, row->minimum, row->maximum, &value);
    }
    if (error == OK || error == ERROR_NOT_FOUND) {
        *out = error == OK ? value : *out;
        return;
    }
    char what[96];
    if (row->kind == ATTRIBUTE_BOOLEAN)
        (void)snprintf(what, sizeof(what), "is not one TRUE or FALSE");
    else if (error != ERROR_LIMIT)
        (void)snprintf(what, sizeof(what), "is not one whole number");
    else if (row->kind == ATTRIBUTE_BITS)
        (void)snprintf(what, sizeof(what), "has a bit without a meaning");
    else
        (void)snprintf(what, sizeof(what), "is not within %" PRId64 " and %" PRId64, row->minimum,
                       row->maximum);
    say_value(&reading->unreadable, row, first_value(row, entry), what);
}

static enum error read_text(const struct attribute_row *row, const struct entry *entry, struct arena *arena,
                            void *object, struct attribute_reading *reading)
{
    const char **field =
        row->store == STORE_TEXT ? (const char **)(void *)((char *)object + row->offset) : NULL;
    struct bytes value = {0};
    if (field)
        *field = NULL;
    enum error error = entry_text(entry, row->name, &value);
    if (error == OK && !is_clean_text(value, row->maximum))
        error = ERROR_SYNTAX;
    if (error != OK || value.len == 0) {
        if (error != OK && error != ERROR_NOT_FOUND)
            say_value(&reading->unreadable, row, first_value(row, entry),
                      "is not one text without control characters, or too long");
        return OK;
    }
    if (!row->enforced_by)
        say_value(&reading->unsupported, row, value, "is not supported yet");
    if (field)
        *field = arena_copy(arena, value).ptr;
    return field && !*field ? ERROR_LIMIT : OK;
}

static void check_list(const struct attribute_row *row, const struct entry *entry,
                       struct attribute_reading *reading)
{
    const struct attribute *attribute = entry_find(entry, row->name);
    if (!row->enforced_by && attribute && attribute->value_count > 0)
        say_value(&reading->unsupported, row, attribute->values[0], "is not supported yet");
}

static enum error read_row(const struct attribute_row *row, const struct entry *entry, bool is_edge,
                           struct arena *arena, void *object, struct attribute_reading *reading)
{
    switch (row->kind) {
    case ATTRIBUTE_TEXT:
    case ATTRIBUTE_SECRET:
        return read_text(row, entry, arena, object, reading);
    case ATTRIBUTE_LIST:
        check_list(row, entry, reading);
        return OK;
    case ATTRIBUTE_BOOLEAN:
    case ATTRIBUTE_INTEGER:
    case ATTRIBUTE_BITS:
        break;
    }
    const int64_t fallback = is_edge ? row->edge_fallback : row->fallback;
    int64_t value = fallback;
    read_number(row, entry, &value, reading);
    if (!row->enforced_by && value != fallback)
        say_value(&reading->unsupported, row, first_value(row, entry), "is not supported yet");
    store_number(row, value, object);
    return OK;
}

enum error attribute_table_read(const struct attribute_row *rows, size_t count, const struct entry *entry,
                                bool is_edge, struct arena *arena, void *object,
                                struct attribute_reading *out)
{
    for (size_t i = 0; i < count; i++) {
        enum error error = read_row(&rows[i], entry, is_edge, arena, object, out);
        if (error != OK)
            return error;
    }
    return OK;
}

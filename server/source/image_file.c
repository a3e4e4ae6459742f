/* The image as LDIF text and back. */
#include "directory/ldif.h"
#include "source/image.h"

#include "security/guid.h"

#include <string.h>

#define MARKER  "dirrelayImage"
#define CURRENT BYTES_LITERAL("current")
#define GOOD    BYTES_LITERAL("good")

struct writing {
    const struct image *image;
    struct buffer *out;
    enum error error;
};

/* One record: the entry, its id where no attribute carries it, and the marker as the last attribute. */
static enum error write_record(struct buffer *out, const struct entry *entry, bool is_current, bool is_good)
{
    const struct bytes values[] = {is_current ? CURRENT : GOOD, GOOD};
    char text[GUID_TEXT_SIZE];
    struct guid guid;
    memcpy(guid.octets, entry->id, sizeof(guid.octets));
    struct bytes id = bytes_of_text(guid_format(&guid, text));

    struct arena arena;
    arena_init(&arena, ENTRY_BYTES_MAX);
    struct attribute *attributes = arena_array(&arena, entry->attribute_count + 2, sizeof(*attributes));
    if (!attributes) {
        arena_done(&arena);
        return ERROR_LIMIT;
    }
    size_t count = 0;
    for (size_t i = 0; i < entry->attribute_count; i++)
        if (entry->attributes[i].value_count > 0)
            attributes[count++] = entry->attributes[i];
    if (entry->has_id && !entry_find(entry, "entryUUID") && !entry_find(entry, "objectGUID"))
        attributes[count++] = (struct attribute){BYTES_LITERAL("entryUUID"), &id, 1};
    attributes[count++] = (struct attribute){BYTES_LITERAL(MARKER), values, is_current && is_good ? 2 : 1};

    struct entry record = *entry;
    record.attributes = attributes;
    record.attribute_count = count;
    enum error error = ldif_append(out, &record);
    arena_done(&arena);
    return error;
}

static void write_entry(const struct entry *entry, void *owner)
{
    struct writing *writing = owner;
    if (writing->error != OK)
        return;
    const struct entry *good = image_last_good(writing->image, entry->id);
    /* A good version that differs stands first, so that reading in order leaves the current one current. */
    if (good && good != entry)
        writing->error = write_record(writing->out, good, false, true);
    if (writing->error == OK)
        writing->error = write_record(writing->out, entry, true, good == entry);
}

enum error image_write(const struct image *image, struct buffer *out)
{
    struct writing writing = {.image = image, .out = out};
    image_each(image, write_entry, &writing);
    return writing.error;
}

struct reading {
    struct image *image;
    enum error error;
};

/* Takes the marker off the entry. False: there was none. */
static bool take_marker(struct entry *entry, bool *out_is_current, bool *out_is_good)
{
    const struct attribute *marker = entry_find(entry, MARKER);
    if (!marker)
        return false;
    *out_is_current = *out_is_good = false;
    for (size_t i = 0; i < marker->value_count; i++) {
        *out_is_current = *out_is_current || bytes_equal(marker->values[i], CURRENT);
        *out_is_good = *out_is_good || bytes_equal(marker->values[i], GOOD);
    }
    size_t place = (size_t)(marker - entry->attributes);
    if (place + 1 == entry->attribute_count) {
        entry->attribute_count--;
        return true;
    }
    struct attribute *attributes = arena_array(&entry->arena, entry->attribute_count, sizeof(*attributes));
    if (!attributes)
        return false;
    size_t count = 0;
    for (size_t i = 0; i < entry->attribute_count; i++)
        if (i != place)
            attributes[count++] = entry->attributes[i];
    entry->attributes = attributes;
    entry->attribute_count = count;
    return true;
}

static void read_entry(struct entry *entry, void *owner)
{
    struct reading *reading = owner;
    bool is_current = true, is_good = false;
    (void)take_marker(entry, &is_current, &is_good);
    if (reading->error != OK) {
        entry_free(entry);
        return;
    }
    reading->error = image_put(reading->image, entry);
    if (reading->error == OK && is_good)
        image_mark_good(reading->image, entry->id);
}

enum error image_read(struct bytes text, struct image *image, struct note *note)
{
    struct reading reading = {.image = image};
    enum error error = ldif_parse(text, read_entry, &reading, note);
    if (error == OK && reading.error != OK)
        note_set(note, "no memory");
    return error == OK ? reading.error : error;
}

#include "source/what_if.h"

#include "directory/filter_text.h"
#include "directory/ldif.h"
#include "source/image.h"

#define RECORD_MAX (16u << 20)

/* Takes the one entry of a record. */
struct taking {
    struct image *image;
    enum error error;
};

static void take(struct entry *entry, void *owner)
{
    struct taking *taking = owner;
    taking->error = image_put(taking->image, entry);
}

static bool is_replaced(const struct what_if *what_if, struct bytes attribute)
{
    for (size_t i = 0; i < what_if->edit_count; i++)
        if (bytes_equal_text_nocase(attribute, what_if->edits[i].attribute))
            return true;
    return false;
}

static enum error append_values(struct buffer *record, struct bytes name, const struct bytes *values,
                                size_t count)
{
    enum error error = OK;
    for (size_t i = 0; i < count && error == OK; i++)
        error = ldif_append_line(record, name, values[i]);
    return error;
}

/* What stays of the entry that is there (NULL: none), then what the change says. */
static enum error append_record(struct buffer *record, const struct what_if *what_if,
                                const struct entry *present)
{
    enum error error = ldif_append_line(record, BYTES_LITERAL("dn"), bytes_of_text(what_if->dn));
    for (size_t i = 0; present && i < present->attribute_count && error == OK; i++) {
        const struct attribute *attribute = &present->attributes[i];
        if (!is_replaced(what_if, attribute->name))
            error = append_values(record, attribute->name, attribute->values, attribute->value_count);
    }
    for (size_t i = 0; i < what_if->edit_count && error == OK; i++) {
        const struct directory_edit *edit = &what_if->edits[i];
        error = append_values(record, bytes_of_text(edit->attribute), edit->values, edit->value_count);
    }
    return error;
}

static enum error put(const struct what_if *what_if, const struct entry *present, struct image *image,
                      struct note *note)
{
    struct taking taking = {.image = image};
    struct buffer record;
    buffer_init(&record, RECORD_MAX);
    enum error error = append_record(&record, what_if, present);
    if (error == OK)
        error = ldif_parse(buffer_bytes(&record), take, &taking, note);
    buffer_done(&record);
    return error == OK ? taking.error : error;
}

enum error what_if_apply(const struct what_if *what_if, struct image *image, struct note *note)
{
    struct buffer key;
    buffer_init(&key, RECORD_MAX);
    enum error error = dn_normalize(bytes_of_text(what_if->dn), &key);
    if (error == OK)
        error = buffer_append_byte(&key, '\0');
    const struct entry *present = error == OK ? image_by_dn(image, key.ptr) : NULL;
    buffer_done(&key);
    if (error != OK) {
        note_set(note, "%.200s is not a DN", what_if->dn);
        return error;
    }
    if (!present && what_if->change != CHANGE_ADD) {
        note_set(note, "there is no %.200s", what_if->dn);
        return ERROR_NOT_FOUND;
    }
    if (what_if->change != CHANGE_DELETE)
        return put(what_if, what_if->change == CHANGE_EDIT ? present : NULL, image, note);
    image_delete(image, present->id);
    return OK;
}

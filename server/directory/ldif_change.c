#include "directory/flavor.h"
#include "directory/ldif.h"

static const char *const kinds[] = {[EDIT_ADD] = "add", [EDIT_DELETE] = "delete", [EDIT_REPLACE] = "replace"};

static enum error append_control(struct buffer *out, const struct flavor *flavor)
{
    char value[64]; /* of the few bytes in the table */
    bytes_to_base64(flavor->modify_control_value, value);
    return buffer_printf(out, "control: %s true:: %s\n", flavor->control_oid, value);
}

static enum error append_edit(struct buffer *out, const struct directory_edit *edit)
{
    enum error error = buffer_printf(out, "%s: %s\n", kinds[edit->kind], edit->attribute);
    for (size_t i = 0; error == OK && i < edit->value_count; i++)
        error = ldif_append_line(out, bytes_of_text(edit->attribute), edit->values[i]);
    return error == OK ? buffer_append_text(out, "-\n") : error;
}

enum error ldif_append_change(struct buffer *out, enum directory_flavor flavor, const char *dn,
                              const struct directory_edit *edits, size_t edit_count)
{
    size_t before = out->len;
    const struct flavor *row = flavor_row(flavor);
    enum error error = ldif_append_line(out, BYTES_LITERAL("dn"), bytes_of_text(dn));
    if (error == OK && flavor_needs_control(row, edits, edit_count))
        error = append_control(out, row);
    if (error == OK)
        error = buffer_append_text(out, "changetype: modify\n");
    for (size_t i = 0; error == OK && i < edit_count; i++)
        error = append_edit(out, &edits[i]);
    if (error == OK)
        error = buffer_append_byte(out, '\n');
    if (error != OK)
        out->len = before;
    return error;
}

#include "directory/ldif.h"

#include "directory/entry_builder.h"

#include <stdlib.h>
#include <string.h>

#define LDIF_FOLD_COLUMN 76

struct ldif_reader {
    struct bytes rest;
    size_t line_number;  /* of the physical line read last */
    size_t first_number; /* where the logical line began */
    struct buffer line;  /* the logical line, unfolded */
    struct buffer value; /* base64 undone */
    struct entry_builder builder;
    bool is_in_record;
    bool has_version;
    bool has_record;
    void (*each)(struct entry *entry, void *owner);
    void *owner;
    struct note *note;
};

static enum error fail(struct ldif_reader *reader, enum error error, const char *why)
{
    note_set(reader->note, "line %zu: %s", reader->first_number, why);
    return error;
}

/* One physical line without its end (LF or CRLF). */
static struct bytes next_physical(struct ldif_reader *reader)
{
    size_t end = bytes_find(reader->rest, '\n');
    struct bytes line = bytes_first(reader->rest, end);
    reader->rest = bytes_skip(reader->rest, end + 1);
    reader->line_number++;
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    return line;
}

/* Puts the next line and its continuations together. */
static enum error next_logical(struct ldif_reader *reader)
{
    buffer_clear(&reader->line);
    reader->first_number = reader->line_number + 1;
    enum error error = buffer_append(&reader->line, next_physical(reader));
    while (error == OK && reader->rest.len > 0 && reader->rest.ptr[0] == ' ')
        error = buffer_append(&reader->line, bytes_skip(next_physical(reader), 1));
    return error == OK ? OK : fail(reader, error, "the line is too long");
}

/* Splits "name: value", "name:: base64"; *out_value is borrowed from the reader's buffers. */
static enum error split_line(struct ldif_reader *reader, struct bytes *out_name, struct bytes *out_value)
{
    struct bytes line = buffer_bytes(&reader->line);
    size_t colon = bytes_find(line, ':');
    if (colon == line.len || colon == 0)
        return fail(reader, ERROR_SYNTAX, "not \"attribute: value\"");
    *out_name = bytes_first(line, colon);
    struct bytes rest = bytes_skip(line, colon + 1);
    bool is_base64 = rest.len > 0 && rest.ptr[0] == ':';
    if (rest.len > 0 && rest.ptr[0] == '<')
        return fail(reader, ERROR_SYNTAX, "a value from an URL is not read");
    rest = bytes_skip(rest, is_base64 ? 1 : 0);
    while (rest.len > 0 && rest.ptr[0] == ' ')
        rest = bytes_skip(rest, 1);
    *out_value = rest;
    if (!is_base64) {
        bool is_clean = !memchr(rest.ptr ? rest.ptr : "", 0, rest.len) && bytes_find(rest, '\r') == rest.len;
        return is_clean ? OK : fail(reader, ERROR_SYNTAX, "a control character in a plain value");
    }
    rest = bytes_trim(rest);
    buffer_clear(&reader->value);
    enum error error = buffer_reserve(&reader->value, rest.len + 3);
    if (error != OK)
        return fail(reader, error, "the value is too long");
    error = bytes_from_base64(rest, reader->value.ptr, &reader->value.len);
    if (error != OK)
        return fail(reader, ERROR_SYNTAX, "bad base64");
    *out_value = buffer_bytes(&reader->value);
    return OK;
}

static void end_record(struct ldif_reader *reader)
{
    if (!reader->is_in_record)
        return;
    reader->is_in_record = false;
    struct entry *entry = entry_builder_finish(&reader->builder);
    if (!entry->has_id)
        entry_make_id(entry);
    reader->each(entry, reader->owner);
}

static enum error begin_record(struct ldif_reader *reader, struct bytes name, struct bytes value)
{
    if (bytes_equal_text_nocase(name, "version") && !reader->has_version && !reader->has_record) {
        reader->has_version = true;
        return bytes_equal(value, BYTES_LITERAL("1")) ? OK : fail(reader, ERROR_SYNTAX, "not LDIF version 1");
    }
    if (!bytes_equal_text_nocase(name, "dn"))
        return fail(reader, ERROR_SYNTAX, "a record does not begin with \"dn:\"");
    enum error error = entry_builder_begin(&reader->builder, value);
    if (error != OK)
        return fail(reader, error, error == ERROR_SYNTAX ? "not a DN" : "the DN is too long");
    reader->is_in_record = reader->has_record = true;
    return OK;
}

static enum error read_line(struct ldif_reader *reader)
{
    struct bytes name, value;
    enum error error = split_line(reader, &name, &value);
    if (error != OK)
        return error;
    if (!reader->is_in_record)
        return begin_record(reader, name, value);
    struct bytes plain = bytes_first(name, bytes_find(name, ';')); /* as the entry will hold it */
    if (bytes_equal_text_nocase(plain, "changetype") || bytes_equal_text_nocase(plain, "control"))
        return fail(reader, ERROR_SYNTAX, "a change record, not content");
    if (bytes_equal_text_nocase(plain, "dn"))
        return fail(reader, ERROR_SYNTAX, "a second \"dn:\" in one record");
    error = entry_builder_add(&reader->builder, name, value);
    if (error == OK)
        return OK;
    return fail(reader, error, error == ERROR_SYNTAX ? "not an attribute name" : "the entry is too large");
}

static enum error read_all(struct ldif_reader *reader)
{
    enum error error = OK;
    while (error == OK && reader->rest.len > 0) {
        error = next_logical(reader);
        if (error != OK)
            break;
        if (reader->line.len == 0)
            end_record(reader);
        else if (reader->line.ptr[0] == ' ')
            error = fail(reader, ERROR_SYNTAX, "a continuation of nothing");
        else if (reader->line.ptr[0] != '#')
            error = read_line(reader);
    }
    if (error == OK)
        end_record(reader);
    return error;
}

enum error ldif_parse(struct bytes text, void (*each)(struct entry *entry, void *owner), void *owner,
                      struct note *note)
{
    struct ldif_reader reader = {.rest = text, .each = each, .owner = owner, .note = note};
    if (text.len > LDIF_BYTES_MAX) {
        note_set(note, "more than %u bytes", LDIF_BYTES_MAX);
        return ERROR_LIMIT;
    }
    buffer_init(&reader.line, 2 * (size_t)ENTRY_BYTES_MAX);
    buffer_init(&reader.value, 2 * (size_t)ENTRY_BYTES_MAX);
    enum error error = read_all(&reader);
    entry_builder_drop(&reader.builder);
    buffer_done(&reader.line);
    buffer_done(&reader.value);
    return error;
}

/* RFC 2849 SAFE-STRING, and no blank at the end, which editors lose. */
static bool is_safe(struct bytes value)
{
    if (value.len == 0)
        return true;
    if (strchr(" :<", value.ptr[0]) || value.ptr[value.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t octet = (uint8_t)value.ptr[i];
        if (octet == 0 || octet == '\n' || octet == '\r' || octet >= 0x80)
            return false;
    }
    return true;
}

static enum error append_folded(struct buffer *out, struct bytes line)
{
    enum error error = buffer_append(out, bytes_first(line, LDIF_FOLD_COLUMN));
    line = bytes_skip(line, LDIF_FOLD_COLUMN);
    while (error == OK && line.len > 0) {
        error = buffer_append_text(out, "\n ");
        if (error == OK)
            error = buffer_append(out, bytes_first(line, LDIF_FOLD_COLUMN - 1));
        line = bytes_skip(line, LDIF_FOLD_COLUMN - 1);
    }
    return error == OK ? buffer_append_byte(out, '\n') : error;
}

enum error ldif_append_line(struct buffer *out, struct bytes name, struct bytes value)
{
    struct buffer line;
    buffer_init(&line, 4 * (size_t)ENTRY_BYTES_MAX);
    bool is_plain = is_safe(value);
    enum error error = buffer_append(&line, name);
    if (error == OK)
        error = buffer_append_text(&line, is_plain ? (value.len > 0 ? ": " : ":") : ":: ");
    if (error == OK && is_plain)
        error = buffer_append(&line, value);
    if (error == OK && !is_plain) {
        size_t encoded = 4 * ((value.len + 2) / 3);
        error = buffer_reserve(&line, encoded + 1);
        if (error == OK) {
            bytes_to_base64(value, line.ptr + line.len);
            line.len += encoded;
        }
    }
    if (error == OK)
        error = append_folded(out, buffer_bytes(&line));
    buffer_done(&line);
    return error;
}

enum error ldif_append(struct buffer *out, const struct entry *entry)
{
    size_t before = out->len;
    enum error error = ldif_append_line(out, BYTES_LITERAL("dn"), bytes_of_text(entry->dn));
    for (size_t i = 0; error == OK && i < entry->attribute_count; i++) {
        const struct attribute *attribute = &entry->attributes[i];
        for (size_t v = 0; error == OK && v < attribute->value_count; v++)
            error = ldif_append_line(out, attribute->name, attribute->values[v]);
    }
    if (error == OK)
        error = buffer_append_byte(out, '\n');
    if (error != OK)
        out->len = before;
    return error;
}

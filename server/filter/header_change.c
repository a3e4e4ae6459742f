#include "filter/header_change.h"

static bool is_field_name(struct bytes name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] <= ' ' || name.ptr[i] > '~' || name.ptr[i] == ':') {
            return false;
        }
    }
    return name.len > 0;
}

/* A line without its end; a CR inside would end it for somebody. */
static enum error append_line(struct buffer *out, struct bytes line)
{
    enum error error = OK;
    for (size_t i = 0; i < line.len && error == OK; i++) {
        if (line.ptr[i] != '\r' && line.ptr[i] != '\0') {
            error = buffer_append_byte(out, line.ptr[i]);
        }
    }
    return error;
}

/* Lines behind the first begin with a blank, or they would be fields; empty ones would end the header. */
static enum error append_folded(struct buffer *out, struct bytes value)
{
    struct bytes line;
    bool is_first = true;
    enum error error = OK;
    while (error == OK && bytes_next(&value, '\n', &line)) {
        bool is_empty = bytes_trim(line).len == 0 || bytes_equal(bytes_trim(line), BYTES_LITERAL("\r"));
        if (is_empty && !is_first) {
            continue;
        }
        if (!is_first) {
            bool is_folded = line.ptr[0] == ' ' || line.ptr[0] == '\t';
            error = buffer_append_text(out, is_folded ? "\r\n" : "\r\n\t");
        }
        if (error == OK) {
            error = append_line(out, line);
        }
        is_first = false;
    }
    return error == OK ? buffer_append_text(out, "\r\n") : error;
}

static enum error append_field(struct buffer *out, const struct header_change *change)
{
    enum error error = buffer_append(out, change->name);
    if (error == OK) {
        error = buffer_append_text(out, change->has_own_blank ? ":" : ": ");
    }
    return error == OK ? append_folded(out, change->value) : error;
}

static enum error insert(struct bytes block, const struct header_change *change, struct buffer *out)
{
    struct bytes rest = block;
    struct header_field field;
    enum error error = OK;
    uint32_t index = change->kind == HEADER_ADD ? UINT32_MAX : change->index;
    while (index > 0 && error == OK && header_next(&rest, &field)) {
        error = buffer_append(out, field.whole);
        index--;
    }
    if (error == OK) {
        error = append_field(out, change);
    }
    return error == OK ? buffer_append(out, rest) : error;
}

static enum error replace(struct bytes block, const struct header_change *change, struct buffer *out)
{
    struct bytes rest = block;
    struct header_field field;
    enum error error = OK;
    uint32_t index = change->index > 0 ? change->index : 1;
    bool is_found = false;
    while (error == OK && header_next(&rest, &field)) {
        bool is_it = !is_found && bytes_equal_nocase(field.name, change->name) && --index == 0;
        is_found = is_found || is_it;
        if (!is_it) {
            error = buffer_append(out, field.whole);
        } else if (change->value.len > 0) {
            error = append_field(out, change);
        }
    }
    return error == OK && !is_found && change->value.len > 0 ? append_field(out, change) : error;
}

enum error header_change_apply(struct bytes block, const struct header_change *change, struct buffer *out)
{
    if (!is_field_name(change->name)) {
        return ERROR_PROTOCOL;
    }
    return change->kind == HEADER_CHANGE ? replace(block, change, out) : insert(block, change, out);
}

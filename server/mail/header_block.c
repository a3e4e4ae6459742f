#include "mail/header_block.h"

#include <string.h>

/* The length of the field at the start of block: its line and the lines that begin with a blank. */
static size_t field_length(struct bytes block)
{
    size_t end = 0;

    do {
        size_t line = bytes_find(bytes_skip(block, end), '\n');
        end += line + (end + line < block.len);
    } while (end < block.len && (block.ptr[end] == ' ' || block.ptr[end] == '\t'));
    return end;
}

bool header_next(struct bytes *rest, struct header_field *out)
{
    size_t colon;

    if (rest->len == 0)
        return false;
    out->whole = bytes_first(*rest, field_length(*rest));
    *rest = bytes_skip(*rest, out->whole.len);
    out->is_plain = bytes_find(out->whole, '\n') + 1 >= out->whole.len &&
                    bytes_find(out->whole, '\r') + 2 >= out->whole.len;
    colon = bytes_find(out->whole, ':');
    out->name = colon < out->whole.len ? bytes_trim(bytes_first(out->whole, colon)) : (struct bytes){NULL, 0};
    out->body = bytes_skip(out->whole, colon + 1);
    return true;
}

/* Every other byte is dropped from a name by some parser. */
static bool is_name_byte(char c)
{
    return c > ' ' && c < 0x7f;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* text without its ignored bytes begins with wanted; when is_whole nothing else may follow. */
static bool matches(struct bytes text, struct bytes wanted, bool is_whole)
{
    size_t found = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (!is_name_byte(text.ptr[i]))
            continue;
        if (found == wanted.len)
            return !is_whole;
        if (lower(text.ptr[i]) != lower(wanted.ptr[found]))
            return false;
        found++;
    }
    return found == wanted.len;
}

/* A later parser may begin a field where this one sees none: behind a fold inside the name, or behind a bare
 * CR anywhere. Tries the name at each of these places, up to its own colon. Linear in the field: a run of
 * ignored bytes is begun at once only, and each try ends at its first difference. */
static bool has_hidden_name(struct bytes whole, struct bytes wanted, bool is_whole)
{
    size_t colon = bytes_find(whole, ':'); /* that of the name begun last */
    size_t at = 0;

    while (at < whole.len && colon < whole.len) {
        bool is_bare_cr = whole.ptr[at] == '\r' && at + 1 < whole.len && whole.ptr[at + 1] != '\n';
        bool is_fold_in_name = whole.ptr[at] == '\n' && at < colon;

        at++;
        if (!is_bare_cr && !is_fold_in_name)
            continue;
        while (at < whole.len && !is_name_byte(whole.ptr[at]))
            at++;
        if (at > colon)
            colon = at + bytes_find(bytes_skip(whole, at), ':');
        if (matches(bytes_first(bytes_skip(whole, at), colon - at), wanted, is_whole))
            return true;
    }
    return false;
}

static bool name_matches(const struct header_field *field, const char *wanted_text, bool is_whole)
{
    struct bytes wanted = bytes_of_text(wanted_text);

    if (field->name.len && matches(field->name, wanted, is_whole))
        return true;
    return !field->is_plain && has_hidden_name(field->whole, wanted, is_whole);
}

bool header_name_is(const struct header_field *field, const char *name)
{
    return name_matches(field, name, true);
}

bool header_name_starts(const struct header_field *field, const char *prefix)
{
    return name_matches(field, prefix, false);
}

struct bytes header_value(const struct header_field *field)
{
    static const char blanks[] = " \t\r\n";
    struct bytes value = field->body;
    while (value.len > 0 && memchr(blanks, value.ptr[0], sizeof blanks - 1) != NULL) {
        value = bytes_skip(value, 1);
    }
    while (value.len > 0 && memchr(blanks, value.ptr[value.len - 1], sizeof blanks - 1) != NULL) {
        value.len--;
    }
    return value;
}

size_t header_count(struct bytes block, const char *name)
{
    struct header_field field;
    size_t count = 0;

    while (header_next(&block, &field))
        count += header_name_is(&field, name);
    return count;
}

bool header_find(struct bytes block, const char *name, struct header_field *out)
{
    struct header_field field;

    while (header_next(&block, &field)) {
        if (header_name_is(&field, name)) {
            *out = field;
            return true;
        }
    }
    return false;
}

size_t header_remove(struct bytes block, bool (*is_removed)(const struct header_field *field, void *owner),
                     void *owner, struct buffer *out, enum error *out_error)
{
    struct bytes kept = {block.ptr, 0}; /* the run of fields that is still to be appended */
    struct header_field field;
    size_t removed_count = 0;

    *out_error = OK;
    while (!*out_error && header_next(&block, &field)) {
        if (!is_removed(&field, owner)) {
            kept.len += field.whole.len;
            continue;
        }
        removed_count++;
        *out_error = buffer_append(out, kept);
        kept = (struct bytes){block.ptr, 0};
    }
    if (!*out_error)
        *out_error = buffer_append(out, kept);
    return removed_count;
}

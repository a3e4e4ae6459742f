#include "mail/header_block.h"

#include <string.h>

/* Up to and with the next LF. */
static size_t line_length(const char *at, const char *end)
{
    const char *line_end = memchr(at, '\n', (size_t)(end - at));
    return (size_t)((line_end ? line_end + 1 : end) - at);
}

/* Does no CR stand in the line but the one before its LF? */
static bool is_plain_line(const char *line, size_t length)
{
    const char *cr = memchr(line, '\r', length);
    return !cr || (cr + 2 == line + length && cr[1] == '\n');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* What stands before the colon, without blanks around it. */
static struct bytes name_of(struct bytes whole, size_t colon)
{
    const char *start = whole.ptr, *end = start + colon;

    if (colon == whole.len)
        return (struct bytes){NULL, 0};
    while (start < end && is_blank(*start))
        start++;
    while (start < end && is_blank(end[-1]))
        end--;
    return (struct bytes){start, (size_t)(end - start)};
}

bool header_begins_field(struct bytes line)
{
    return name_of(line, bytes_find(line, ':')).len > 0;
}

bool header_next(struct bytes *rest, struct header_field *out)
{
    if (rest->len == 0)
        return false;
    const char *start = rest->ptr, *end = start + rest->len;
    size_t first_line = line_length(start, end);
    const char *at = start + first_line;
    out->is_plain = is_plain_line(start, first_line);
    while (at < end && is_blank(*at)) {
        size_t length = line_length(at, end);
        out->is_plain = out->is_plain && is_plain_line(at, length);
        at += length;
    }
    out->whole = (struct bytes){start, (size_t)(at - start)};
    *rest = (struct bytes){at, (size_t)(end - at)};
    const char *colon = memchr(start, ':', out->whole.len);
    const char *name_end = colon ? colon : at;
    out->name = name_of(out->whole, (size_t)(name_end - start));
    out->body = colon ? (struct bytes){colon + 1, (size_t)(at - colon - 1)} : (struct bytes){at, 0};
    out->is_plain = out->is_plain && name_end < start + first_line;
    return true;
}

/* Every other byte is dropped from a name by some parser. */
static bool is_name_byte(char c)
{
    return c > ' ' && c < 0x7f;
}

static char fold_case(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* text without its ignored bytes begins with wanted; when is_whole nothing else may follow. */
static bool matches(struct bytes text, const char *wanted, bool is_whole)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_name_byte(text.ptr[i]))
            continue;
        if (*wanted == '\0')
            return !is_whole;
        if (fold_case(text.ptr[i]) != fold_case(*wanted))
            return false;
        wanted++;
    }
    return *wanted == '\0';
}

/* A later parser may begin a field where this one sees none: behind a fold inside the name, or behind a bare
 * CR anywhere. Tries the name at each of these places, up to its own colon. Linear in the field: a run of
 * ignored bytes is begun at once only, and each try ends at its first difference. */
static bool has_hidden_name(struct bytes whole, const char *wanted, bool is_whole)
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

/* Most names differ in their first byte already. */
static bool begins_differently(const struct header_field *field, const char *wanted)
{
    return field->is_plain && field->name.len && is_name_byte(field->name.ptr[0]) &&
           fold_case(field->name.ptr[0]) != fold_case(*wanted);
}

static bool name_matches(const struct header_field *field, const char *wanted, bool is_whole)
{
    if (begins_differently(field, wanted))
        return false;
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

char header_first_letter(const struct header_field *field)
{
    char first = field->name.len > 0 ? field->name.ptr[0] : ':'; /* no name begins with it */
    return field->is_plain && is_name_byte(first) ? fold_case(first) : HEADER_ANY;
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

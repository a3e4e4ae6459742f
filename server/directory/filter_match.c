#include "directory/filter_match.h"

#include "directory/filter_text.h"
#include "directory/octet.h"

#include <string.h>

#define FILTER_DEPTH_MAX 32
#define FILTER_VALUE_MAX 16384

struct filter_reader {
    struct bytes rest;
    const struct entry *entry;
    struct buffer value; /* of the assertion being read, escapes undone */
};

static enum error match_filter(struct filter_reader *reader, int depth, bool *out);

static bool take(struct filter_reader *reader, char c)
{
    if (reader->rest.len == 0 || reader->rest.ptr[0] != c)
        return false;
    reader->rest = bytes_skip(reader->rest, 1);
    return true;
}

/* Every part is read even when the answer is known, so that a bad filter is found whatever the entry. */
static enum error match_list(struct filter_reader *reader, int depth, bool is_and, bool *out)
{
    bool result = is_and;
    while (reader->rest.len > 0 && reader->rest.ptr[0] == '(') {
        bool part;
        enum error error = match_filter(reader, depth + 1, &part);
        if (error != OK)
            return error;
        result = is_and ? result && part : result || part;
    }
    *out = result;
    return OK;
}

static enum error unescape(struct bytes text, struct buffer *out)
{
    buffer_clear(out);
    enum error error = OK;
    for (size_t i = 0; error == OK && i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\\') {
            int high = text.len - i > 2 ? octet_hex_value(text.ptr[i + 1]) : -1;
            int low = text.len - i > 2 ? octet_hex_value(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return ERROR_SYNTAX;
            c = (char)(high << 4 | low);
            i += 2;
        }
        error = buffer_append_byte(out, c);
    }
    return error;
}

/* The same text, or the same DN in another spelling. */
static bool is_equal(struct bytes value, struct bytes wanted)
{
    if (bytes_equal_nocase(value, wanted))
        return true;
    if (bytes_find(value, '=') == value.len || bytes_find(wanted, '=') == wanted.len)
        return false;
    struct buffer a, b;
    buffer_init(&a, FILTER_VALUE_MAX);
    buffer_init(&b, FILTER_VALUE_MAX);
    bool result = dn_normalize(value, &a) == OK && dn_normalize(wanted, &b) == OK &&
                  bytes_equal(buffer_bytes(&a), buffer_bytes(&b));
    buffer_done(&a);
    buffer_done(&b);
    return result;
}

static int compare(struct bytes value, struct bytes wanted)
{
    int64_t a, b;
    if (bytes_to_i64(value, INT64_MIN, INT64_MAX, &a) == OK &&
        bytes_to_i64(wanted, INT64_MIN, INT64_MAX, &b) == OK)
        return (a > b) - (a < b);
    return bytes_compare_nocase(value, wanted);
}

static size_t find_nocase(struct bytes text, struct bytes part)
{
    for (size_t at = 0; at + part.len <= text.len; at++)
        if (bytes_equal_nocase(bytes_first(bytes_skip(text, at), part.len), part))
            return at;
    return text.len + 1;
}

/* "initial*any*any*final": pattern still has its escapes, so that an escaped star is no wildcard. */
static enum error match_substrings(struct filter_reader *reader, struct bytes pattern, struct bytes value,
                                   bool *out)
{
    bool is_first = true, is_match = true;
    for (;;) {
        size_t star = bytes_find(pattern, '*');
        bool is_last = star == pattern.len;
        enum error error = unescape(bytes_first(pattern, star), &reader->value);
        if (error != OK)
            return error;
        struct bytes part = buffer_bytes(&reader->value);
        size_t at = find_nocase(value, part);
        if (is_last && part.len <= value.len) /* the last part stands at the end */
            at = bytes_equal_nocase(bytes_skip(value, value.len - part.len), part) ? value.len - part.len
                                                                                   : value.len + 1;
        if (at > value.len || (is_first && at != 0))
            is_match = false;
        else
            value = bytes_skip(value, at + part.len);
        if (is_last)
            break;
        is_first = false;
        pattern = bytes_skip(pattern, star + 1);
    }
    *out = is_match;
    return OK;
}

enum comparison { EQUAL, AT_LEAST, AT_MOST };

static bool holds(enum comparison comparison, struct bytes value, struct bytes wanted)
{
    switch (comparison) {
    case EQUAL:
        return is_equal(value, wanted);
    case AT_LEAST:
        return compare(value, wanted) >= 0;
    case AT_MOST:
        return compare(value, wanted) <= 0;
    }
    return false;
}

static enum error match_values(struct filter_reader *reader, const struct attribute *attribute,
                               enum comparison comparison, struct bytes wanted, bool *out)
{
    bool has_star = comparison == EQUAL && bytes_find(wanted, '*') < wanted.len;
    bool result = false;
    enum error error = has_star ? OK : unescape(wanted, &reader->value);
    for (size_t i = 0; error == OK && attribute && i < attribute->value_count; i++) {
        bool is_match = false;
        if (has_star)
            error = match_substrings(reader, wanted, attribute->values[i], &is_match);
        else
            is_match = holds(comparison, attribute->values[i], buffer_bytes(&reader->value));
        result = result || is_match;
    }
    *out = result;
    return error;
}

/* "attribute=value", up to the closing parenthesis, which stays. */
static enum error match_item(struct filter_reader *reader, bool *out)
{
    struct bytes item = bytes_first(reader->rest, bytes_find(reader->rest, ')'));
    reader->rest = bytes_skip(reader->rest, item.len);
    size_t equals = bytes_find(item, '=');
    if (equals == item.len || equals == 0 || bytes_find(item, '(') < item.len)
        return ERROR_SYNTAX;
    enum comparison comparison = EQUAL;
    size_t name_len = equals;
    char before = item.ptr[equals - 1];
    if (before == '>' || before == '<' || before == '~') {
        comparison = before == '>' ? AT_LEAST : before == '<' ? AT_MOST : EQUAL;
        name_len--;
    }
    char name[256];
    if (name_len == 0 || name_len >= sizeof name || before == ':')
        return ERROR_SYNTAX;
    memcpy(name, item.ptr, name_len);
    name[name_len] = '\0';
    const struct attribute *attribute = entry_find(reader->entry, name);
    struct bytes wanted = bytes_skip(item, equals + 1);
    if (comparison == EQUAL && bytes_equal(wanted, BYTES_LITERAL("*"))) {
        *out = attribute != NULL;
        return OK;
    }
    return match_values(reader, attribute, comparison, wanted, out);
}

static enum error match_filter(struct filter_reader *reader, int depth, bool *out)
{
    if (depth > FILTER_DEPTH_MAX || !take(reader, '('))
        return ERROR_SYNTAX;
    enum error error;
    if (take(reader, '&')) {
        error = match_list(reader, depth, true, out);
    } else if (take(reader, '|')) {
        error = match_list(reader, depth, false, out);
    } else if (take(reader, '!')) {
        error = match_filter(reader, depth + 1, out);
        if (error == OK)
            *out = !*out;
    } else {
        error = match_item(reader, out);
    }
    if (error == OK && !take(reader, ')'))
        error = ERROR_SYNTAX;
    return error;
}

enum error filter_match(const char *filter, const struct entry *entry, bool *out_matches)
{
    if (!filter || !*filter) {
        *out_matches = true;
        return OK;
    }
    struct filter_reader reader = {.rest = bytes_of_text(filter), .entry = entry};
    buffer_init(&reader.value, FILTER_VALUE_MAX);
    bool matches = false;
    enum error error = match_filter(&reader, 0, &matches);
    if (error == OK && reader.rest.len > 0)
        error = ERROR_SYNTAX;
    buffer_done(&reader.value);
    if (error == OK)
        *out_matches = matches;
    return error;
}

#include "mail/hop_count.h"

#include <inttypes.h>

#define FIELD_NAME "X-Dirrelay-Hops"

bool hop_count_is_field(const struct header_field *field)
{
    return header_name_is(field, FIELD_NAME);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A wrong number only harms who wrote it. */
static uint64_t hidden_hops(const struct header_field *field)
{
    uint64_t hops;
    struct bytes text = field->body;
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text = bytes_skip(text, 1);
    }
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return bytes_to_u64(text, HOP_COUNT_MAX, &hops) == OK ? hops : HOP_COUNT_MAX;
}

uint64_t hop_count(struct bytes block)
{
    uint64_t hops = 0;
    struct header_field field;
    while (hops < HOP_COUNT_MAX && header_next(&block, &field)) {
        if (header_name_is(&field, "Received")) {
            hops++;
        } else if (hop_count_is_field(&field)) {
            hops += hidden_hops(&field);
        }
    }
    return hops < HOP_COUNT_MAX ? hops : HOP_COUNT_MAX;
}

/* The first byte behind the comment that *text begins with, nested ones and quoted pairs included. */
static struct bytes skip_comment(struct bytes text)
{
    size_t depth = 0, i = 0;
    do {
        if (text.ptr[i] == '\\') {
            i++;
        } else if (text.ptr[i] == '(') {
            depth++;
        } else if (text.ptr[i] == ')') {
            depth--;
        }
        i++;
    } while (depth > 0 && i < text.len);
    return bytes_skip(text, i);
}

/* The next word of a Received field, up to its date. */
static bool next_word(struct bytes *rest, struct bytes *out)
{
    while (rest->len > 0 && (is_blank(rest->ptr[0]) || rest->ptr[0] == '(')) {
        *rest = rest->ptr[0] == '(' ? skip_comment(*rest) : bytes_skip(*rest, 1);
    }
    size_t length = 0;
    while (length < rest->len && !is_blank(rest->ptr[length]) && rest->ptr[length] != '(' &&
           rest->ptr[length] != ';') {
        length++;
    }
    *out = bytes_first(*rest, length);
    *rest = bytes_skip(*rest, length);
    return length > 0;
}

/* RFC 5321 4.4: the clauses are pairs of words, "by" the first or second of them. */
static bool is_by_one_of(struct bytes body, const struct bytes *names, size_t name_count)
{
    struct bytes clause, value;
    while (next_word(&body, &clause) && next_word(&body, &value)) {
        if (!bytes_equal_text_nocase(clause, "by")) {
            continue;
        }
        for (size_t i = 0; i < name_count; i++) {
            if (bytes_equal_nocase(value, names[i])) {
                return true;
            }
        }
        return false;
    }
    return false;
}

uint64_t hop_count_local(struct bytes block, const struct bytes *names, size_t name_count)
{
    uint64_t hops = 0;
    struct header_field field;
    while (header_next(&block, &field)) {
        hops += header_name_is(&field, "Received") && is_by_one_of(field.body, names, name_count);
    }
    return hops;
}

enum error hop_count_append(struct buffer *out, uint64_t hops)
{
    return hops == 0 ? OK : buffer_printf(out, FIELD_NAME ": %" PRIu64 "\r\n", hops);
}

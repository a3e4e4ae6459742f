#include "directory/filter_text.h"

#include "directory/octet.h"

#include <string.h>

#define RDN_PARTS_MAX 16

static const char hex_digits[] = "0123456789abcdef";

static enum error append_hex(struct buffer *out, char c)
{
    uint8_t octet = (uint8_t)c;
    char escaped[3] = {'\\', hex_digits[octet >> 4], hex_digits[octet & 15]};
    return buffer_append(out, (struct bytes){escaped, 3});
}

/* Everything but printable ASCII is escaped, so that invalid UTF-8 can not change where a value ends either.
 */
static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f;
}

enum error filter_append_equal(struct buffer *out, const char *attribute, struct bytes value)
{
    size_t before = out->len;
    enum error error = buffer_printf(out, "(%s=", attribute);
    for (size_t i = 0; error == OK && i < value.len; i++) {
        char c = value.ptr[i];
        bool is_special = c == '*' || c == '(' || c == ')' || c == '\\';
        error = is_plain(c) && !is_special ? buffer_append_byte(out, c) : append_hex(out, c);
    }
    if (error == OK)
        error = buffer_append_byte(out, ')');
    if (error != OK)
        out->len = before; /* half a filter is worse than none */
    return error;
}

/* RFC 4514, 2.4: what always needs an escape inside a value. */
static bool is_dn_special(char c)
{
    return c != '\0' && strchr("\"+,;<>\\=", c) != NULL;
}

enum error dn_append_value(struct buffer *out, struct bytes value)
{
    size_t before = out->len;
    enum error error = OK;
    for (size_t i = 0; error == OK && i < value.len; i++) {
        char c = value.ptr[i];
        bool is_edge = i == 0 || i + 1 == value.len;
        bool is_special = is_dn_special(c) || (c == ' ' && is_edge) || (c == '#' && i == 0);
        error = is_plain(c) && !is_special ? buffer_append_byte(out, c) : append_hex(out, c);
    }
    if (error != OK)
        out->len = before;
    return error;
}

/* One "type=value" in normal form, as it stands in the scratch buffer of its RDN. */
struct rdn_part {
    size_t start;
    size_t len;
};

struct dn_reader {
    struct bytes text;
    size_t at;
    struct buffer *scratch; /* the parts of the RDN being read, one after the other */
    struct rdn_part parts[RDN_PARTS_MAX];
    size_t part_count;
};

static bool dn_is_done(const struct dn_reader *reader)
{
    return reader->at == reader->text.len;
}

static char dn_peek(const struct dn_reader *reader)
{
    return reader->text.ptr[reader->at];
}

static void dn_skip_blanks(struct dn_reader *reader)
{
    while (!dn_is_done(reader) && dn_peek(reader) == ' ')
        reader->at++;
}

static enum error read_type(struct dn_reader *reader)
{
    dn_skip_blanks(reader);
    size_t start = reader->at;
    enum error error = OK;
    for (; error == OK && !dn_is_done(reader); reader->at++) {
        char c = octet_fold(dn_peek(reader));
        bool is_letter = c >= 'a' && c <= 'z';
        bool is_later = (c >= '0' && c <= '9') || c == '.' || (c == '-' && reader->at > start);
        if (!is_letter && !is_later)
            break;
        error = buffer_append_byte(reader->scratch, c);
    }
    if (error != OK)
        return error;
    size_t len = reader->at - start;
    dn_skip_blanks(reader);
    if (len == 0 || dn_is_done(reader) || dn_peek(reader) != '=')
        return ERROR_SYNTAX;
    reader->at++;
    return buffer_append_byte(reader->scratch, '=');
}

/* "#04024869": a value given as BER; compared as it is written, without case. */
static enum error read_octet_hex_value(struct dn_reader *reader)
{
    enum error error = buffer_append_byte(reader->scratch, '#');
    size_t start = ++reader->at;
    while (error == OK && !dn_is_done(reader) && octet_hex_value(dn_peek(reader)) >= 0)
        error = buffer_append_byte(reader->scratch, octet_fold(reader->text.ptr[reader->at++]));
    size_t len = reader->at - start;
    if (error == OK && (len == 0 || len % 2 != 0))
        return ERROR_SYNTAX;
    dn_skip_blanks(reader);
    return error;
}

/* One octet of a value, escapes undone. */
static enum error read_octet(struct dn_reader *reader, char *out, bool *out_is_escaped)
{
    char c = reader->text.ptr[reader->at++];
    *out_is_escaped = c == '\\';
    if (c == '"' || c == ';' || c == '<' || c == '>' || c == '\0')
        return ERROR_SYNTAX;
    *out = c;
    if (c != '\\')
        return OK;
    if (dn_is_done(reader))
        return ERROR_SYNTAX;
    char first = reader->text.ptr[reader->at++];
    if (is_dn_special(first) || first == ' ' || first == '#') {
        *out = first;
        return OK;
    }
    int high = octet_hex_value(first);
    int low = dn_is_done(reader) ? -1 : octet_hex_value(reader->text.ptr[reader->at++]);
    if (high < 0 || low < 0)
        return ERROR_SYNTAX;
    *out = (char)(high << 4 | low);
    return OK;
}

/* The value with case folded, runs of blanks made one, blanks at the ends dropped and one spelling of
 * escapes. */
static enum error read_text_value(struct dn_reader *reader)
{
    enum error error = OK;
    size_t start = reader->scratch->len;
    bool is_blank_owed = false;
    while (error == OK && !dn_is_done(reader)) {
        char c = dn_peek(reader);
        if (c == ',' || c == '+')
            break;
        bool is_escaped;
        error = read_octet(reader, &c, &is_escaped);
        if (error != OK)
            break;
        if (c == ' ') {
            is_blank_owed = reader->scratch->len > start;
            continue;
        }
        if (is_blank_owed)
            error = buffer_append_byte(reader->scratch, ' ');
        is_blank_owed = false;
        bool is_first = reader->scratch->len == start;
        bool must_escape = is_dn_special(c) || (uint8_t)c < 0x20 || c == 0x7f || (c == '#' && is_first);
        if (error == OK)
            error = must_escape ? append_hex(reader->scratch, c)
                                : buffer_append_byte(reader->scratch, octet_fold(c));
    }
    return error;
}

static enum error read_part(struct dn_reader *reader)
{
    if (reader->part_count == RDN_PARTS_MAX)
        return ERROR_SYNTAX;
    size_t start = reader->scratch->len;
    enum error error = read_type(reader);
    if (error != OK)
        return error;
    dn_skip_blanks(reader);
    bool is_hex = !dn_is_done(reader) && dn_peek(reader) == '#';
    error = is_hex ? read_octet_hex_value(reader) : read_text_value(reader);
    if (error == OK && !dn_is_done(reader) && dn_peek(reader) != ',' && dn_peek(reader) != '+')
        return ERROR_SYNTAX;
    reader->parts[reader->part_count++] = (struct rdn_part){start, reader->scratch->len - start};
    return error;
}

static struct bytes part_bytes(const struct dn_reader *reader, size_t i)
{
    return (struct bytes){reader->scratch->ptr + reader->parts[i].start, reader->parts[i].len};
}

/* The order of a multi-valued RDN's parts means nothing: they are sorted. */
static enum error write_rdn(struct dn_reader *reader, struct buffer *out)
{
    enum error error = OK;
    bool is_written[RDN_PARTS_MAX] = {false};
    for (size_t round = 0; error == OK && round < reader->part_count; round++) {
        size_t least = RDN_PARTS_MAX;
        for (size_t i = 0; i < reader->part_count; i++)
            if (!is_written[i] &&
                (least == RDN_PARTS_MAX ||
                 bytes_compare_nocase(part_bytes(reader, i), part_bytes(reader, least)) < 0))
                least = i;
        is_written[least] = true;
        if (round > 0)
            error = buffer_append_byte(out, '+');
        if (error == OK)
            error = buffer_append(out, part_bytes(reader, least));
    }
    return error;
}

static enum error read_rdn(struct dn_reader *reader, struct buffer *out)
{
    reader->part_count = 0;
    buffer_clear(reader->scratch);
    enum error error = read_part(reader);
    while (error == OK && !dn_is_done(reader) && dn_peek(reader) == '+') {
        reader->at++;
        error = read_part(reader);
    }
    return error == OK ? write_rdn(reader, out) : error;
}

enum error dn_normalize(struct bytes dn, struct buffer *out)
{
    size_t before = out->len;
    struct buffer scratch;
    buffer_init(&scratch, 4 * dn.len + 16);
    struct dn_reader reader = {.text = dn, .scratch = &scratch};
    dn_skip_blanks(&reader);
    enum error error = dn_is_done(&reader) ? OK : read_rdn(&reader, out);
    while (error == OK && !dn_is_done(&reader)) {
        reader.at++; /* the comma that ended the RDN before */
        error = buffer_append_byte(out, ',');
        if (error == OK)
            error = read_rdn(&reader, out);
    }
    buffer_done(&scratch);
    if (error != OK)
        out->len = before;
    return error;
}

bool dn_is_within(struct bytes dn, struct bytes ancestor)
{
    /* In normal form a comma is always a separator: one inside a value is written \2c. */
    if (ancestor.len == 0 || bytes_equal(dn, ancestor))
        return true;
    if (dn.len <= ancestor.len + 1 || dn.ptr[dn.len - ancestor.len - 1] != ',')
        return false;
    return bytes_equal(bytes_skip(dn, dn.len - ancestor.len), ancestor);
}

struct bytes dn_parent(struct bytes dn)
{
    for (size_t i = 0; i < dn.len; i++) {
        if (dn.ptr[i] == '\\')
            i++; /* whatever follows, it is no separator; the second hex digit is none either */
        else if (dn.ptr[i] == ',')
            return bytes_trim(bytes_skip(dn, i + 1));
    }
    return (struct bytes){dn.ptr ? dn.ptr + dn.len : NULL, 0};
}

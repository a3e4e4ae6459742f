#include "mail/display_name.h"

#include "base/utf8.h"

/* -- what is there -- */

/* What a reader of the field takes for its address is the text that is there. */
struct agreement {
    struct bytes text;
    size_t address_count;
    bool is_same;
};

static void compare(struct bytes address, void *owner)
{
    struct agreement *agreement = owner;
    agreement->address_count++;
    agreement->is_same = bytes_equal(address, agreement->text);
}

static bool is_only_address(struct bytes body, struct bytes text)
{
    struct agreement agreement = {.text = text};
    return header_each_address(body, compare, &agreement) && agreement.address_count == 1 &&
           agreement.is_same;
}

bool display_name_is_missing(struct bytes block, struct bare_from *out)
{
    struct bare_from from;
    if (header_count(block, "From") != 1 || header_count(block, "DKIM-Signature") > 0 ||
        !header_find(block, "From", &from.field) || !bytes_equal_text_nocase(from.field.name, "From")) {
        return false;
    }
    from.text = header_value(&from.field);
    if (from.text.len > 2 && from.text.ptr[0] == '<' && from.text.ptr[from.text.len - 1] == '>') {
        from.text = bytes_skip(bytes_first(from.text, from.text.len - 1), 1);
    }
    if (!is_only_address(from.field.body, from.text) ||
        address_parse(from.text, true, &from.address) != ADDRESS_OK) {
        return false;
    }
    *out = from;
    return true;
}

/* -- what is written -- */

/* Unicode's other way to say "line end" or "right to left" has no place in a name either: it could make the
 * address behind it look like another. */
static bool is_format_character(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0) ||
           (code_point >= 0x200b && code_point <= 0x200f) || (code_point >= 0x2028 && code_point <= 0x202e) ||
           (code_point >= 0x2060 && code_point <= 0x206f) || code_point == 0xfeff ||
           (code_point >= 0xe0000 && code_point <= 0xe0fff);
}

static bool is_fit(struct bytes name)
{
    if (name.len == 0 || name.len > DISPLAY_NAME_MAX) {
        return false;
    }
    while (name.len > 0) {
        uint32_t code_point;
        size_t len = utf8_first(name, &code_point);
        if (len == 0 || is_format_character(code_point)) {
            return false;
        }
        name = bytes_skip(name, len);
    }
    return true;
}

static enum error append_quoted(struct bytes name, struct buffer *out)
{
    enum error error = buffer_append_byte(out, '"');
    for (size_t i = 0; error == OK && i < name.len; i++) {
        if (name.ptr[i] == '"' || name.ptr[i] == '\\') {
            error = buffer_append_byte(out, '\\');
        }
        if (error == OK) {
            error = buffer_append_byte(out, name.ptr[i]);
        }
    }
    return error == OK ? buffer_append_byte(out, '"') : error;
}

#define WORD_OCTETS                                                                                          \
    42 /* in base64, with "From: " and what stands around them, 74 of the 76 a line may have */

/* Whole characters of at most WORD_OCTETS. */
static struct bytes take_word(struct bytes *rest)
{
    size_t len = 0;
    uint32_t code_point;
    for (size_t next = 0; len + next <= WORD_OCTETS && len < rest->len;) {
        len += next;
        next = utf8_first(bytes_skip(*rest, len), &code_point);
        if (next == 0) {
            break;
        }
    }
    struct bytes word = bytes_first(*rest, len);
    *rest = bytes_skip(*rest, len);
    return word;
}

static enum error append_encoded(struct bytes name, struct buffer *out)
{
    const char *separator = "";
    enum error error = OK;
    while (error == OK && name.len > 0) {
        char text[4 * ((WORD_OCTETS + 2) / 3) + 1];
        bytes_to_base64(take_word(&name), text);
        error = buffer_printf(out, "%s=?utf-8?B?%s?=", separator, text);
        separator = "\r\n ";
    }
    return error;
}

static enum error append_named(const struct bare_from *from, struct bytes name, struct buffer *out)
{
    /* Some readers decode what looks like an encoded word inside quotes, too. */
    bool is_plain = utf8_is_ascii(name) && bytes_find_text(name, "=?") == name.len;
    size_t colon = bytes_find(from->field.whole, ':');
    enum error error = buffer_append(out, bytes_first(from->field.whole, colon));
    if (error == OK) {
        error = buffer_append_text(out, ": ");
    }
    if (error == OK) {
        error = is_plain ? append_quoted(name, out) : append_encoded(name, out);
    }
    return error == OK ? buffer_printf(out, "\r\n <%.*s>\r\n", BYTES_ARG(from->text)) : error;
}

enum error display_name_insert(struct bytes block, const struct bare_from *from, struct bytes name,
                               struct buffer *out)
{
    size_t before = (size_t)(from->field.whole.ptr - block.ptr), length = out->len;
    if (!is_fit(name)) {
        return ERROR_SYNTAX;
    }
    enum error error = buffer_append(out, bytes_first(block, before));
    if (error == OK) {
        error = append_named(from, name, out);
    }
    if (error == OK) {
        error = buffer_append(out, bytes_skip(block, before + from->field.whole.len));
    }
    if (error != OK) {
        out->len = length;
    }
    return error;
}

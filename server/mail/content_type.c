#include "mail/content_type.h"

#include <string.h>

static struct bytes skip_blanks(struct bytes text)
{
    while (text.len && memchr(" \t\r\n", text.ptr[0], 4))
        text = bytes_skip(text, 1);
    return text;
}

/* RFC 2045 5.1. */
static bool is_token_char(char c)
{
    return c > ' ' && c < 0x7f && !memchr("()<>@,;:\\\"/[]?=", c, 15);
}

static bool take_token(struct bytes *rest, struct bytes *out)
{
    size_t len = 0;
    while (len < rest->len && is_token_char(rest->ptr[len]))
        len++;
    *out = bytes_first(*rest, len);
    *rest = bytes_skip(*rest, len);
    return len > 0;
}

/* A token or a quoted text; the latter without escapes, which no boundary needs. */
static bool take_value(struct bytes *rest, struct bytes *out)
{
    if (!rest->len || rest->ptr[0] != '"')
        return take_token(rest, out);
    struct bytes inside = bytes_skip(*rest, 1);
    size_t end = bytes_find(inside, '"');
    *out = bytes_first(inside, end);
    *rest = bytes_skip(inside, end + 1);
    return end < inside.len && bytes_find(*out, '\\') == out->len;
}

static bool take_char(struct bytes *rest, char wanted)
{
    *rest = skip_blanks(*rest);
    bool is_there = rest->len && rest->ptr[0] == wanted;
    *rest = bytes_skip(*rest, is_there);
    *rest = skip_blanks(*rest);
    return is_there;
}

static enum content_kind kind_of(struct bytes type, struct bytes subtype)
{
    if (bytes_equal_text_nocase(type, "text"))
        return CONTENT_TEXT;
    if (bytes_equal_text_nocase(type, "multipart")) {
        bool is_sealed =
            bytes_equal_text_nocase(subtype, "signed") || bytes_equal_text_nocase(subtype, "encrypted");
        return is_sealed ? CONTENT_SEALED : CONTENT_MULTIPART;
    }
    if (bytes_equal_text_nocase(type, "message"))
        return bytes_equal_text_nocase(subtype, "rfc822") ? CONTENT_MESSAGE : CONTENT_SEALED;
    return CONTENT_OTHER;
}

/* 1 to 70 printable octets, no blank at the end (RFC 2046 5.1.1). */
static enum error set_boundary(struct content_type *out, struct bytes value)
{
    if (out->boundary_len || value.len == 0 || value.len > CONTENT_BOUNDARY_MAX ||
        value.ptr[value.len - 1] == ' ')
        return ERROR_SYNTAX;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < ' ' || value.ptr[i] >= 0x7f)
            return ERROR_SYNTAX;
    }
    memcpy(out->boundary, value.ptr, value.len);
    out->boundary_len = value.len;
    return OK;
}

enum error content_type_parse(struct bytes body, struct content_type *out)
{
    struct content_type found = {0};
    struct bytes type, subtype, name, value, rest = skip_blanks(body);
    if (!take_token(&rest, &type) || !take_char(&rest, '/') || !take_token(&rest, &subtype))
        return ERROR_SYNTAX;
    found.kind = kind_of(type, subtype);
    found.is_digest = found.kind == CONTENT_MULTIPART && bytes_equal_text_nocase(subtype, "digest");
    while (take_char(&rest, ';') && rest.len) {
        if (!take_token(&rest, &name) || !take_char(&rest, '=') || !take_value(&rest, &value))
            return ERROR_SYNTAX;
        bool is_boundary = found.kind == CONTENT_MULTIPART && bytes_equal_text_nocase(name, "boundary");
        if (is_boundary && set_boundary(&found, value))
            return ERROR_SYNTAX;
    }
    if (skip_blanks(rest).len)
        return ERROR_SYNTAX;
    *out = found;
    return OK;
}

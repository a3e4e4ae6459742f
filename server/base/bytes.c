#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ASCII alone, whatever the locale says. */
static unsigned char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : (unsigned char)c;
}

struct bytes bytes_of_text(const char *text)
{
    return (struct bytes){text, text ? strlen(text) : 0};
}

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool bytes_equal_nocase(struct bytes a, struct bytes b)
{
    return a.len == b.len && bytes_compare_nocase(a, b) == 0;
}

bool bytes_equal_text_nocase(struct bytes a, const char *text)
{
    return bytes_equal_nocase(a, bytes_of_text(text));
}

bool bytes_starts_nocase(struct bytes text, const char *prefix)
{
    struct bytes wanted = bytes_of_text(prefix);

    return text.len >= wanted.len && bytes_equal_nocase(bytes_first(text, wanted.len), wanted);
}

bool bytes_ends_nocase(struct bytes text, const char *suffix)
{
    struct bytes wanted = bytes_of_text(suffix);

    return text.len >= wanted.len && bytes_equal_nocase(bytes_skip(text, text.len - wanted.len), wanted);
}

int bytes_compare_nocase(struct bytes a, struct bytes b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;

    for (size_t i = 0; i < shorter; i++) {
        int difference = fold(a.ptr[i]) - fold(b.ptr[i]);
        if (difference)
            return difference;
    }
    return a.len == b.len ? 0 : a.len < b.len ? -1 : 1;
}

size_t bytes_find(struct bytes b, char c)
{
    const char *at = b.len ? memchr(b.ptr, c, b.len) : NULL;

    return at ? (size_t)(at - b.ptr) : b.len;
}

size_t bytes_find_text(struct bytes b, const char *needle)
{
    const char *at = b.len ? memmem(b.ptr, b.len, needle, strlen(needle)) : NULL;

    return at ? (size_t)(at - b.ptr) : b.len;
}

struct bytes bytes_first(struct bytes b, size_t count)
{
    return (struct bytes){b.ptr, count < b.len ? count : b.len};
}

struct bytes bytes_skip(struct bytes b, size_t count)
{
    size_t cut = count < b.len ? count : b.len;

    return cut ? (struct bytes){b.ptr + cut, b.len - cut} : b;
}

struct bytes bytes_trim(struct bytes b)
{
    while (b.len && (b.ptr[0] == ' ' || b.ptr[0] == '\t'))
        b = bytes_skip(b, 1);
    while (b.len && (b.ptr[b.len - 1] == ' ' || b.ptr[b.len - 1] == '\t'))
        b.len--;
    return b;
}

bool bytes_next(struct bytes *rest, char separator, struct bytes *out_part)
{
    size_t end;

    if (rest->len == 0)
        return false;
    end = bytes_find(*rest, separator);
    *out_part = bytes_first(*rest, end);
    *rest = bytes_skip(*rest, end + 1);
    return true;
}

enum error bytes_to_u64(struct bytes text, uint64_t maximum, uint64_t *out_value)
{
    uint64_t value = 0;
    bool is_over = false;

    if (text.len == 0)
        return ERROR_SYNTAX;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned char)text.ptr[i] - (unsigned)'0';
        if (digit > 9)
            return ERROR_SYNTAX;
        /* Goes on after an overflow: "99999999999999999999x" is malformed, not too large. */
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
            is_over = true;
    }
    if (is_over || value > maximum)
        return ERROR_LIMIT;
    *out_value = value;
    return OK;
}

enum error bytes_to_i64(struct bytes text, int64_t minimum, int64_t maximum, int64_t *out_value)
{
    bool is_negative = text.len && text.ptr[0] == '-';
    uint64_t magnitude;
    int64_t value;
    enum error error;

    error = bytes_to_u64(bytes_skip(text, is_negative), (uint64_t)INT64_MAX + is_negative, &magnitude);
    if (error)
        return error;
    value = is_negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    if (value < minimum || value > maximum)
        return ERROR_LIMIT;
    *out_value = value;
    return OK;
}

char *bytes_copy_text(struct bytes b)
{
    char *copy = malloc(b.len + 1);

    if (!copy)
        abort();
    if (b.len)
        memcpy(copy, b.ptr, b.len);
    copy[b.len] = '\0';
    return copy;
}

/* 0-63, or -1 for a character outside the alphabet. */
static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes one group of four; padding_count of its last characters are '='. False for a character or for
 * left-over bits that are not zero: one value has one text only. */
static bool base64_decode_group(const char *group, size_t padding_count, char *out)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - padding_count ? base64_value(group[i]) : 0;
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
    }
    if (bits & ((1u << 8 * padding_count) - 1))
        return false;
    for (size_t i = 0; i < 3 - padding_count; i++)
        out[i] = (char)(bits >> (16 - 8 * i));
    return true;
}

enum error bytes_from_base64(struct bytes text, char *out_bytes, size_t *out_len)
{
    size_t padding_count = 0;
    size_t len = 0;

    if (text.len % 4)
        return ERROR_SYNTAX;
    while (padding_count < 2 && padding_count < text.len && text.ptr[text.len - 1 - padding_count] == '=')
        padding_count++;
    for (size_t at = 0; at < text.len; at += 4) {
        size_t missing = at + 4 == text.len ? padding_count : 0;
        if (!base64_decode_group(text.ptr + at, missing, out_bytes + len))
            return ERROR_SYNTAX;
        len += 3 - missing;
    }
    *out_len = len;
    return OK;
}

void bytes_to_base64(struct bytes b, char *out_text)
{
    for (size_t at = 0; at < b.len; at += 3) {
        size_t present = b.len - at < 3 ? b.len - at : 3;
        uint32_t bits = 0;

        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (i < present ? (unsigned char)b.ptr[at + i] : 0);
        for (size_t i = 0; i < 4; i++)
            *out_text++ = i <= present ? base64_alphabet[bits >> (18 - 6 * i) & 63] : '=';
    }
    *out_text = '\0';
}

#include "mail/parameter.h"

#define PARAMETERS_MAX 65536

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool is_keyword(struct bytes text)
{
    if (text.len == 0 || !is_alphanumeric(text.ptr[0]))
        return false;
    for (size_t i = 1; i < text.len; i++)
        if (!is_alphanumeric(text.ptr[i]) && text.ptr[i] != '-')
            return false;
    return true;
}

static bool is_value(struct bytes text)
{
    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || text.ptr[i] == '=')
            return false;
    return true;
}

enum error parameter_next(struct bytes *rest, struct parameter *out)
{
    struct bytes left = *rest, word, value;
    struct parameter parameter = {0};

    if (left.len > PARAMETERS_MAX)
        return ERROR_SYNTAX;
    while (left.len && left.ptr[0] == ' ')
        left = bytes_skip(left, 1);
    if (!bytes_next(&left, ' ', &word))
        return ERROR_NOT_FOUND;
    value = word;
    if (!bytes_next(&value, '=', &parameter.keyword) || !is_keyword(parameter.keyword))
        return ERROR_SYNTAX;
    parameter.has_value = parameter.keyword.len < word.len;
    if (parameter.has_value && !is_value(value))
        return ERROR_SYNTAX;
    parameter.value = value;
    *out = parameter;
    *rest = left;
    return OK;
}

/* 0-15, or -1: RFC 3461 has upper-case digits only. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

enum error parameter_decode_xtext(struct bytes text, char *out, size_t *out_len)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c < '!' || c > '~' || c == '=')
            return ERROR_SYNTAX;
        if (c == '+') {
            int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return ERROR_SYNTAX;
            c = (char)(high << 4 | low);
            i += 2;
        }
        out[len++] = c;
    }
    *out_len = len;
    return OK;
}

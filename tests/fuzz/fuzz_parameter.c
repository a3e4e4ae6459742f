/* room: mail */
/* Parameters come from the input in order and hold nothing but what their grammar allows; xtext decodes to
 * what encodes to it. */
#include "mail/parameter.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_xtext(struct bytes text)
{
    char *decoded = malloc(text.len + 1);
    char *encoded = malloc(3 * text.len + 1);
    char *again = malloc(3 * text.len + 1);
    size_t len, encoded_len = 0, again_len;

    assert(decoded && encoded && again);
    if (parameter_decode_xtext(text, decoded, &len) == OK) {
        assert(len <= text.len);
        for (size_t i = 0; i < len; i++)
            encoded_len += (size_t)snprintf(encoded + encoded_len, 4, "+%02X", (unsigned char)decoded[i]);
        assert(parameter_decode_xtext((struct bytes){encoded, encoded_len}, again, &again_len) == OK);
        assert(again_len == len && memcmp(again, decoded, len) == 0);
    }
    free(decoded);
    free(encoded);
    free(again);
}

static bool is_printable(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes text = {(const char *)data, size}, rest = text, before = text;
    const char *seen = text.ptr;
    struct parameter parameter;
    enum error error;

    while ((error = parameter_next(&rest, &parameter)) == OK) {
        assert(rest.len < before.len);
        assert(parameter.keyword.len && parameter.keyword.ptr >= seen && is_printable(parameter.keyword));
        assert(parameter.has_value == (parameter.value.len > 0) && is_printable(parameter.value));
        seen = parameter.keyword.ptr + parameter.keyword.len + parameter.has_value + parameter.value.len;
        check_xtext(parameter.value);
        before = rest;
    }
    assert(error == ERROR_NOT_FOUND || error == ERROR_SYNTAX);
    assert(rest.len == before.len);
    if (error == ERROR_NOT_FOUND)
        for (size_t i = 0; i < rest.len; i++)
            assert(rest.ptr[i] == ' ');
    check_xtext(text);
    return 0;
}

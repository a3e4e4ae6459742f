#include "security/guid.h"

#include "security/hex.h"

#include <string.h>

/* Where each octet of the wire form stands in the text: three little-endian fields, then eight octets as they
 * are. */
static const uint8_t text_place[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

static bool is_dash_place(size_t place)
{
    return place == 8 || place == 13 || place == 18 || place == 23;
}

enum error guid_parse(struct bytes text, struct guid *out)
{
    struct guid guid = {{0}};
    size_t digits = 0;

    if (text.len != GUID_TEXT_SIZE - 1)
        return ERROR_SYNTAX;
    for (size_t place = 0; place < text.len; place++) {
        int value = hex_digit_value(text.ptr[place]);

        if (is_dash_place(place)) {
            if (text.ptr[place] != '-')
                return ERROR_SYNTAX;
            continue;
        }
        if (value < 0)
            return ERROR_SYNTAX;
        guid.octets[digits / 2] = (uint8_t)(guid.octets[digits / 2] << 4 | value);
        digits++;
    }
    *out = guid;
    return OK;
}

struct guid guid_decode(const uint8_t wire[16])
{
    struct guid guid;

    for (size_t i = 0; i < 16; i++)
        guid.octets[text_place[i]] = wire[i];
    return guid;
}

void guid_encode(const struct guid *guid, uint8_t wire[16])
{
    for (size_t i = 0; i < 16; i++)
        wire[i] = guid->octets[text_place[i]];
}

const char *guid_format(const struct guid *guid, char out[GUID_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t place = 0;

    for (size_t i = 0; i < 16; i++) {
        if (is_dash_place(place))
            out[place++] = '-';
        out[place++] = digits[guid->octets[i] >> 4];
        out[place++] = digits[guid->octets[i] & 15];
    }
    out[place] = '\0';
    return out;
}

bool guid_equal(const struct guid *a, const struct guid *b)
{
    return memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

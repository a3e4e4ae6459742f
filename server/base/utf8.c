#include "base/utf8.h"

static const struct {
    unsigned char mask;
    unsigned char mark;
    uint32_t least; /* a smaller code point would be overlong */
} lengths[] = {
    {0x80, 0x00, 0},
    {0xe0, 0xc0, 0x80},
    {0xf0, 0xe0, 0x800},
    {0xf8, 0xf0, 0x10000},
};

size_t utf8_first(struct bytes text, uint32_t *out_code_point)
{
    if (text.len == 0) {
        return 0;
    }
    unsigned char lead = (unsigned char)text.ptr[0];
    for (size_t extra = 0; extra < sizeof lengths / sizeof lengths[0] && extra < text.len; extra++) {
        if ((lead & lengths[extra].mask) != lengths[extra].mark) {
            continue;
        }
        uint32_t code_point = lead & (unsigned char)~lengths[extra].mask;
        for (size_t i = 1; i <= extra; i++) {
            unsigned char byte = (unsigned char)text.ptr[i];
            if ((byte & 0xc0) != 0x80) {
                return 0;
            }
            code_point = code_point << 6 | (byte & 0x3f);
        }
        if (code_point < lengths[extra].least || code_point > 0x10ffff ||
            (code_point >= 0xd800 && code_point <= 0xdfff)) {
            return 0;
        }
        *out_code_point = code_point;
        return extra + 1;
    }
    return 0;
}

bool utf8_is_valid(struct bytes text)
{
    uint32_t code_point;

    while (text.len) {
        size_t len = utf8_first(text, &code_point);
        if (len == 0)
            return false;
        text = bytes_skip(text, len);
    }
    return true;
}

bool utf8_is_ascii(struct bytes text)
{
    unsigned char seen = 0;

    for (size_t i = 0; i < text.len; i++)
        seen |= (unsigned char)text.ptr[i];
    return seen < 0x80;
}

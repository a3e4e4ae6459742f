#include "security/hex.h"

#include <assert.h>

int hex_digit_value(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

bool hex_to_u64(struct bytes text, size_t digits_max, uint64_t *out)
{
    uint64_t value = 0;

    assert(digits_max <= 16);
    if (text.len == 0 || text.len > digits_max)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int digit = hex_digit_value(text.ptr[i]);

        if (digit < 0)
            return false;
        value = value << 4 | (uint64_t)digit;
    }
    *out = value;
    return true;
}

#include "base/quantity.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit DURATION_UNITS[] = {
    {"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
};

static const struct unit SIZE_UNITS[] = {
    {"", 1}, {"k", 1u << 10}, {"m", 1u << 20}, {"g", 1u << 30}, {"t", UINT64_C(1) << 40}, {NULL, 0},
};

/* Digits, then a unit of the table. */
static enum error parse(struct bytes text, const struct unit *units, uint64_t maximum, uint64_t *out)
{
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
        digits++;
    struct bytes name = bytes_skip(text, digits);
    for (const struct unit *unit = units; unit->name; unit++) {
        if (!bytes_equal_text_nocase(name, unit->name))
            continue;
        uint64_t count;
        enum error error = bytes_to_u64(bytes_first(text, digits), maximum / unit->factor, &count);
        if (!error)
            *out = count * unit->factor;
        return error;
    }
    return ERROR_SYNTAX;
}

enum error quantity_parse_duration(struct bytes text, uint64_t *out_ms)
{
    return parse(text, DURATION_UNITS, UINT64_C(3650) * 86400000, out_ms);
}

enum error quantity_parse_size(struct bytes text, uint64_t *out_bytes)
{
    return parse(text, SIZE_UNITS, UINT64_C(1) << 50, out_bytes);
}

#include "mail/hop_count.h"

#include <inttypes.h>

#define FIELD_NAME "X-Dirrelay-Hops"

bool hop_count_is_field(const struct header_field *field)
{
    return header_name_is(field, FIELD_NAME);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A wrong number only harms who wrote it. */
static uint64_t hidden_hops(const struct header_field *field)
{
    uint64_t hops;
    struct bytes text = field->body;
    while (text.len > 0 && is_blank(text.ptr[0])) {
        text = bytes_skip(text, 1);
    }
    while (text.len > 0 && is_blank(text.ptr[text.len - 1])) {
        text.len--;
    }
    return bytes_to_u64(text, HOP_COUNT_MAX, &hops) == OK ? hops : HOP_COUNT_MAX;
}

uint64_t hop_count(struct bytes block)
{
    uint64_t hops = 0;
    struct header_field field;
    while (hops < HOP_COUNT_MAX && header_next(&block, &field)) {
        if (header_name_is(&field, "Received")) {
            hops++;
        } else if (hop_count_is_field(&field)) {
            hops += hidden_hops(&field);
        }
    }
    return hops < HOP_COUNT_MAX ? hops : HOP_COUNT_MAX;
}

enum error hop_count_append(struct buffer *out, uint64_t hops)
{
    return hops == 0 ? OK : buffer_printf(out, FIELD_NAME ": %" PRIu64 "\r\n", hops);
}

#include "base/reader.h"

struct reader reader_of(struct bytes bytes)
{
    return (struct reader){.rest = bytes};
}

bool reader_is_done(const struct reader *reader)
{
    return reader->rest.len == 0;
}

bool reader_take(struct reader *reader, size_t count, struct bytes *out)
{
    if (count > reader->rest.len)
        return false;
    *out = bytes_first(reader->rest, count);
    reader->rest = bytes_skip(reader->rest, count);
    return true;
}

/* size octets, 1 to 8, the least significant first. */
static bool take_le(struct reader *reader, size_t size, uint64_t *out)
{
    struct bytes octets;

    if (!reader_take(reader, size, &octets))
        return false;
    *out = 0;
    for (size_t i = 0; i < size; i++)
        *out |= (uint64_t)(unsigned char)octets.ptr[i] << 8 * i;
    return true;
}

bool reader_u8(struct reader *reader, uint8_t *out)
{
    uint64_t value;

    if (!take_le(reader, 1, &value))
        return false;
    *out = (uint8_t)value;
    return true;
}

bool reader_u16_le(struct reader *reader, uint16_t *out)
{
    uint64_t value;

    if (!take_le(reader, 2, &value))
        return false;
    *out = (uint16_t)value;
    return true;
}

bool reader_u32_le(struct reader *reader, uint32_t *out)
{
    uint64_t value;

    if (!take_le(reader, 4, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool reader_u64_le(struct reader *reader, uint64_t *out)
{
    uint64_t value;

    if (!take_le(reader, 8, &value))
        return false;
    *out = value;
    return true;
}

bool reader_u16_be(struct reader *reader, uint16_t *out)
{
    uint16_t value;

    if (!reader_u16_le(reader, &value))
        return false;
    *out = (uint16_t)(value << 8 | value >> 8);
    return true;
}

bool reader_run(struct reader *reader, struct bytes *out)
{
    struct reader ahead = *reader;
    uint32_t len;

    if (!reader_u32_le(&ahead, &len) || !reader_take(&ahead, len, out))
        return false;
    *reader = ahead;
    return true;
}

#include "auth/ntlm_message.h"

#include "base/reader.h"

#include <string.h>

#define TYPE_NEGOTIATE     1
#define TYPE_AUTHENTICATE  3
#define VERSION_SIZE       8
#define FIELDS_MAX         6
#define LM_FIELDS_SIZE     8  /* before the answer's own fields */
#define ANSWER_HEADER_SIZE 44 /* NTProofStr, then NTLMv2_CLIENT_CHALLENGE up to its AvPairs */
#define AV_END             0
#define AV_CHANNEL         10
#define AV_CHANNEL_SIZE    16

static bool read_type(struct bytes message, struct reader *reader, uint32_t *out)
{
    struct bytes signature;
    *reader = reader_of(message);
    return reader_take(reader, sizeof "NTLMSSP", &signature) &&
           bytes_equal(signature, (struct bytes){"NTLMSSP", sizeof "NTLMSSP"}) && reader_u32_le(reader, out);
}

bool ntlm_message_is_one(struct bytes message)
{
    struct reader reader;
    uint32_t type;
    return read_type(message, &reader, &type);
}

/* What stands before the version: fields of a length, a room and an offset each. */
struct layout {
    uint32_t type;
    size_t header;     /* bytes, up to the version */
    size_t header_min; /* fewer are no such message */
    size_t field_count;
    size_t fields[FIELDS_MAX];
};

static const struct layout LAYOUTS[] = {
    {TYPE_NEGOTIATE, 32, 16, 2, {16, 24}},
    {TYPE_AUTHENTICATE, 64, 64, 6, {12, 20, 28, 36, 44, 52}},
};

static const struct layout *layout_of(struct bytes message)
{
    struct reader reader;
    uint32_t type;
    if (!read_type(message, &reader, &type))
        return NULL;
    for (size_t i = 0; i < sizeof LAYOUTS / sizeof *LAYOUTS; i++)
        if (LAYOUTS[i].type == type && message.len >= LAYOUTS[i].header_min)
            return &LAYOUTS[i];
    return NULL;
}

/* False: it is not there, or is empty. */
static bool read_field(struct bytes message, size_t at, uint32_t *out_offset)
{
    struct reader reader = reader_of(bytes_skip(message, at));
    uint16_t length, room;
    return reader_u16_le(&reader, &length) && reader_u16_le(&reader, &room) &&
           reader_u32_le(&reader, out_offset) && length > 0;
}

/* Something else begins where it would stand. */
static bool lacks_version(struct bytes message, const struct layout *layout)
{
    uint32_t offset;
    if (message.len < layout->header + VERSION_SIZE)
        return true;
    for (size_t i = 0; i < layout->field_count; i++)
        if (read_field(message, layout->fields[i], &offset) && offset >= layout->header &&
            offset < layout->header + VERSION_SIZE)
            return true;
    return false;
}

static void put_offset(char *field, uint32_t offset)
{
    for (int i = 0; i < 4; i++)
        field[4 + i] = (char)(offset >> 8 * i & 0xff);
}

enum error ntlm_message_complete(struct bytes message, struct buffer *out)
{
    static const char NOTHING[64];
    const struct layout *layout = layout_of(message);
    if (!layout || !lacks_version(message, layout))
        return buffer_append(out, message);
    struct bytes head = bytes_first(message, layout->header);
    size_t missing = layout->header - head.len + VERSION_SIZE, start = out->len;
    enum error error = buffer_append(out, head);
    if (!error)
        error = buffer_append(out, (struct bytes){NOTHING, missing});
    if (!error)
        error = buffer_append(out, bytes_skip(message, layout->header));
    for (size_t i = 0; !error && i < layout->field_count; i++) {
        uint32_t offset;
        if (read_field(message, layout->fields[i], &offset) && offset >= layout->header &&
            offset <= message.len)
            put_offset(out->ptr + start + layout->fields[i], offset + VERSION_SIZE);
    }
    return error;
}

/* NtChallengeResponseFields: length, room, offset. */
static bool find_answer(struct bytes message, struct bytes *out)
{
    struct reader reader;
    struct bytes skipped;
    uint32_t type, offset;
    uint16_t length, room;
    bool is_read = read_type(message, &reader, &type) && type == TYPE_AUTHENTICATE &&
                   reader_take(&reader, LM_FIELDS_SIZE, &skipped) && reader_u16_le(&reader, &length) &&
                   reader_u16_le(&reader, &room) && reader_u32_le(&reader, &offset);
    if (!is_read || offset > message.len || length > message.len - offset)
        return false;
    *out = bytes_first(bytes_skip(message, offset), length);
    return true;
}

/* All zero: no channel. */
static bool is_name(struct bytes value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] != 0)
            return value.len == AV_CHANNEL_SIZE;
    return false;
}

bool ntlm_message_names_channel(struct bytes message)
{
    struct bytes answer, value;
    uint16_t id, length;
    if (!find_answer(message, &answer))
        return false;
    struct reader reader = reader_of(bytes_skip(answer, ANSWER_HEADER_SIZE));
    while (reader_u16_le(&reader, &id) && id != AV_END && reader_u16_le(&reader, &length) &&
           reader_take(&reader, length, &value))
        if (id == AV_CHANNEL)
            return is_name(value);
    return false;
}

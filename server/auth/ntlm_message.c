#include "auth/ntlm_message.h"

#include "base/reader.h"

#define TYPE_AUTHENTICATE  3
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

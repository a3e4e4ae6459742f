#include "security/ace.h"

#include <string.h>

#define ACE_HEADER_BYTES         4
#define ACE_ALIGNMENT            4
#define GUID_BYTES               16
#define OBJECT_TYPE_PRESENT      0x1u
#define INHERITED_OBJECT_PRESENT 0x2u

bool ace_type_is_known(uint8_t type)
{
    switch ((enum ace_type)type) {
    case ACE_ALLOW:
    case ACE_DENY:
    case ACE_AUDIT:
    case ACE_ALLOW_OBJECT:
    case ACE_DENY_OBJECT:
    case ACE_AUDIT_OBJECT:
    case ACE_ALLOW_CALLBACK:
    case ACE_DENY_CALLBACK:
    case ACE_ALLOW_CALLBACK_OBJECT:
    case ACE_DENY_CALLBACK_OBJECT:
        return true;
    }
    return false;
}

bool ace_is_object(const struct ace *ace)
{
    return ace->type == ACE_ALLOW_OBJECT || ace->type == ACE_DENY_OBJECT || ace->type == ACE_AUDIT_OBJECT ||
           ace->type == ACE_ALLOW_CALLBACK_OBJECT || ace->type == ACE_DENY_CALLBACK_OBJECT;
}

static bool take_guid(struct reader *body, struct guid *out)
{
    struct bytes wire;

    if (!reader_take(body, GUID_BYTES, &wire))
        return false;
    *out = guid_decode((const uint8_t *)wire.ptr);
    return true;
}

static enum error decode_guids(struct reader *body, struct ace *ace, struct note *note)
{
    uint32_t present;

    if (!reader_u32_le(body, &present)) {
        note_set(note, "no room for the object flags");
        return ERROR_SYNTAX;
    }
    /* A flag nobody has defined may announce a field nobody here knows: what follows could not be trusted. */
    if (present & ~(OBJECT_TYPE_PRESENT | INHERITED_OBJECT_PRESENT)) {
        note_set(note, "unknown object flags 0x%x", (unsigned)present);
        return ERROR_SYNTAX;
    }
    ace->has_object_type = present & OBJECT_TYPE_PRESENT;
    ace->has_inherited_object_type = present & INHERITED_OBJECT_PRESENT;
    if ((ace->has_object_type && !take_guid(body, &ace->object_type)) ||
        (ace->has_inherited_object_type && !take_guid(body, &ace->inherited_object_type))) {
        note_set(note, "no room for its GUIDs");
        return ERROR_SYNTAX;
    }
    return OK;
}

/* Mask, GUIDs and SID; what is left stays in the reader. */
static enum error decode_fields(struct reader *body, struct ace *ace, struct note *note)
{
    enum error error = OK;

    if (!reader_u32_le(body, &ace->mask)) {
        note_set(note, "no room for the mask");
        return ERROR_SYNTAX;
    }
    if (ace_is_object(ace))
        error = decode_guids(body, ace, note);
    if (!error && sid_take(body, &ace->sid) != OK) {
        note_set(note, "SID malformed or longer than the ACE");
        error = ERROR_SYNTAX;
    }
    return error;
}

static enum error take_record(struct reader *reader, struct ace *ace, struct bytes *out_body,
                              struct note *note)
{
    uint16_t size;

    if (!reader_u8(reader, &ace->type) || !reader_u8(reader, &ace->flags) || !reader_u16_le(reader, &size)) {
        note_set(note, "no room for the ACE header");
        return ERROR_SYNTAX;
    }
    if (size < ACE_HEADER_BYTES || size % ACE_ALIGNMENT ||
        !reader_take(reader, size - (size_t)ACE_HEADER_BYTES, out_body)) {
        note_set(note, "AceSize %u is too small, too large or no multiple of 4", size);
        return ERROR_SYNTAX;
    }
    return OK;
}

enum error ace_decode(struct reader *reader, struct arena *arena, struct ace *out, struct note *note)
{
    struct ace ace = {0};
    struct reader body = {0};
    enum error error = take_record(reader, &ace, &body.rest, note);

    ace.is_opaque = !ace_type_is_known(ace.type);
    if (!error && !ace.is_opaque)
        error = decode_fields(&body, &ace, note);
    if (error)
        return error;
    if (body.rest.len) {
        ace.body = arena_copy(arena, body.rest);
        if (!ace.body.ptr) {
            note_set(note, "no memory for the ACE");
            return ERROR_LIMIT;
        }
    }
    *out = ace;
    return OK;
}

/* Little-endian, size octets; returns what lies behind. */
static char *put_le(char *at, uint32_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *at++ = (char)(value >> 8 * i);
    return at;
}

static char *put_guid(char *at, const struct guid *guid)
{
    guid_encode(guid, (uint8_t *)at);
    return at + GUID_BYTES;
}

/* Everything between the header and the body. */
static char *put_fields(char *at, const struct ace *ace)
{
    at = put_le(at, ace->mask, 4);
    if (ace_is_object(ace)) {
        at = put_le(at,
                    (ace->has_object_type ? OBJECT_TYPE_PRESENT : 0) |
                        (ace->has_inherited_object_type ? INHERITED_OBJECT_PRESENT : 0),
                    4);
        if (ace->has_object_type)
            at = put_guid(at, &ace->object_type);
        if (ace->has_inherited_object_type)
            at = put_guid(at, &ace->inherited_object_type);
    }
    return at + sid_encode(&ace->sid, (uint8_t *)at);
}

enum error ace_encode(const struct ace *ace, struct buffer *out)
{
    char head[ACE_HEADER_BYTES + 4 + 4 + 2 * GUID_BYTES + 68];
    char *end = head + ACE_HEADER_BYTES;
    size_t size;
    enum error error;

    if (!ace->is_opaque)
        end = put_fields(end, ace);
    size = (size_t)(end - head) + ace->body.len;
    if (size > UINT16_MAX)
        return ERROR_LIMIT;
    if (size % ACE_ALIGNMENT)
        return ERROR_SYNTAX;
    put_le(head, (uint32_t)(ace->type | ace->flags << 8) | (uint32_t)size << 16, ACE_HEADER_BYTES);
    error = buffer_append(out, (struct bytes){head, (size_t)(end - head)});
    return error ? error : buffer_append(out, ace->body);
}

#include "security/descriptor.h"

#include <stdlib.h>

#define HEADER_BYTES     20
#define ACL_HEADER_BYTES 8
#define PART_ALIGNMENT   4

/* In the order of the header's offsets. */
enum part { PART_OWNER, PART_GROUP, PART_SACL, PART_DACL, PART_COUNT };

static const char *const part_names[PART_COUNT] = {"owner", "group", "SACL", "DACL"};

struct header {
    uint16_t control;
    uint32_t offsets[PART_COUNT]; /* 0: absent */
};

/* Where a part stands; length 0 when it is absent. */
struct region {
    size_t offset;
    size_t length;
};

static enum error decode_header(struct bytes binary, struct header *out, struct note *note)
{
    struct reader reader = reader_of(binary);
    uint8_t revision, reserved;
    bool is_whole = reader_u8(&reader, &revision) && reader_u8(&reader, &reserved) &&
                    reader_u16_le(&reader, &out->control);

    for (size_t part = 0; part < PART_COUNT; part++)
        is_whole = is_whole && reader_u32_le(&reader, &out->offsets[part]);
    if (!is_whole) {
        note_set(note, "%zu bytes, shorter than the header", binary.len);
        return ERROR_SYNTAX;
    }
    if (revision != 1) {
        note_set(note, "descriptor revision %u", revision);
        return ERROR_SYNTAX;
    }
    if (!(out->control & DESCRIPTOR_SELF_RELATIVE)) {
        note_set(note, "descriptor is not self-relative");
        return ERROR_SYNTAX;
    }
    return OK;
}

static enum error decode_sid(struct reader *reader, bool *out_has, struct sid *out, struct note *note)
{
    if (sid_take(reader, out) != OK) {
        note_set(note, "SID malformed or past the end");
        return ERROR_SYNTAX;
    }
    *out_has = true;
    return OK;
}

static enum error decode_aces(struct reader *reader, size_t count, struct arena *arena, struct acl *out,
                              struct note *note)
{
    struct ace *aces;

    if (count > DESCRIPTOR_ACE_MAX) {
        note_set(note, "%zu ACEs, more than %d", count, DESCRIPTOR_ACE_MAX);
        return ERROR_LIMIT;
    }
    aces = arena_array(arena, count ? count : 1, sizeof(*aces));
    if (!aces) {
        note_set(note, "no memory for %zu ACEs", count);
        return ERROR_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        enum error error = ace_decode(reader, arena, &aces[i], note);

        if (error) {
            note_wrap(note, "ACE %zu of %zu", i, count);
            return error;
        }
    }
    out->count = count;
    out->aces = aces;
    return OK;
}

/* Moves the reader behind the ACL, slack included. */
static enum error decode_acl(struct reader *reader, struct arena *arena, struct acl *out, struct note *note)
{
    uint8_t revision, reserved;
    uint16_t size, count, reserved_too;
    struct bytes body;
    struct reader aces;

    if (!reader_u8(reader, &revision) || !reader_u8(reader, &reserved) || !reader_u16_le(reader, &size) ||
        !reader_u16_le(reader, &count) || !reader_u16_le(reader, &reserved_too)) {
        note_set(note, "no room for the ACL header");
        return ERROR_SYNTAX;
    }
    if (revision != ACL_REVISION && revision != ACL_REVISION_DS) {
        note_set(note, "revision %u", revision);
        return ERROR_SYNTAX;
    }
    if (size < ACL_HEADER_BYTES || !reader_take(reader, size - (size_t)ACL_HEADER_BYTES, &body)) {
        note_set(note, "AclSize %u is too small or past the end", size);
        return ERROR_SYNTAX;
    }
    out->state = ACL_PRESENT;
    out->revision = revision;
    aces = reader_of(body);
    return decode_aces(&aces, count, arena, out, note);
}

static enum error decode_part(struct reader *reader, enum part part, struct arena *arena,
                              struct descriptor *out, struct note *note)
{
    switch (part) {
    case PART_OWNER:
        return decode_sid(reader, &out->has_owner, &out->owner, note);
    case PART_GROUP:
        return decode_sid(reader, &out->has_group, &out->group, note);
    case PART_SACL:
        return decode_acl(reader, arena, &out->sacl, note);
    case PART_DACL:
        return decode_acl(reader, arena, &out->dacl, note);
    case PART_COUNT:
        break;
    }
    abort(); /* not a part of the header */
}

/* Two readings of the same bytes would mean that nobody can say what the descriptor grants. */
static enum error check_overlap(const struct region regions[PART_COUNT], struct note *note)
{
    for (size_t a = 0; a < PART_COUNT; a++) {
        for (size_t b = a + 1; b < PART_COUNT; b++) {
            if (regions[a].offset < regions[b].offset + regions[b].length &&
                regions[b].offset < regions[a].offset + regions[a].length) {
                note_set(note, "%s and %s overlap", part_names[a], part_names[b]);
                return ERROR_SYNTAX;
            }
        }
    }
    return OK;
}

static enum error decode_parts(struct bytes binary, const struct header *header, struct arena *arena,
                               struct descriptor *out, struct note *note)
{
    struct region regions[PART_COUNT] = {{0}};

    for (size_t part = 0; part < PART_COUNT; part++) {
        uint32_t offset = header->offsets[part];
        struct reader reader = reader_of(bytes_skip(binary, offset));
        enum error error;

        if (offset == 0)
            continue;
        if (offset < HEADER_BYTES || offset % PART_ALIGNMENT || offset >= binary.len) {
            note_set(note, "%s offset %u is in the header, unaligned or past the end", part_names[part],
                     offset);
            return ERROR_SYNTAX;
        }
        error = decode_part(&reader, (enum part)part, arena, out, note);
        if (error) {
            note_wrap(note, "%s", part_names[part]);
            return error;
        }
        regions[part] = (struct region){offset, binary.len - offset - reader.rest.len};
    }
    return check_overlap(regions, note);
}

/* The control bit decides whether there is an ACL at all; an offset of 0 then makes it NULL. */
static void settle_state(struct acl *acl, bool is_present)
{
    if (!is_present)
        *acl = (struct acl){.state = ACL_ABSENT};
    else if (acl->state != ACL_PRESENT)
        *acl = (struct acl){.state = ACL_NULL};
}

enum error descriptor_decode(struct bytes binary, struct arena *arena, struct descriptor *out,
                             struct note *note)
{
    struct descriptor descriptor = {0};
    struct header header;
    enum error error;

    if (binary.len > DESCRIPTOR_BYTES_MAX) {
        note_set(note, "%zu bytes, more than %d", binary.len, DESCRIPTOR_BYTES_MAX);
        return ERROR_LIMIT;
    }
    error = decode_header(binary, &header, note);
    if (!error)
        error = decode_parts(binary, &header, arena, &descriptor, note);
    if (error)
        return error;
    descriptor.control = header.control;
    settle_state(&descriptor.dacl, header.control & DESCRIPTOR_DACL_PRESENT);
    settle_state(&descriptor.sacl, header.control & DESCRIPTOR_SACL_PRESENT);
    *out = descriptor;
    return OK;
}

static void put_le(char *at, uint32_t value, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (char)(value >> 8 * i);
}

static enum error encode_sid(const struct sid *sid, struct buffer *out)
{
    uint8_t wire[68];
    size_t size = sid_encode(sid, wire);

    return buffer_append(out, (struct bytes){(const char *)wire, size});
}

static enum error encode_acl(const struct acl *acl, struct buffer *out)
{
    char head[ACL_HEADER_BYTES] = {0};
    size_t start = out->len;
    enum error error = buffer_append(out, (struct bytes){head, sizeof(head)});

    for (size_t i = 0; !error && i < acl->count; i++)
        error = ace_encode(&acl->aces[i], out);
    if (error)
        return error;
    if (out->len - start > UINT16_MAX || acl->count > UINT16_MAX)
        return ERROR_LIMIT;
    put_le(out->ptr + start, acl->revision, 1);
    put_le(out->ptr + start + 2, (uint32_t)(out->len - start), 2);
    put_le(out->ptr + start + 4, (uint32_t)acl->count, 2);
    return OK;
}

static enum error encode_part(const struct descriptor *descriptor, enum part part, struct buffer *out)
{
    switch (part) {
    case PART_OWNER:
        return descriptor->has_owner ? encode_sid(&descriptor->owner, out) : OK;
    case PART_GROUP:
        return descriptor->has_group ? encode_sid(&descriptor->group, out) : OK;
    case PART_SACL:
        return descriptor->sacl.state == ACL_PRESENT ? encode_acl(&descriptor->sacl, out) : OK;
    case PART_DACL:
        return descriptor->dacl.state == ACL_PRESENT ? encode_acl(&descriptor->dacl, out) : OK;
    case PART_COUNT:
        break;
    }
    abort(); /* not a part of the header */
}

static uint16_t encoded_control(const struct descriptor *descriptor)
{
    uint32_t control = descriptor->control & ~(uint32_t)(DESCRIPTOR_DACL_PRESENT | DESCRIPTOR_SACL_PRESENT);

    if (descriptor->dacl.state != ACL_ABSENT)
        control |= DESCRIPTOR_DACL_PRESENT;
    if (descriptor->sacl.state != ACL_ABSENT)
        control |= DESCRIPTOR_SACL_PRESENT;
    return (uint16_t)(control | DESCRIPTOR_SELF_RELATIVE);
}

static enum error encode(const struct descriptor *descriptor, size_t start, struct buffer *out)
{
    char head[HEADER_BYTES] = {0};
    enum error error = buffer_append(out, (struct bytes){head, sizeof(head)});

    if (error)
        return error;
    put_le(out->ptr + start, 1, 1);
    put_le(out->ptr + start + 2, encoded_control(descriptor), 2);
    for (size_t part = 0; part < PART_COUNT; part++) {
        size_t offset = out->len - start;

        error = encode_part(descriptor, (enum part)part, out);
        if (error)
            return error;
        if (out->len - start > offset)
            put_le(out->ptr + start + 4 + 4 * part, (uint32_t)offset, 4);
    }
    return out->len - start > DESCRIPTOR_BYTES_MAX ? ERROR_LIMIT : OK;
}

enum error descriptor_encode(const struct descriptor *descriptor, struct buffer *out)
{
    size_t start = out->len;
    enum error error = encode(descriptor, start, out);

    if (error)
        out->len = start;
    return error;
}

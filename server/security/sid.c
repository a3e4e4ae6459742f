#include "security/sid.h"

#include "security/hex.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SID_HEADER_BYTES     8
#define SID_AUTHORITY_DIGITS 12 /* of the hexadecimal form */

/* MS-DTYP 2.4.2.1: decimal below 2^32, or "0x" and hexadecimal digits. */
static bool parse_authority(struct bytes text, uint64_t *out)
{
    if (bytes_starts_nocase(text, "0x"))
        return hex_to_u64(bytes_skip(text, 2), SID_AUTHORITY_DIGITS, out);
    return bytes_to_u64(text, UINT32_MAX, out) == OK;
}

enum error sid_parse(struct bytes text, struct sid *out)
{
    struct bytes rest = bytes_skip(text, 4);
    struct bytes part;
    struct sid sid = {0};
    uint64_t value;

    /* bytes_next does not show an empty last part, so a dash at the end is looked for by hand. */
    if (!bytes_starts_nocase(text, "S-1-") || text.ptr[text.len - 1] == '-')
        return ERROR_SYNTAX;
    if (!bytes_next(&rest, '-', &part) || !parse_authority(part, &sid.authority))
        return ERROR_SYNTAX;
    while (bytes_next(&rest, '-', &part)) {
        if (sid.count == SID_SUB_AUTHORITY_MAX || bytes_to_u64(part, UINT32_MAX, &value) != OK)
            return ERROR_SYNTAX;
        sid.sub_authorities[sid.count++] = (uint32_t)value;
    }
    if (sid.count == 0)
        return ERROR_SYNTAX;
    *out = sid;
    return OK;
}

enum error sid_decode(struct bytes binary, struct sid *out)
{
    const uint8_t *octets = (const uint8_t *)binary.ptr;
    struct sid sid = {0};

    if (binary.len < SID_HEADER_BYTES || octets[0] != 1)
        return ERROR_SYNTAX;
    sid.count = octets[1];
    if (sid.count == 0 || sid.count > SID_SUB_AUTHORITY_MAX ||
        binary.len != SID_HEADER_BYTES + 4u * sid.count)
        return ERROR_SYNTAX;
    for (size_t i = 0; i < 6; i++)
        sid.authority = sid.authority << 8 | octets[2 + i];
    for (size_t i = 0; i < sid.count; i++) {
        const uint8_t *sub = octets + SID_HEADER_BYTES + 4 * i;

        sid.sub_authorities[i] =
            (uint32_t)sub[0] | (uint32_t)sub[1] << 8 | (uint32_t)sub[2] << 16 | (uint32_t)sub[3] << 24;
    }
    *out = sid;
    return OK;
}

enum error sid_take(struct reader *reader, struct sid *out)
{
    struct bytes head = bytes_first(reader->rest, 2);
    struct bytes binary;

    if (head.len < 2)
        return ERROR_SYNTAX;
    if (!reader_take(reader, SID_HEADER_BYTES + 4u * (uint8_t)head.ptr[1], &binary))
        return ERROR_SYNTAX;
    return sid_decode(binary, out);
}

size_t sid_encode(const struct sid *sid, uint8_t out[68])
{
    assert(sid->count <= SID_SUB_AUTHORITY_MAX);
    out[0] = 1;
    out[1] = sid->count;
    for (size_t i = 0; i < 6; i++)
        out[2 + i] = (uint8_t)(sid->authority >> (40 - 8 * i));
    for (size_t i = 0; i < sid->count; i++) {
        for (size_t octet = 0; octet < 4; octet++)
            out[SID_HEADER_BYTES + 4 * i + octet] = (uint8_t)(sid->sub_authorities[i] >> 8 * octet);
    }
    return SID_HEADER_BYTES + 4u * sid->count;
}

const char *sid_format(const struct sid *sid, char out[SID_TEXT_SIZE])
{
    int len;

    /* At most 18 characters and 15 times 11: it always fits. */
    if (sid->authority <= UINT32_MAX)
        len = snprintf(out, SID_TEXT_SIZE, "S-1-%" PRIu64, sid->authority);
    else
        len = snprintf(out, SID_TEXT_SIZE, "S-1-0x%012" PRIx64, sid->authority);
    for (size_t i = 0; i < sid->count; i++)
        len += snprintf(out + len, SID_TEXT_SIZE - (size_t)len, "-%" PRIu32, sid->sub_authorities[i]);
    return out;
}

bool sid_equal(const struct sid *a, const struct sid *b)
{
    return a->count == b->count && a->authority == b->authority &&
           memcmp(a->sub_authorities, b->sub_authorities, a->count * sizeof(uint32_t)) == 0;
}

int sid_compare(const struct sid *a, const struct sid *b)
{
    if (a->authority != b->authority)
        return a->authority < b->authority ? -1 : 1;
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (a->sub_authorities[i] != b->sub_authorities[i])
            return a->sub_authorities[i] < b->sub_authorities[i] ? -1 : 1;
    }
    return a->count == b->count ? 0 : a->count < b->count ? -1 : 1;
}

uint32_t sid_hash(const struct sid *sid)
{
    const uint64_t multiplier = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = (sid->authority << 4 | sid->count) * multiplier;

    for (size_t i = 0; i < sid->count; i++)
        hash = ((hash ^ hash >> 32) + sid->sub_authorities[i]) * multiplier;
    return (uint32_t)(hash >> 32);
}

bool sid_append(const struct sid *base, uint32_t rid, struct sid *out)
{
    struct sid sid = *base;

    if (sid.count == SID_SUB_AUTHORITY_MAX)
        return false;
    sid.sub_authorities[sid.count++] = rid;
    *out = sid;
    return true;
}

/* Binary form, version 3. Numbers are LEB128 unless said otherwise, texts their length and their bytes:
 *
 *   u8 version · u8 flags · u64le id · arrived_ms · next_attempt_ms (both as two's complement)
 *   attempts · size_bytes · header_bytes · sender · message_id · connector · client · hop
 *   u8 dsn_return · envelope_id · auth
 *   recipient count, then for each: u8 state · address · reply · u8 notify · original
 *   u32le CRC-32 of all before
 *
 * Nothing may follow the checksum, so two envelopes never share a form. Version 2 has no auth. Version 1, of
 * the first release, has neither dsn_return and envelope_id nor notify and original either, and only the
 * first four flags. */
#include "queue/envelope.h"

#include "base/reader.h"
#include "queue/checksum.h"

#include <assert.h>
#include <string.h>

#define VERSION_WITHOUT_AUTH 2
#define VERSION_WITHOUT_DSN  1
#define REPLY_BYTES_MAX      512
#define NUMBER_BYTES_MAX     10
#define CHECKSUM_BYTES       4
/* version, flags, id, five numbers, dsn_return, recipient count, checksum */
#define FIXED_BYTES_MAX (1 + 1 + 8 + 6 * NUMBER_BYTES_MAX + 1 + CHECKSUM_BYTES)
/* A recipient takes at least its state and two lengths: the ceiling of any count the disk may claim. */
#define RECIPIENT_BYTES_MIN 3

enum {
    FLAG_HELD = 1,
    FLAG_BOUNCE = 2,
    FLAG_DELAY_WARNED = 4,
    FLAG_8BITMIME = 8,
    FLAGS_OF_VERSION_1 = FLAG_HELD | FLAG_BOUNCE | FLAG_DELAY_WARNED | FLAG_8BITMIME,
    FLAG_BINARYMIME = 16, /* never beside FLAG_8BITMIME */
    FLAG_CHUNK_ONLY = 32,
    FLAG_UTF8 = 64,
    FLAGS_KNOWN = FLAGS_OF_VERSION_1 | FLAG_BINARYMIME | FLAG_CHUNK_ONLY | FLAG_UTF8,
};

static uint8_t *put_number(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_le(uint8_t *at, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *at++ = (uint8_t)(value >> (8 * i));
    return at;
}

static uint8_t *put_text(uint8_t *at, struct bytes text)
{
    at = put_number(at, text.len);
    if (text.len)
        memcpy(at, text.ptr, text.len);
    return at + text.len;
}

static struct bytes cut_reply(struct bytes reply)
{
    return bytes_first(reply, REPLY_BYTES_MAX);
}

/* The most bytes the form can take; false when that passes the ceiling. */
static bool measure(const struct envelope *envelope, size_t *out_bytes)
{
    const struct bytes texts[] = {envelope->sender, envelope->message_id, envelope->connector,
                                  envelope->client, envelope->hop,        envelope->envelope_id,
                                  envelope->auth};
    size_t total = FIXED_BYTES_MAX;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].len > ENVELOPE_BYTES_MAX)
            return false;
        total += NUMBER_BYTES_MAX + texts[i].len;
    }
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        const struct envelope_recipient *recipient = &envelope->recipients[i];
        if (total > ENVELOPE_BYTES_MAX || recipient->address.len > ENVELOPE_BYTES_MAX ||
            recipient->original.len > ENVELOPE_BYTES_MAX)
            return false;
        total += 2 + 3 * NUMBER_BYTES_MAX + recipient->address.len + cut_reply(recipient->reply).len +
                 recipient->original.len;
    }
    *out_bytes = total;
    return total <= ENVELOPE_BYTES_MAX;
}

static uint8_t flags_of(const struct envelope *envelope)
{
    return (uint8_t)((envelope->is_held ? FLAG_HELD : 0) | (envelope->is_bounce ? FLAG_BOUNCE : 0) |
                     (envelope->delay_warned ? FLAG_DELAY_WARNED : 0) |
                     (envelope->body == BODY_8BITMIME ? FLAG_8BITMIME : 0) |
                     (envelope->body == BODY_BINARYMIME ? FLAG_BINARYMIME : 0) |
                     (envelope->is_chunk_only ? FLAG_CHUNK_ONLY : 0) |
                     (envelope->needs_utf8 ? FLAG_UTF8 : 0));
}

static uint8_t *put_recipient(uint8_t *at, const struct envelope_recipient *recipient)
{
    *at++ = (uint8_t)recipient->state;
    at = put_text(at, recipient->address);
    at = put_text(at, cut_reply(recipient->reply));
    *at++ = recipient->notify;
    return put_text(at, recipient->original);
}

enum error envelope_encode(const struct envelope *envelope, struct buffer *out)
{
    size_t needed;
    enum error error;
    uint8_t *start;
    uint8_t *at;

    if (envelope->header_bytes > envelope->size_bytes)
        return ERROR_SYNTAX; /* decoding would refuse it, after the sender was told 250 */
    if (!measure(envelope, &needed))
        return ERROR_LIMIT;
    error = buffer_reserve(out, needed);
    if (error)
        return error;
    start = at = (uint8_t *)out->ptr + out->len;
    *at++ = ENVELOPE_VERSION;
    *at++ = flags_of(envelope);
    at = put_le(at, envelope->id, 8);
    at = put_number(at, (uint64_t)envelope->arrived_ms);
    at = put_number(at, (uint64_t)envelope->next_attempt_ms);
    at = put_number(at, envelope->attempts);
    at = put_number(at, envelope->size_bytes);
    at = put_number(at, envelope->header_bytes);
    at = put_text(at, envelope->sender);
    at = put_text(at, envelope->message_id);
    at = put_text(at, envelope->connector);
    at = put_text(at, envelope->client);
    at = put_text(at, envelope->hop);
    *at++ = (uint8_t)envelope->dsn_return;
    at = put_text(at, envelope->envelope_id);
    at = put_text(at, envelope->auth);
    at = put_number(at, envelope->recipient_count);
    for (size_t i = 0; i < envelope->recipient_count; i++)
        at = put_recipient(at, &envelope->recipients[i]);
    at =
        put_le(at, checksum_crc32((struct bytes){(const char *)start, (size_t)(at - start)}), CHECKSUM_BYTES);
    assert((size_t)(at - start) <= needed);
    out->len += (size_t)(at - start);
    return OK;
}

/* The shortest form only, so that decoding and encoding again gives the same bytes. */
static bool take_number(struct reader *reader, uint64_t *out)
{
    uint64_t value = 0;

    for (int shift = 0; shift < 64; shift += 7) {
        uint8_t byte;
        if (!reader_u8(reader, &byte) || (shift == 63 && byte > 1))
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return byte != 0 || shift == 0;
        }
    }
    return false;
}

static bool take_text(struct reader *reader, struct bytes *out)
{
    uint64_t len;

    return take_number(reader, &len) && len <= reader->rest.len && reader_take(reader, (size_t)len, out);
}

static bool take_time(struct reader *reader, int64_t *out)
{
    uint64_t value;

    if (!take_number(reader, &value))
        return false;
    *out = (int64_t)value;
    return true;
}

static bool take_flags(struct reader *reader, uint8_t version, struct envelope *out)
{
    uint8_t flags;
    int known = version == VERSION_WITHOUT_DSN ? FLAGS_OF_VERSION_1 : FLAGS_KNOWN;

    if (!reader_u8(reader, &flags) || (flags & ~known) ||
        ((flags & FLAG_8BITMIME) && (flags & FLAG_BINARYMIME)))
        return false;
    out->is_held = flags & FLAG_HELD;
    out->is_bounce = flags & FLAG_BOUNCE;
    out->delay_warned = flags & FLAG_DELAY_WARNED;
    out->body = flags & FLAG_BINARYMIME ? BODY_BINARYMIME : flags & FLAG_8BITMIME ? BODY_8BITMIME : BODY_7BIT;
    out->is_chunk_only = flags & FLAG_CHUNK_ONLY;
    out->needs_utf8 = flags & FLAG_UTF8;
    return true;
}

static bool take_dsn(struct reader *reader, uint8_t version, struct envelope *out)
{
    uint8_t dsn_return;

    if (version == VERSION_WITHOUT_DSN)
        return true;
    if (!reader_u8(reader, &dsn_return) || dsn_return > RETURN_HEADERS ||
        !take_text(reader, &out->envelope_id))
        return false;
    out->dsn_return = (enum dsn_return)dsn_return;
    return true;
}

/* Who cannot say whose a message is vouches for nobody. */
static bool take_auth(struct reader *reader, uint8_t version, struct envelope *out)
{
    out->auth = BYTES_LITERAL("<>");
    return version <= VERSION_WITHOUT_AUTH || take_text(reader, &out->auth);
}

static bool take_head(struct reader *reader, uint8_t *out_version, struct envelope *out)
{
    uint64_t attempts;

    if (!reader_u8(reader, out_version) || *out_version < VERSION_WITHOUT_DSN ||
        *out_version > ENVELOPE_VERSION || !take_flags(reader, *out_version, out) ||
        !reader_u64_le(reader, &out->id) || !take_time(reader, &out->arrived_ms) ||
        !take_time(reader, &out->next_attempt_ms) || !take_number(reader, &attempts) ||
        attempts > UINT32_MAX || !take_number(reader, &out->size_bytes) ||
        !take_number(reader, &out->header_bytes) || out->header_bytes > out->size_bytes)
        return false;
    out->attempts = (uint32_t)attempts;
    return take_text(reader, &out->sender) && take_text(reader, &out->message_id) &&
           take_text(reader, &out->connector) && take_text(reader, &out->client) &&
           take_text(reader, &out->hop) && take_dsn(reader, *out_version, out) &&
           take_auth(reader, *out_version, out);
}

static bool take_recipient(struct reader *reader, uint8_t version, struct envelope_recipient *out)
{
    uint8_t state;

    if (!reader_u8(reader, &state) || state > RECIPIENT_FAILED || !take_text(reader, &out->address) ||
        !take_text(reader, &out->reply) || out->reply.len > REPLY_BYTES_MAX)
        return false;
    out->state = (enum recipient_state)state;
    out->notify = 0;
    out->original = (struct bytes){0};
    return version == VERSION_WITHOUT_DSN || (reader_u8(reader, &out->notify) && out->notify <= NOTIFY_ALL &&
                                              take_text(reader, &out->original));
}

static bool has_valid_checksum(struct bytes binary)
{
    struct reader tail = reader_of(bytes_skip(binary, binary.len - CHECKSUM_BYTES));
    uint32_t stored;

    return reader_u32_le(&tail, &stored) &&
           stored == checksum_crc32(bytes_first(binary, binary.len - CHECKSUM_BYTES));
}

enum error envelope_decode(struct bytes binary, struct arena *arena, struct envelope *out)
{
    struct envelope envelope = {0};
    struct reader reader;
    struct bytes copy;
    uint8_t version;
    uint64_t count;

    if (binary.len <= CHECKSUM_BYTES || binary.len > ENVELOPE_BYTES_MAX || !has_valid_checksum(binary))
        return ERROR_SYNTAX;
    /* One copy of the whole: every text then is a run of it. */
    copy = arena_copy(arena, bytes_first(binary, binary.len - CHECKSUM_BYTES));
    if (!copy.ptr)
        return ERROR_LIMIT;
    reader = reader_of(copy);
    if (!take_head(&reader, &version, &envelope) || !take_number(&reader, &count) ||
        count > reader.rest.len / RECIPIENT_BYTES_MIN)
        return ERROR_SYNTAX;
    envelope.recipient_count = (size_t)count;
    envelope.recipients = arena_array(arena, envelope.recipient_count, sizeof(*envelope.recipients));
    if (!envelope.recipients)
        return ERROR_LIMIT;
    for (size_t i = 0; i < envelope.recipient_count; i++) {
        if (!take_recipient(&reader, version, &envelope.recipients[i]))
            return ERROR_SYNTAX;
    }
    if (!reader_is_done(&reader))
        return ERROR_SYNTAX;
    *out = envelope;
    return OK;
}

static bool copy_text(struct arena *arena, struct bytes *text)
{
    *text = arena_copy(arena, *text);
    return text->ptr != NULL;
}

enum error envelope_copy(const struct envelope *envelope, struct arena *arena, struct envelope *out)
{
    struct envelope copy = *envelope;

    copy.recipients = arena_array(arena, copy.recipient_count, sizeof(*copy.recipients));
    if (!copy.recipients || !copy_text(arena, &copy.sender) || !copy_text(arena, &copy.message_id) ||
        !copy_text(arena, &copy.connector) || !copy_text(arena, &copy.client) ||
        !copy_text(arena, &copy.hop) || !copy_text(arena, &copy.envelope_id) || !copy_text(arena, &copy.auth))
        return ERROR_LIMIT;
    for (size_t i = 0; i < copy.recipient_count; i++) {
        copy.recipients[i] = envelope->recipients[i];
        if (!copy_text(arena, &copy.recipients[i].address) || !copy_text(arena, &copy.recipients[i].reply) ||
            !copy_text(arena, &copy.recipients[i].original))
            return ERROR_LIMIT;
    }
    *out = copy;
    return OK;
}

bool envelope_recipient_wants(const struct envelope_recipient *recipient, enum notify event)
{
    uint8_t notify = recipient->notify ? recipient->notify : NOTIFY_FAILURE | NOTIFY_DELAY;

    return notify & event;
}

bool envelope_is_finished(const struct envelope *envelope)
{
    for (size_t i = 0; i < envelope->recipient_count; i++) {
        if (envelope->recipients[i].state == RECIPIENT_PENDING)
            return false;
    }
    return true;
}

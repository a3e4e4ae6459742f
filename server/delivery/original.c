#include "delivery/delivery_internal.h"

#include "mail/hop_count.h"
#include "policy/header_firewall.h"

#define HEADER_MAX (64u << 20)

/* So many bytes from the offset on, as the spool has them, into an empty buffer. */
static enum error read_part(struct message *message, uint64_t offset, uint64_t wanted, struct buffer *out)
{
    struct spool *spool = message->delivery->config.spool;
    enum error error = wanted > HEADER_MAX ? ERROR_LIMIT : buffer_reserve(out, (size_t)wanted);
    while (!error && out->len < wanted) {
        size_t len = 0;
        error = spool->ops->read(spool, message->id, offset + out->len, out->ptr + out->len,
                                 (size_t)wanted - out->len, &len);
        if (!error && len == 0)
            error = ERROR_IO; /* shorter than its envelope says */
        out->len += len;
    }
    return error;
}

static bool is_hop_count(const struct header_field *field, void *owner)
{
    (void)owner;
    return hop_count_is_field(field);
}

/* The next relay would begin to count anew where the firewall takes Received away: a loop would never end. */
static enum error filter(struct bytes block, uint32_t rights, struct bytes host, struct buffer *out)
{
    if (rights & RIGHT_BIT(RIGHT_SEND_HEADERS_ROUTING))
        return header_firewall_outbound(block, rights, host, out, NULL);
    struct buffer filtered;
    buffer_init(&filtered, HEADER_MAX);
    enum error error = header_firewall_outbound(block, rights, host, &filtered, NULL);
    if (!error)
        header_remove(buffer_bytes(&filtered), is_hop_count, NULL, out, &error);
    buffer_done(&filtered);
    return error ? error : hop_count_append(out, hop_count(block));
}

/* The header block's fields: without its empty line. */
static struct bytes without_end(struct bytes block)
{
    return bytes_first(block, block.len < 2 ? 0 : block.len - 2);
}

enum error original_header(struct message *message, uint32_t rights, struct bytes host, struct buffer *out)
{
    struct buffer whole;
    buffer_init(&whole, HEADER_MAX);
    enum error error = read_part(message, 0, message->envelope.header_bytes, &whole);
    if (!error)
        error = filter(without_end(buffer_bytes(&whole)), rights, host, out);
    buffer_done(&whole);
    return error;
}

enum error original_content(struct message *message, uint32_t rights, struct bytes host, struct buffer *out,
                            uint64_t *out_rest)
{
    const struct envelope *envelope = &message->envelope;
    bool is_small = envelope->size_bytes <= SPOOL_INLINE_MAX;
    struct buffer whole;
    buffer_init(&whole, HEADER_MAX);
    *out_rest = is_small ? envelope->size_bytes : envelope->header_bytes;
    enum error error = read_part(message, 0, *out_rest, &whole);
    struct bytes block = bytes_first(buffer_bytes(&whole), (size_t)envelope->header_bytes);
    if (!error)
        error = filter(without_end(block), rights, host, out);
    if (!error)
        error = buffer_append(out, BYTES_LITERAL("\r\n"));
    if (!error)
        error = buffer_append(out, bytes_skip(buffer_bytes(&whole), block.len));
    buffer_done(&whole);
    return error;
}

enum error original_body(struct message *message, struct buffer *out)
{
    const struct envelope *envelope = &message->envelope;
    return read_part(message, envelope->header_bytes, envelope->size_bytes - envelope->header_bytes, out);
}

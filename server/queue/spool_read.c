#include "queue/spool_durable.h"

#include <string.h>

/* What one transaction of a walk copies out. */
#define WALK_BYTES (64u << 10)

enum error spool_read_decode(struct spool_durable *spool, uint64_t id, struct bytes binary,
                             struct arena *arena, struct envelope *out)
{
    struct envelope envelope;
    enum error error = envelope_decode(binary, arena, &envelope);

    if (error == ERROR_LIMIT)
        return ERROR_TEMPORARY; /* our memory, not its fault */
    if (error || envelope.id != id) {
        spool_writer_quarantine(&spool->writer, id, "the envelope cannot be read");
        return ERROR_NOT_FOUND;
    }
    *out = envelope;
    return OK;
}

enum error spool_read_envelope(struct spool *spool, uint64_t id, struct arena *arena, struct envelope *out)
{
    struct spool_durable *durable = spool_durable_of(spool);
    struct buffer binary;
    enum error error;

    buffer_init(&binary, ENVELOPE_BYTES_MAX);
    error = spool_store_read_envelope(durable->store, id, &binary);
    if (!error)
        error = spool_read_decode(durable, id, buffer_bytes(&binary), arena, out);
    buffer_done(&binary);
    return error;
}

enum error spool_read_content(struct spool *spool, uint64_t id, uint64_t offset, char *out, size_t size,
                              size_t *out_len)
{
    struct spool_durable *durable = spool_durable_of(spool);
    enum spool_place place;
    uint64_t file_bytes;
    const char *flaw = NULL;
    enum error error;

    if (spool_cache_read(&durable->cache, id, offset, out, size, out_len))
        return OK;
    error = spool_store_read_content(durable->store, id, offset, out, size, out_len, &place, &file_bytes);
    if (error || place == SPOOL_PLACE_DATABASE)
        return error;
    error = ERROR_IO;
    if (place == SPOOL_PLACE_NONE)
        flaw = "there is no content";
    else
        error = spool_files_read(&durable->files, id, file_bytes, offset, out, size, out_len, &flaw);
    if (flaw)
        spool_writer_quarantine(&durable->writer, id, flaw);
    return error;
}

/* Calls for each record of the run; the id after the last one told goes to *first. */
static enum error tell_records(struct spool_durable *spool, struct bytes records, uint64_t *first,
                               bool (*each)(void *owner, const struct envelope *envelope), void *owner,
                               bool *goes_on)
{
    while (*goes_on && records.len > 0) {
        struct envelope envelope;
        struct arena arena;
        uint64_t id;
        uint32_t len;
        enum error error;

        memcpy(&id, records.ptr, sizeof(id));
        memcpy(&len, records.ptr + sizeof(id), sizeof(len));
        records = bytes_skip(records, sizeof(id) + sizeof(len));
        arena_init(&arena, SPOOL_ENVELOPE_ARENA_MAX);
        error = spool_read_decode(spool, id, bytes_first(records, len), &arena, &envelope);
        if (!error)
            *goes_on = each(owner, &envelope);
        arena_done(&arena);
        if (error && error != ERROR_NOT_FOUND)
            return error;
        records = bytes_skip(records, len);
        *first = id + 1;
    }
    return OK;
}

enum error spool_read_each(struct spool *spool, uint64_t first,
                           bool (*each)(void *owner, const struct envelope *envelope), void *owner)
{
    struct spool_durable *durable = spool_durable_of(spool);
    struct buffer records;
    bool goes_on = true;
    enum error error;

    buffer_init(&records, WALK_BYTES + 2 * (size_t)ENVELOPE_BYTES_MAX);
    do {
        buffer_clear(&records);
        error = spool_store_walk(durable->store, first, WALK_BYTES, &records);
        if (!error)
            error = tell_records(durable, buffer_bytes(&records), &first, each, owner, &goes_on);
    } while (!error && goes_on && records.len > 0);
    buffer_done(&records);
    return error;
}

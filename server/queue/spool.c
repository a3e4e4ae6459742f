#include "queue/spool.h"

#include "base/event.h"
#include "queue/spool_durable.h"

#include <stdlib.h>

#define BODY_WORKERS 4
/* A body has one job at a time: this is a bound on bodies, which sessions bound already. */
#define BODY_QUEUE (1u << 20)
/* Deleting writes new pages before it frees old ones: some room is kept even where nobody asked for a
 * reserve. */
#define RESERVE_BYTES_MIN (16u << 20)
#define CACHE_BYTES       (16u << 20)

static enum spool_health ask_health(const struct spool *spool)
{
    const struct spool_durable *durable = spool_durable_of(spool);

    if (atomic_load(&durable->is_degraded))
        return SPOOL_DEGRADED;
    return atomic_load(&durable->is_full) ? SPOOL_FULL : SPOOL_READY;
}

static uint64_t ask_count(const struct spool *spool)
{
    return atomic_load(&spool_durable_of(spool)->count);
}

/* The answer to an update, on the listening loop. */
struct update {
    struct spool_request request;
    struct mail answer;
    struct loop *loop;
    void (*on_done)(void *owner, enum error error);
    void *owner;
};

static void free_update(struct update *update)
{
    buffer_done(&update->request.envelope);
    free(update);
}

static void on_update_answer(struct mail *mail)
{
    struct update *update = list_entry(mail, struct update, answer);

    update->on_done(update->owner, update->request.result);
    free_update(update);
}

static void answer_update(struct spool_request *request)
{
    struct update *update = list_entry(request, struct update, request);

    if (!mailbox_post(update->loop, &update->answer))
        free_update(update);
}

static void update_message(struct spool *spool, const struct envelope *envelope, bool remove,
                           void (*on_done)(void *owner, enum error error), void *owner)
{
    struct spool_durable *durable = spool_durable_of(spool);
    struct update *update = calloc(1, sizeof(*update));

    /* Without memory for the answer there is nobody to tell; what is stored is whole at every instant. */
    if (!update || !durable->audience.loop)
        abort();
    update->loop = durable->audience.loop;
    update->on_done = on_done;
    update->owner = owner;
    update->answer.on_mail = on_update_answer;
    update->request.kind = remove ? SPOOL_REQUEST_REMOVE : SPOOL_REQUEST_UPDATE;
    update->request.id = envelope->id;
    update->request.answer = answer_update;
    buffer_init(&update->request.envelope, ENVELOPE_BYTES_MAX);
    if (remove || envelope_encode(envelope, &update->request.envelope) == OK) {
        spool_writer_ask(&durable->writer, &update->request);
    } else {
        update->request.result = ERROR_TEMPORARY;
        answer_update(&update->request);
    }
}

/* Of an open store: the ids given out so far end here. */
static enum error store_next_id(struct spool_durable *spool, uint64_t next_id)
{
    enum error error = spool_store_begin(spool->store);

    if (!error)
        error = spool_store_set_next_id(spool->store, next_id);
    if (!error)
        return spool_store_commit(spool->store);
    spool_store_abort(spool->store);
    return error;
}

static void close_spool(struct spool *spool)
{
    struct spool_durable *durable = spool_durable_of(spool);
    bool was_running = durable->writer.is_started;

    jobs_free(durable->jobs);
    spool_writer_stop(&durable->writer);
    /* Best effort: without it the next run skips some ids. */
    if (was_running && !atomic_load(&durable->is_degraded) &&
        store_next_id(durable, atomic_load(&durable->next_id)) != OK)
        event_say(EVENT_WARNING, "spool.close", "the last id could not be stored");
    spool_audience_done(&durable->audience);
    spool_cache_done(&durable->cache);
    spool_store_close(durable->store);
    spool_files_close(&durable->files);
    spool_lock_drop(&durable->lock);
    free(durable);
}

static const struct spool_ops durable_ops = {
    .begin = spool_message_begin,
    .message_id = spool_message_id,
    .append = spool_message_append,
    .on_ready = spool_message_on_ready,
    .commit = spool_message_commit,
    .commit_forget = spool_message_commit_forget,
    .abort = spool_message_abort,
    .listen = spool_audience_listen,
    .update = update_message,
    .read_envelope = spool_read_envelope,
    .read = spool_read_content,
    .each = spool_read_each,
    .health = ask_health,
    .count = ask_count,
    .close = close_spool,
};

static enum error owns_file(void *owner, uint64_t id, bool *out_owns)
{
    struct spool_durable *spool = owner;

    return spool_store_owns_file(spool->store, id, out_owns);
}

static enum error read_state(struct spool_durable *spool, struct note *note)
{
    uint64_t next_id;
    uint64_t count;
    enum error error = spool_store_next_id(spool->store, &next_id);

    if (!error)
        error = spool_store_count(spool->store, &count);
    if (!error)
        error = store_next_id(spool, next_id + SPOOL_IDS_RESERVED);
    if (error) {
        note_set(note, "the database cannot be read or written");
        return ERROR_IO;
    }
    atomic_store(&spool->next_id, next_id);
    atomic_store(&spool->id_ceiling, next_id + SPOOL_IDS_RESERVED);
    atomic_store(&spool->count, count);
    return OK;
}

static uint64_t choose_reserve(const struct spool_config *config)
{
    uint64_t least = config->map_bytes ? config->map_bytes / 8 : RESERVE_BYTES_MIN;

    if (least > RESERVE_BYTES_MIN)
        least = RESERVE_BYTES_MIN;
    return config->reserve_bytes > least ? config->reserve_bytes : least;
}

static enum error open_parts(struct spool_durable *spool, const struct spool_config *config,
                             struct note *note)
{
    struct spool_store_config store = {
        .directory = config->directory,
        .map_bytes = config->map_bytes,
        .system = spool->system,
    };
    enum error error = spool_lock_take(config->directory, &spool->lock, note);

    if (error)
        return error;
    store.directory_descriptor = spool->lock.directory;
    error = spool_files_open(spool->lock.directory, spool->system, &spool->files, note);
    if (!error)
        error = spool_store_open(&store, &spool->store, note);
    if (!error)
        error = spool_files_sweep(&spool->files, owns_file, spool, note);
    if (!error)
        error = read_state(spool, note);
    if (!error)
        error = jobs_new("spool-body", BODY_WORKERS, BODY_QUEUE, &spool->jobs);
    if (!error)
        error = spool_writer_start(&spool->writer, spool, choose_reserve(config));
    return error;
}

enum error spool_open_over(const struct spool_config *config, const struct spool_system *system,
                           struct spool **out, struct note *note)
{
    struct spool_durable *spool = calloc(1, sizeof(*spool));
    enum error error;

    if (!spool)
        return ERROR_TEMPORARY;
    spool->spool.ops = &durable_ops;
    spool->system = system;
    spool->lock = (struct spool_lock){-1, -1};
    spool->files.bodies = spool->files.quarantine = -1;
    spool_cache_init(&spool->cache, CACHE_BYTES);
    spool_audience_init(&spool->audience, spool);
    error = open_parts(spool, config, note);
    if (error)
        close_spool(&spool->spool);
    else
        *out = &spool->spool;
    return error;
}

enum error spool_open(const struct spool_config *config, struct spool **out, struct note *note)
{
    return spool_open_over(config, &spool_system_real, out, note);
}

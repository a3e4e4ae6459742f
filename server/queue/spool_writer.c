/* One turn of the thread:
 *
 *   take all that waits -> bring the store back if it failed -> batches -> measure the room
 *
 * A batch: put everything -> commit -> cache, tell the listener, answer, unlink what was removed.
 *   map full: the transaction is dropped, new messages are answered TEMPORARY, the rest is tried without
 * them. anything else: the store is closed and opened again, the new messages of the batch are removed from
 * it (a commit that failed may show up all the same), and only then does the batch hear TEMPORARY. */
#include "queue/spool_writer.h"

#include "base/event.h"
#include "queue/spool_durable.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH_BYTES_MAX (32u << 20)
/* Between two attempts to bring the store back, and between two looks at a full disk. */
#define RETRY_MS 250
/* How often the room is looked at while there is nothing to do: others fill disks too. */
#define MEASURE_MS 2000

static enum error put_one(struct spool_store *store, struct spool_request *request)
{
    struct bytes envelope = buffer_bytes(&request->envelope);

    switch (request->kind) {
    case SPOOL_REQUEST_ADD:
        return spool_store_add(store, request->id, envelope, buffer_bytes(&request->content));
    case SPOOL_REQUEST_ADD_FILE:
        return spool_store_add_file(store, request->id, envelope, request->file_bytes);
    case SPOOL_REQUEST_UPDATE:
        return spool_store_update(store, request->id, envelope);
    case SPOOL_REQUEST_REMOVE:
        return spool_store_remove(store, request->id, &request->had_file);
    case SPOOL_REQUEST_QUARANTINE:
        return spool_store_quarantine(store, request->id, request->reason, &request->had_file);
    case SPOOL_REQUEST_LISTEN:
        break;
    }
    assert(false); /* never part of a batch */
    return ERROR_IO;
}

/* Any error but "no such id": the transaction must be dropped. */
static enum error put_batch(struct spool_store *store, struct spool_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        enum error error = batch->requests[i]->result = put_one(store, batch->requests[i]);
        if (error && error != ERROR_NOT_FOUND)
            return error;
    }
    return OK;
}

/* One transaction. ERROR_LIMIT: it was dropped and nothing changed. Any other error: nothing is known. */
static enum error store_batches(struct spool_writer *writer, bool with_adds)
{
    struct spool_durable *spool = writer->spool;
    uint64_t ceiling = atomic_load(&spool->next_id) + SPOOL_IDS_RESERVED;
    enum error error = spool_store_begin(spool->store);

    if (error)
        return error;
    if (with_adds)
        error = put_batch(spool->store, &writer->adds);
    if (!error)
        error = put_batch(spool->store, &writer->changes);
    if (!error && writer->must_raise_ids)
        error = spool_store_set_next_id(spool->store, ceiling);
    if (error) {
        spool_store_abort(spool->store);
        return error;
    }
    if (spool_store_commit(spool->store) != OK)
        return ERROR_IO;
    if (writer->must_raise_ids)
        atomic_store(&spool->id_ceiling, ceiling);
    writer->must_raise_ids = false;
    return OK;
}

static void set_full(struct spool_durable *spool, bool is_full)
{
    if (atomic_exchange(&spool->is_full, is_full) == is_full)
        return;
    if (is_full)
        event_say(EVENT_WARNING, "spool.full", "the room left is below the reserve: no new mail is taken");
    else
        event_say(EVENT_INFO, "spool.ready", "there is room again");
}

/* Opens the store again and removes what must not be in it. False: later. */
static bool recover(struct spool_writer *writer)
{
    struct spool_durable *spool = writer->spool;
    struct note note = {0};
    uint64_t count;
    enum error error = spool_store_reopen(spool->store, &note);

    if (!error)
        error = spool_store_begin(spool->store);
    for (size_t i = 0; !error && i < writer->doubtful_count; i++) {
        bool had_file;
        error = spool_store_remove(spool->store, writer->doubtful[i], &had_file);
        if (error == ERROR_NOT_FOUND)
            error = OK;
    }
    /* Written in any case: a commit without a change would not test the disk. */
    if (!error)
        error = spool_store_set_next_id(spool->store, atomic_load(&spool->id_ceiling));
    if (error)
        spool_store_abort(spool->store);
    else
        error = spool_store_commit(spool->store);
    if (!error)
        error = spool_store_count(spool->store, &count);
    if (error)
        return false;
    for (size_t i = 0; i < writer->doubtful_count; i++)
        spool_files_remove(&spool->files, writer->doubtful[i]);
    writer->doubtful_count = 0;
    writer->must_recover = false;
    atomic_store(&spool->count, count);
    atomic_store(&spool->is_degraded, false);
    event_say(EVENT_WARNING, "spool.recovered", "the store is back");
    return true;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Often enough, and not with every request that comes meanwhile. */
static void try_recovery(struct spool_writer *writer)
{
    if (now_ms() < writer->recover_at_ms || recover(writer))
        return;
    writer->recover_at_ms = now_ms() + RETRY_MS;
}

static void begin_recovery(struct spool_writer *writer)
{
    atomic_store(&writer->spool->is_degraded, true);
    writer->must_recover = true;
    for (size_t i = 0; i < writer->adds.count; i++)
        writer->doubtful[writer->doubtful_count++] = writer->adds.requests[i]->id;
    event_say(EVENT_ERROR, "spool.degraded", "a commit failed: no new mail is taken until the store is back");
    try_recovery(writer);
}

static void fail_batch(struct spool_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->requests[i]->result = ERROR_TEMPORARY;
}

static bool is_doubtful(const struct spool_writer *writer, uint64_t id)
{
    for (size_t i = 0; i < writer->doubtful_count; i++) {
        if (writer->doubtful[i] == id)
            return true;
    }
    return false;
}

static void say_quarantined(const struct spool_request *request)
{
    struct event event;

    event_begin(&event, EVENT_ERROR, "spool.quarantined");
    event_number(&event, "id", (int64_t)request->id);
    event_text(&event, "reason", request->reason);
    event_end(&event, true);
}

/* What follows a request that is durable now. */
static void settle(struct spool_durable *spool, struct spool_request *request)
{
    switch (request->kind) {
    case SPOOL_REQUEST_ADD:
    case SPOOL_REQUEST_ADD_FILE:
        atomic_fetch_add(&spool->count, 1);
        if (request->kind == SPOOL_REQUEST_ADD)
            spool_cache_put(&spool->cache, request->id, &request->content);
        spool_audience_add(&spool->audience, request);
        break;
    case SPOOL_REQUEST_REMOVE:
        spool_cache_remove(&spool->cache, request->id);
        if (request->had_file)
            spool_files_remove(&spool->files, request->id);
        atomic_fetch_sub(&spool->count, request->result == OK);
        request->result = OK; /* gone already is gone */
        break;
    case SPOOL_REQUEST_QUARANTINE:
        if (request->result != OK)
            break;
        spool_cache_remove(&spool->cache, request->id);
        if (request->had_file)
            spool_files_quarantine(&spool->files, request->id);
        atomic_fetch_sub(&spool->count, 1);
        say_quarantined(request);
        break;
    case SPOOL_REQUEST_UPDATE:
    case SPOOL_REQUEST_LISTEN:
        break;
    }
}

static void answer_batch(struct spool_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->requests[i]->answer(batch->requests[i]);
    batch->count = 0;
}

/* New messages first: their clients wait, and unlinking a large body takes time. */
static void finish_batches(struct spool_writer *writer)
{
    struct spool_durable *spool = writer->spool;

    for (size_t i = 0; i < writer->adds.count; i++) {
        struct spool_request *request = writer->adds.requests[i];
        if (request->result == OK)
            settle(spool, request);
        else if (request->kind == SPOOL_REQUEST_ADD_FILE && !is_doubtful(writer, request->id))
            spool_files_remove(&spool->files, request->id);
    }
    spool_audience_tell(&spool->audience);
    answer_batch(&writer->adds);
    for (size_t i = 0; i < writer->changes.count; i++) {
        struct spool_request *request = writer->changes.requests[i];
        if (request->result == OK || request->result == ERROR_NOT_FOUND)
            settle(spool, request);
    }
    answer_batch(&writer->changes);
}

static void run_batches(struct spool_writer *writer)
{
    enum error error = ERROR_IO;

    if (!writer->must_recover) {
        error = store_batches(writer, true);
        if (error == ERROR_LIMIT) {
            set_full(writer->spool, true);
            error = store_batches(writer, false);
            fail_batch(&writer->adds);
        }
        if (error && error != ERROR_LIMIT)
            begin_recovery(writer);
    }
    if (error) {
        fail_batch(&writer->adds);
        fail_batch(&writer->changes);
    }
    finish_batches(writer);
}

static void measure_room(struct spool_writer *writer)
{
    struct spool_durable *spool = writer->spool;
    uint64_t room;
    /* A quarter above the reserve before mail is taken again, so that one message more does not close the
     * door again. */
    uint64_t wanted = writer->reserve_bytes + (atomic_load(&spool->is_full) ? writer->reserve_bytes / 4 : 0);

    if (spool_store_room(spool->store, 2 * writer->reserve_bytes, &room) == OK)
        set_full(spool, room < wanted);
}

static void serve_listener(struct spool_writer *writer)
{
    if (writer->listen && !writer->must_recover && spool_audience_begin(&writer->spool->audience) == OK)
        writer->listen = NULL;
}

/* Nearly sorted as they come: each moves past the few that overtook it. */
static void add_sorted(struct spool_batch *batch, struct spool_request *request)
{
    size_t place = batch->count++;

    for (; place > 0 && batch->requests[place - 1]->id > request->id; place--)
        batch->requests[place] = batch->requests[place - 1];
    batch->requests[place] = request;
}

/* Everything of the list, in as many transactions as it takes. */
static void run_list(struct spool_writer *writer, struct spool_request *list)
{
    size_t bytes = 0;

    while (list) {
        struct spool_request *request = list;
        bool is_add = request->kind == SPOOL_REQUEST_ADD || request->kind == SPOOL_REQUEST_ADD_FILE;
        list = list->next;
        if (request->kind == SPOOL_REQUEST_LISTEN)
            writer->listen = request;
        else if (is_add)
            add_sorted(&writer->adds, request);
        else
            writer->changes.requests[writer->changes.count++] = request;
        bytes += request->envelope.len + request->content.len;
        if (writer->adds.count + writer->changes.count == SPOOL_BATCH_MAX || bytes >= BATCH_BYTES_MAX ||
            writer->listen == request) {
            run_batches(writer);
            serve_listener(writer);
            bytes = 0;
        }
    }
    if (writer->adds.count || writer->changes.count || (writer->must_raise_ids && !writer->must_recover))
        run_batches(writer);
}

/* Under the mutex. Not for ever: with something to try again, or to look at the room. */
static void wait_for_work(struct spool_writer *writer)
{
    bool must_retry = writer->must_recover || writer->listen || atomic_load(&writer->spool->is_full);
    long wait_ms = must_retry ? RETRY_MS : MEASURE_MS;
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    while (!writer->first && !writer->wants_ids && !writer->is_ending) {
        if (pthread_cond_timedwait(&writer->work_came, &writer->mutex, &until) == ETIMEDOUT)
            return;
    }
}

static void *run(void *argument)
{
    struct spool_writer *writer = argument;
    bool is_ending = false;

    pthread_setname_np(pthread_self(), "spool");
    while (!is_ending) {
        struct spool_request *list;
        pthread_mutex_lock(&writer->mutex);
        wait_for_work(writer);
        list = writer->first;
        writer->first = NULL;
        writer->last = &writer->first;
        writer->must_raise_ids |= writer->wants_ids;
        writer->wants_ids = false;
        is_ending = writer->is_ending;
        pthread_mutex_unlock(&writer->mutex);
        if (writer->must_recover)
            try_recovery(writer);
        serve_listener(writer);
        run_list(writer, list);
        measure_room(writer);
    }
    return NULL;
}

enum error spool_writer_start(struct spool_writer *writer, struct spool_durable *spool,
                              uint64_t reserve_bytes)
{
    pthread_condattr_t attributes;

    writer->spool = spool;
    writer->reserve_bytes = reserve_bytes;
    writer->last = &writer->first;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->work_came, &attributes);
    pthread_condattr_destroy(&attributes);
    measure_room(writer);
    if (pthread_create(&writer->thread, NULL, run, writer) != 0)
        return ERROR_TEMPORARY;
    writer->is_started = true;
    return OK;
}

void spool_writer_stop(struct spool_writer *writer)
{
    if (!writer->is_started)
        return;
    pthread_mutex_lock(&writer->mutex);
    writer->is_ending = true;
    pthread_cond_signal(&writer->work_came);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);
    pthread_cond_destroy(&writer->work_came);
    pthread_mutex_destroy(&writer->mutex);
    writer->is_started = false;
}

void spool_writer_ask(struct spool_writer *writer, struct spool_request *request)
{
    bool is_first;

    request->next = NULL;
    pthread_mutex_lock(&writer->mutex);
    is_first = !writer->first;
    *writer->last = request;
    writer->last = &request->next;
    pthread_mutex_unlock(&writer->mutex);
    if (is_first)
        pthread_cond_signal(&writer->work_came);
}

void spool_writer_want_ids(struct spool_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->wants_ids = true;
    pthread_mutex_unlock(&writer->mutex);
    pthread_cond_signal(&writer->work_came);
}

static void free_request(struct spool_request *request)
{
    free(request);
}

void spool_writer_quarantine(struct spool_writer *writer, uint64_t id, const char *reason)
{
    struct spool_request *request = calloc(1, sizeof(*request));

    if (!request)
        return; /* it stays unreadable and is met again */
    request->kind = SPOOL_REQUEST_QUARANTINE;
    request->id = id;
    request->reason = reason;
    request->answer = free_request;
    spool_writer_ask(writer, request);
}

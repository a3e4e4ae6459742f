#include "queue/spool_body.h"

#include "base/event.h"
#include "queue/spool_durable.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What a caller that does not wait when told to may still add, before its message is given up. */
#define OVERRUN_BYTES (8u << 20)

static void on_work_done(struct job *job);

/* -- on a thread of the pool -- */

static bool write_chunk(struct spool_body *body)
{
    const struct spool_files *files = &body->spool->files;

    if (!body->is_made) {
        body->file = spool_files_create(files, body->id);
        body->is_made = body->file >= 0;
    }
    return body->file >= 0 &&
           spool_files_write(files, body->file, body->offset, buffer_bytes(&body->writing));
}

static void fail(struct spool_body *body)
{
    if (!body->work_failed)
        event_say(EVENT_ERROR, "spool.write", "the body of %llu: %s", (unsigned long long)body->id,
                  strerror(errno));
    body->work_failed = true;
}

static void work_write(struct job *job)
{
    struct spool_body *body = list_entry(job, struct spool_body, job);

    if (!write_chunk(body))
        fail(body);
}

static void work_finish(struct job *job)
{
    struct spool_body *body = list_entry(job, struct spool_body, job);
    int file;

    if (!write_chunk(body)) {
        fail(body);
        return;
    }
    file = body->file;
    body->file = -1;
    if (!spool_files_finish(&body->spool->files, file))
        fail(body);
}

static void work_discard(struct job *job)
{
    struct spool_body *body = list_entry(job, struct spool_body, job);

    if (body->file >= 0)
        close(body->file);
    body->file = -1;
    /* Not what somebody else put under our name. */
    if (body->is_made)
        spool_files_remove(&body->spool->files, body->id);
    body->is_made = false;
}

/* -- on the loop -- */

void spool_body_init(struct spool_body *body, struct spool_durable *spool, struct loop *loop, uint64_t id)
{
    *body = (struct spool_body){.spool = spool, .loop = loop, .id = id, .file = -1};
    list_init(&body->job.link);
    buffer_init(&body->filling, SPOOL_CHUNK_BYTES + OVERRUN_BYTES);
    buffer_init(&body->writing, SPOOL_CHUNK_BYTES + OVERRUN_BYTES);
}

void spool_body_done(struct spool_body *body)
{
    assert(body->step == SPOOL_BODY_IDLE && body->file < 0);
    buffer_done(&body->filling);
    buffer_done(&body->writing);
}

/* What fills is written now, by a job of this step. */
static void start(struct spool_body *body, enum spool_body_step step)
{
    static void (*const works[])(struct job * job) = {
        [SPOOL_BODY_WRITING] = work_write,
        [SPOOL_BODY_FINISHING] = work_finish,
        [SPOOL_BODY_DISCARDING] = work_discard,
    };
    struct buffer empty = body->writing;

    body->offset += body->writing.len;
    buffer_clear(&empty);
    body->writing = body->filling;
    body->filling = empty;
    body->step = step;
    body->wanted = SPOOL_BODY_IDLE;
    body->job.work = works[step];
    body->job.done = on_work_done;
    if (jobs_submit(body->spool->jobs, body->loop, &body->job) == OK)
        return;
    /* So many bodies at once that our pool has no place: this message is given up, cleaned up right here. */
    body->has_failed = true;
    work_discard(&body->job);
    body->step = SPOOL_BODY_IDLE;
    if (step != SPOOL_BODY_WRITING)
        body->on_end(body, false);
}

static void on_work_done(struct job *job)
{
    struct spool_body *body = list_entry(job, struct spool_body, job);
    enum spool_body_step done = body->step;

    body->step = SPOOL_BODY_IDLE;
    body->has_failed |= body->work_failed;
    if (done == SPOOL_BODY_DISCARDING) {
        body->on_end(body, false);
    } else if (done == SPOOL_BODY_FINISHING && !body->has_failed) {
        body->on_end(body, true);
    } else if (done == SPOOL_BODY_FINISHING || body->wanted == SPOOL_BODY_DISCARDING) {
        start(body, SPOOL_BODY_DISCARDING);
    } else if (body->wanted == SPOOL_BODY_FINISHING) {
        start(body, body->has_failed ? SPOOL_BODY_DISCARDING : SPOOL_BODY_FINISHING);
    } else {
        if (!body->has_failed && body->filling.len >= SPOOL_CHUNK_BYTES)
            start(body, SPOOL_BODY_WRITING);
        if (body->is_waited_for) {
            body->is_waited_for = false;
            body->on_ready(body);
        }
    }
}

enum error spool_body_append(struct spool_body *body, struct bytes content, bool *out_must_wait)
{
    if (body->filling.capacity < SPOOL_CHUNK_BYTES &&
        buffer_reserve(&body->filling, SPOOL_CHUNK_BYTES - body->filling.len) != OK)
        return ERROR_TEMPORARY;
    if (body->has_failed || buffer_append(&body->filling, content) != OK)
        return ERROR_TEMPORARY;
    if (body->filling.len >= SPOOL_CHUNK_BYTES) {
        if (body->step == SPOOL_BODY_IDLE)
            start(body, SPOOL_BODY_WRITING);
        else
            body->is_waited_for = true;
    }
    *out_must_wait = body->is_waited_for;
    return OK;
}

static void end(struct spool_body *body, enum spool_body_step wanted)
{
    body->is_waited_for = false;
    if (body->step != SPOOL_BODY_IDLE)
        body->wanted = wanted;
    else if (!body->is_made && (body->has_failed || wanted == SPOOL_BODY_DISCARDING))
        body->on_end(body, false);
    else
        start(body, body->has_failed ? SPOOL_BODY_DISCARDING : wanted);
}

void spool_body_finish(struct spool_body *body)
{
    end(body, SPOOL_BODY_FINISHING);
}

void spool_body_discard(struct spool_body *body)
{
    end(body, SPOOL_BODY_DISCARDING);
}

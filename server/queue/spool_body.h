/* The body file of one message that is too large for the database: collected in chunks, written by jobs while
 * the next chunk fills, one job at a time. Everything but the jobs' work runs on the asking loop. */
#ifndef QUEUE_SPOOL_BODY_H
#define QUEUE_SPOOL_BODY_H

#include "base/buffer.h"
#include "loop/jobs.h"

struct spool_durable;

#define SPOOL_CHUNK_BYTES (256u << 10)

enum spool_body_step { SPOOL_BODY_IDLE, SPOOL_BODY_WRITING, SPOOL_BODY_FINISHING, SPOOL_BODY_DISCARDING };

struct spool_body {
    struct job job;
    struct spool_durable *spool;
    struct loop *loop;
    uint64_t id;
    int file;        /* -1: not made yet */
    uint64_t offset; /* of writing */
    struct buffer filling;
    struct buffer writing;
    enum spool_body_step step;
    bool is_made;     /* the file exists, by us; the job's while one runs */
    bool work_failed; /* the job's while one runs */
    bool has_failed;
    bool is_waited_for;          /* on_ready is owed */
    enum spool_body_step wanted; /* what follows the job that runs: FINISHING or DISCARDING, else IDLE */
    void *owner;
    void (*on_ready)(struct spool_body *body);
    /* The last call: the file and its name are durable, or it is gone again. */
    void (*on_end)(struct spool_body *body, bool is_durable);
};

void spool_body_init(struct spool_body *body, struct spool_durable *spool, struct loop *loop, uint64_t id);
/* Frees the buffers; the body has ended or never began. */
void spool_body_done(struct spool_body *body);
/* *out_must_wait: on_ready comes. ERROR_TEMPORARY: it can only be discarded. */
MUST_USE enum error spool_body_append(struct spool_body *body, struct bytes content, bool *out_must_wait);
/* on_end follows, perhaps before this returns. */
void spool_body_finish(struct spool_body *body);
/* As finish, with nothing left of it. */
void spool_body_discard(struct spool_body *body);

#endif

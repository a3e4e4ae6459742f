/* Blocking work on a bounded pool of threads, finished on the asking loop. */
#ifndef LOOP_JOBS_H
#define LOOP_JOBS_H

#include "loop/mailbox.h"

struct jobs;

/* Caller-owned until done was called. */
struct job {
    struct mail mail;              /* private */
    struct list link;              /* private */
    struct loop *loop;             /* private */
    void (*work)(struct job *job); /* on a thread of the pool */
    void (*done)(
        struct job *job); /* exactly once, on the loop that asked, never before jobs_submit returns */
};

/* workers threads, at most queue jobs waiting. */
MUST_USE enum error jobs_new(const char *name, unsigned workers, unsigned queue, struct jobs **out);
/* ERROR_LIMIT: all busy and the queue full; done is then not called. Any loop's thread. */
MUST_USE enum error jobs_submit(struct jobs *jobs, struct loop *loop, struct job *job);
/* Waits for running jobs; waiting ones are still run. */
void jobs_free(struct jobs *jobs);

#endif

/* The durable store of accepted mail, behind a seam: embedded (LMDB with group commit, ADR 1), in memory for
 * explain and tests, replicated some day. What it answered OK to survives kill -9 and power loss. */
#ifndef QUEUE_SPOOL_H
#define QUEUE_SPOOL_H

#include "loop/jobs.h"
#include "queue/envelope.h"

#define SPOOL_INLINE_MAX                                                                                     \
    (16u << 10) /* content up to this is stored inside the database, larger in a file of its own */

struct spool;
struct spool_message; /* one being written */

enum spool_health {
    SPOOL_READY,
    SPOOL_FULL,     /* below the reserve: 452 4.3.1 at MAIL; deletion and deferral go on */
    SPOOL_DEGRADED, /* a commit failed and the store is being brought back (ADR 1): 452 4.3.1 */
};

/* One decoded envelope. Callee borrows it. */
typedef void spool_envelope_fn(void *owner, const struct envelope *envelope);

struct spool_ops {
    /* -- accepting; all on the asking loop -- */

    /* A new message with its id. NULL: not ready (see health). Costs no I/O. */
    struct spool_message *(*begin)(struct spool *spool, struct loop *loop);
    uint64_t (*message_id)(const struct spool_message *message);
    /* Appends content. OK: taken. ERROR_TEMPORARY: failed (disk), the message can only be aborted.
     * *out_must_wait: taken, but append no more until on_ready (a file is being written). */
    enum error (*append)(struct spool_message *message, struct bytes content, bool *out_must_wait);
    void (*on_ready)(struct spool_message *message, void (*on_ready)(void *owner),
                     void *owner); /* sets the callback */
    /* Makes message and envelope (its id and size_bytes are set by the spool) durable; on_done comes exactly
     * once on the asking loop, OK only after the sync that covers every byte, ERROR_TEMPORARY otherwise. The
     * message belongs to the spool from here on; a session that ends meanwhile calls commit_forget. */
    void (*commit)(struct spool_message *message, const struct envelope *envelope,
                   void (*on_done)(void *owner, enum error error), void *owner);
    /* on_done will not be called any more; the commit goes on. */
    void (*commit_forget)(struct spool_message *message);
    void (*abort)(struct spool_message *message);

    /* -- what is owed; on the delivery loop (set by listen) -- */

    /* Once. Tells of every durable message, those present at start first, then each new one after its commit.
     * The envelope is borrowed for the call. */
    void (*listen)(struct spool *spool, struct loop *loop, spool_envelope_fn *on_message, void *owner);
    /* Stores the changed envelope (recipient states, attempts, next attempt, hold) or, with is_finished,
     * removes the message; batched with everything else that waits. on_done on the listening loop;
     * ERROR_TEMPORARY: try again later. */
    void (*update)(struct spool *spool, const struct envelope *envelope, bool remove,
                   void (*on_done)(void *owner, enum error error), void *owner);
    /* Copies the envelope into the arena. ERROR_NOT_FOUND. Any loop. */
    enum error (*read_envelope)(struct spool *spool, uint64_t id, struct arena *arena, struct envelope *out);
    /* Copies at most size bytes of content from the offset; *out_len 0 at the end. Any loop; memory or page
     * cache for small ones, pread for files. ERROR_NOT_FOUND, ERROR_IO. */
    enum error (*read)(struct spool *spool, uint64_t id, uint64_t offset, char *out, size_t size,
                       size_t *out_len);
    /* Walks all ids in order from first on; each false ends it. Any loop; no transaction lives across the
     * callback. */
    enum error (*each)(struct spool *spool, uint64_t first,
                       bool (*each)(void *owner, const struct envelope *envelope), void *owner);

    /* -- state -- */
    enum spool_health (*health)(const struct spool *spool);
    uint64_t (*count)(const struct spool *spool);
    /* Stores everything committed so far, then closes. Every message begun was committed or aborted; the
     * loops that asked may have ended and must still exist. */
    void (*close)(struct spool *spool);
};

struct spool {
    const struct spool_ops *ops;
};

struct spool_config {
    const char *directory;  /* state_dir/spool, made if it is missing (0700) */
    uint64_t reserve_bytes; /* queue.reserve */
    uint64_t map_bytes;     /* 0: 64 GiB sparse */
    const struct clock *clock;
};

/* Takes the lock (ERROR_TEMPORARY with a note: another daemon has it), refuses non-local file systems, opens
 * the store, removes orphans, quarantines what cannot be read. ERROR_IO with a note. */
MUST_USE enum error spool_open(const struct spool_config *config, struct spool **out, struct note *note);
/* A store in memory with the same semantics; commits answer on the next turn of the loop. For explain and
 * tests. */
struct spool *spool_memory_new(const struct clock *clock);
/* For tests, on a store in memory and before other threads use it: the health it claims; what every commit
 * from now on answers (OK: it stores again). */
void spool_memory_set_health(struct spool *spool, enum spool_health health);
void spool_memory_fail_commits(struct spool *spool, enum error error);

#endif

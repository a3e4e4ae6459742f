/* The durable spool: which part does what.
 *
 *   spool.c           opens, closes, answers what needs no other part
 *   spool_message.c   a message being accepted, on the asking loop
 *   spool_body.c      its body file, written by jobs
 *   spool_writer.c    the thread that makes batches durable
 *   spool_audience.c  tells the listening loop what is owed
 *   spool_read.c      envelopes and contents, on any loop
 *   spool_store*.c    the database, its reading, its share of memory
 *   spool_files.c     the body directory     spool_cache.c  contents in memory
 */
#ifndef QUEUE_SPOOL_DURABLE_H
#define QUEUE_SPOOL_DURABLE_H

#include "queue/spool_audience.h"
#include "queue/spool_cache.h"
#include "queue/spool_files.h"
#include "queue/spool_lock.h"
#include "queue/spool_private.h"
#include "queue/spool_store.h"
#include "queue/spool_writer.h"

#include <stdatomic.h>

/* How many ids one durable ceiling allows; as many are skipped at most after a crash. */
#define SPOOL_IDS_RESERVED 65536u

struct spool_durable {
    struct spool spool;
    const struct spool_system *system;
    struct spool_lock lock;
    struct spool_files files;
    struct spool_store *store;
    struct jobs *jobs; /* writes body files */
    struct spool_cache cache;
    struct spool_writer writer;
    struct spool_audience audience;
    atomic_ullong next_id;
    atomic_ullong id_ceiling; /* durable: no id from here on was ever given out */
    atomic_ullong count;
    atomic_bool is_full;
    atomic_bool is_degraded;
};

static inline struct spool_durable *spool_durable_of(const struct spool *spool)
{
    return list_entry(spool, struct spool_durable, spool);
}

/* As spool_open, over another table of system calls: tests fail them one by one. */
MUST_USE enum error spool_open_over(const struct spool_config *config, const struct spool_system *system,
                                    struct spool **out, struct note *note);

/* spool_message.c */
struct spool_message *spool_message_begin(struct spool *spool, struct loop *loop);
uint64_t spool_message_id(const struct spool_message *message);
enum error spool_message_append(struct spool_message *message, struct bytes content, bool *out_must_wait);
void spool_message_on_ready(struct spool_message *message, void (*on_ready)(void *owner), void *owner);
void spool_message_commit(struct spool_message *message, const struct envelope *envelope,
                          void (*on_done)(void *owner, enum error error), void *owner);
void spool_message_commit_forget(struct spool_message *message);
void spool_message_abort(struct spool_message *message);

/* spool_read.c */
enum error spool_read_envelope(struct spool *spool, uint64_t id, struct arena *arena, struct envelope *out);
enum error spool_read_content(struct spool *spool, uint64_t id, uint64_t offset, char *out, size_t size,
                              size_t *out_len);
enum error spool_read_each(struct spool *spool, uint64_t first,
                           bool (*each)(void *owner, const struct envelope *envelope), void *owner);
/* Decodes what the database has under the id. What is no envelope of this id is sent to the quarantine:
 * ERROR_NOT_FOUND. */
MUST_USE enum error spool_read_decode(struct spool_durable *spool, uint64_t id, struct bytes binary,
                                      struct arena *arena, struct envelope *out);

#endif

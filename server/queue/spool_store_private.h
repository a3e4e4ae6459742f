/* What spool_store.c (writing), spool_store_read.c (reading) and spool_store_make.c share. */
#ifndef QUEUE_SPOOL_STORE_PRIVATE_H
#define QUEUE_SPOOL_STORE_PRIVATE_H

#include "queue/spool_store.h"

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

#define SPOOL_STORE_IDLE_READERS 16

enum spool_table { TABLE_ENVELOPES, TABLE_CONTENTS, TABLE_FILES, TABLE_QUARANTINE, TABLE_STATE, TABLE_COUNT };

struct spool_store {
    struct spool_store_config config;
    MDB_env *env; /* NULL while a reopening failed */
    MDB_dbi tables[TABLE_COUNT];
    MDB_txn *batch;
    pthread_rwlock_t gate; /* readers share it, reopening has it alone */
    pthread_mutex_t idle_mutex;
    MDB_txn
        *idle[SPOOL_STORE_IDLE_READERS]; /* reset read transactions: they hold a reader's slot and no page */
    size_t idle_count;
    void *map;                /* where LMDB has mapped the file; NULL: not known */
    atomic_uint used_records; /* since the start, wraps */
};

/* Of LMDB's and the system's codes. */
enum error spool_store_error(int code);
/* Makes data.mdb if it is missing: whole and synced from the moment it has its name. The name itself is
 * synced by the caller. LMDB's and the system's codes. */
int spool_store_make(const struct spool_store_config *config);
/* The environment was opened: finds its map. */
void spool_store_find_map(struct spool_store *store);
/* A record was read or written, its pages are mapped: lets all go once in a while. Any thread, inside a
 * transaction. */
void spool_store_note_use(struct spool_store *store);
/* Ends all idle read transactions. */
void spool_store_drop_readers(struct spool_store *store);

static inline MDB_val spool_store_key(const uint64_t *id)
{
    return (MDB_val){sizeof(*id), (void *)(uintptr_t)id};
}

#endif

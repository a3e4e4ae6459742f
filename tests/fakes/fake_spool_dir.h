/* A durable spool in a directory below /tmp with a loop to drive it, over system calls that fail on demand.
 */
#ifndef FAKES_FAKE_SPOOL_DIR_H
#define FAKES_FAKE_SPOOL_DIR_H

#include "loop/loop.h"
#include "queue/spool.h"
#include "queue/spool_system.h"

#include <stdatomic.h>

/* How the failing call fails. */
enum spool_fault {
    SPOOL_FAULT_FAILS, /* nothing happened */
    SPOOL_FAULT_LIES,  /* it happened and says it did not */
    SPOOL_FAULT_STAYS, /* it and all after it fail, until faults are lifted */
};

struct spool_dir {
    char path[64];
    struct spool_config config;
    struct spool *spool;
    struct loop *loop;
};

/* An empty directory, and the spool opened in it. */
void spool_dir_new(struct spool_dir *dir);
/* Closes the spool, ends the loop, removes the directory. */
void spool_dir_free(struct spool_dir *dir);
void spool_dir_open(struct spool_dir *dir);
void spool_dir_close(struct spool_dir *dir);
/* "path/name" in static storage. */
const char *spool_dir_file(const struct spool_dir *dir, const char *name);

/* The faulting_at-th of all calls from now on fails; 0: none. Counts from 1. */
void spool_dir_fault(long faulting_at, enum spool_fault fault);
/* Calls since spool_dir_fault. */
long spool_dir_calls(void);
/* Bytes the disk claims to have left; UINT64_MAX: what it has. */
void spool_dir_set_free_bytes(uint64_t free_bytes);

/* Turns the loop until *done or for 20 seconds, which fails the test. */
void spool_dir_wait(struct spool_dir *dir, const bool *done);
void spool_dir_wait_health(struct spool_dir *dir, enum spool_health health);
void spool_dir_wait_count(struct spool_dir *dir, uint64_t count);

/* One message of so many bytes (content_byte makes them) to recipient, from begin to the answer; ERROR_LIMIT:
 * begin refused. */
enum error spool_dir_accept(struct spool_dir *dir, size_t size, const char *recipient, uint64_t *out_id);
char spool_dir_byte(uint64_t id, size_t at);
/* The whole content is what spool_dir_accept gave. */
bool spool_dir_is_intact(struct spool_dir *dir, uint64_t id, size_t size);
enum error spool_dir_update(struct spool_dir *dir, const struct envelope *envelope, bool remove);
/* Listens without doing anything with what it hears; needed before updates. */
void spool_dir_listen(struct spool_dir *dir);

#endif

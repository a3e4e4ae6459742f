/* Contents that were just accepted, so that delivery sends them on without asking the disk. A budget bounds
 * it; the oldest leave first. Any thread. */
#ifndef QUEUE_SPOOL_CACHE_H
#define QUEUE_SPOOL_CACHE_H

#include "base/buffer.h"
#include "base/list.h"

#include <pthread.h>

#define SPOOL_CACHE_BUCKETS 8192

struct spool_cached;

struct spool_cache {
    pthread_mutex_t mutex;
    struct spool_cached *buckets[SPOOL_CACHE_BUCKETS];
    struct list oldest;
    size_t used_bytes;
    size_t budget_bytes;
};

void spool_cache_init(struct spool_cache *cache, size_t budget_bytes);
void spool_cache_done(struct spool_cache *cache);
/* Takes the content's memory in any case. An id is put once. */
void spool_cache_put(struct spool_cache *cache, uint64_t id, struct buffer *content);
void spool_cache_remove(struct spool_cache *cache, uint64_t id);
/* Copies from the offset on; false when it is not here. */
bool spool_cache_read(struct spool_cache *cache, uint64_t id, uint64_t offset, char *out, size_t size,
                      size_t *out_len);

#endif

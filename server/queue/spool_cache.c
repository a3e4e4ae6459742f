#include "queue/spool_cache.h"

#include <stdlib.h>
#include <string.h>

struct spool_cached {
    struct spool_cached *next; /* of its bucket */
    struct list link;
    uint64_t id;
    struct buffer content;
};

void spool_cache_init(struct spool_cache *cache, size_t budget_bytes)
{
    *cache = (struct spool_cache){.budget_bytes = budget_bytes};
    pthread_mutex_init(&cache->mutex, NULL);
    list_init(&cache->oldest);
}

static size_t cost_of(const struct spool_cached *cached)
{
    return sizeof(*cached) + cached->content.capacity;
}

/* Ids are consecutive: their low bits spread them evenly. */
static struct spool_cached **bucket_of(struct spool_cache *cache, uint64_t id)
{
    return &cache->buckets[id % SPOOL_CACHE_BUCKETS];
}

static struct spool_cached *find(struct spool_cache *cache, uint64_t id)
{
    struct spool_cached *cached = *bucket_of(cache, id);

    while (cached && cached->id != id)
        cached = cached->next;
    return cached;
}

static void drop(struct spool_cache *cache, struct spool_cached *cached)
{
    struct spool_cached **at = bucket_of(cache, cached->id);

    while (*at != cached)
        at = &(*at)->next;
    *at = cached->next;
    list_remove(&cached->link);
    cache->used_bytes -= cost_of(cached);
    buffer_done(&cached->content);
    free(cached);
}

void spool_cache_done(struct spool_cache *cache)
{
    while (!list_is_empty(&cache->oldest))
        drop(cache, list_entry(list_first(&cache->oldest), struct spool_cached, link));
    pthread_mutex_destroy(&cache->mutex);
}

void spool_cache_put(struct spool_cache *cache, uint64_t id, struct buffer *content)
{
    struct spool_cached *cached = malloc(sizeof(*cached));

    if (!cached) {
        buffer_done(content);
        return;
    }
    cached->id = id;
    cached->content = *content;
    buffer_init(content, content->ceiling);
    pthread_mutex_lock(&cache->mutex);
    list_append(&cache->oldest, &cached->link);
    cache->used_bytes += cost_of(cached);
    cached->next = *bucket_of(cache, id);
    *bucket_of(cache, id) = cached;
    while (cache->used_bytes > cache->budget_bytes)
        drop(cache, list_entry(list_first(&cache->oldest), struct spool_cached, link));
    pthread_mutex_unlock(&cache->mutex);
}

void spool_cache_remove(struct spool_cache *cache, uint64_t id)
{
    struct spool_cached *cached;

    pthread_mutex_lock(&cache->mutex);
    cached = find(cache, id);
    if (cached)
        drop(cache, cached);
    pthread_mutex_unlock(&cache->mutex);
}

bool spool_cache_read(struct spool_cache *cache, uint64_t id, uint64_t offset, char *out, size_t size,
                      size_t *out_len)
{
    struct spool_cached *cached;

    pthread_mutex_lock(&cache->mutex);
    cached = find(cache, id);
    if (cached) {
        struct bytes rest =
            bytes_skip(buffer_bytes(&cached->content), offset > SIZE_MAX ? SIZE_MAX : (size_t)offset);
        *out_len = rest.len < size ? rest.len : size;
        if (*out_len)
            memcpy(out, rest.ptr, *out_len);
    }
    pthread_mutex_unlock(&cache->mutex);
    return cached != NULL;
}

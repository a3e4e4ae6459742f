#include "auth/failure_count.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SHARD_COUNT        256u
#define SLOTS_PER_SHARD    32u
#define IPV6_SOURCE_OCTETS 8 /* a source is a /64 */

/* A source and, in a ring, when its last failures were: the window slides exactly. */
struct slot {
    struct ip_address source; /* IP_NONE: free */
    unsigned next;            /* where the next failure goes: the oldest one's place */
    unsigned count;           /* at most the limit */
    unsigned busy;            /* logins under way */
    uint64_t last_ms;
};

struct shard {
    pthread_mutex_t lock;
    struct slot slots[SLOTS_PER_SHARD];
};

struct failure_counts {
    uint64_t seed; /* so that nobody can choose addresses that share a shard */
    unsigned limit;
    uint64_t window_ms;
    const struct clock *clock;
    uint64_t *times_ms; /* limit a slot */
    struct shard shards[SHARD_COUNT];
};

struct failure_counts *failure_counts_new(unsigned limit, uint64_t window_ms, const struct clock *clock)
{
    assert(limit > 0 && limit <= FAILURE_LIMIT_MAX);
    struct failure_counts *counts = calloc(1, sizeof *counts);
    if (!counts)
        return NULL;
    counts->times_ms = calloc((size_t)SHARD_COUNT * SLOTS_PER_SHARD * limit, sizeof *counts->times_ms);
    if (!counts->times_ms || getrandom(&counts->seed, sizeof counts->seed, 0) != sizeof counts->seed) {
        free(counts->times_ms);
        free(counts);
        return NULL;
    }
    counts->limit = limit;
    counts->window_ms = window_ms;
    counts->clock = clock;
    for (size_t i = 0; i < SHARD_COUNT; i++)
        pthread_mutex_init(&counts->shards[i].lock, NULL);
    return counts;
}

void failure_counts_free(struct failure_counts *counts)
{
    if (!counts)
        return;
    for (size_t i = 0; i < SHARD_COUNT; i++)
        pthread_mutex_destroy(&counts->shards[i].lock);
    free(counts->times_ms);
    free(counts);
}

static struct ip_address source_of(const struct ip_address *address)
{
    struct ip_address source = *address;
    if (source.family == IP_V6)
        memset(source.octets + IPV6_SOURCE_OCTETS, 0, sizeof source.octets - IPV6_SOURCE_OCTETS);
    return source;
}

/* FNV-1a, seeded. */
static struct shard *shard_of(struct failure_counts *counts, const struct ip_address *source)
{
    uint64_t hash = counts->seed;
    for (size_t i = 0; i < sizeof source->octets; i++)
        hash = (hash ^ source->octets[i]) * 0x100000001b3u;
    return &counts->shards[(hash ^ (hash >> 32)) % SHARD_COUNT];
}

static struct slot *slot_find(struct shard *shard, const struct ip_address *source)
{
    for (size_t i = 0; i < SLOTS_PER_SHARD; i++)
        if (ip_compare(&shard->slots[i].source, source) == 0)
            return &shard->slots[i];
    return NULL;
}

/* A free slot, else the one whose source failed longest ago. */
static struct slot *slot_take(struct shard *shard, const struct ip_address *source)
{
    struct slot *oldest = &shard->slots[0];
    for (size_t i = 0; i < SLOTS_PER_SHARD && oldest->source.family != IP_NONE; i++)
        if (shard->slots[i].source.family == IP_NONE || shard->slots[i].last_ms < oldest->last_ms)
            oldest = &shard->slots[i];
    *oldest = (struct slot){.source = *source};
    return oldest;
}

static uint64_t *times_of(struct failure_counts *counts, const struct shard *shard, const struct slot *slot)
{
    size_t index = (size_t)(shard - counts->shards) * SLOTS_PER_SHARD + (size_t)(slot - shard->slots);
    return counts->times_ms + index * counts->limit;
}

static void add(struct failure_counts *counts, struct shard *shard, struct slot *slot)
{
    times_of(counts, shard, slot)[slot->next] = slot->last_ms;
    slot->next = (slot->next + 1) % counts->limit;
    slot->count += slot->count < counts->limit;
}

/* Its slot, new or old; the shard is locked. */
static struct slot *slot_use(struct failure_counts *counts, struct shard *shard, const struct ip_address *key)
{
    struct slot *slot = slot_find(shard, key);
    if (!slot)
        slot = slot_take(shard, key);
    slot->last_ms = clock_monotonic_ms(counts->clock);
    return slot;
}

static unsigned count_recent(struct failure_counts *counts, const struct shard *shard,
                             const struct slot *slot)
{
    const uint64_t *times_ms = times_of(counts, shard, slot);
    unsigned recent = 0;
    for (unsigned i = 0; i < slot->count; i++)
        recent += slot->last_ms - times_ms[i] < counts->window_ms;
    return recent;
}

bool failure_counts_enter(struct failure_counts *counts, const struct ip_address *source)
{
    struct ip_address key = source_of(source);
    struct shard *shard = shard_of(counts, &key);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = slot_use(counts, shard, &key);
    bool may_enter = count_recent(counts, shard, slot) + slot->busy < counts->limit;
    slot->busy += may_enter;
    pthread_mutex_unlock(&shard->lock);
    return may_enter;
}

void failure_counts_leave(struct failure_counts *counts, const struct ip_address *source, bool has_failed)
{
    struct ip_address key = source_of(source);
    struct shard *shard = shard_of(counts, &key);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = slot_use(counts, shard, &key);
    slot->busy -= slot->busy > 0; /* it may have been forgotten meanwhile */
    if (has_failed)
        add(counts, shard, slot);
    if (slot->busy == 0 && slot->count == 0)
        *slot = (struct slot){0};
    pthread_mutex_unlock(&shard->lock);
}

bool failure_counts_is_over(struct failure_counts *counts, const struct ip_address *source)
{
    struct ip_address key = source_of(source);
    struct shard *shard = shard_of(counts, &key);
    uint64_t now_ms = clock_monotonic_ms(counts->clock);
    pthread_mutex_lock(&shard->lock);
    const struct slot *slot = slot_find(shard, &key);
    bool is_over = slot && slot->count == counts->limit &&
                   now_ms - times_of(counts, shard, slot)[slot->next] < counts->window_ms;
    pthread_mutex_unlock(&shard->lock);
    return is_over;
}

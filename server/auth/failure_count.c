#include "auth/failure_count.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SHARD_COUNT        256u
#define SLOTS_PER_SHARD    32u
#define IPV6_SOURCE_OCTETS 8 /* a source is a /64 */

enum key_kind { KEY_NONE, KEY_IPV4, KEY_IPV6, KEY_ACCOUNT };

struct failure_key {
    enum key_kind kind;
    uint8_t octets[16];
};

/* Who fails and, in a ring, when his last failures were: the window slides exactly. */
struct slot {
    struct failure_key key; /* KEY_NONE: free */
    unsigned next;          /* where the next failure goes: the oldest one's place */
    unsigned count;         /* at most the limit */
    unsigned busy;          /* logins under way */
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

static struct failure_key key_of_source(const struct ip_address *source)
{
    bool is_v6 = source->family == IP_V6;
    struct failure_key key = {.kind = is_v6 ? KEY_IPV6 : KEY_IPV4};
    memcpy(key.octets, source->octets, is_v6 ? IPV6_SOURCE_OCTETS : sizeof key.octets);
    return key;
}

static struct failure_key key_of_account(const uint8_t id[16])
{
    struct failure_key key = {.kind = KEY_ACCOUNT};
    memcpy(key.octets, id, sizeof key.octets);
    return key;
}

static bool key_equal(const struct failure_key *a, const struct failure_key *b)
{
    return a->kind == b->kind && memcmp(a->octets, b->octets, sizeof a->octets) == 0;
}

/* FNV-1a, seeded. */
static struct shard *shard_of(struct failure_counts *counts, const struct failure_key *key)
{
    uint64_t hash = counts->seed;
    for (size_t i = 0; i < sizeof key->octets; i++)
        hash = (hash ^ key->octets[i]) * 0x100000001b3u;
    return &counts->shards[(hash ^ (hash >> 32)) % SHARD_COUNT];
}

static struct slot *slot_find(struct shard *shard, const struct failure_key *key)
{
    for (size_t i = 0; i < SLOTS_PER_SHARD; i++)
        if (key_equal(&shard->slots[i].key, key))
            return &shard->slots[i];
    return NULL;
}

/* A free slot, else the one of who failed longest ago. */
static struct slot *slot_take(struct shard *shard, const struct failure_key *key)
{
    struct slot *oldest = &shard->slots[0];
    for (size_t i = 0; i < SLOTS_PER_SHARD && oldest->key.kind != KEY_NONE; i++)
        if (shard->slots[i].key.kind == KEY_NONE || shard->slots[i].last_ms < oldest->last_ms)
            oldest = &shard->slots[i];
    *oldest = (struct slot){.key = *key};
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
static struct slot *slot_use(struct failure_counts *counts, struct shard *shard,
                             const struct failure_key *key)
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
    struct failure_key key = key_of_source(source);
    struct shard *shard = shard_of(counts, &key);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = slot_use(counts, shard, &key);
    bool may_enter = count_recent(counts, shard, slot) + slot->busy < counts->limit;
    slot->busy += may_enter;
    pthread_mutex_unlock(&shard->lock);
    return may_enter;
}

static void leave(struct failure_counts *counts, const struct failure_key *key, bool has_failed)
{
    struct shard *shard = shard_of(counts, key);
    pthread_mutex_lock(&shard->lock);
    struct slot *slot = slot_use(counts, shard, key);
    slot->busy -= slot->busy > 0; /* it may have been forgotten meanwhile */
    if (has_failed)
        add(counts, shard, slot);
    if (slot->busy == 0 && slot->count == 0)
        *slot = (struct slot){0};
    pthread_mutex_unlock(&shard->lock);
}

static bool is_over(struct failure_counts *counts, const struct failure_key *key)
{
    struct shard *shard = shard_of(counts, key);
    uint64_t now_ms = clock_monotonic_ms(counts->clock);
    pthread_mutex_lock(&shard->lock);
    const struct slot *slot = slot_find(shard, key);
    bool is_over = slot && slot->count == counts->limit &&
                   now_ms - times_of(counts, shard, slot)[slot->next] < counts->window_ms;
    pthread_mutex_unlock(&shard->lock);
    return is_over;
}

void failure_counts_leave(struct failure_counts *counts, const struct ip_address *source, bool has_failed)
{
    struct failure_key key = key_of_source(source);
    leave(counts, &key, has_failed);
}

bool failure_counts_is_over(struct failure_counts *counts, const struct ip_address *source)
{
    struct failure_key key = key_of_source(source);
    return is_over(counts, &key);
}

void failure_counts_add_account(struct failure_counts *counts, const uint8_t id[16])
{
    struct failure_key key = key_of_account(id);
    leave(counts, &key, true);
}

bool failure_counts_is_account_over(struct failure_counts *counts, const uint8_t id[16])
{
    struct failure_key key = key_of_account(id);
    return is_over(counts, &key);
}

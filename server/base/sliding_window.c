#include "base/sliding_window.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SHARD_COUNT    1024u
#define SLOTS_AT_FIRST 8u
#define SLOTS_MAX      4096u /* a shard's */
#define FEW            4u    /* times that need no memory of their own */
#define TIMES_MAX      (1u << 24)
#define ATTEMPTS_MAX   32

/* One key: the times of its last minute as a ring. The lower 32 bits of a time do, since all of them lie
 * within a minute of the newest. */
struct slot {
    struct siphash key;
    uint64_t newest_ms;
    union {
        uint32_t few[FEW];
        uint32_t *many;
    } times;
    uint32_t first;
    uint32_t count;
    uint32_t capacity; /* a power of two; 0: the slot was never used */
};

struct shard {
    pthread_mutex_t lock;
    struct slot *slots; /* open addressing, linear */
    uint32_t capacity;  /* a power of two, or 0 */
    uint32_t used;      /* those with a key, be their minute over or not */
};

struct sliding_window {
    struct shard shards[SHARD_COUNT];
};

/* Memory made ready for an attempt, and what the attempt took out of use. */
struct spare {
    struct slot *slots;
    uint32_t slot_count;
    uint32_t *times;
    uint32_t time_count;
    struct slot *old_slots;
    uint32_t old_slot_count;
    uint32_t *old_times;
};

struct sliding_window *sliding_window_new(void)
{
    struct sliding_window *window = calloc(1, sizeof *window);
    for (size_t i = 0; window != NULL && i < SHARD_COUNT; i++) {
        pthread_mutex_init(&window->shards[i].lock, NULL);
    }
    return window;
}

static void free_slots(struct slot *slots, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (slots[i].capacity > FEW) {
            free(slots[i].times.many);
        }
    }
    free(slots);
}

void sliding_window_free(struct sliding_window *window)
{
    for (size_t i = 0; window != NULL && i < SHARD_COUNT; i++) {
        free_slots(window->shards[i].slots, window->shards[i].capacity);
        pthread_mutex_destroy(&window->shards[i].lock);
    }
    free(window);
}

/* -- one slot -- */

static uint32_t *times_of(struct slot *slot)
{
    return slot->capacity > FEW ? slot->times.many : slot->times.few;
}

static bool is_over(const struct slot *slot, uint64_t now_ms)
{
    return slot->count == 0 || (now_ms >= slot->newest_ms && now_ms - slot->newest_ms >= SLIDING_WINDOW_MS);
}

/* Drops what is older than a minute. */
static void slot_expire(struct slot *slot, uint64_t now_ms)
{
    if (is_over(slot, now_ms)) {
        slot->count = 0;
    }
    const uint32_t *times = times_of(slot);
    while (slot->count > 0 && now_ms > slot->newest_ms &&
           (uint32_t)now_ms - times[slot->first] >= SLIDING_WINDOW_MS) {
        slot->first = (slot->first + 1) & (slot->capacity - 1);
        slot->count--;
    }
}

static void slot_push(struct slot *slot, uint64_t now_ms)
{
    if (slot->count == 0 || now_ms > slot->newest_ms) {
        slot->newest_ms = now_ms;
    }
    times_of(slot)[(slot->first + slot->count) & (slot->capacity - 1)] = (uint32_t)slot->newest_ms;
    slot->count++;
}

static void slot_grow(struct slot *slot, struct spare *spare)
{
    const uint32_t *times = times_of(slot);
    for (uint32_t i = 0; i < slot->count; i++) {
        spare->times[i] = times[(slot->first + i) & (slot->capacity - 1)];
    }
    spare->old_times = slot->capacity > FEW ? slot->times.many : NULL;
    slot->times.many = spare->times;
    slot->first = 0;
    slot->capacity = spare->time_count;
    spare->times = NULL;
    spare->time_count = 0;
}

/* -- one shard -- */

static bool has_key(const struct slot *slot, const struct siphash *key)
{
    return slot->capacity > 0 && slot->key.words[0] == key->words[0] && slot->key.words[1] == key->words[1];
}

/* The key's slot, or the place for it: one whose minute is over (but not `other`), or a fresh one. */
static struct slot *shard_find(struct shard *shard, const struct siphash *key, uint64_t now_ms,
                               const struct slot *other)
{
    struct slot *place = NULL;
    for (uint32_t i = (uint32_t)key->words[1];; i++) {
        struct slot *slot = &shard->slots[i & (shard->capacity - 1)];
        if (slot->capacity == 0) {
            return place != NULL ? place : slot;
        }
        if (has_key(slot, key)) {
            return slot;
        }
        if (place == NULL && slot != other && is_over(slot, now_ms)) {
            place = slot;
        }
    }
}

/* A slot of another key whose minute is over keeps its memory for the new one. */
static void shard_claim(struct shard *shard, struct slot *slot, const struct siphash *key)
{
    if (has_key(slot, key)) {
        return;
    }
    if (slot->capacity == 0) {
        slot->capacity = FEW;
        shard->used++;
    }
    slot->key = *key;
    slot->first = slot->count = 0;
}

static bool shard_is_crowded(const struct shard *shard)
{
    return shard->used + SLIDING_WINDOW_KEYS_MAX > shard->capacity / 4 * 3;
}

/* How many slots hold what counts now, twice over. */
static uint32_t shard_wanted(const struct shard *shard, uint64_t now_ms)
{
    uint32_t live = SLIDING_WINDOW_KEYS_MAX, wanted = SLOTS_AT_FIRST;
    for (uint32_t i = 0; i < shard->capacity; i++) {
        live += !is_over(&shard->slots[i], now_ms);
    }
    while (wanted < 2 * live) {
        wanted *= 2;
    }
    return wanted;
}

/* Moves what counts into the spare's slots. */
static void shard_rebuild(struct shard *shard, struct spare *spare, uint64_t now_ms)
{
    struct shard fresh = {.slots = spare->slots, .capacity = spare->slot_count};
    for (uint32_t i = 0; i < shard->capacity; i++) {
        struct slot *old = &shard->slots[i];
        if (!is_over(old, now_ms)) {
            *shard_find(&fresh, &old->key, now_ms, NULL) = *old;
            fresh.used++;
            old->capacity = 0; /* its times have moved too */
        }
    }
    spare->old_slots = shard->slots;
    spare->old_slot_count = shard->capacity;
    shard->slots = fresh.slots;
    shard->capacity = fresh.capacity;
    shard->used = fresh.used;
    spare->slots = NULL;
    spare->slot_count = 0;
}

/* -- one attempt -- */

enum attempt { ATTEMPT_TAKEN, ATTEMPT_OVER, ATTEMPT_NEEDS_SLOTS, ATTEMPT_NEEDS_TIMES };

struct request {
    struct sliding_window *window;
    const struct siphash *keys;
    size_t key_count;
    uint32_t limit;
    uint64_t now_ms;
    uint32_t needed; /* of an attempt that needs memory */
};

static struct shard *shard_of(const struct request *request, size_t index)
{
    return &request->window->shards[request->keys[index].words[0] % SHARD_COUNT];
}

/* Both in the order of their addresses, once if they are one. */
static void lock(const struct request *request)
{
    struct shard *a = shard_of(request, 0), *b = shard_of(request, request->key_count - 1);
    pthread_mutex_lock(a < b ? &a->lock : &b->lock);
    if (a != b) {
        pthread_mutex_lock(a < b ? &b->lock : &a->lock);
    }
}

static void unlock(const struct request *request)
{
    struct shard *a = shard_of(request, 0), *b = shard_of(request, request->key_count - 1);
    pthread_mutex_unlock(&a->lock);
    if (a != b) {
        pthread_mutex_unlock(&b->lock);
    }
}

static bool needs_slots(struct request *request, struct shard *shard, struct spare *spare)
{
    if (!shard_is_crowded(shard)) {
        return false;
    }
    request->needed = shard_wanted(shard, request->now_ms);
    if (request->needed > spare->slot_count) {
        return true;
    }
    shard_rebuild(shard, spare, request->now_ms);
    return false;
}

static bool needs_times(struct request *request, struct slot *slot, struct spare *spare)
{
    if (slot->count < slot->capacity) {
        return false;
    }
    request->needed = 2 * slot->capacity;
    if (request->needed > spare->time_count) {
        return true;
    }
    slot_grow(slot, spare);
    return false;
}

/* Under the locks; the first two needs are met before anything is counted. */
static enum attempt attempt(struct request *request, struct spare *spare)
{
    struct slot *slots[SLIDING_WINDOW_KEYS_MAX] = {NULL};
    for (size_t i = 0; i < request->key_count; i++) {
        if (needs_slots(request, shard_of(request, i), spare)) {
            return ATTEMPT_NEEDS_SLOTS;
        }
    }
    for (size_t i = 0; i < request->key_count; i++) {
        slots[i] = shard_find(shard_of(request, i), &request->keys[i], request->now_ms, slots[0]);
        shard_claim(shard_of(request, i), slots[i], &request->keys[i]);
        slot_expire(slots[i], request->now_ms);
        if (slots[i]->count >= request->limit) {
            return ATTEMPT_OVER;
        }
    }
    for (size_t i = 0; i < request->key_count; i++) {
        if (needs_times(request, slots[i], spare)) {
            return ATTEMPT_NEEDS_TIMES;
        }
    }
    for (size_t i = 0; i < request->key_count; i++) {
        slot_push(slots[i], request->now_ms);
    }
    return ATTEMPT_TAKEN;
}

/* -- memory, outside the locks -- */

static void give_back_old(struct spare *spare)
{
    free_slots(spare->old_slots, spare->old_slot_count);
    free(spare->old_times);
    spare->old_slots = NULL;
    spare->old_slot_count = 0;
    spare->old_times = NULL;
}

static bool make_slots(struct spare *spare, uint32_t count)
{
    free(spare->slots);
    spare->slots = count <= SLOTS_MAX ? calloc(count, sizeof *spare->slots) : NULL;
    spare->slot_count = spare->slots != NULL ? count : 0;
    return spare->slots != NULL;
}

static bool make_times(struct spare *spare, uint32_t count)
{
    free(spare->times);
    spare->times = count <= TIMES_MAX ? malloc(count * sizeof *spare->times) : NULL;
    spare->time_count = spare->times != NULL ? count : 0;
    return spare->times != NULL;
}

/* False: the attempt has its answer, or there is no memory for another one. */
static bool prepare_next(struct spare *spare, enum attempt outcome, uint32_t needed)
{
    switch (outcome) {
    case ATTEMPT_NEEDS_SLOTS:
        return make_slots(spare, needed);
    case ATTEMPT_NEEDS_TIMES:
        return make_times(spare, needed);
    case ATTEMPT_TAKEN:
    case ATTEMPT_OVER:
        break;
    }
    return false;
}

bool sliding_window_take(struct sliding_window *window, const struct siphash *keys, size_t key_count,
                         uint32_t limit, uint64_t now_ms)
{
    struct request request = {window, keys, key_count, limit, now_ms, 0};
    struct spare spare = {0};
    enum attempt outcome;
    int attempts = 0;
    assert(key_count > 0 && key_count <= SLIDING_WINDOW_KEYS_MAX && limit > 0);
    do {
        lock(&request);
        outcome = attempt(&request, &spare);
        unlock(&request);
        give_back_old(&spare);
    } while (prepare_next(&spare, outcome, request.needed) && ++attempts < ATTEMPTS_MAX);
    free(spare.slots);
    free(spare.times);
    return outcome == ATTEMPT_TAKEN;
}

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
#define TICK_MS        64u /* 32 bits of them are eight years */
#define CACHE_LINE     64u
#define ATTEMPTS_MAX   32

/* The times of one key beyond FEW. */
struct times {
    uint32_t first;
    uint32_t count;
    uint32_t capacity; /* a power of two */
    uint32_t ms[];
};

/* One key, half a cache line: the times of its last minute, as a ring. The lower 32 bits of a time do, since
 * all lie within a minute of the newest. Of the key's 128 bits 64 are kept and some say where it is: two of a
 * million keys are taken for one in one process of ten million. */
struct slot {
    uint64_t tag;         /* 0: the slot was never used */
    uint32_t newest_tick; /* of TICK_MS */
    uint8_t first;        /* these two of few */
    uint8_t count;
    bool has_many;
    bool has_any; /* else its minute is over */
    union {
        uint32_t few[FEW];
        struct times *many;
    } at;
};

struct shard {
    _Alignas(CACHE_LINE) pthread_mutex_t lock;
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
    struct times *times;
    struct slot *old_slots;
    uint32_t old_slot_count;
    struct times *old_times;
};

struct sliding_window *sliding_window_new(void)
{
    struct sliding_window *window = aligned_alloc(CACHE_LINE, sizeof *window);
    if (window != NULL) {
        memset(window, 0, sizeof *window);
    }
    for (size_t i = 0; window != NULL && i < SHARD_COUNT; i++) {
        pthread_mutex_init(&window->shards[i].lock, NULL);
    }
    return window;
}

static void free_slots(struct slot *slots, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (slots[i].has_many) {
            free(slots[i].at.many);
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

static uint32_t tick_of(uint64_t now_ms)
{
    return (uint32_t)(now_ms / TICK_MS);
}

/* Its minute is over for certain; a tick too late is early enough to give a slot away. */
static bool is_over(const struct slot *slot, uint64_t now_ms)
{
    const int32_t most = SLIDING_WINDOW_MS / TICK_MS + 1;
    return !slot->has_any || (int32_t)(tick_of(now_ms) - slot->newest_tick) > most;
}

static uint32_t slot_count(const struct slot *slot)
{
    return slot->has_many ? slot->at.many->count : slot->count;
}

static uint32_t slot_capacity(const struct slot *slot)
{
    return slot->has_many ? slot->at.many->capacity : FEW;
}

/* The index-th time, the oldest first. */
static uint32_t *slot_time(struct slot *slot, uint32_t index)
{
    if (slot->has_many) {
        struct times *many = slot->at.many;
        return &many->ms[(many->first + index) & (many->capacity - 1)];
    }
    return &slot->at.few[(slot->first + index) & (FEW - 1)];
}

static void slot_drop_first(struct slot *slot)
{
    if (slot->has_many) {
        slot->at.many->first = (slot->at.many->first + 1) & (slot->at.many->capacity - 1);
        slot->at.many->count--;
    } else {
        slot->first = (slot->first + 1) & (FEW - 1);
        slot->count--;
    }
}

static void slot_clear(struct slot *slot)
{
    slot->has_any = false;
    slot->first = slot->count = 0;
    if (slot->has_many) {
        slot->at.many->first = slot->at.many->count = 0;
    }
}

/* Drops what is older than a minute. */
static void slot_expire(struct slot *slot, uint64_t now_ms)
{
    if (is_over(slot, now_ms)) {
        slot_clear(slot);
    }
    while (slot_count(slot) > 0 &&
           (int32_t)((uint32_t)now_ms - *slot_time(slot, 0)) >= (int32_t)SLIDING_WINDOW_MS) {
        slot_drop_first(slot);
    }
}

/* A thread that is late counts as the one before it. */
static void slot_push(struct slot *slot, uint64_t now_ms)
{
    uint32_t time = (uint32_t)now_ms, tick = tick_of(now_ms), count = slot_count(slot);
    if (count > 0 && (int32_t)(time - *slot_time(slot, count - 1)) < 0) {
        time = *slot_time(slot, count - 1);
        tick = slot->newest_tick;
    }
    *slot_time(slot, count) = time;
    slot->newest_tick = tick;
    slot->has_any = true;
    if (slot->has_many) {
        slot->at.many->count++;
    } else {
        slot->count++;
    }
}

/* Takes the spare's times. */
static void slot_grow(struct slot *slot, struct spare *spare)
{
    struct times *times = spare->times;
    times->first = 0;
    times->count = slot_count(slot);
    for (uint32_t i = 0; i < times->count; i++) {
        times->ms[i] = *slot_time(slot, i);
    }
    spare->old_times = slot->has_many ? slot->at.many : NULL;
    spare->times = NULL;
    slot->at.many = times;
    slot->has_many = true;
}

/* -- one shard -- */

static uint64_t tag_of(const struct siphash *key)
{
    return key->words[1] != 0 ? key->words[1] : 1;
}

/* The key's slot, or the place for it: one whose minute is over (but not `other`), or a fresh one. */
static struct slot *shard_find(struct shard *shard, uint64_t tag, uint64_t now_ms, const struct slot *other)
{
    struct slot *place = NULL;
    for (uint32_t i = (uint32_t)(tag >> 32);; i++) {
        struct slot *slot = &shard->slots[i & (shard->capacity - 1)];
        if (slot->tag == 0) {
            return place != NULL ? place : slot;
        }
        if (slot->tag == tag) {
            return slot;
        }
        if (place == NULL && slot != other && is_over(slot, now_ms)) {
            place = slot;
        }
    }
}

/* A slot of another key whose minute is over keeps its memory for the new one. */
static void shard_claim(struct shard *shard, struct slot *slot, uint64_t tag)
{
    if (slot->tag == tag) {
        return;
    }
    shard->used += slot->tag == 0;
    slot->tag = tag;
    slot_clear(slot);
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
            *shard_find(&fresh, old->tag, now_ms, NULL) = *old;
            fresh.used++;
            old->has_many = false; /* its times have moved too */
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
    if (slot_count(slot) < slot_capacity(slot)) {
        return false;
    }
    request->needed = 2 * slot_capacity(slot);
    if (spare->times == NULL || spare->times->capacity < request->needed) {
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
        uint64_t tag = tag_of(&request->keys[i]);
        slots[i] = shard_find(shard_of(request, i), tag, request->now_ms, slots[0]);
        shard_claim(shard_of(request, i), slots[i], tag);
        slot_expire(slots[i], request->now_ms);
        if (slot_count(slots[i]) >= request->limit) {
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
    size_t bytes = count * sizeof *spare->slots;
    spare->slots = count <= SLOTS_MAX ? aligned_alloc(CACHE_LINE, bytes) : NULL;
    spare->slot_count = spare->slots != NULL ? count : 0;
    if (spare->slots != NULL) {
        memset(spare->slots, 0, bytes);
    }
    return spare->slots != NULL;
}

static bool make_times(struct spare *spare, uint32_t count)
{
    free(spare->times);
    spare->times =
        count <= TIMES_MAX ? malloc(sizeof *spare->times + count * sizeof spare->times->ms[0]) : NULL;
    if (spare->times != NULL) {
        spare->times->capacity = count;
    }
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

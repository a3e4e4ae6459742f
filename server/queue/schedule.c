/* A binary heap ordered by due time, then id, and a hash from id to place in the heap. The hash is open
 * addressing over heap places (the id is read through the heap), so one waiting message costs 24 bytes of
 * heap and 8 of hash. */
#include "queue/schedule.h"

#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 64
#define CAPACITY_MAX   (1u << 30)
#define SLOT_FREE      UINT32_MAX

struct entry {
    int64_t due_ms;
    uint64_t id;
    uint32_t slot; /* of the hash, which holds the place of this entry */
};

struct schedule {
    struct entry *heap;
    uint32_t *slots;   /* twice the capacity: never more than half full */
    uint32_t capacity; /* a power of two, or 0 */
    uint32_t count;
};

static int64_t add_saturating(int64_t base, uint64_t delay)
{
    int64_t sum;

    if (delay > INT64_MAX || __builtin_add_overflow(base, (int64_t)delay, &sum))
        return INT64_MAX;
    return sum;
}

uint64_t schedule_delay(const struct schedule_policy *policy, uint32_t attempts)
{
    if (attempts == 0 || policy->delay_count == 0)
        return 0;
    return policy->delays_ms[attempts <= policy->delay_count ? attempts - 1 : policy->delay_count - 1];
}

int64_t schedule_next_after(const struct schedule_policy *policy, int64_t arrived_ms, uint64_t wait_ms,
                            int64_t now_ms)
{
    int64_t expiry_ms = schedule_expiry(policy, arrived_ms);
    int64_t due_ms = add_saturating(now_ms, wait_ms);

    return due_ms < expiry_ms ? due_ms : expiry_ms;
}

int64_t schedule_next_attempt(const struct schedule_policy *policy, int64_t arrived_ms, uint32_t attempts,
                              int64_t now_ms)
{
    return schedule_next_after(policy, arrived_ms, schedule_delay(policy, attempts), now_ms);
}

int64_t schedule_expiry(const struct schedule_policy *policy, int64_t arrived_ms)
{
    return add_saturating(arrived_ms, policy->expire_ms);
}

bool schedule_is_warning_due(const struct schedule_policy *policy, const struct envelope *envelope,
                             int64_t now_ms)
{
    return policy->delay_warning_ms > 0 && !envelope->delay_warned &&
           now_ms >= add_saturating(envelope->arrived_ms, policy->delay_warning_ms);
}

int64_t schedule_not_past_warning(const struct schedule_policy *policy, const struct envelope *envelope,
                                  int64_t due_ms, int64_t now_ms)
{
    int64_t warning_ms = add_saturating(envelope->arrived_ms, policy->delay_warning_ms);
    bool is_owed = policy->delay_warning_ms > 0 && !envelope->delay_warned && envelope->sender.len > 0;

    return is_owed && warning_ms > now_ms && warning_ms < due_ms ? warning_ms : due_ms;
}

bool schedule_is_expired(const struct schedule_policy *policy, int64_t arrived_ms, int64_t now_ms)
{
    return now_ms >= schedule_expiry(policy, arrived_ms);
}

int64_t schedule_clamp_due(const struct schedule_policy *policy, int64_t due_ms, int64_t now_ms)
{
    uint64_t longest_ms = 0;
    int64_t latest_ms;

    for (size_t i = 0; i < policy->delay_count; i++) {
        if (policy->delays_ms[i] > longest_ms)
            longest_ms = policy->delays_ms[i];
    }
    latest_ms = add_saturating(now_ms, longest_ms);
    return due_ms < latest_ms ? due_ms : latest_ms;
}

static uint32_t slot_mask(const struct schedule *schedule)
{
    return 2 * schedule->capacity - 1;
}

/* Ids are consecutive: a multiplicative hash spreads them without clusters. */
static uint32_t home_slot(const struct schedule *schedule, uint64_t id)
{
    return (uint32_t)((id * 0x9e3779b97f4a7c15u) >> 32) & slot_mask(schedule);
}

/* The slot that holds the id, or the free one where it belongs. */
static uint32_t find_slot(const struct schedule *schedule, uint64_t id)
{
    uint32_t slot = home_slot(schedule, id);

    while (schedule->slots[slot] != SLOT_FREE && schedule->heap[schedule->slots[slot]].id != id)
        slot = (slot + 1) & slot_mask(schedule);
    return slot;
}

/* Frees the slot and moves later ones of its run up, so that no search ends too early. */
static void free_slot(struct schedule *schedule, uint32_t slot)
{
    uint32_t mask = slot_mask(schedule);

    for (uint32_t next = (slot + 1) & mask; schedule->slots[next] != SLOT_FREE; next = (next + 1) & mask) {
        struct entry *entry = &schedule->heap[schedule->slots[next]];
        uint32_t home = home_slot(schedule, entry->id);
        if (((next - home) & mask) >= ((next - slot) & mask)) {
            schedule->slots[slot] = schedule->slots[next];
            entry->slot = slot;
            slot = next;
        }
    }
    schedule->slots[slot] = SLOT_FREE;
}

static bool is_before(const struct entry *a, const struct entry *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->id < b->id;
}

static void place_entry(struct schedule *schedule, uint32_t place, struct entry entry)
{
    schedule->heap[place] = entry;
    schedule->slots[entry.slot] = place;
}

static uint32_t sift_up(struct schedule *schedule, uint32_t place)
{
    struct entry entry = schedule->heap[place];

    while (place > 0 && is_before(&entry, &schedule->heap[(place - 1) / 2])) {
        place_entry(schedule, place, schedule->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    place_entry(schedule, place, entry);
    return place;
}

static void sift_down(struct schedule *schedule, uint32_t place)
{
    struct entry entry = schedule->heap[place];

    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= schedule->count)
            break;
        if (child + 1 < schedule->count && is_before(&schedule->heap[child + 1], &schedule->heap[child]))
            child++;
        if (!is_before(&schedule->heap[child], &entry))
            break;
        place_entry(schedule, place, schedule->heap[child]);
        place = child;
    }
    place_entry(schedule, place, entry);
}

/* Makes room for one more. */
static enum error grow(struct schedule *schedule)
{
    uint32_t capacity = schedule->capacity ? 2 * schedule->capacity : CAPACITY_FIRST;
    struct entry *heap;
    uint32_t *slots;

    if (capacity > CAPACITY_MAX)
        return ERROR_LIMIT;
    heap = realloc(schedule->heap, capacity * sizeof(*heap));
    if (!heap)
        return ERROR_TEMPORARY;
    schedule->heap = heap;
    slots = malloc(2 * (size_t)capacity * sizeof(*slots));
    if (!slots)
        return ERROR_TEMPORARY;
    memset(slots, 0xff, 2 * (size_t)capacity * sizeof(*slots));
    free(schedule->slots);
    schedule->slots = slots;
    schedule->capacity = capacity;
    for (uint32_t place = 0; place < schedule->count; place++) {
        heap[place].slot = find_slot(schedule, heap[place].id);
        slots[heap[place].slot] = place;
    }
    return OK;
}

struct schedule *schedule_new(void)
{
    return calloc(1, sizeof(struct schedule));
}

void schedule_free(struct schedule *schedule)
{
    if (!schedule)
        return;
    free(schedule->heap);
    free(schedule->slots);
    free(schedule);
}

enum error schedule_put(struct schedule *schedule, uint64_t id, int64_t due_ms)
{
    uint32_t slot;

    if (schedule->count > 0) {
        slot = find_slot(schedule, id);
        if (schedule->slots[slot] != SLOT_FREE) {
            uint32_t place = schedule->slots[slot];
            schedule->heap[place].due_ms = due_ms;
            sift_down(schedule, sift_up(schedule, place));
            return OK;
        }
    }
    if (schedule->count == schedule->capacity) {
        enum error error = grow(schedule);
        if (error)
            return error;
    }
    slot = find_slot(schedule, id);
    place_entry(schedule, schedule->count, (struct entry){due_ms, id, slot});
    sift_up(schedule, schedule->count++);
    return OK;
}

static void remove_place(struct schedule *schedule, uint32_t place)
{
    free_slot(schedule, schedule->heap[place].slot);
    schedule->count--;
    if (place == schedule->count)
        return;
    place_entry(schedule, place, schedule->heap[schedule->count]);
    sift_down(schedule, sift_up(schedule, place));
}

void schedule_remove(struct schedule *schedule, uint64_t id)
{
    uint32_t slot;

    if (schedule->count == 0)
        return;
    slot = find_slot(schedule, id);
    if (schedule->slots[slot] != SLOT_FREE)
        remove_place(schedule, schedule->slots[slot]);
}

bool schedule_take_due(struct schedule *schedule, int64_t now_ms, uint64_t *out_id)
{
    if (schedule->count == 0 || schedule->heap[0].due_ms > now_ms)
        return false;
    *out_id = schedule->heap[0].id;
    remove_place(schedule, 0);
    return true;
}

int64_t schedule_first_due(const struct schedule *schedule)
{
    return schedule->count ? schedule->heap[0].due_ms : INT64_MAX;
}

size_t schedule_count(const struct schedule *schedule)
{
    return schedule->count;
}

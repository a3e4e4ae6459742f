/* When a deferred message is due. Pure. */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include "queue/envelope.h"

#define SCHEDULE_DELAYS_MAX 32

struct schedule_policy {
    uint64_t delays_ms[SCHEDULE_DELAYS_MAX]; /* between attempts, the last repeats */
    size_t delay_count;
    uint64_t expire_ms;        /* from the time of acceptance */
    uint64_t delay_warning_ms; /* the same, until the sender is told of the delay; 0: never */
};

/* The delay after so many failed attempts in a row; 0: none failed. */
uint64_t schedule_delay(const struct schedule_policy *policy, uint32_t attempts);
/* Wall time so long from now, but never past the expiry. */
int64_t schedule_next_after(const struct schedule_policy *policy, int64_t arrived_ms, uint64_t wait_ms,
                            int64_t now_ms);
/* Wall time of the next attempt after attempts failed ones; never past the expiry (one last try stands
 * there). */
int64_t schedule_next_attempt(const struct schedule_policy *policy, int64_t arrived_ms, uint32_t attempts,
                              int64_t now_ms);
/* Wall time at which it is given up. */
int64_t schedule_expiry(const struct schedule_policy *policy, int64_t arrived_ms);
/* Is it late, and has nobody been told? */
bool schedule_is_warning_due(const struct schedule_policy *policy, const struct envelope *envelope,
                             int64_t now_ms);
/* The due time, or the time of the warning where that comes before it. */
int64_t schedule_not_past_warning(const struct schedule_policy *policy, const struct envelope *envelope,
                                  int64_t due_ms, int64_t now_ms);
/* The due time of a message read back from the disk, no later than the longest delay from now: what was
 * written under a clock that ran ahead (matrix R13) comes at that delay instead of never. */
int64_t schedule_clamp_due(const struct schedule_policy *policy, int64_t due_ms, int64_t now_ms);
bool schedule_is_expired(const struct schedule_policy *policy, int64_t arrived_ms, int64_t now_ms);

/* A queue of ids ordered by due time: put moves an id that is there already. */
struct schedule;
struct schedule *schedule_new(void);
void schedule_free(struct schedule *schedule);
MUST_USE enum error schedule_put(struct schedule *schedule, uint64_t id, int64_t due_ms);
void schedule_remove(struct schedule *schedule, uint64_t id);
/* Takes the first id that is due at now; false when none is. */
bool schedule_take_due(struct schedule *schedule, int64_t now_ms, uint64_t *out_id);
/* Due time of the first, or INT64_MAX. */
int64_t schedule_first_due(const struct schedule *schedule);
size_t schedule_count(const struct schedule *schedule);

#endif

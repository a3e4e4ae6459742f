/* A schedule by turns: the due time is the number of the turn. Each sender's next id gets the turn behind its
 * last one, but never one that is over. */
#include "queue/fair_queue.h"

#include "queue/schedule.h"

#include <stdlib.h>

#define FLOWS 64u

struct fair_queue {
    struct schedule *schedule;
    int64_t turn;        /* of the id that was taken last */
    int64_t last[FLOWS]; /* the last turn given to the flow */
};

struct fair_queue *fair_queue_new(void)
{
    struct fair_queue *queue = calloc(1, sizeof(*queue));

    if (queue)
        queue->schedule = schedule_new();
    if (queue && queue->schedule)
        return queue;
    free(queue);
    return NULL;
}

void fair_queue_free(struct fair_queue *queue)
{
    if (!queue)
        return;
    schedule_free(queue->schedule);
    free(queue);
}

/* FNV-1a. */
static size_t flow_of(struct bytes sender)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < sender.len; i++)
        hash = (hash ^ (unsigned char)sender.ptr[i]) * UINT64_C(0x100000001b3);
    return (size_t)((hash >> 32) % FLOWS);
}

enum error fair_queue_put(struct fair_queue *queue, uint64_t id, struct bytes sender)
{
    int64_t *last = &queue->last[flow_of(sender)];
    int64_t turn = (*last > queue->turn ? *last : queue->turn) + 1;
    enum error error = schedule_put(queue->schedule, id, turn);

    if (!error)
        *last = turn;
    return error;
}

bool fair_queue_take(struct fair_queue *queue, uint64_t *out_id)
{
    int64_t turn = schedule_first_due(queue->schedule);

    if (!schedule_take_due(queue->schedule, INT64_MAX, out_id))
        return false;
    queue->turn = turn;
    return true;
}

size_t fair_queue_count(const struct fair_queue *queue)
{
    return schedule_count(queue->schedule);
}

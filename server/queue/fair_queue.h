/* Ids that wait, taken in turn of their senders: one that has put in thousands does not keep another's first
 * waiting. Spec: start-time fair queueing with a fixed number of flows. */
#ifndef QUEUE_FAIR_QUEUE_H
#define QUEUE_FAIR_QUEUE_H

#include "base/bytes.h"

struct fair_queue;

/* NULL without memory; freeing NULL is a no-op. */
struct fair_queue *fair_queue_new(void);
void fair_queue_free(struct fair_queue *queue);
/* An id that is there already moves to the sender's end. Senders may share a turn. 32 bytes an id. */
MUST_USE enum error fair_queue_put(struct fair_queue *queue, uint64_t id, struct bytes sender);
/* False: it is empty. */
bool fair_queue_take(struct fair_queue *queue, uint64_t *out_id);
size_t fair_queue_count(const struct fair_queue *queue);

#endif

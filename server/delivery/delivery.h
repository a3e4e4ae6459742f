/* Delivers what is owed: one loop owns the schedule, the connections and the resolver. */
#ifndef DELIVERY_DELIVERY_H
#define DELIVERY_DELIVERY_H

#include "loop/resolver.h"
#include "organization/organization.h"
#include "queue/schedule.h"
#include "queue/spool.h"

struct delivery;

struct delivery_config {
    struct loop *loop;
    struct spool *spool;
    struct schedule_policy schedule;
    const struct clock *clock;
    size_t connections_per_hop; /* 0: 20 */
};

/* Starts listening to the spool. On the loop. Nothing is sent before the first organization. */
MUST_USE enum error delivery_start(const struct delivery_config *config, struct delivery **out,
                                   struct note *note);
/* The loop's own reference. */
void delivery_set_organization(struct delivery *delivery, const struct organization *organization);
/* No new transactions; running ones finish; on_done when nothing is left. */
void delivery_stop(struct delivery *delivery, void (*on_done)(void *owner), void *owner);
/* Cuts what still runs; on_done of delivery_stop follows. What is not known to be delivered is tried again
 * after the next start. */
void delivery_abort(struct delivery *delivery);
/* Only after on_done. */
void delivery_free(struct delivery *delivery);

/* Queue commands of the administrator (contract 4), on the loop; changes are durable when on_done comes. */
enum delivery_action { DELIVERY_RETRY, DELIVERY_HOLD, DELIVERY_RELEASE, DELIVERY_REMOVE };
void delivery_act(struct delivery *delivery, uint64_t id, enum delivery_action action,
                  void (*on_done)(void *owner, uint64_t id, enum error error), void *owner);
struct delivery_status {
    uint64_t message_count;
    int64_t oldest_arrived_ms; /* 0: none */
};
void delivery_status(const struct delivery *delivery, struct delivery_status *out);
#endif

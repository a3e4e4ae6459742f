#include "delivery/delivery_internal.h"

#include "base/event.h"
#include "base/metric.h"
#include "loop/jobs.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* -- the schedule: by the monotonic clock, since the wall clock may jump (matrix R13) -- */

static void set_due_timer(struct delivery *delivery)
{
    int64_t due = schedule_first_due(delivery->schedule);
    if (due == INT64_MAX || delivery->is_stopping || !delivery->organization)
        return;
    int64_t now = (int64_t)clock_monotonic_ms(delivery->config.clock);
    loop_timer_start(&delivery->due, due > now ? (uint64_t)(due - now) : 0);
}

void delivery_wait(struct delivery *delivery, uint64_t id, int64_t due_wall_ms)
{
    const struct clock *clock = delivery->config.clock;
    int64_t now = clock_wall_ms(clock);
    int64_t due = schedule_clamp_due(&delivery->config.schedule, due_wall_ms, now);
    int64_t wait = due > now ? due - now : 0;
    if (schedule_put(delivery->schedule, id, (int64_t)clock_monotonic_ms(clock) + wait))
        event_say(EVENT_ERROR, "schedule.full", "no memory: message %" PRIu64 " waits for the next start",
                  id);
    set_due_timer(delivery);
}

void delivery_pump(struct delivery *delivery)
{
    int64_t now = (int64_t)clock_monotonic_ms(delivery->config.clock);
    uint64_t id;
    if (!delivery->organization || delivery->is_stopping)
        return;
    while (delivery->message_count < MESSAGES_MAX && schedule_take_due(delivery->schedule, now, &id))
        message_begin(delivery, id);
    if (delivery->message_count < MESSAGES_MAX)
        set_due_timer(delivery);
}

static void on_due(struct loop_timer *timer)
{
    delivery_pump(list_entry(timer, struct delivery, due));
}

/* The spool tells of a message that is owed. */
static void on_message(void *owner, const struct envelope *envelope)
{
    struct delivery *delivery = owner;
    if (envelope->is_held)
        return;
    bool is_due = envelope->next_attempt_ms <= clock_wall_ms(delivery->config.clock);
    if (is_due && delivery->organization && !delivery->is_stopping &&
        delivery->message_count < MESSAGES_MAX) {
        message_begin_with(delivery, envelope);
        return;
    }
    delivery_wait(delivery, envelope->id, envelope->next_attempt_ms);
}

void delivery_release(struct message *message, bool is_gone)
{
    struct delivery *delivery = message->delivery;
    message_answer(message, ERROR_CANCELED); /* usually there is nothing left to be answered */
    HASH_DEL(delivery->messages, message);
    delivery->message_count--;
    loop_timer_stop(&message->again);
    bool is_waiting = !is_gone && !message->envelope.is_held;
    if (message->parked_at && !is_waiting)
        hop_unclaim(message->parked_at);
    else if (message->parked_at && hop_park(message->parked_at, message->id, message->envelope.sender))
        is_waiting = false;
    if (is_waiting)
        delivery_wait(delivery, message->id, message->envelope.next_attempt_ms);
    else
        set_due_timer(delivery); /* a place is free */
    arena_done(&message->arena);
    free(message->attempts);
    free(message);
    delivery_check_stopped(delivery);
}

/* -- starting and stopping -- */

static double queue_messages(void *owner)
{
    const struct delivery *delivery = owner;
    return (double)delivery->config.spool->ops->count(delivery->config.spool);
}

static bool take_arrival(void *owner, const struct envelope *envelope)
{
    *(int64_t *)owner = envelope->arrived_ms;
    return false;
}

/* Ids grow with time, so the first one is the oldest. */
static int64_t oldest_arrival(struct spool *spool)
{
    int64_t arrived_ms = 0;
    return spool->ops->each(spool, 0, take_arrival, &arrived_ms) ? 0 : arrived_ms;
}

static double queue_oldest_seconds(void *owner)
{
    const struct delivery *delivery = owner;
    int64_t arrived_ms = oldest_arrival(delivery->config.spool);
    int64_t age_ms = arrived_ms ? clock_wall_ms(delivery->config.clock) - arrived_ms : 0;
    return age_ms > 0 ? (double)age_ms / 1000 : 0;
}

static bool is_empty(const struct delivery *delivery)
{
    return !delivery->messages && list_is_empty(&delivery->hops) && list_is_empty(&delivery->old_hops);
}

/* Nothing of ours may be left on the loop; the rest goes with delivery_free. */
static void on_stopped(struct loop_timer *timer)
{
    struct delivery *delivery = list_entry(timer, struct delivery, stopped);
    if (!is_empty(delivery))
        return; /* an administrator was faster; this comes again */
    void (*on_done)(void *) = delivery->on_stopped;
    delivery->on_stopped = NULL;
    resolver_free(delivery->resolver);
    delivery->resolver = NULL;
    on_done(delivery->on_stopped_owner);
}

static enum error make_parts(struct delivery *delivery, struct note *note)
{
    const struct delivery_config *config = &delivery->config;
    delivery->schedule = schedule_new();
    if (config->fetches_lists)
        delivery->revocation = revocation_new(config->loop, config->clock);
    if (config->asks_sts)
        delivery->sts = sts_new(&(struct sts_config){config->loop, config->clock, config->ca_file});
    if (!delivery->schedule || (config->fetches_lists && !delivery->revocation) ||
        (config->asks_sts && !delivery->sts))
        return ERROR_TEMPORARY;
    return resolver_new(config->loop, &config->resolver, &delivery->resolver, note);
}

/* The resolver goes when delivery stops. */
static void free_parts(struct delivery *delivery)
{
    schedule_free(delivery->schedule);
    revocation_free(delivery->revocation);
    sts_free(delivery->sts);
    tls_context_free(delivery->config.tls);
}

enum error delivery_start(const struct delivery_config *config, struct delivery **out, struct note *note)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery) {
        tls_context_free(config->tls);
        return ERROR_TEMPORARY;
    }
    delivery->config = *config;
    if (delivery->config.connections_per_hop == 0)
        delivery->config.connections_per_hop = CONNECTIONS_PER_HOP;
    list_init(&delivery->hops);
    list_init(&delivery->old_hops);
    list_init(&delivery->trials);
    loop_timer_init(&delivery->due, config->loop, on_due);
    loop_timer_init(&delivery->parked, config->loop, hop_on_parked);
    loop_timer_init(&delivery->stopped, config->loop, on_stopped);
    enum error error = make_parts(delivery, note);
    if (error) {
        free_parts(delivery);
        free(delivery);
        return error;
    }
    outcome_metrics();
    metric_register_callback("dirrelay_queue_messages", "Messages that are owed.", queue_messages, delivery);
    metric_register_callback("dirrelay_queue_oldest_seconds", "Age of the oldest message that is owed.",
                             queue_oldest_seconds, delivery);
    config->spool->ops->listen(config->spool, config->loop, on_message, delivery);
    *out = delivery;
    return OK;
}

/* Retiring one may end others. */
static void retire_hops(struct delivery *delivery)
{
    struct list *link;
    while ((link = list_first(&delivery->hops)))
        hop_retire(list_entry(link, struct hop, link));
}

void delivery_set_organization(struct delivery *delivery, const struct organization *organization)
{
    organization_ref(organization);
    organization_unref(delivery->organization);
    delivery->organization = organization;
    retire_hops(delivery);
    delivery_pump(delivery);
}

void delivery_set_tls(struct delivery *delivery, struct tls_context *tls)
{
    tls_context_free(delivery->config.tls);
    delivery->config.tls = tls;
}

void delivery_set_certificates(struct delivery *delivery, const struct certificate_set *certificates)
{
    certificate_set_unref(delivery->certificates);
    delivery->certificates = certificates;
}

void delivery_check_stopped(struct delivery *delivery)
{
    if (delivery->on_stopped && is_empty(delivery))
        loop_timer_start(&delivery->stopped, 0);
}

void delivery_stop(struct delivery *delivery, void (*on_done)(void *owner), void *owner)
{
    delivery->is_stopping = true;
    delivery->on_stopped = on_done;
    delivery->on_stopped_owner = owner;
    loop_timer_stop(&delivery->due);
    loop_timer_stop(&delivery->parked);
    if (delivery->revocation)
        revocation_stop(delivery->revocation);
    if (delivery->sts)
        sts_stop(delivery->sts);
    retire_hops(delivery);
    delivery_check_stopped(delivery);
}

void delivery_abort(struct delivery *delivery)
{
    delivery->is_aborting = true;
    list_each_safe(link, &delivery->old_hops) connection_abort_all(list_entry(link, struct hop, link));
    struct message *message, *next;
    HASH_ITER(hh, delivery->messages, message, next)
    {
        if (loop_timer_is_running(&message->again))
            delivery_release(message, true);
    }
}

void delivery_free(struct delivery *delivery)
{
    assert(!delivery->messages && list_is_empty(&delivery->hops) && list_is_empty(&delivery->old_hops));
    metric_unregister_callback("dirrelay_queue_messages");
    metric_unregister_callback("dirrelay_queue_oldest_seconds");
    free_parts(delivery);
    organization_unref(delivery->organization);
    certificate_set_unref(delivery->certificates);
    if (delivery->jobs)
        jobs_free(delivery->jobs);
    free(delivery);
}

/* -- the administrator -- */

void delivery_act(struct delivery *delivery, uint64_t id, enum delivery_action action,
                  void (*on_done)(void *owner, uint64_t id, enum error error), void *owner)
{
    bool is_over = delivery->is_stopping && !delivery->on_stopped;
    struct action *asked = is_over ? NULL : malloc(sizeof *asked);
    if (!asked) {
        on_done(owner, id, is_over ? ERROR_CANCELED : ERROR_TEMPORARY);
        return;
    }
    *asked = (struct action){.action = action, .on_done = on_done, .owner = owner};
    list_init(&asked->link);
    delivery->revival += action == DELIVERY_RETRY; /* the administrator knows better than any back-off */
    message_act(delivery, id, asked);
}

void delivery_status(const struct delivery *delivery, struct delivery_status *out)
{
    struct spool *spool = delivery->config.spool;
    *out = (struct delivery_status){.message_count = spool->ops->count(spool),
                                    .oldest_arrived_ms = oldest_arrival(spool)};
}

#include "delivery/delivery_internal.h"

#include "base/event.h"
#include "base/metric.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* -- the schedule -- */

static void set_due_timer(struct delivery *delivery)
{
    int64_t due = schedule_first_due(delivery->schedule);
    if (due == INT64_MAX || delivery->is_stopping || !delivery->organization)
        return;
    int64_t now = clock_wall_ms(delivery->config.clock);
    /* The wall clock may jump: look again at least every minute. */
    int64_t wait = due <= now ? 0 : due - now < 60000 ? due - now : 60000;
    loop_timer_start(&delivery->due, (uint64_t)wait);
}

void delivery_pump(struct delivery *delivery)
{
    int64_t now = clock_wall_ms(delivery->config.clock);
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
    if (schedule_put(delivery->schedule, envelope->id, envelope->next_attempt_ms) == OK)
        set_due_timer(delivery);
}

void delivery_release(struct message *message, bool is_gone)
{
    struct delivery *delivery = message->delivery;
    if (!is_gone && !message->envelope.is_held &&
        schedule_put(delivery->schedule, message->id, message->envelope.next_attempt_ms))
        event_say(EVENT_ERROR, "schedule.full", "no memory: message %" PRIu64 " waits for the next start",
                  message->id);
    HASH_DEL(delivery->messages, message);
    delivery->message_count--;
    loop_timer_stop(&message->again);
    arena_done(&message->arena);
    free(message->was_pending);
    free(message);
    set_due_timer(delivery);
    delivery_check_stopped(delivery);
}

/* -- starting and stopping -- */

static double queue_messages(void *owner)
{
    struct spool *spool = owner;
    return (double)spool->ops->count(spool);
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
    int64_t arrived_ms = oldest_arrival(owner);
    return arrived_ms ? (double)(clock_wall_ms(&clock_system) - arrived_ms) / 1000 : 0;
}

enum error delivery_start(const struct delivery_config *config, struct delivery **out, struct note *note)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    if (!delivery)
        return ERROR_TEMPORARY;
    delivery->config = *config;
    if (delivery->config.connections_per_hop == 0)
        delivery->config.connections_per_hop = CONNECTIONS_PER_HOP;
    list_init(&delivery->hops);
    list_init(&delivery->old_hops);
    loop_timer_init(&delivery->due, config->loop, on_due);
    delivery->schedule = schedule_new();
    enum error error =
        delivery->schedule ? resolver_new(config->loop, &delivery->resolver, note) : ERROR_TEMPORARY;
    if (error) {
        schedule_free(delivery->schedule);
        free(delivery);
        return error;
    }
    metric_register_callback("dirrelay_queue_messages", "Messages that are owed.", queue_messages,
                             config->spool);
    metric_register_callback("dirrelay_queue_oldest_seconds", "Age of the oldest message that is owed.",
                             queue_oldest_seconds, config->spool);
    config->spool->ops->listen(config->spool, config->loop, on_message, delivery);
    *out = delivery;
    return OK;
}

void delivery_set_organization(struct delivery *delivery, const struct organization *organization)
{
    organization_ref(organization);
    organization_unref(delivery->organization);
    delivery->organization = organization;
    list_each_safe(link, &delivery->hops) hop_retire(list_entry(link, struct hop, link));
    delivery_pump(delivery);
}

void delivery_check_stopped(struct delivery *delivery)
{
    if (!delivery->is_stopping || !delivery->on_stopped || delivery->messages ||
        !list_is_empty(&delivery->hops) || !list_is_empty(&delivery->old_hops))
        return;
    void (*on_stopped)(void *) = delivery->on_stopped;
    delivery->on_stopped = NULL;
    on_stopped(delivery->on_stopped_owner);
}

void delivery_stop(struct delivery *delivery, void (*on_done)(void *owner), void *owner)
{
    delivery->is_stopping = true;
    delivery->on_stopped = on_done;
    delivery->on_stopped_owner = owner;
    loop_timer_stop(&delivery->due);
    list_each_safe(link, &delivery->hops) hop_retire(list_entry(link, struct hop, link));
    delivery_check_stopped(delivery);
}

void delivery_abort(struct delivery *delivery)
{
    struct list *lists[] = {&delivery->hops, &delivery->old_hops};
    for (size_t i = 0; i < 2; i++) {
        list_each_safe(link, lists[i]) connection_abort_all(list_entry(link, struct hop, link));
    }
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
    resolver_free(delivery->resolver);
    schedule_free(delivery->schedule);
    organization_unref(delivery->organization);
    loop_timer_stop(&delivery->due);
    free(delivery);
}

/* -- the administrator -- */

void delivery_act(struct delivery *delivery, uint64_t id, enum delivery_action action,
                  void (*on_done)(void *owner, uint64_t id, enum error error), void *owner)
{
    struct action *asked = malloc(sizeof *asked);
    if (!asked) {
        on_done(owner, id, ERROR_TEMPORARY);
        return;
    }
    *asked = (struct action){.action = action, .on_done = on_done, .owner = owner};
    list_init(&asked->link);
    if (action == DELIVERY_RETRY) {
        list_each(link, &delivery->hops) list_entry(link, struct hop, link)->retry_at_ms = 0;
    }
    message_act(delivery, id, asked);
}

void delivery_status(const struct delivery *delivery, struct delivery_status *out)
{
    struct spool *spool = delivery->config.spool;
    *out = (struct delivery_status){.message_count = spool->ops->count(spool),
                                    .oldest_arrived_ms = oldest_arrival(spool)};
}

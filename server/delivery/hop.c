#include "delivery/delivery_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MORE_MS 10000 /* how long a hop that turned a session away is not asked for one more */

struct hop *hop_find(struct delivery *delivery, const struct send_connector *connector)
{
    list_each(link, &delivery->hops)
    {
        struct hop *hop = list_entry(link, struct hop, link);
        if (hop->connector == connector)
            return hop;
    }
    struct hop *hop = calloc(1, sizeof *hop);
    if (!hop)
        return NULL;
    hop->delivery = delivery;
    hop->organization = organization_ref(delivery->organization);
    hop->connector = connector;
    list_init(&hop->waiting);
    list_init(&hop->connections);
    list_append(&delivery->hops, &hop->link);
    return hop;
}

static bool is_dead(const struct hop *hop)
{
    return hop->retry_at_ms > clock_monotonic_ms(hop->delivery->config.clock);
}

/* Not an attempt: the message settles without one and is due again at once. */
static void give_back(struct transmission *transmission)
{
    struct message *message = transmission->message;
    message->is_replanned = true;
    transmission_free(transmission);
    message_transmission_done(message);
}

/* -- messages beyond what may wait -- */

bool hop_park(struct delivery *delivery, const struct hop *wanted, uint64_t id)
{
    list_each(link, &delivery->hops)
    {
        struct hop *hop = list_entry(link, struct hop, link);
        if (hop != wanted || hop->waiting_count < WAITING_PER_HOP / 2)
            continue;
        if (!hop->parked)
            hop->parked = schedule_new();
        return hop->parked && schedule_put(hop->parked, id, 0) == OK;
    }
    return false;
}

/* At most so many of the parked are due now. */
static void unpark(struct hop *hop, size_t count)
{
    uint64_t id;
    while (hop->parked && count-- > 0 && schedule_take_due(hop->parked, 0, &id))
        delivery_wait(hop->delivery, id, 0);
}

void hop_forget_parked(struct delivery *delivery, uint64_t id)
{
    list_each(link, &delivery->hops)
    {
        struct hop *hop = list_entry(link, struct hop, link);
        if (hop->parked)
            schedule_remove(hop->parked, id);
    }
}

/* -- what waits -- */

void hop_queue_again(struct hop *hop, struct transmission *transmission)
{
    list_append(hop->waiting.next, &transmission->link);
    hop->waiting_count++;
}

void hop_queue(struct hop *hop, struct transmission *transmission)
{
    if (is_dead(hop)) {
        transmission_defer(transmission, bytes_of_text(hop->last_reply));
        return;
    }
    if (hop->waiting_count >= WAITING_PER_HOP) {
        transmission->message->parked_at = hop;
        give_back(transmission);
        return;
    }
    list_append(&hop->waiting, &transmission->link);
    hop->waiting_count++;
    hop_pump(hop);
}

static bool may_open(const struct hop *hop)
{
    bool may_have_more = hop->more_at_ms <= clock_monotonic_ms(hop->delivery->config.clock);
    return !hop->is_old && hop->waiting_count > hop->connecting_count &&
           hop->connection_count < hop->delivery->config.connections_per_hop &&
           (may_have_more || hop->connection_count == 0);
}

void hop_pump(struct hop *hop)
{
    while (hop->waiting_count && connection_use_idle(hop))
        ;
    if (may_open(hop))
        hop_connection_open(hop);
    hop_check_done(hop);
}

struct transmission *hop_take(struct hop *hop)
{
    struct list *link = list_first(&hop->waiting);
    if (!link)
        return NULL;
    list_remove(link);
    if (--hop->waiting_count < WAITING_PER_HOP / 2)
        unpark(hop, hop->waiting_count ? 1 : WAITING_PER_HOP / 2);
    return list_entry(link, struct transmission, link);
}

void hop_note(struct hop *hop, struct bytes reply)
{
    snprintf(hop->last_reply, sizeof hop->last_reply, "%.*s", BYTES_ARG(reply));
}

/* New messages for a dead hop are deferred unasked for half of the first delay, so that it is not called for
 * each. One that takes so many sessions and not one more is not dead. */
void hop_failed(struct hop *hop)
{
    const struct schedule_policy *policy = &hop->delivery->config.schedule;
    uint64_t now = clock_monotonic_ms(hop->delivery->config.clock);
    struct transmission *transmission;
    hop->more_at_ms = now + MORE_MS;
    if (connection_is_any_working(hop))
        return;
    hop->retry_at_ms = now + policy->delays_ms[0] / 2;
    unpark(hop, SIZE_MAX);
    while ((transmission = hop_take(hop)))
        transmission_defer(transmission, bytes_of_text(hop->last_reply));
}

void hop_revive(struct hop *hop)
{
    hop->retry_at_ms = hop->more_at_ms = 0;
}

void hop_retire(struct hop *hop)
{
    struct delivery *delivery = hop->delivery;
    struct transmission *transmission;
    hop->is_old = true;
    list_remove(&hop->link);
    list_append(&delivery->old_hops, &hop->link);
    unpark(hop, SIZE_MAX);
    while ((transmission = hop_take(hop)))
        give_back(transmission);
    connection_close_idle(hop);
    hop_check_done(hop);
}

void hop_check_done(struct hop *hop)
{
    struct delivery *delivery = hop->delivery;
    if (!hop->is_old || hop->connection_count || hop->waiting_count)
        return;
    list_remove(&hop->link);
    organization_unref(hop->organization);
    schedule_free(hop->parked);
    free(hop);
    delivery_check_stopped(delivery);
}

#include "delivery/delivery_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MORE_MS     10000 /* how long a hop that turned a session away is not asked for one more */
#define HOPELESS_MS 60000 /* how long "no such domain" is believed */
#define HOPS_FIRST  64    /* so many are kept unasked */
#define PARKED_MS   60000 /* how often idle hops are looked at */

static uint64_t now_of(const struct delivery *delivery)
{
    return clock_monotonic_ms(delivery->config.clock);
}

/* -- life -- */

/* A domain's hop goes as soon as nobody needs it; one that is dead is remembered. That of smart hosts stays
 * as long as its organization. */
static bool is_needed(const struct hop *hop)
{
    bool has_parked = hop->parked && fair_queue_count(hop->parked) > 0;
    bool is_kept = !hop->key.domain[0] || hop->failures || has_parked;
    return hop->connection_count || hop->claim_count || (!hop->is_old && is_kept);
}

static void hop_free(struct hop *hop)
{
    struct delivery *delivery = hop->delivery;
    if (!hop->is_old)
        HASH_DEL(delivery->hop_index, hop);
    list_remove(&hop->link);
    list_remove(&hop->trial);
    organization_unref(hop->organization);
    fair_queue_free(hop->parked);
    token_free(hop);
    free(hop);
    delivery_check_stopped(delivery);
}

static void check_done(struct hop *hop)
{
    if (!is_needed(hop))
        hop_free(hop);
}

void hop_unclaim(struct hop *hop)
{
    hop->claim_count--;
    check_done(hop);
}

/* Forgets hops that were dead and that nobody has asked for since. */
static void sweep(struct delivery *delivery)
{
    uint64_t now = now_of(delivery);
    list_each_safe(link, &delivery->hops)
    {
        struct hop *hop = list_entry(link, struct hop, link);
        if (hop->retry_at_ms <= now && hop->key.domain[0] && !hop->claim_count && !hop->connection_count) {
            hop->failures = 0;
            check_done(hop);
        }
    }
    size_t count = HASH_COUNT(delivery->hop_index);
    delivery->sweep_at = 2 * (count > HOPS_FIRST ? count : HOPS_FIRST);
}

struct hop *hop_find(struct delivery *delivery, const struct send_connector *connector, struct bytes domain)
{
    struct hop_key key;
    struct hop *hop;
    memset(&key, 0, sizeof key);
    key.connector = connector;
    if (domain.len >= sizeof key.domain)
        return NULL; /* no name is that long */
    if (domain.len)
        memcpy(key.domain, domain.ptr, domain.len);
    HASH_FIND(hh, delivery->hop_index, &key, sizeof key, hop);
    if (hop)
        return hop;
    if (HASH_COUNT(delivery->hop_index) >= delivery->sweep_at)
        sweep(delivery);
    hop = calloc(1, sizeof *hop);
    if (!hop)
        return NULL;
    hop->key = key;
    hop->delivery = delivery;
    hop->organization = organization_ref(delivery->organization);
    hop->connector = connector;
    list_init(&hop->trial);
    list_init(&hop->waiting);
    list_init(&hop->connections);
    list_append(&delivery->hops, &hop->link);
    HASH_ADD(hh, delivery->hop_index, key, sizeof hop->key, hop);
    return hop;
}

struct bytes hop_name(const struct hop *hop)
{
    return bytes_of_text(hop->key.domain[0] ? hop->key.domain : hop->connector->name);
}

bool hop_is_dead(const struct hop *hop)
{
    return hop->retry_at_ms > now_of(hop->delivery) && hop->revival == hop->delivery->revival;
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

static bool has_room(const struct hop *hop)
{
    if (hop->is_proven)
        return hop->waiting_count < WAITING_PER_HOP;
    return hop->waiting_count < TRIALS_PER_HOP && hop->delivery->trial_count < TRIALS_MAX;
}

bool hop_park(struct hop *hop, uint64_t id, struct bytes sender)
{
    bool is_parked = false;
    if (!hop->parked)
        hop->parked = fair_queue_new();
    if (!hop->is_old && !has_room(hop) && !hop_is_dead(hop))
        is_parked = hop->parked && fair_queue_put(hop->parked, id, sender) == OK;
    /* What waits or is connected at the hop calls it back some time; without it only a free trial does. */
    if (is_parked && !hop->waiting_count && !hop->connection_count && list_is_empty(&hop->trial))
        list_append(&hop->delivery->trials, &hop->trial);
    if (is_parked && !hop->delivery->is_stopping && !loop_timer_is_running(&hop->delivery->parked))
        loop_timer_start(&hop->delivery->parked, PARKED_MS);
    hop_unclaim(hop);
    return is_parked;
}

/* At most so many of the parked are due now. */
static void unpark(struct hop *hop, size_t count)
{
    uint64_t id;
    while (hop->parked && count-- > 0 && fair_queue_take(hop->parked, &id))
        delivery_wait(hop->delivery, id, 0);
}

void hop_on_parked(struct loop_timer *timer)
{
    struct delivery *delivery = list_entry(timer, struct delivery, parked);
    list_each(link, &delivery->hops)
    {
        struct hop *hop = list_entry(link, struct hop, link);
        if (!hop->parked || fair_queue_count(hop->parked) == 0)
            continue;
        if (!hop->waiting_count && !hop->connection_count)
            unpark(hop, TRIALS_PER_HOP);
        loop_timer_start(timer, PARKED_MS);
    }
}

/* Trials are free: the hops that have waited longest get them. */
static void give_trials(struct delivery *delivery)
{
    size_t count = delivery->trial_count;
    struct list *link;
    while (count < TRIALS_MAX && (link = list_first(&delivery->trials))) {
        list_remove(link);
        unpark(list_entry(link, struct hop, trial), TRIALS_PER_HOP);
        count += TRIALS_PER_HOP;
    }
}

static void set_proven(struct hop *hop, bool is_proven)
{
    if (hop->is_proven == is_proven)
        return;
    hop->is_proven = is_proven;
    if (is_proven)
        hop->delivery->trial_count -= hop->waiting_count;
    else
        hop->delivery->trial_count += hop->waiting_count;
}

/* -- what waits -- */

static void count_waiting(struct hop *hop, bool is_one_more)
{
    size_t change = is_one_more ? 1 : SIZE_MAX;
    hop->waiting_count += change;
    if (!hop->is_proven)
        hop->delivery->trial_count += change;
}

void hop_queue_again(struct hop *hop, struct transmission *transmission)
{
    list_append(hop->waiting.next, &transmission->link);
    count_waiting(hop, true);
}

/* By a hop that is dead. */
static void turn_away(struct hop *hop, struct transmission *transmission)
{
    struct message *message = transmission->message;
    struct bytes reply = bytes_of_text(hop->last_reply);
    if (hop->is_hopeless) {
        transmission_fail(transmission, reply);
        return;
    }
    if (transmission->has_alternative) {
        give_back(transmission); /* it is planned anew, around this hop */
        return;
    }
    if (!message->retry_at_ms || message->retry_at_ms > hop->retry_at_ms)
        message->retry_at_ms = hop->retry_at_ms;
    transmission_defer(transmission, reply);
}

void hop_queue(struct hop *hop, struct transmission *transmission)
{
    if (hop_is_dead(hop)) {
        turn_away(hop, transmission);
        return;
    }
    if (!has_room(hop)) {
        if (!transmission->message->parked_at) {
            transmission->message->parked_at = hop;
            hop->claim_count++;
        }
        give_back(transmission);
        return;
    }
    list_append(&hop->waiting, &transmission->link);
    count_waiting(hop, true);
    hop_pump(hop);
}

static bool may_open(const struct hop *hop)
{
    const struct delivery *delivery = hop->delivery;
    bool may_have_more = hop->more_at_ms <= now_of(delivery) && delivery->connection_count < CONNECTIONS_MAX;
    return !hop->is_old && hop->waiting_count > hop->connecting_count &&
           hop->connection_count < delivery->config.connections_per_hop &&
           (may_have_more || hop->connection_count == 0);
}

void hop_pump(struct hop *hop)
{
    while (hop->waiting_count && connection_use_idle(hop))
        ;
    if (!hop->waiting_count && hop->is_proven)
        unpark(hop, WAITING_PER_HOP / 2);
    if (!may_open(hop))
        check_done(hop);
    else if (security_is_ready(hop) && token_is_ready(hop))
        hop_connection_open(hop);
}

struct transmission *hop_take(struct hop *hop)
{
    struct list *link = list_first(&hop->waiting);
    if (!link)
        return NULL;
    list_remove(link);
    count_waiting(hop, false);
    if (hop->waiting_count < WAITING_PER_HOP / 2)
        unpark(hop, hop->waiting_count ? 1 : WAITING_PER_HOP / 2);
    return list_entry(link, struct transmission, link);
}

/* -- what becomes of it -- */

void hop_note(struct hop *hop, struct bytes reply)
{
    snprintf(hop->last_reply, sizeof hop->last_reply, "%.*s", BYTES_ARG(reply));
}

void hop_succeeded(struct hop *hop)
{
    bool was_proven = hop->is_proven;
    hop->retry_at_ms = 0;
    hop->failures = 0;
    hop->is_hopeless = false;
    set_proven(hop, true);
    if (was_proven)
        return;
    unpark(hop, WAITING_PER_HOP / 2);
    give_trials(hop->delivery);
}

/* So long it is not called, whatever comes for it. */
static void die(struct hop *hop, uint64_t ms)
{
    struct transmission *transmission;
    hop->claim_count++; /* ours */
    hop->retry_at_ms = now_of(hop->delivery) + ms;
    hop->revival = hop->delivery->revival;
    hop->failures++;
    unpark(hop, SIZE_MAX);
    while ((transmission = hop_take(hop)))
        turn_away(hop, transmission);
    set_proven(hop, false);
    give_trials(hop->delivery);
    hop_unclaim(hop);
}

/* One that takes so many sessions and not one more is not dead; attempts side by side are one failure. */
void hop_failed(struct hop *hop)
{
    hop->more_at_ms = now_of(hop->delivery) + MORE_MS;
    if (connection_is_any_working(hop) || hop_is_dead(hop))
        return;
    hop->is_hopeless = false;
    die(hop, schedule_delay(&hop->delivery->config.schedule, hop->failures + 1));
}

void hop_refused(struct hop *hop, struct bytes reply)
{
    hop_note(hop, reply);
    hop->is_hopeless = true;
    die(hop, HOPELESS_MS);
}

void hop_retire(struct hop *hop)
{
    struct delivery *delivery = hop->delivery;
    struct transmission *transmission;
    hop->claim_count++; /* ours */
    hop->is_old = true;
    token_cancel(hop);
    HASH_DEL(delivery->hop_index, hop);
    list_remove(&hop->trial);
    list_remove(&hop->link);
    list_append(&delivery->old_hops, &hop->link);
    unpark(hop, SIZE_MAX);
    while ((transmission = hop_take(hop)))
        give_back(transmission);
    connection_close_idle(hop);
    connection_abort_connecting(hop);
    hop_unclaim(hop);
}

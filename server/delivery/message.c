#include "delivery/delivery_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Happy path: begin, plan, transmissions, attempt over, removed from the spool.
 * Failures: a recipient refused for good: a bounce first, then stored; deferred: stored with the next time;
 * expired: all that is left fails; the spool cannot store: again every second. */

#define STORE_AGAIN_MS 1000

static struct message *message_find(const struct delivery *delivery, uint64_t id)
{
    struct message *message;
    HASH_FIND(hh, delivery->messages, &id, sizeof id, message);
    return message;
}

static void store(struct message *message);

static void on_again(struct loop_timer *timer)
{
    store(list_entry(timer, struct message, again));
}

static struct message *message_new(struct delivery *delivery, uint64_t id)
{
    struct message *message = calloc(1, sizeof *message);
    if (!message)
        return NULL;
    message->id = id;
    message->delivery = delivery;
    arena_init(&message->arena, 2 * (size_t)ENVELOPE_BYTES_MAX);
    list_init(&message->actions);
    list_init(&message->storing);
    loop_timer_init(&message->again, delivery->config.loop, on_again);
    HASH_ADD(hh, delivery->messages, id, sizeof id, message);
    delivery->message_count++;
    return message;
}

/* -- an attempt -- */

/* Replies of earlier attempts pile up in no arena: each attempt reads the envelope anew. */
static void attempt(struct message *message)
{
    struct envelope *envelope = &message->envelope;
    message->attempts = calloc(envelope->recipient_count + 1, sizeof *message->attempts);
    if (!message->attempts) {
        envelope->next_attempt_ms = clock_wall_ms(message->delivery->config.clock) + STORE_AGAIN_MS;
        delivery_release(message, false);
        return;
    }
    plan_transmissions(message);
}

/* One that is in the works already comes back by itself; without memory it is tried again. */
static void begin_later(struct delivery *delivery, uint64_t id)
{
    if (!message_find(delivery, id))
        delivery_wait(delivery, id, clock_wall_ms(delivery->config.clock) + STORE_AGAIN_MS);
}

void message_begin(struct delivery *delivery, uint64_t id)
{
    struct spool *spool = delivery->config.spool;
    struct message *message = message_find(delivery, id) ? NULL : message_new(delivery, id);
    if (!message) {
        begin_later(delivery, id);
        return;
    }
    enum error error = spool->ops->read_envelope(spool, id, &message->arena, &message->envelope);
    if (error) {
        message->envelope.next_attempt_ms = clock_wall_ms(delivery->config.clock) + STORE_AGAIN_MS;
        delivery_release(message, error == ERROR_NOT_FOUND || error == ERROR_SYNTAX);
        return;
    }
    if (message->envelope.is_held)
        delivery_release(message, true);
    else
        attempt(message);
}

void message_begin_with(struct delivery *delivery, const struct envelope *envelope)
{
    struct message *message =
        message_find(delivery, envelope->id) ? NULL : message_new(delivery, envelope->id);
    if (!message) {
        begin_later(delivery, envelope->id);
        return;
    }
    if (envelope_copy(envelope, &message->arena, &message->envelope)) {
        message->envelope.next_attempt_ms = clock_wall_ms(delivery->config.clock) + STORE_AGAIN_MS;
        delivery_release(message, false);
        return;
    }
    attempt(message);
}

/* -- the end of an attempt -- */

/* What is still owed fails for this reason, with the last thing the hop said. */
static void fail_pending(struct message *message, const char *reason)
{
    for (size_t i = 0; i < message->envelope.recipient_count; i++) {
        const struct envelope_recipient *recipient = &message->envelope.recipients[i];
        char reply[512];
        if (recipient->state != RECIPIENT_PENDING)
            continue;
        int len =
            snprintf(reply, sizeof reply, "%s%s%.*s", reason, recipient->reply.len ? "; last reply: " : "",
                     recipient->reply.len > 400 ? 400 : (int)recipient->reply.len,
                     recipient->reply.len ? recipient->reply.ptr : "");
        recipient_set(message, i, OUTCOME_FAILED, (struct bytes){reply, (size_t)len});
    }
}

static bool is_expired(const struct message *message)
{
    const struct delivery_config *config = &message->delivery->config;
    return schedule_is_expired(&config->schedule, message->envelope.arrived_ms, clock_wall_ms(config->clock));
}

static bool is_return_asked(const struct message *message)
{
    list_each(link, &message->actions)
    {
        if (list_entry(link, struct action, link)->action == DELIVERY_BOUNCE)
            return true;
    }
    return false;
}

/* The attempt is over, or there was none: time or the administrator may end it all. */
static void conclude(struct message *message)
{
    if (is_return_asked(message))
        fail_pending(message, "550 5.0.0 Returned by the administrator");
    else if (!message->is_replanned && is_expired(message))
        fail_pending(message, "550 4.4.7 Message expired");
    if (!bounce_start(message))
        message_settle(message, OK);
}

/* The administrator wants it back; what failed earlier was reported then. */
static void return_to_sender(struct message *message)
{
    free(message->attempts);
    message->attempts = calloc(message->envelope.recipient_count + 1, sizeof *message->attempts);
    if (message->attempts)
        conclude(message);
    else
        message_settle(message, ERROR_TEMPORARY);
}

void message_transmission_done(struct message *message)
{
    if (--message->transmissions_out == 0)
        conclude(message);
}

/* Asked again until the sender can be told. */
static void take_failures_back(struct message *message)
{
    struct envelope *envelope = &message->envelope;
    for (size_t i = 0; message->attempts && i < envelope->recipient_count; i++) {
        if (message->attempts[i].has_outcome && envelope->recipients[i].state == RECIPIENT_FAILED)
            envelope->recipients[i].state = RECIPIENT_PENDING;
    }
}

static int64_t next_attempt(const struct message *message, bool is_bounce_owed)
{
    const struct delivery_config *config = &message->delivery->config;
    const struct envelope *envelope = &message->envelope;
    int64_t now = clock_wall_ms(config->clock);
    if (is_bounce_owed) /* also past the expiry, where everything is due at once */
        return now + (int64_t)config->schedule.delays_ms[0];
    if (message->is_replanned)
        return now;
    uint64_t wait = schedule_delay(&config->schedule, envelope->attempts);
    if (message->retry_at_ms) {
        uint64_t monotonic = clock_monotonic_ms(config->clock);
        wait = message->retry_at_ms > monotonic ? message->retry_at_ms - monotonic : 0;
    }
    int64_t due = schedule_next_after(&config->schedule, envelope->arrived_ms, wait, now);
    return schedule_not_past_warning(&config->schedule, envelope, due, now);
}

/* The report that was asked for cannot be made now. */
static void answer_returns(struct message *message, enum error error)
{
    list_each_safe(link, &message->actions)
    {
        struct action *action = list_entry(link, struct action, link);
        if (action->action != DELIVERY_BOUNCE)
            continue;
        list_remove(link);
        action->on_done(action->owner, message->id, error);
        free(action);
    }
}

void message_settle(struct message *message, enum error bounce_error)
{
    struct envelope *envelope = &message->envelope;
    if (bounce_error) {
        take_failures_back(message);
        answer_returns(message, bounce_error);
    }
    envelope->attempts += !message->is_replanned;
    envelope->next_attempt_ms = next_attempt(message, bounce_error != OK);
    if (message->is_changed)
        outcome_log(message);
    if (!message->is_changed && !envelope_is_finished(envelope) && list_is_empty(&message->actions))
        delivery_release(message, false);
    else
        store(message);
}

/* -- storing -- */

/* Puts what was asked for into the envelope. */
static void apply_actions(struct message *message)
{
    struct envelope *envelope = &message->envelope;
    list_each_safe(link, &message->actions)
    {
        struct action *action = list_entry(link, struct action, link);
        list_remove(link);
        list_append(&message->storing, link);
        switch (action->action) {
        case DELIVERY_REMOVE:
            message->is_removed = true;
            break;
        case DELIVERY_BOUNCE: /* done: the report is durable */
            break;
        case DELIVERY_HOLD:
            envelope->is_held = true;
            break;
        case DELIVERY_RELEASE:
            envelope->is_held = false;
            envelope->next_attempt_ms = clock_wall_ms(message->delivery->config.clock);
            break;
        case DELIVERY_RETRY:
            envelope->next_attempt_ms = clock_wall_ms(message->delivery->config.clock);
            break;
        }
    }
}

static void answer_stored(struct message *message, enum error error)
{
    list_each_safe(link, &message->storing)
    {
        struct action *action = list_entry(link, struct action, link);
        list_remove(link);
        action->on_done(action->owner, message->id, error);
        free(action);
    }
}

void message_answer(struct message *message, enum error error)
{
    apply_actions(message);
    answer_stored(message, error);
}

static void on_stored(void *owner, enum error error)
{
    struct message *message = owner;
    if (error && error != ERROR_NOT_FOUND) {
        if (message->delivery->is_aborting)
            delivery_release(message, true); /* the next start finds it as it was before */
        else
            loop_timer_start(&message->again, STORE_AGAIN_MS);
        return;
    }
    bool is_gone = error || message->is_removed || envelope_is_finished(&message->envelope);
    answer_stored(message, error);
    if (!is_gone && is_return_asked(message)) {
        return_to_sender(message);
        return;
    }
    if (!is_gone && !list_is_empty(&message->actions)) {
        store(message);
        return;
    }
    message_answer(message, ERROR_NOT_FOUND); /* what came too late */
    delivery_release(message, is_gone);
}

static void store(struct message *message)
{
    struct spool *spool = message->delivery->config.spool;
    apply_actions(message);
    bool remove = message->is_removed || envelope_is_finished(&message->envelope);
    spool->ops->update(spool, &message->envelope, remove, on_stored, message);
}

void message_act(struct delivery *delivery, uint64_t id, struct action *action)
{
    struct spool *spool = delivery->config.spool;
    struct message *message = message_find(delivery, id);
    if (message) {
        list_append(&message->actions, &action->link);
        return;
    }
    message = message_new(delivery, id);
    enum error error =
        message ? spool->ops->read_envelope(spool, id, &message->arena, &message->envelope) : ERROR_TEMPORARY;
    if (error) {
        action->on_done(action->owner, id, error);
        free(action);
        if (message)
            delivery_release(message, true);
        return;
    }
    schedule_remove(delivery->schedule, id);
    list_append(&message->actions, &action->link);
    if (action->action == DELIVERY_BOUNCE)
        return_to_sender(message);
    else
        store(message);
}

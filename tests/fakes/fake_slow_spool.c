#include "fakes/fake_slow_spool.h"

#include <stdio.h>
#include <stdlib.h>

struct slow_spool {
    struct spool spool;
    struct spool *inner;
    struct loop_timer timer;
    uint64_t wait_ms;
    void (*on_ready)(void *owner);
    void *owner;
};

/* Messages do not know their spool in this disguise. */
static struct slow_spool *the_spool;

static void on_due(struct loop_timer *timer)
{
    struct slow_spool *slow = list_entry(timer, struct slow_spool, timer);
    if (slow->on_ready != NULL) {
        slow->on_ready(slow->owner);
    }
}

static struct spool_message *slow_begin(struct spool *spool, struct loop *loop)
{
    struct slow_spool *slow = list_entry(spool, struct slow_spool, spool);
    slow->on_ready = NULL;
    return slow->inner->ops->begin(slow->inner, loop);
}

static uint64_t slow_message_id(const struct spool_message *message)
{
    return the_spool->inner->ops->message_id(message);
}

static enum error slow_append(struct spool_message *message, struct bytes content, bool *out_must_wait)
{
    if (loop_timer_is_running(&the_spool->timer)) {
        fprintf(stderr, "slow spool: appended before it was ready\n");
        abort();
    }
    enum error error = the_spool->inner->ops->append(message, content, out_must_wait);
    loop_timer_start(&the_spool->timer, the_spool->wait_ms);
    *out_must_wait = true;
    return error;
}

static void slow_on_ready(struct spool_message *message, void (*on_ready)(void *owner), void *owner)
{
    (void)message;
    the_spool->on_ready = on_ready;
    the_spool->owner = owner;
}

static void slow_commit(struct spool_message *message, const struct envelope *envelope,
                        void (*on_done)(void *owner, enum error error), void *owner)
{
    the_spool->inner->ops->commit(message, envelope, on_done, owner);
}

static void slow_commit_forget(struct spool_message *message)
{
    the_spool->inner->ops->commit_forget(message);
}

static void slow_abort(struct spool_message *message)
{
    loop_timer_stop(&the_spool->timer);
    the_spool->inner->ops->abort(message);
}

static enum spool_health slow_health(const struct spool *spool)
{
    const struct slow_spool *slow = list_entry(spool, const struct slow_spool, spool);
    return slow->inner->ops->health(slow->inner);
}

static const struct spool_ops slow_ops = {
    .begin = slow_begin,
    .message_id = slow_message_id,
    .append = slow_append,
    .on_ready = slow_on_ready,
    .commit = slow_commit,
    .commit_forget = slow_commit_forget,
    .abort = slow_abort,
    .health = slow_health,
};

struct spool *fake_slow_spool_new(struct spool *inner, struct loop *loop, uint64_t wait_ms)
{
    struct slow_spool *slow = calloc(1, sizeof *slow);
    if (slow == NULL) {
        abort();
    }
    slow->spool.ops = &slow_ops;
    slow->inner = inner;
    slow->wait_ms = wait_ms;
    loop_timer_init(&slow->timer, loop, on_due);
    the_spool = slow;
    return &slow->spool;
}

#include "loop/loop_internal.h"

#include <stdlib.h>

static void heap_put(struct loop *loop, size_t place, struct loop_timer *timer)
{
    loop->timers[place] = timer;
    timer->place = place;
}

static void heap_rise(struct loop *loop, size_t place, struct loop_timer *timer)
{
    while (place > 1 && loop->timers[place / 2]->due_ms > timer->due_ms) {
        heap_put(loop, place, loop->timers[place / 2]);
        place /= 2;
    }
    heap_put(loop, place, timer);
}

static void heap_sink(struct loop *loop, size_t place, struct loop_timer *timer)
{
    for (size_t child = 2 * place; child <= loop->timer_count; child = 2 * place) {
        if (child < loop->timer_count && loop->timers[child + 1]->due_ms < loop->timers[child]->due_ms) {
            child++;
        }
        if (loop->timers[child]->due_ms >= timer->due_ms) {
            break;
        }
        heap_put(loop, place, loop->timers[child]);
        place = child;
    }
    heap_put(loop, place, timer);
}

static void heap_settle(struct loop *loop, size_t place, struct loop_timer *timer)
{
    if (place > 1 && loop->timers[place / 2]->due_ms > timer->due_ms) {
        heap_rise(loop, place, timer);
    } else {
        heap_sink(loop, place, timer);
    }
}

/* A deadline that can not be kept would be worse than an end: there is one pointer a session here. */
static void heap_grow(struct loop *loop)
{
    if (loop->timer_count + 1 < loop->timer_capacity) {
        return;
    }
    size_t capacity = loop->timer_capacity == 0 ? 64 : 2 * loop->timer_capacity;
    struct loop_timer **timers = realloc(loop->timers, capacity * sizeof(*timers));
    if (timers == NULL) {
        abort();
    }
    loop->timers = timers;
    loop->timer_capacity = capacity;
}

/* The libuv timer only ever moves to an earlier time: one that fires too early just arms itself again, which
 * is cheaper than moving it with every deadline that is pushed back. */
static void timer_arm(struct loop *loop, uint64_t least_ms)
{
    if (loop->timer_count == 0 || loop->is_finishing || loop->armed_ms <= loop->timers[1]->due_ms) {
        return;
    }
    uint64_t due_ms = loop->timers[1]->due_ms;
    uint64_t now_ms = loop_now_ms(loop);
    uint64_t delay_ms = due_ms > now_ms ? due_ms - now_ms : 0;
    if (!loop->is_running) {
        uv_update_time(&loop->uv);
    }
    uv_timer_start(&loop->timer, loop_timer_on_uv, delay_ms > least_ms ? delay_ms : least_ms, 0);
    loop->armed_ms = due_ms;
}

void loop_timer_run_due(struct loop *loop)
{
    uint64_t now_ms = loop_now_ms(loop);
    /* A callback that starts its timer again at once waits for the next round. */
    for (size_t left = loop->timer_count; left > 0 && loop->timer_count > 0; left--) {
        struct loop_timer *timer = loop->timers[1];
        if (timer->due_ms > now_ms) {
            break;
        }
        loop_timer_stop(timer);
        timer->on_due(timer);
    }
}

void loop_timer_on_uv(uv_timer_t *handle)
{
    struct loop *loop = handle->data;
    loop->armed_ms = UINT64_MAX;
    loop_timer_run_due(loop);
    /* libuv runs a timer of 0 ms again before it looks at a descriptor. */
    loop->armed_ms = UINT64_MAX;
    timer_arm(loop, 1);
}

void loop_timer_init(struct loop_timer *timer, struct loop *loop, void (*on_due)(struct loop_timer *timer))
{
    *timer = (struct loop_timer){.loop = loop, .on_due = on_due};
}

void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms)
{
    struct loop *loop = timer->loop;
    uint64_t now_ms = loop_now_ms(loop);
    timer->due_ms = delay_ms < UINT64_MAX - now_ms ? now_ms + delay_ms : UINT64_MAX;
    if (timer->place != 0) {
        heap_settle(loop, timer->place, timer);
    } else {
        heap_grow(loop);
        loop->timer_count++;
        heap_rise(loop, loop->timer_count, timer);
    }
    timer_arm(loop, 0);
}

void loop_timer_stop(struct loop_timer *timer)
{
    if (timer->place == 0) {
        return;
    }
    struct loop *loop = timer->loop;
    size_t place = timer->place;
    struct loop_timer *last = loop->timers[loop->timer_count];
    loop->timer_count--;
    timer->place = 0;
    if (last != timer) {
        heap_settle(loop, place, last);
    }
}

bool loop_timer_is_running(const struct loop_timer *timer)
{
    return timer->place != 0;
}

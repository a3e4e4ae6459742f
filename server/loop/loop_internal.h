/* What the files of this room know of a loop beyond loop.h. */
#ifndef LOOP_LOOP_INTERNAL_H
#define LOOP_LOOP_INTERNAL_H

#include "loop/mailbox.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <uv.h>

#define LOOP_READ_BUFFER_SIZE (64u << 10)

/* Work for the end of this turn of the loop, before it waits again. */
struct loop_late {
    struct list link;
    void (*on_late)(struct loop_late *late);
};

struct loop {
    uv_loop_t uv;
    uv_poll_t wake; /* on wake_descriptor */
    uv_timer_t timer;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_idle_t idle; /* on while late work is left over, so that the loop does not wait */
    const struct clock *clock;
    pthread_t thread;
    char name[16];
    int wake_descriptor;
    bool is_running;   /* inside loop_run or loop_turn */
    bool is_ending;    /* the end hooks are called */
    bool is_finishing; /* the last thing is closed, the loop's own handles are closing */
    atomic_bool end_asked;
    atomic_uint posting;          /* threads inside mailbox_post */
    atomic_size_t open_count;     /* what keeps an ending loop running */
    _Atomic(struct mail *) inbox; /* newest first */
    struct list late;
    struct list end_hooks;
    struct list streams;
    struct list signals;
    struct loop_timer **timers; /* a heap by due time; place 0 is not used */
    size_t timer_count;
    size_t timer_capacity;
    uint64_t armed_ms; /* when the libuv timer fires; UINT64_MAX: off */
    char read_buffer[LOOP_READ_BUFFER_SIZE];
    char plain_buffer[LOOP_READ_BUFFER_SIZE]; /* what TLS made of read_buffer */
};

static inline void loop_late_init(struct loop_late *late, void (*on_late)(struct loop_late *late))
{
    list_init(&late->link);
    late->on_late = on_late;
}

/* Once a turn, however often it is asked for. On the loop's thread. */
static inline void loop_late_ask(struct loop *loop, struct loop_late *late)
{
    if (list_is_empty(&late->link)) {
        list_append(&loop->late, &late->link);
    }
}

/* mailbox.c: runs what was posted. */
void mailbox_deliver(struct loop *loop);
/* False when something was posted meanwhile; from true on every post is refused. */
bool mailbox_try_close(struct loop *loop);
/* Makes the loop look at its inbox and at end_asked. Any thread. */
void mailbox_wake(struct loop *loop);

/* loop_timer.c */
void loop_timer_on_uv(uv_timer_t *handle);
void loop_timer_run_due(struct loop *loop);

/* loop_poll.c */
void loop_poll_close_signals(struct loop *loop);

/* stream.c: closes every stream that its owner left open. */
void stream_close_all(struct loop *loop);

#endif

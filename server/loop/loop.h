/* One event loop a thread: timers, descriptors, messages from other threads, ordered shutdown. The only room
 * whose headers stand on libuv; others see the types here. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/clock.h"
#include "base/error.h"
#include "base/list.h"

#include <stdbool.h>

struct loop;
struct uv_loop_s;

/* name is for the thread and the log; clock times the timers' callers (NULL: clock_system). NULL without
 * memory. */
struct loop *loop_new(const char *name, const struct clock *clock);
/* Runs on the calling thread until loop_end; returns when every handle of the loop is closed. */
void loop_run(struct loop *loop);
/* One turn that does not wait, on the calling thread: what is due, posted or readable now. For tests and for
 * programs that pump a loop between calls; with a fake clock the timers follow that clock. */
void loop_turn(struct loop *loop);
/* Starts a thread that runs it. */
MUST_USE enum error loop_start(struct loop *loop);
/* Any thread: asks the loop to end. Everything still open on it is told through loop_on_end, in reverse order
 * of registration; the loop returns when the last handle is closed. */
void loop_end(struct loop *loop);
/* An ending loop runs on until it is released as often as it was held: somebody else still has an answer for
 * it. Both on the loop's thread. */
void loop_hold(struct loop *loop);
void loop_release(struct loop *loop);
/* Waits for the thread of loop_start. */
void loop_join(struct loop *loop);
/* Not running; one that never ran to its end is ended here, on the calling thread. NULL is a no-op. */
void loop_free(struct loop *loop);

/* Called on the loop when it ends. */
struct loop_end_hook {
    struct list link;
    void (*on_end)(struct loop_end_hook *hook);
};
/* Keeps the hook, which the caller owns, until loop_off_end; both on the loop or before it runs. */
void loop_on_end(struct loop *loop, struct loop_end_hook *hook);
void loop_off_end(struct loop_end_hook *hook);

/* The calling thread is running it. */
bool loop_is_current(const struct loop *loop);
const struct clock *loop_clock(const struct loop *loop);
const char *loop_name(const struct loop *loop);
/* Monotonic milliseconds as of this turn of the loop. */
uint64_t loop_now_ms(const struct loop *loop);
struct uv_loop_s *loop_uv(struct loop *loop);

/* A timer: caller-owned memory, no closing. Starting a running one moves it. The callback runs on the loop;
 * the timer is stopped before it is called. Cheap enough for one a session (a heap on the loop, one libuv
 * timer). */
struct loop_timer {
    struct loop *loop;
    uint64_t due_ms;
    size_t place; /* 0: not running */
    void (*on_due)(struct loop_timer *timer);
};
void loop_timer_init(struct loop_timer *timer, struct loop *loop, void (*on_due)(struct loop_timer *timer));
void loop_timer_start(struct loop_timer *timer, uint64_t delay_ms);
void loop_timer_stop(struct loop_timer *timer);
bool loop_timer_is_running(const struct loop_timer *timer);

/* Watches a descriptor the caller owns. */
enum { LOOP_READABLE = 1, LOOP_WRITABLE = 2 };
struct loop_poll;
MUST_USE enum error loop_poll_new(struct loop *loop, int descriptor,
                                  void (*on_event)(void *owner, int events), void *owner,
                                  struct loop_poll **out);
void loop_poll_set(struct loop_poll *poll, int events);
/* The callback never comes again; frees it. The descriptor may be closed at once. */
void loop_poll_free(struct loop_poll *poll);

/* A POSIX signal, delivered on the loop until it ends. */
MUST_USE enum error loop_signal(struct loop *loop, int signal, void (*on_signal)(void *owner, int signal),
                                void *owner);

#endif

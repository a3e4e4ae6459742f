#include "loop/loop_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

static _Thread_local struct loop *loop_of_thread;

/* Only what stood there at the beginning: late work that makes late work must not keep the loop from its
 * descriptors. */
static void loop_run_late(struct loop *loop)
{
    if (!list_is_empty(&loop->late)) {
        struct list batch;
        list_init(&batch);
        list_append(&loop->late, &batch); /* takes a place in the ring, then the head leaves it */
        list_remove(&loop->late);
        struct list *link;
        while ((link = list_first(&batch)) != NULL) {
            list_remove(link);
            struct loop_late *late = list_entry(link, struct loop_late, link);
            late->on_late(late);
        }
    }
}

static void loop_on_idle(uv_idle_t *handle)
{
    (void)handle;
}

static void loop_run_hooks(struct loop *loop)
{
    while (!list_is_empty(&loop->end_hooks)) {
        struct loop_end_hook *hook = list_entry(loop->end_hooks.previous, struct loop_end_hook, link);
        list_remove(&hook->link);
        hook->on_end(hook);
    }
}

/* Everything is closed: refuse further posts and close the loop's own handles. */
static void loop_finish(struct loop *loop)
{
    mailbox_deliver(loop);
    if (atomic_load(&loop->open_count) != 0 || !list_is_empty(&loop->late) || !mailbox_try_close(loop)) {
        return;
    }
    loop->is_finishing = true;
    loop_poll_close_signals(loop);
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->timer, NULL);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->idle, NULL);
}

static void loop_on_prepare(uv_prepare_t *handle)
{
    struct loop *loop = handle->data;
    if (atomic_load(&loop->end_asked)) {
        if (!loop->is_ending || !list_is_empty(&loop->end_hooks)) {
            loop->is_ending = true;
            loop_run_hooks(loop);
            stream_close_all(loop);
        }
        loop_run_late(loop);
        if (atomic_load(&loop->open_count) == 0 && list_is_empty(&loop->late)) {
            loop_finish(loop);
        }
    } else {
        loop_run_late(loop);
    }
    if (loop->is_finishing) {
        return;
    }
    if (list_is_empty(&loop->late)) {
        uv_idle_stop(&loop->idle);
    } else {
        uv_idle_start(&loop->idle, loop_on_idle);
    }
}

static void loop_on_check(uv_check_t *handle)
{
    loop_run_late(handle->data);
}

static void loop_on_wake(uv_poll_t *handle, int status, int events)
{
    (void)status;
    (void)events;
    struct loop *loop = handle->data;
    uint64_t count;
    ssize_t got = read(loop->wake_descriptor, &count, sizeof count);
    (void)got; /* EAGAIN is fine: what counts is the inbox */
    mailbox_deliver(loop);
}

/* Before the first handle nothing can fail but memory and descriptors. */
static bool loop_open_handles(struct loop *loop)
{
    loop->wake_descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->wake_descriptor < 0) {
        return false;
    }
    if (uv_loop_init(&loop->uv) != 0) {
        close(loop->wake_descriptor);
        return false;
    }
    if (uv_poll_init(&loop->uv, &loop->wake, loop->wake_descriptor) != 0) {
        uv_loop_close(&loop->uv);
        close(loop->wake_descriptor);
        return false;
    }
    uv_timer_init(&loop->uv, &loop->timer);
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_idle_init(&loop->uv, &loop->idle);
    loop->wake.data = loop->timer.data = loop->prepare.data = loop->check.data = loop;
    uv_poll_start(&loop->wake, UV_READABLE, loop_on_wake);
    uv_prepare_start(&loop->prepare, loop_on_prepare);
    uv_check_start(&loop->check, loop_on_check);
    return true;
}

struct loop *loop_new(const char *name, const struct clock *clock)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return NULL;
    }
    loop->clock = clock != NULL ? clock : &clock_system;
    loop->armed_ms = UINT64_MAX;
    snprintf(loop->name, sizeof loop->name, "%s", name);
    list_init(&loop->late);
    list_init(&loop->end_hooks);
    list_init(&loop->streams);
    list_init(&loop->signals);
    if (!loop_open_handles(loop)) {
        free(loop);
        return NULL;
    }
    return loop;
}

static void loop_run_uv(struct loop *loop, uv_run_mode mode)
{
    assert(!loop->is_running && !loop->is_finishing);
    struct loop *outer = loop_of_thread;
    loop_of_thread = loop;
    loop->is_running = true;
    uv_update_time(&loop->uv);
    loop_timer_run_due(loop);
    uv_run(&loop->uv, mode);
    loop->is_running = false;
    loop_of_thread = outer;
}

void loop_run(struct loop *loop)
{
    loop_run_uv(loop, UV_RUN_DEFAULT);
}

void loop_turn(struct loop *loop)
{
    loop_run_uv(loop, UV_RUN_NOWAIT);
}

static void *loop_thread(void *argument)
{
    struct loop *loop = argument;
    pthread_setname_np(pthread_self(), loop->name);
    loop_run(loop);
    return NULL;
}

enum error loop_start(struct loop *loop)
{
    return pthread_create(&loop->thread, NULL, loop_thread, loop) == 0 ? OK : ERROR_TEMPORARY;
}

void loop_join(struct loop *loop)
{
    pthread_join(loop->thread, NULL);
}

void loop_end(struct loop *loop)
{
    atomic_store(&loop->end_asked, true);
    mailbox_wake(loop);
}

void loop_hold(struct loop *loop)
{
    atomic_fetch_add(&loop->open_count, 1);
}

void loop_release(struct loop *loop)
{
    atomic_fetch_sub(&loop->open_count, 1);
}

void loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    if (!loop->is_finishing) {
        loop_end(loop);
        loop_run(loop);
    }
    while (atomic_load(&loop->posting) != 0) {
        sched_yield(); /* a poster whose mail has run may still be on its way out */
    }
    int result = uv_loop_close(&loop->uv);
    assert(result == 0);
    (void)result;
    close(loop->wake_descriptor);
    free(loop->timers);
    free(loop);
}

void loop_on_end(struct loop *loop, struct loop_end_hook *hook)
{
    list_append(&loop->end_hooks, &hook->link);
}

void loop_off_end(struct loop_end_hook *hook)
{
    list_remove(&hook->link);
}

bool loop_is_current(const struct loop *loop)
{
    return loop_of_thread == loop;
}

const struct clock *loop_clock(const struct loop *loop)
{
    return loop->clock;
}

const char *loop_name(const struct loop *loop)
{
    return loop->name;
}

uint64_t loop_now_ms(const struct loop *loop)
{
    if (loop->clock == &clock_system && loop->is_running) {
        return uv_now(&loop->uv);
    }
    return clock_monotonic_ms(loop->clock);
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    return &loop->uv;
}

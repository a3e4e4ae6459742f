#include "loop/loop_internal.h"

#include <stdlib.h>

struct loop_poll {
    uv_poll_t uv;
    struct loop *loop;
    void (*on_event)(void *owner, int events);
    void *owner;
    int events;
};

struct loop_signal {
    uv_signal_t uv;
    struct list link;
    void (*on_signal)(void *owner, int signal);
    void *owner;
};

static void poll_on_uv(uv_poll_t *handle, int status, int events)
{
    struct loop_poll *poll = handle->data;
    if (status < 0) {
        /* An error on the descriptor: libuv has stopped watching. The owner's next system call learns what it
         * is. */
        int wanted = poll->events;
        poll->events = 0;
        loop_poll_set(poll, wanted);
        poll->on_event(poll->owner, LOOP_READABLE | LOOP_WRITABLE);
        return;
    }
    poll->on_event(poll->owner,
                   (events & UV_READABLE ? LOOP_READABLE : 0) | (events & UV_WRITABLE ? LOOP_WRITABLE : 0));
}

enum error loop_poll_new(struct loop *loop, int descriptor, void (*on_event)(void *owner, int events),
                         void *owner, struct loop_poll **out)
{
    struct loop_poll *poll = calloc(1, sizeof *poll);
    if (poll == NULL) {
        return ERROR_TEMPORARY;
    }
    if (uv_poll_init(&loop->uv, &poll->uv, descriptor) != 0) {
        free(poll);
        return ERROR_IO;
    }
    poll->uv.data = poll;
    poll->loop = loop;
    poll->on_event = on_event;
    poll->owner = owner;
    loop_hold(loop);
    *out = poll;
    return OK;
}

void loop_poll_set(struct loop_poll *poll, int events)
{
    if (poll->events == events) {
        return;
    }
    poll->events = events;
    if (events == 0) {
        uv_poll_stop(&poll->uv);
    } else {
        uv_poll_start(&poll->uv,
                      (events & LOOP_READABLE ? UV_READABLE : 0) | (events & LOOP_WRITABLE ? UV_WRITABLE : 0),
                      poll_on_uv);
    }
}

static void poll_on_closed(uv_handle_t *handle)
{
    struct loop_poll *poll = handle->data;
    loop_release(poll->loop);
    free(poll);
}

void loop_poll_free(struct loop_poll *poll)
{
    if (poll != NULL) {
        uv_close((uv_handle_t *)&poll->uv, poll_on_closed);
    }
}

static void signal_on_uv(uv_signal_t *handle, int number)
{
    struct loop_signal *watch = handle->data;
    watch->on_signal(watch->owner, number);
}

static void signal_on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

enum error loop_signal(struct loop *loop, int signal, void (*on_signal)(void *owner, int signal), void *owner)
{
    struct loop_signal *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return ERROR_TEMPORARY;
    }
    if (uv_signal_init(&loop->uv, &watch->uv) != 0) {
        free(watch);
        return ERROR_IO;
    }
    watch->uv.data = watch;
    watch->on_signal = on_signal;
    watch->owner = owner;
    list_append(&loop->signals, &watch->link);
    return uv_signal_start(&watch->uv, signal_on_uv, signal) == 0 ? OK : ERROR_IO;
}

void loop_poll_close_signals(struct loop *loop)
{
    list_each_safe(link, &loop->signals)
    {
        struct loop_signal *watch = list_entry(link, struct loop_signal, link);
        list_remove(link);
        uv_close((uv_handle_t *)&watch->uv, signal_on_closed);
    }
}

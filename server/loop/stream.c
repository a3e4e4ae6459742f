#include "loop/stream_internal.h"

#include <stdlib.h>
#include <string.h>

static void stream_on_deadline(struct loop_timer *timer)
{
    struct stream *stream = list_entry(timer, struct stream, deadline);
    if (stream->state == STREAM_STATE_OPEN && stream->events != NULL && stream->events->on_deadline != NULL) {
        stream->events->on_deadline(stream->owner);
    }
}

static void stream_on_limit(struct loop_timer *timer)
{
    stream_doom(list_entry(timer, struct stream, limit), ERROR_TIMEOUT, 0);
}

static void deliver_unread(struct stream *stream)
{
    if (stream->unread.len == 0 || stream->events == NULL || stream->is_suspended ||
        stream->state != STREAM_STATE_OPEN) {
        return;
    }
    struct buffer unread = stream->unread;
    stream->unread = (struct buffer){0};
    stream_deliver(stream, buffer_bytes(&unread));
    buffer_done(&unread);
}

static void stream_on_late(struct loop_late *late)
{
    struct stream *stream = list_entry(late, struct stream, late);
    deliver_unread(stream);
    if (stream->layer != NULL && stream->state == STREAM_STATE_OPEN && !stream->is_suspended) {
        stream->layer->read(stream, (struct bytes){0});
    }
    if (stream->state == STREAM_STATE_DOOMED) {
        stream_end(stream, true);
    } else {
        stream->transport->flush(stream);
    }
}

void stream_init(struct stream *stream, const struct stream_transport *transport, struct loop *loop)
{
    stream->transport = transport;
    stream->loop = loop;
    stream->state = STREAM_STATE_OPEN;
    list_init(&stream->link);
    loop_late_init(&stream->late, stream_on_late);
    loop_timer_init(&stream->deadline, loop, stream_on_deadline);
    loop_timer_init(&stream->limit, loop, stream_on_limit);
}

void stream_deliver(struct stream *stream, struct bytes data)
{
    if (stream->layer != NULL) {
        stream->layer->read(stream, data);
    } else {
        stream_hand_over(stream, data);
    }
}

/* A memory stream's bytes are the peer's own. */
void stream_hand_over(struct stream *stream, struct bytes data)
{
    struct loop *loop = stream->loop;
    stream->events->on_read(stream->owner, data);
    if (stream->is_input_secret) {
        stream->is_input_secret = false;
        explicit_bzero(loop->plain_buffer, data.ptr == loop->plain_buffer ? data.len : 0);
        explicit_bzero(loop->read_buffer, data.ptr == loop->read_buffer ? data.len : 0);
    }
}

void stream_wipe_input(struct stream *stream)
{
    stream->is_input_secret = true;
}

void stream_end_input(struct stream *stream)
{
    if (stream->layer != NULL) {
        stream->layer->read(stream, (struct bytes){0});
    }
    if (stream->state == STREAM_STATE_OPEN && !stream->is_suspended) {
        stream_finish(stream, OK);
    }
}

void stream_ask_late(struct stream *stream)
{
    loop_late_ask(stream->loop, &stream->late);
}

void stream_finish(struct stream *stream, enum error why)
{
    if (stream->layer != NULL) {
        stream->layer->close(stream);
    }
    stream->state = STREAM_STATE_CLOSING;
    stream->why = why;
    loop_timer_stop(&stream->deadline);
    loop_timer_start(&stream->limit, STREAM_CLOSE_MS);
    stream_ask_late(stream);
}

void stream_doom(struct stream *stream, enum error why, int system_error)
{
    if (stream->state == STREAM_STATE_DOOMED || stream->state == STREAM_STATE_ENDED) {
        return;
    }
    if (stream->state != STREAM_STATE_CLOSING) { /* a stream that is closing has its reason */
        stream->why = why;
        stream->system_error = system_error;
    }
    stream->state = STREAM_STATE_DOOMED;
    stream_ask_late(stream);
}

void stream_end(struct stream *stream, bool is_reset)
{
    stream->state = STREAM_STATE_ENDED;
    loop_timer_stop(&stream->deadline);
    loop_timer_stop(&stream->limit);
    list_remove(&stream->late.link);
    list_remove(&stream->link);
    if (stream->layer != NULL) {
        stream->layer->release(stream);
    }
    stream->transport->release(stream, is_reset);
    buffer_done(&stream->unread);
    if (stream->events != NULL) {
        stream->events->on_close(stream->owner, stream->why);
    }
    free(stream);
}

void stream_drained(struct stream *stream)
{
    if (stream->wants_drain && stream->state == STREAM_STATE_OPEN) {
        stream->wants_drain = false;
        if (stream->events != NULL && stream->events->on_drain != NULL) {
            stream->events->on_drain(stream->owner);
        }
    }
}

void stream_attach(struct stream *stream, const struct stream_events *events, void *owner)
{
    stream->events = events;
    stream->owner = owner;
    if (stream->state == STREAM_STATE_OPEN && !stream->is_suspended) {
        stream->transport->resume(stream);
    }
}

bool stream_write(struct stream *stream, struct bytes bytes)
{
    if (stream->state != STREAM_STATE_OPEN && stream->state != STREAM_STATE_CONNECTING) {
        return false;
    }
    enum error error =
        stream->layer != NULL ? stream->layer->write(stream, bytes) : stream->transport->write(stream, bytes);
    if (error != OK) {
        stream_doom(stream, error, 0);
        return false;
    }
    if (stream->transport->pending(stream) > STREAM_OUTPUT_HIGH) {
        stream->wants_drain = true;
        return false;
    }
    return true;
}

size_t stream_pending(const struct stream *stream)
{
    return stream->transport->pending(stream);
}

void stream_suspend(struct stream *stream)
{
    stream->is_suspended = true;
}

void stream_resume(struct stream *stream)
{
    if (!stream->is_suspended) {
        return;
    }
    stream->is_suspended = false;
    if (stream->state == STREAM_STATE_OPEN && stream->events != NULL) {
        stream->transport->resume(stream);
        if (stream->layer != NULL || stream->unread.len > 0) {
            stream_ask_late(stream);
        }
    }
}

void stream_set_remote(struct stream *stream, const struct ip_endpoint *remote)
{
    stream->remote = *remote;
}

enum error stream_unread(struct stream *stream, struct bytes data)
{
    if (data.len == 0) {
        return OK;
    }
    buffer_init(&stream->unread, data.len);
    enum error error = buffer_append(&stream->unread, data);
    if (error == OK) {
        stream_ask_late(stream);
    }
    return error;
}

void stream_set_deadline(struct stream *stream, uint64_t delay_ms)
{
    if (delay_ms == 0 || (stream->state != STREAM_STATE_OPEN && stream->state != STREAM_STATE_CONNECTING)) {
        loop_timer_stop(&stream->deadline);
    } else {
        loop_timer_start(&stream->deadline, delay_ms);
    }
}

void stream_close(struct stream *stream)
{
    if (stream->state == STREAM_STATE_OPEN) {
        stream_finish(stream, ERROR_CANCELED);
    } else if (stream->state == STREAM_STATE_CONNECTING) {
        stream_doom(stream, ERROR_CANCELED, 0);
    }
}

void stream_abort(struct stream *stream)
{
    stream_doom(stream, ERROR_CANCELED, 0);
}

void stream_close_all(struct loop *loop)
{
    list_each_safe(link, &loop->streams)
    {
        stream_close(list_entry(link, struct stream, link));
    }
}

const struct ip_endpoint *stream_local(const struct stream *stream)
{
    return &stream->local;
}

const struct ip_endpoint *stream_remote(const struct stream *stream)
{
    return &stream->remote;
}

struct loop *stream_loop(const struct stream *stream)
{
    return stream->loop;
}

const char *stream_system_error(const struct stream *stream)
{
    const char *words = stream->system_error != 0 ? strerrordesc_np(stream->system_error) : NULL;
    return words != NULL ? words : "";
}

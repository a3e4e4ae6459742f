#include "base/buffer.h"
#include "loop/stream_internal.h"

#include <stdlib.h>

/* What a test may feed before it is read. */
#define KEPT_MAX (64u << 20)

struct stream_memory {
    struct stream stream;
    struct buffer kept; /* fed, not yet read */
    void (*on_output)(void *peer, struct bytes data);
    void (*on_gone)(void *peer); /* or NULL */
    void *peer;
    bool is_hung_up;
    bool is_fed; /* inside the outermost feed */
};

static struct stream_memory *memory_of(const struct stream *stream)
{
    return list_entry(stream, struct stream_memory, stream);
}

static enum error memory_write(struct stream *stream, struct bytes bytes)
{
    struct stream_memory *memory = memory_of(stream);
    memory->on_output(memory->peer, bytes);
    return OK;
}

static size_t memory_pending(const struct stream *stream)
{
    (void)stream;
    return 0;
}

static void memory_resume(struct stream *stream)
{
    stream_ask_late(stream);
}

static bool memory_may_read(const struct stream_memory *memory)
{
    return memory->stream.state == STREAM_STATE_OPEN && memory->stream.events != NULL &&
           !memory->stream.is_suspended;
}

/* The kept bytes leave the stream before the owner sees them: it may be fed again meanwhile. */
static void memory_read_kept(struct stream_memory *memory)
{
    while (memory_may_read(memory) && memory->kept.len > 0) {
        struct buffer batch = memory->kept;
        buffer_init(&memory->kept, KEPT_MAX);
        stream_deliver(&memory->stream, buffer_bytes(&batch));
        buffer_done(&batch);
    }
    if (memory_may_read(memory) && memory->is_hung_up) {
        stream_end_input(&memory->stream);
    }
}

static void memory_flush(struct stream *stream)
{
    struct stream_memory *memory = memory_of(stream);
    if (memory->is_fed) {
        return; /* the outermost feed goes on reading */
    }
    memory->is_fed = true;
    memory_read_kept(memory);
    memory->is_fed = false;
    if (stream->state == STREAM_STATE_CLOSING || stream->state == STREAM_STATE_DOOMED) {
        stream_end(stream, false);
    }
}

static void memory_release(struct stream *stream, bool is_reset)
{
    (void)is_reset;
    struct stream_memory *memory = memory_of(stream);
    buffer_done(&memory->kept);
    if (memory->on_gone != NULL) {
        memory->on_gone(memory->peer);
    }
}

static const struct stream_transport memory_transport = {
    .write = memory_write,
    .pending = memory_pending,
    .resume = memory_resume,
    .flush = memory_flush,
    .release = memory_release,
};

struct stream *stream_memory_new(struct loop *loop, const struct ip_endpoint *local,
                                 const struct ip_endpoint *remote,
                                 void (*on_output)(void *peer, struct bytes data), void *peer)
{
    struct stream_memory *memory = calloc(1, sizeof *memory);
    if (memory == NULL) {
        return NULL;
    }
    stream_init(&memory->stream, &memory_transport, loop);
    memory->stream.local = *local;
    memory->stream.remote = *remote;
    memory->on_output = on_output;
    memory->peer = peer;
    buffer_init(&memory->kept, KEPT_MAX);
    return &memory->stream;
}

void stream_memory_feed(struct stream *stream, struct bytes data)
{
    struct stream_memory *memory = memory_of(stream);
    if (stream->state == STREAM_STATE_OPEN && buffer_append(&memory->kept, data) != OK) {
        abort(); /* only tests and explain feed a stream */
    }
    memory_flush(stream);
}

void stream_memory_watch(struct stream *stream, void (*on_gone)(void *peer))
{
    memory_of(stream)->on_gone = on_gone;
}

void stream_memory_hang_up(struct stream *stream)
{
    memory_of(stream)->is_hung_up = true;
    memory_flush(stream);
}

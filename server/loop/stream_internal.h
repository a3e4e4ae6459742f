/* What stands under the face of stream.h: one table a transport. */
#ifndef LOOP_STREAM_INTERNAL_H
#define LOOP_STREAM_INTERNAL_H

#include "base/buffer.h"
#include "loop/loop_internal.h"
#include "loop/stream.h"

/* How long written bytes may take to leave after a close, and the peer to answer it. */
#define STREAM_CLOSE_MS 5000u

enum stream_state {
    STREAM_STATE_CONNECTING,
    STREAM_STATE_OPEN,
    STREAM_STATE_CLOSING, /* sends what is left, then ends */
    STREAM_STATE_DOOMED,  /* ends at the end of this turn, whatever is left */
    STREAM_STATE_ENDED,   /* on_close is being called */
};

struct stream_transport {
    /* Takes bytes to send; an error ends the stream with it. */
    enum error (*write)(struct stream *stream, struct bytes bytes);
    size_t (*pending)(const struct stream *stream);
    /* Reading began or went on. */
    void (*resume)(struct stream *stream);
    /* The turn ends: sends, goes on closing. May end the stream, so that the caller touches it no more. */
    void (*flush)(struct stream *stream);
    /* Gives back everything but the stream itself. */
    void (*release)(struct stream *stream, bool is_reset);
};

/* What may stand between the owner and the transport: TLS. */
struct stream_layer {
    /* Bytes came from the transport; none: goes on with those that a suspended owner left. */
    void (*read)(struct stream *stream, struct bytes data);
    /* As the transport's. */
    enum error (*write)(struct stream *stream, struct bytes bytes);
    /* The stream is about to close politely: last words. */
    void (*close)(struct stream *stream);
    void (*release)(struct stream *stream);
};

/* The first member of every transport's own struct. */
struct stream {
    const struct stream_transport *transport;
    const struct stream_layer *layer; /* NULL: none */
    struct tls *tls;                  /* the layer's */
    struct loop *loop;
    const struct stream_events *events; /* NULL before the attachment */
    void *owner;
    struct list link; /* in the loop's streams */
    struct loop_late late;
    struct loop_timer deadline; /* the owner's */
    struct loop_timer limit;    /* our own: on connecting and on closing */
    struct ip_endpoint local;
    struct ip_endpoint remote;
    struct buffer unread; /* given back by an owner, for the next one */
    enum stream_state state;
    enum error why;
    int system_error;
    bool is_suspended;
    bool wants_drain;
    bool is_input_secret; /* what on_read was given */
};

/* Memory must be zeroed. */
void stream_init(struct stream *stream, const struct stream_transport *transport, struct loop *loop);
/* Bytes for the owner, through the layer. */
void stream_deliver(struct stream *stream, struct bytes data);
/* Bytes for the owner himself. */
void stream_hand_over(struct stream *stream, struct bytes data);
/* The peer will send no more: closes once the owner has read everything. Not while reading is suspended; when
 * the owner suspends meanwhile, it is called again. */
void stream_end_input(struct stream *stream);
/* Work is left for the end of this turn. */
void stream_ask_late(struct stream *stream);
/* From open: sends what is left, then ends with why. */
void stream_finish(struct stream *stream, enum error why);
/* Ends at the end of this turn, with a reset. The first reason stays. */
void stream_doom(struct stream *stream, enum error why, int system_error);
/* Ends and frees it now: only as the last thing of a callback of the loop. */
void stream_end(struct stream *stream, bool is_reset);
/* All output is gone. */
void stream_drained(struct stream *stream);

/* stream_tcp.c: takes a connected descriptor, also on failure. */
struct stream *stream_tcp_accepted(struct loop *loop, int descriptor, const struct ip_endpoint *local,
                                   const struct ip_endpoint *remote);

#endif

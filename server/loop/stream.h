/* A byte stream with deadlines: TCP, or in memory for tests and explain. tls.h raises one to TLS
 * under the same face. */
#ifndef LOOP_STREAM_H
#define LOOP_STREAM_H

#include "base/ip.h"
#include "loop/loop.h"

struct stream;

/* All callbacks come on the stream's loop. */
struct stream_events {
    /* Bytes arrived; they live in the loop's one read buffer and are gone when this returns: keep what you
     * need. Not called while reading is suspended. */
    void (*on_read)(void *owner, struct bytes data);
    /* All that was written has left for the system; only after a write that answered false. */
    void (*on_drain)(void *owner);
    /* The deadline passed. It is off then. */
    void (*on_deadline)(void *owner);
    /* Exactly once, last, and never inside a call of ours: the peer closed (OK), reset or failed (ERROR_IO),
     * we closed (ERROR_CANCELED), too much output waited (ERROR_LIMIT), no memory (ERROR_TEMPORARY), or the
     * connect failed (ERROR_TIMEOUT, ERROR_IO). The stream is freed after it returns. */
    void (*on_close)(void *owner, enum error why);
    /* Client side: the connection stands. May be NULL for accepted streams. */
    void (*on_connect)(void *owner);
};

/* The most that one on_read brings. */
#define STREAM_READ_MAX (64u << 10)
/* The output not yet taken by the system never grows past this; a writer that goes on all the same closes the
 * stream. */
#define STREAM_OUTPUT_MAX (8u << 20)
/* stream_write answers false above this: wait for on_drain. */
#define STREAM_OUTPUT_HIGH (256u << 10)

/* Hands the stream to its owner; reading starts. One that is closed without an owner calls nobody. */
void stream_attach(struct stream *stream, const struct stream_events *events, void *owner);
/* Copies the bytes to the output; all writes of one turn of the loop leave in one system call. False: output
 * is high, or the stream is closing and the bytes are dropped. */
bool stream_write(struct stream *stream, struct bytes bytes);
/* Bytes that wait to leave. */
size_t stream_pending(const struct stream *stream);
/* What arrives meanwhile stays with the system. Both are idempotent. */
void stream_suspend(struct stream *stream);
void stream_resume(struct stream *stream);
/* Inside on_read: what came holds a secret, and the loop's read buffer is overwritten once on_read has
 * returned. */
void stream_wipe_input(struct stream *stream);
/* on_deadline after delay_ms unless moved; 0 stops it. */
void stream_set_deadline(struct stream *stream, uint64_t delay_ms);
/* Sends what is written (for at most 5 s), then closes; on_read comes no more. */
void stream_close(struct stream *stream);
/* Closes at once, by a reset where the transport has one. */
void stream_abort(struct stream *stream);
const struct ip_endpoint *stream_local(const struct stream *stream);
const struct ip_endpoint *stream_remote(const struct stream *stream);
struct loop *stream_loop(const struct stream *stream);
/* The system's words for an ERROR_IO or ERROR_TIMEOUT, "Connection refused"; "" when there are none. For
 * on_close. */
const char *stream_system_error(const struct stream *stream);

/* For who found out that the peer of an accepted stream speaks for somebody else (a PROXY header). */
void stream_set_remote(struct stream *stream, const struct ip_endpoint *remote);
/* Gives bytes back that were read: the next owner reads them first, before the loop's turn ends. Called
 * before stream_attach of that owner. ERROR_TEMPORARY without memory. */
MUST_USE enum error stream_unread(struct stream *stream, struct bytes data);

/* TCP client: the stream is there at once, on_connect or on_close follows. source: IP_NONE any. */
MUST_USE enum error stream_connect(struct loop *loop, const struct ip_endpoint *remote,
                                   const struct ip_address *source, uint64_t timeout_ms,
                                   const struct stream_events *events, void *owner, struct stream **out);

/* The same to a socket in the file system; its endpoints are IP_NONE. ERROR_LIMIT: no such path can be. */
MUST_USE enum error stream_connect_unix(struct loop *loop, const char *path, uint64_t timeout_ms,
                                        const struct stream_events *events, void *owner, struct stream **out);

/* A stream in memory: what would be sent is handed to on_output, stream_memory_feed plays the peer. Both
 * synchronous on the calling thread; no libuv handle is made except the deadline's timer. What a resume, a
 * close or an abort leaves to do (on_read of kept bytes, on_close) is done at the end of the outermost feed,
 * else by the loop's next turn (loop_turn), so that it never comes inside a call of the owner's. Bytes fed
 * between a close and on_close are dropped; after on_close the stream is gone. */
struct stream *stream_memory_new(struct loop *loop, const struct ip_endpoint *local,
                                 const struct ip_endpoint *remote,
                                 void (*on_output)(void *peer, struct bytes data), void *peer);
/* Bytes from the peer; kept while reading is suspended. */
void stream_memory_feed(struct stream *stream, struct bytes data);
/* The peer is told once the stream is gone and must not be fed any more. */
void stream_memory_watch(struct stream *stream, void (*on_gone)(void *peer));
/* The peer closes: what was fed is read first, then on_close comes as above. */
void stream_memory_hang_up(struct stream *stream);

#endif

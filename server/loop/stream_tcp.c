#include "base/buffer.h"
#include "loop/stream_internal.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static_assert(STREAM_READ_MAX == LOOP_READ_BUFFER_SIZE, "one read brings at most the buffer of the loop");

/* Reads and writes go straight to the socket: one recv a readable event into the loop's buffer, one send at
 * the end of the turn. What the system does not take stays in output until the socket is writable. An idle
 * stream owns this struct and its watch, no buffer. */
struct stream_tcp {
    struct stream stream;
    struct loop_poll *poll;
    int descriptor;
    bool is_blocked; /* the system took no more: wait for writable */
    bool is_paused;  /* bytes arrived while suspended: not watched until the resume */
    bool is_shut;    /* our end of the connection is closed */
    bool has_eof;    /* so is the peer's */
    bool has_unread; /* the peer went on sending after our close */
    struct buffer output;
    size_t sent; /* of output */
};

/* Pieces of what a peer sends behind a close that are thrown away in one go. */
enum { DISCARD_ROUNDS = 4 };

static struct stream_tcp *tcp_of(const struct stream *stream)
{
    return list_entry(stream, struct stream_tcp, stream);
}

static void tcp_watch(struct stream_tcp *tcp)
{
    bool wants_read = false;
    switch (tcp->stream.state) {
    case STREAM_STATE_OPEN:
        wants_read = tcp->stream.events != NULL && !tcp->is_paused;
        break;
    case STREAM_STATE_CLOSING:
        wants_read = tcp->has_unread;
        break;
    case STREAM_STATE_CONNECTING:
    case STREAM_STATE_DOOMED:
    case STREAM_STATE_ENDED:
        break;
    }
    bool wants_write = tcp->is_blocked || tcp->stream.state == STREAM_STATE_CONNECTING;
    loop_poll_set(tcp->poll, (wants_read ? LOOP_READABLE : 0) | (wants_write ? LOOP_WRITABLE : 0));
}

static size_t tcp_pending(const struct stream *stream)
{
    const struct stream_tcp *tcp = tcp_of(stream);
    return tcp->output.len - tcp->sent;
}

static enum error tcp_write(struct stream *stream, struct bytes bytes)
{
    struct stream_tcp *tcp = tcp_of(stream);
    if (bytes.len > STREAM_OUTPUT_MAX - tcp_pending(stream)) {
        return ERROR_LIMIT;
    }
    if (tcp->sent > tcp->output.len / 2) {
        buffer_consume(&tcp->output, tcp->sent);
        tcp->sent = 0;
    }
    enum error error = buffer_append(&tcp->output, bytes);
    if (error == OK && !tcp->is_blocked) {
        stream_ask_late(stream);
    }
    return error;
}

static void tcp_resume(struct stream *stream)
{
    struct stream_tcp *tcp = tcp_of(stream);
    tcp->is_paused = false;
    tcp_watch(tcp);
}

/* Closing a socket with unread bytes resets the connection, and the reset may overtake our last reply: so
 * first our end is closed, and what the peer sends until it closes too is thrown away. */
static void tcp_close_politely(struct stream_tcp *tcp)
{
    if (!tcp->is_shut) {
        tcp->is_shut = true;
        shutdown(tcp->descriptor, SHUT_WR);
    }
    for (int round = 0; round < DISCARD_ROUNDS && !tcp->has_eof; round++) {
        ssize_t got = recv(tcp->descriptor, tcp->stream.loop->read_buffer, LOOP_READ_BUFFER_SIZE, 0);
        if (got > 0) {
            tcp->has_unread = true;
        } else if (got < 0 && errno == EAGAIN && tcp->has_unread) {
            break;
        } else {
            tcp->has_eof = true;
        }
    }
    if (tcp->has_eof) {
        stream_end(&tcp->stream, false);
    } else {
        tcp_watch(tcp);
    }
}

static void tcp_flush(struct stream *stream)
{
    struct stream_tcp *tcp = tcp_of(stream);
    if (stream->state == STREAM_STATE_CONNECTING) {
        return;
    }
    size_t pending = tcp_pending(stream);
    if (pending > 0) {
        ssize_t taken = send(tcp->descriptor, tcp->output.ptr + tcp->sent, pending, MSG_NOSIGNAL);
        if (taken < 0 && errno != EAGAIN && errno != EINTR) {
            stream->system_error = errno;
            stream->why = stream->state == STREAM_STATE_CLOSING ? stream->why : ERROR_IO;
            stream_end(stream, true);
            return;
        }
        tcp->sent += taken > 0 ? (size_t)taken : 0;
    }
    tcp->is_blocked = tcp_pending(stream) > 0;
    if (tcp->is_blocked) {
        tcp_watch(tcp);
        return;
    }
    buffer_done(&tcp->output);
    tcp->sent = 0;
    if (stream->state == STREAM_STATE_CLOSING) {
        tcp_close_politely(tcp);
        return;
    }
    tcp_watch(tcp);
    stream_drained(stream);
}

static void tcp_read(struct stream_tcp *tcp)
{
    struct stream *stream = &tcp->stream;
    if (stream->is_suspended) {
        tcp->is_paused = true;
        tcp_watch(tcp);
        return;
    }
    ssize_t got = recv(tcp->descriptor, stream->loop->read_buffer, LOOP_READ_BUFFER_SIZE, 0);
    if (got > 0) {
        stream_deliver(stream, (struct bytes){stream->loop->read_buffer, (size_t)got});
    } else if (got == 0) {
        tcp->has_eof = true;
        stream_end_input(stream);
        tcp_watch(tcp);
    } else if (errno != EAGAIN && errno != EINTR) {
        stream_doom(stream, errno == ETIMEDOUT ? ERROR_TIMEOUT : ERROR_IO, errno);
    }
}

static void tcp_take_local(struct stream_tcp *tcp)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(tcp->descriptor, (struct sockaddr *)&address, &size) == 0) {
        tcp->stream.local = ip_from_sockaddr((struct sockaddr *)&address);
    }
}

static void tcp_connected(struct stream_tcp *tcp)
{
    struct stream *stream = &tcp->stream;
    int failure = 0;
    socklen_t size = sizeof failure;
    if (getsockopt(tcp->descriptor, SOL_SOCKET, SO_ERROR, &failure, &size) != 0) {
        failure = errno;
    }
    if (failure != 0) {
        stream_doom(stream, failure == ETIMEDOUT ? ERROR_TIMEOUT : ERROR_IO, failure);
        return;
    }
    stream->state = STREAM_STATE_OPEN;
    loop_timer_stop(&stream->limit);
    tcp_take_local(tcp);
    tcp_watch(tcp);
    stream_ask_late(stream);
    if (stream->events->on_connect != NULL) {
        stream->events->on_connect(stream->owner);
    }
}

/* The writable half comes last, because it may end the stream. */
static void tcp_on_event(void *owner, int events)
{
    struct stream_tcp *tcp = owner;
    if (tcp->stream.state == STREAM_STATE_CONNECTING) {
        if (events & LOOP_WRITABLE) {
            tcp_connected(tcp);
        }
        return;
    }
    if ((events & LOOP_READABLE) && tcp->stream.state == STREAM_STATE_OPEN && tcp->stream.events != NULL) {
        tcp_read(tcp);
    }
    if (tcp->stream.state == STREAM_STATE_CLOSING || (events & LOOP_WRITABLE)) {
        stream_ask_late(&tcp->stream);
    }
}

static void tcp_release(struct stream *stream, bool is_reset)
{
    struct stream_tcp *tcp = tcp_of(stream);
    loop_poll_free(tcp->poll);
    if (is_reset) {
        struct linger at_once = {.l_onoff = 1, .l_linger = 0};
        setsockopt(tcp->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    close(tcp->descriptor);
    buffer_done(&tcp->output);
    loop_release(stream->loop);
}

static const struct stream_transport tcp_transport = {
    .write = tcp_write,
    .pending = tcp_pending,
    .resume = tcp_resume,
    .flush = tcp_flush,
    .release = tcp_release,
};

static struct stream_tcp *tcp_new(struct loop *loop, int descriptor)
{
    struct stream_tcp *tcp = calloc(1, sizeof *tcp);
    if (tcp == NULL || loop_poll_new(loop, descriptor, tcp_on_event, tcp, &tcp->poll) != OK) {
        free(tcp);
        close(descriptor);
        return NULL;
    }
    stream_init(&tcp->stream, &tcp_transport, loop);
    tcp->descriptor = descriptor;
    buffer_init(&tcp->output, 2 * (size_t)STREAM_OUTPUT_MAX);
    list_append(&loop->streams, &tcp->stream.link);
    loop_hold(loop);
    return tcp;
}

struct stream *stream_tcp_accepted(struct loop *loop, int descriptor, const struct ip_endpoint *local,
                                   const struct ip_endpoint *remote)
{
    struct stream_tcp *tcp = tcp_new(loop, descriptor);
    if (tcp == NULL) {
        return NULL;
    }
    tcp->stream.local = *local;
    tcp->stream.remote = *remote;
    return &tcp->stream;
}

static socklen_t sockaddr_size(const struct ip_address *address)
{
    return address->family == IP_V4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
}

/* A bound, unconnected socket, or -1. */
static int tcp_socket(const struct ip_endpoint *remote, const struct ip_address *source)
{
    int family = remote->address.family == IP_V4 ? AF_INET : AF_INET6;
    int descriptor = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -1;
    }
    int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (source != NULL && source->family != IP_NONE) {
        struct sockaddr_storage address;
        ip_to_sockaddr(&(struct ip_endpoint){.address = *source}, (struct sockaddr *)&address);
        setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(descriptor, (struct sockaddr *)&address, sockaddr_size(source)) != 0) {
            close(descriptor);
            return -1;
        }
    }
    return descriptor;
}

/* Takes the descriptor, -1 being a failure of socket. */
static enum error start_connect(struct loop *loop, int descriptor, const struct sockaddr *address,
                                socklen_t size, uint64_t timeout_ms, const struct stream_events *events,
                                void *owner, struct stream_tcp **out)
{
    if (descriptor < 0) {
        return ERROR_IO;
    }
    struct stream_tcp *tcp = tcp_new(loop, descriptor);
    if (tcp == NULL) {
        return ERROR_TEMPORARY;
    }
    struct stream *stream = &tcp->stream;
    stream->state = STREAM_STATE_CONNECTING;
    stream->events = events;
    stream->owner = owner;
    if (connect(descriptor, address, size) != 0 && errno != EINPROGRESS) {
        stream_doom(stream, errno == ETIMEDOUT ? ERROR_TIMEOUT : ERROR_IO, errno);
    } else {
        loop_timer_start(&stream->limit, timeout_ms);
        tcp_watch(tcp);
    }
    *out = tcp;
    return OK;
}

enum error stream_connect(struct loop *loop, const struct ip_endpoint *remote,
                          const struct ip_address *source, uint64_t timeout_ms,
                          const struct stream_events *events, void *owner, struct stream **out)
{
    if (loop->is_ending) {
        return ERROR_CANCELED;
    }
    struct sockaddr_storage address;
    struct stream_tcp *tcp;
    ip_to_sockaddr(remote, (struct sockaddr *)&address);
    enum error error = start_connect(loop, tcp_socket(remote, source), (struct sockaddr *)&address,
                                     sockaddr_size(&remote->address), timeout_ms, events, owner, &tcp);
    if (error == OK) {
        tcp->stream.remote = *remote;
        *out = &tcp->stream;
    }
    return error;
}

enum error stream_connect_unix(struct loop *loop, const char *path, uint64_t timeout_ms,
                               const struct stream_events *events, void *owner, struct stream **out)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct bytes text = bytes_of_text(path);
    if (loop->is_ending) {
        return ERROR_CANCELED;
    }
    if (text.len >= sizeof address.sun_path) {
        return ERROR_LIMIT;
    }
    memcpy(address.sun_path, text.ptr, text.len);
    struct stream_tcp *tcp;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    enum error error = start_connect(loop, descriptor, (struct sockaddr *)&address, sizeof address,
                                     timeout_ms, events, owner, &tcp);
    if (error == OK) {
        *out = &tcp->stream;
    }
    return error;
}

#include "loop/listener.h"

#include "base/event.h"
#include "loop/stream_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PAUSE_MS      100u
#define COMPLAINT_MS  60000u
#define BACKLOG       1024
#define ACCEPT_A_TURN 64u
/* What is queued when a listener closes; a flood must not keep it open. */
#define ACCEPT_AT_CLOSE (4u * BACKLOG)

struct listener {
    struct loop *loop;
    struct loop_poll *poll;
    struct loop_timer pause;
    void (*on_accept)(void *owner, struct stream *stream);
    void *owner;
    uint64_t next_complaint_ms;
    int descriptor;
    bool is_accepting; /* inside listener_accept: a close waits for its end */
    bool is_closing;
    struct ip_endpoint local;
    char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* of a Unix socket, else empty */
};

static struct ip_endpoint socket_local(int descriptor, const struct ip_endpoint *otherwise)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(descriptor, (struct sockaddr *)&address, &size) != 0) {
        return *otherwise;
    }
    return ip_from_sockaddr((struct sockaddr *)&address);
}

/* No descriptor or no memory: the connection stays queued and the socket readable, so without a pause this
 * would spin. */
static void listener_pause(struct listener *listener, int failure)
{
    loop_poll_set(listener->poll, 0);
    loop_timer_start(&listener->pause, PAUSE_MS);
    uint64_t now_ms = loop_now_ms(listener->loop);
    if (now_ms >= listener->next_complaint_ms) {
        listener->next_complaint_ms = now_ms + COMPLAINT_MS;
        char text[IP_ENDPOINT_TEXT_SIZE];
        event_say(EVENT_ERROR, "listener.paused", "accepting on %s pauses: %s",
                  ip_format_endpoint(&listener->local, text), strerrordesc_np(failure));
    }
}

static void listener_on_pause_over(struct loop_timer *timer)
{
    struct listener *listener = list_entry(timer, struct listener, pause);
    loop_poll_set(listener->poll, LOOP_READABLE);
}

/* One connection; 0 or the errno. */
static int listener_accept_one(struct listener *listener)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int descriptor =
        accept4(listener->descriptor, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) {
        return errno;
    }
    struct ip_endpoint remote = ip_from_sockaddr((struct sockaddr *)&address);
    struct ip_endpoint local = socket_local(descriptor, &listener->local);
    struct stream *stream = stream_tcp_accepted(listener->loop, descriptor, &local, &remote);
    if (stream != NULL) {
        listener->on_accept(listener->owner, stream);
    }
    return 0;
}

static void listener_accept(struct listener *listener, unsigned most)
{
    listener->is_accepting = true;
    for (unsigned count = 0; count < most; count++) {
        int failure = listener_accept_one(listener);
        if (failure == EAGAIN) {
            break;
        }
        if (failure == EMFILE || failure == ENFILE || failure == ENOBUFS || failure == ENOMEM) {
            listener_pause(listener, failure);
            break;
        }
        /* Everything else concerns this one connection, which is gone. */
    }
    listener->is_accepting = false;
}

static void listener_free(struct listener *listener)
{
    listener_accept(listener, ACCEPT_AT_CLOSE);
    loop_timer_stop(&listener->pause);
    loop_poll_free(listener->poll);
    close(listener->descriptor);
    if (listener->path[0] != '\0') {
        unlink(listener->path);
    }
    free(listener);
}

static void listener_on_event(void *owner, int events)
{
    (void)events;
    struct listener *listener = owner;
    listener_accept(listener, ACCEPT_A_TURN);
    if (listener->is_closing) {
        listener_free(listener);
    }
}

/* A listening socket or -1 with errno. */
static int listener_socket(const struct ip_endpoint *endpoint)
{
    bool is_v4 = endpoint->address.family == IP_V4;
    int descriptor = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -1;
    }
    struct sockaddr_storage address;
    ip_to_sockaddr(endpoint, (struct sockaddr *)&address);
    socklen_t size = is_v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    int on = 1;
    /* Accepted sockets inherit TCP_NODELAY. */
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0 ||
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
        (!is_v4 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) ||
        bind(descriptor, (struct sockaddr *)&address, size) != 0 || listen(descriptor, BACKLOG) != 0) {
        int failure = errno;
        close(descriptor);
        errno = failure;
        return -1;
    }
    return descriptor;
}

/* Takes the descriptor, also on failure. name is for the note. */
static enum error listener_new(struct loop *loop, int descriptor, const char *name,
                               void (*on_accept)(void *owner, struct stream *stream), void *owner,
                               struct listener **out, struct note *note)
{
    struct listener *listener = calloc(1, sizeof *listener);
    if (listener == NULL ||
        loop_poll_new(loop, descriptor, listener_on_event, listener, &listener->poll) != OK) {
        note_set(note, "%s: no memory", name);
        free(listener);
        close(descriptor);
        return ERROR_TEMPORARY;
    }
    listener->loop = loop;
    listener->descriptor = descriptor;
    listener->on_accept = on_accept;
    listener->owner = owner;
    loop_timer_init(&listener->pause, loop, listener_on_pause_over);
    loop_poll_set(listener->poll, LOOP_READABLE);
    *out = listener;
    return OK;
}

enum error listener_open(struct loop *loop, const struct ip_endpoint *endpoint,
                         void (*on_accept)(void *owner, struct stream *stream), void *owner,
                         struct listener **out, struct note *note)
{
    char text[IP_ENDPOINT_TEXT_SIZE];
    int descriptor = listener_socket(endpoint);
    if (descriptor < 0) {
        note_set(note, "%s: %s", ip_format_endpoint(endpoint, text), strerrordesc_np(errno));
        return ERROR_IO;
    }
    struct ip_endpoint local = socket_local(descriptor, endpoint);
    enum error error =
        listener_new(loop, descriptor, ip_format_endpoint(endpoint, text), on_accept, owner, out, note);
    if (error == OK) {
        (*out)->local = local;
    }
    return error;
}

/* Does somebody answer there? */
static bool unix_is_live(const struct sockaddr_un *address)
{
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_live =
        descriptor >= 0 &&
        (connect(descriptor, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN);
    if (descriptor >= 0) {
        close(descriptor);
    }
    return is_live;
}

/* A listening Unix socket, or -1 with errno. The mode is there before anybody can connect. */
static int unix_socket(const struct sockaddr_un *address, unsigned mode)
{
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return -1;
    }
    unlink(address->sun_path);
    if (bind(descriptor, (const struct sockaddr *)address, sizeof *address) != 0 ||
        chmod(address->sun_path, (mode_t)mode) != 0 || listen(descriptor, BACKLOG) != 0) {
        int failure = errno;
        close(descriptor);
        errno = failure;
        return -1;
    }
    return descriptor;
}

enum error listener_open_unix(struct loop *loop, const char *path, unsigned mode,
                              void (*on_accept)(void *owner, struct stream *stream), void *owner,
                              struct listener **out, struct note *note)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        note_set(note, "%s: longer than %zu bytes", path, sizeof address.sun_path - 1);
        return ERROR_SYNTAX;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (unix_is_live(&address)) {
        note_set(note, "%s: another process listens there", path);
        return ERROR_TEMPORARY;
    }
    int descriptor = unix_socket(&address, mode);
    if (descriptor < 0) {
        note_set(note, "%s: %s", path, strerrordesc_np(errno));
        return ERROR_IO;
    }
    enum error error = listener_new(loop, descriptor, path, on_accept, owner, out, note);
    if (error == OK) {
        memcpy((*out)->path, path, strlen(path) + 1);
    }
    return error;
}

const struct ip_endpoint *listener_local(const struct listener *listener)
{
    return &listener->local;
}

void listener_close(struct listener *listener)
{
    if (listener == NULL || listener->is_closing) {
        return;
    }
    listener->is_closing = true;
    if (!listener->is_accepting) {
        listener_free(listener);
    }
}

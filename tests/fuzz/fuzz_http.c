/* room: admin */
/* A request for a page in any pieces: one whole answer or a closed connection, and only the pages there are.
 * The first byte cuts, the rest is the request. */
#include "admin/http.h"
#include "loop/listener.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct loop *loop;
static struct sockaddr_storage address;

static int make_page(void *owner, struct buffer *body)
{
    (void)owner;
    return buffer_append_text(body, "page") ? 500 : 200;
}

static const struct http_page PAGES[] = {{"/metrics", "text/plain", make_page}, {NULL, NULL, NULL}};

static void nobody(void *owner, struct stream *stream)
{
    (void)owner;
    stream_abort(stream);
}

static void start(void)
{
    struct ip_endpoint endpoint = {.address = {.family = IP_V4, .octets = {127, 0, 0, 1}}};
    struct listener *listener;
    struct http *http;
    struct note note = {0};
    loop = loop_new("fuzz", NULL);
    if (!loop || listener_open(loop, &endpoint, nobody, NULL, &listener, &note))
        abort();
    endpoint = *listener_local(listener); /* a port that is free */
    listener_close(listener);
    ip_to_sockaddr(&endpoint, (struct sockaddr *)&address);
    if (http_start(loop, &endpoint, PAGES, NULL, &http, &note))
        abort();
}

static void send_pieces(int descriptor, struct bytes request, size_t step)
{
    while (request.len > 0) {
        struct bytes piece = bytes_first(request, step);
        if (send(descriptor, piece.ptr, piece.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
        request = bytes_skip(request, piece.len);
        loop_turn(loop);
    }
    shutdown(descriptor, SHUT_WR);
}

static void check_answer(struct bytes answer, struct bytes request)
{
    if (answer.len == 0)
        return;
    size_t head = bytes_find_text(answer, "\r\n\r\n");
    assert(bytes_starts_nocase(answer, "HTTP/1.1 ") && head < answer.len);
    if (bytes_starts_nocase(answer, "HTTP/1.1 200"))
        assert(bytes_starts_nocase(request, "GET /metrics") || bytes_starts_nocase(request, "HEAD /metrics"));
    assert(bytes_find_text(bytes_skip(answer, head), "HTTP/1.1") == answer.len - head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char answer[4096];
    size_t used = 0;
    ssize_t got = -1;
    if (!loop)
        start();
    if (size < 1 || size > 9000)
        return 0;
    struct bytes request = {(const char *)data + 1, size - 1};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof(struct sockaddr_in)) != 0)
        abort();
    loop_turn(loop);
    send_pieces(descriptor, request, data[0] ? data[0] * 8u : size);
    for (int i = 0; i < 1000 && got != 0 && (got > 0 || errno == EAGAIN || i == 0); i++) {
        loop_turn(loop);
        got = recv(descriptor, answer + used, sizeof answer - used, MSG_DONTWAIT);
        used += got > 0 ? (size_t)got : 0;
    }
    assert(got == 0 || errno == ECONNRESET);
    /* By a reset: so many connections a second would use up the ports. */
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(descriptor);
    loop_turn(loop);
    check_answer((struct bytes){answer, used}, request);
    return 0;
}

#include "admin/http.h"

#include "loop/listener.h"

#include <stdlib.h>
#include <string.h>

#define REQUEST_MAX     8192
#define BODY_MAX        (STREAM_OUTPUT_MAX - 65536)
#define DEADLINE_MS     10000
#define CONNECTIONS_MAX 64

struct http {
    const struct http_page *pages;
    void *owner;
    struct listener *listener; /* NULL: stopped, the last connection frees */
    struct list connections;
    size_t connection_count;
};

struct http_connection {
    struct list link;
    struct http *http;
    struct stream *stream;
    struct buffer request;
    bool is_answered;
    bool is_head; /* asked for the head of the answer alone */
};

static const char *status_text(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

static void answer(struct http_connection *connection, int status, const char *content_type,
                   struct bytes body)
{
    struct buffer head;
    buffer_init(&head, 1024);
    connection->is_answered = true;
    if (buffer_printf(
            &head, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n",
            status, status_text(status), content_type, body.len,
            status == 405 ? "Allow: GET, HEAD\r\n" : "") == OK) {
        stream_write(connection->stream, buffer_bytes(&head));
        if (!connection->is_head)
            stream_write(connection->stream, body);
    }
    buffer_done(&head);
    stream_close(connection->stream);
}

static void refuse(struct http_connection *connection, int status)
{
    answer(connection, status, "text/plain; charset=utf-8", bytes_of_text(status_text(status)));
}

static void answer_page(struct http_connection *connection, const struct http_page *page)
{
    struct buffer body;
    buffer_init(&body, BODY_MAX);
    int status = page->make(connection->http->owner, &body);
    answer(connection, status, page->content_type, buffer_bytes(&body));
    buffer_done(&body);
}

/* "GET /path[?query] HTTP/1.x", or HEAD */
static void answer_request(struct http_connection *connection, struct bytes line)
{
    struct bytes method, target, path;
    if (!bytes_next(&line, ' ', &method) || !bytes_next(&line, ' ', &target) ||
        !bytes_starts_nocase(line, "HTTP/1.") || !bytes_next(&target, '?', &path)) {
        refuse(connection, 400);
        return;
    }
    connection->is_head = bytes_equal(method, BYTES_LITERAL("HEAD"));
    if (!connection->is_head && !bytes_equal(method, BYTES_LITERAL("GET"))) {
        refuse(connection, 405);
        return;
    }
    for (const struct http_page *page = connection->http->pages; page->path; page++) {
        if (bytes_equal(path, bytes_of_text(page->path))) {
            answer_page(connection, page);
            return;
        }
    }
    refuse(connection, 404);
}

static void on_read(void *owner, struct bytes data)
{
    struct http_connection *connection = owner;
    if (connection->is_answered)
        return;
    if (buffer_append(&connection->request, data)) {
        refuse(connection, 400);
        return;
    }
    struct bytes request = buffer_bytes(&connection->request);
    if (bytes_find_text(request, "\r\n\r\n") < request.len)
        answer_request(connection, bytes_first(request, bytes_find_text(request, "\r\n")));
}

static void on_deadline(void *owner)
{
    struct http_connection *connection = owner;
    stream_abort(connection->stream);
}

static void on_close(void *owner, enum error why)
{
    struct http_connection *connection = owner;
    (void)why;
    struct http *http = connection->http;
    list_remove(&connection->link);
    buffer_done(&connection->request);
    free(connection);
    if (--http->connection_count == 0 && !http->listener)
        free(http);
}

static const struct stream_events EVENTS = {
    .on_read = on_read, .on_deadline = on_deadline, .on_close = on_close};

static void on_accept(void *owner, struct stream *stream)
{
    struct http *http = owner;
    struct http_connection *connection =
        http->connection_count < CONNECTIONS_MAX ? calloc(1, sizeof *connection) : NULL;
    if (!connection) {
        stream_abort(stream);
        return;
    }
    connection->http = http;
    connection->stream = stream;
    buffer_init(&connection->request, REQUEST_MAX);
    list_append(&http->connections, &connection->link);
    http->connection_count++;
    stream_attach(stream, &EVENTS, connection);
    stream_set_deadline(stream, DEADLINE_MS);
}

enum error http_start(struct loop *loop, const struct ip_endpoint *endpoint, const struct http_page *pages,
                      void *owner, struct http **out, struct note *note)
{
    struct http *http = calloc(1, sizeof *http);
    if (!http)
        return ERROR_TEMPORARY;
    http->pages = pages;
    http->owner = owner;
    list_init(&http->connections);
    enum error error = listener_open(loop, endpoint, on_accept, http, &http->listener, note);
    if (error) {
        free(http);
        return error;
    }
    *out = http;
    return OK;
}

void http_stop(struct http *http)
{
    if (!http)
        return;
    listener_close(http->listener);
    http->listener = NULL;
    if (http->connection_count == 0) {
        free(http);
        return;
    }
    list_each_safe(link, &http->connections)
        stream_abort(list_entry(link, struct http_connection, link)->stream);
}

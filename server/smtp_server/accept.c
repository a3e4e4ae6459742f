#include "smtp_server/accept.h"

#include "base/event.h"
#include "smtp_server/proxy_header.h"
#include "smtp_server/session.h"

#include <stdlib.h>

#define HEADER_MS 10000

/* A connection whose PROXY header is not whole yet. */
struct proxied {
    struct smtp_service *service;
    struct stream *stream;
    struct buffer header;
};

static void refuse(struct proxied *proxied, const char *why)
{
    char client[IP_ENDPOINT_TEXT_SIZE];
    struct event event;
    event_begin(&event, EVENT_WARNING, "proxy.refused");
    event_text(&event, "client", ip_format_endpoint(stream_remote(proxied->stream), client));
    event_text(&event, "why", why);
    event_end(&event, false);
    stream_abort(proxied->stream);
}

static void proxied_free(struct proxied *proxied)
{
    buffer_done(&proxied->header);
    free(proxied);
}

/* What stands behind the header is the client's. */
static void start_session(struct proxied *proxied, const struct proxy_header *header, size_t used)
{
    struct stream *stream = proxied->stream;
    struct smtp_service *service = proxied->service;
    struct bytes rest = bytes_skip(buffer_bytes(&proxied->header), used);
    if (header->has_addresses) {
        stream_set_remote(stream, &header->source);
    }
    if (stream_unread(stream, rest) != OK) {
        refuse(proxied, "no memory");
        return;
    }
    stream_set_deadline(stream, 0);
    proxied_free(proxied);
    smtp_session_start(service, stream);
}

static void on_read(void *owner, struct bytes data)
{
    struct proxied *proxied = owner;
    struct proxy_header header;
    size_t used;
    if (buffer_append(&proxied->header, data) != OK) {
        refuse(proxied, "its PROXY header is too long");
        return;
    }
    switch (proxy_header_parse(buffer_bytes(&proxied->header), &header, &used)) {
    case OK:
        start_session(proxied, &header, used);
        break;
    case ERROR_NOT_FOUND:
        break;
    case ERROR_SYNTAX:
    case ERROR_LIMIT:
    case ERROR_DENIED_CREDENTIALS:
    case ERROR_TEMPORARY:
    case ERROR_TIMEOUT:
    case ERROR_CANCELED:
    case ERROR_PROTOCOL:
    case ERROR_IO:
        refuse(proxied, "it is in server.proxy_trusted and sent no good PROXY header");
        break;
    }
}

static void on_deadline(void *owner)
{
    refuse(owner, "it is in server.proxy_trusted and its PROXY header did not come in time");
}

static void on_close(void *owner, enum error why)
{
    (void)why;
    proxied_free(owner);
}

static const struct stream_events proxied_events = {
    .on_read = on_read, .on_deadline = on_deadline, .on_close = on_close};

static bool is_trusted(const struct smtp_service *service, const struct ip_address *address)
{
    for (size_t i = 0; i < service->proxy_trusted_count; i++) {
        if (ip_range_contains(&service->proxy_trusted[i], address)) {
            return true;
        }
    }
    return false;
}

void smtp_accept(struct smtp_service *service, struct stream *stream)
{
    if (!is_trusted(service, &stream_remote(stream)->address)) {
        smtp_session_start(service, stream);
        return;
    }
    struct proxied *proxied = malloc(sizeof *proxied);
    if (proxied == NULL) {
        stream_abort(stream);
        return;
    }
    *proxied = (struct proxied){.service = service, .stream = stream};
    /* One read may bring much of what the client said behind the header. */
    buffer_init(&proxied->header, PROXY_HEADER_MAX + STREAM_READ_MAX);
    stream_attach(stream, &proxied_events, proxied);
    stream_set_deadline(stream, HEADER_MS);
}

#include "fakes/fake_tcp_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void end_on_read(void *owner, struct bytes data)
{
    struct end *end = owner;
    assert_false(end->is_closed);
    assert_int_equal(buffer_append(&end->received, data), OK);
    void (*then)(struct pair *) =
        end == &end->pair->server ? end->pair->on_server_read : end->pair->on_client_read;
    if (then != NULL) {
        then(end->pair);
    }
}

static void end_on_drain(void *owner)
{
    struct end *end = owner;
    end->drain_count++;
    assert_int_equal(stream_pending(end->stream), 0);
    if (end == &end->pair->server && end->pair->on_server_drain != NULL) {
        end->pair->on_server_drain(end->pair);
    }
}

static void end_on_deadline(void *owner)
{
    struct end *end = owner;
    end->deadline_count++;
    if (end == &end->pair->server && end->pair->on_server_deadline != NULL) {
        end->pair->on_server_deadline(end->pair);
    }
}

static void end_on_close(void *owner, enum error why)
{
    struct end *end = owner;
    assert_false(end->is_closed);
    end->is_closed = true;
    end->why = why;
    strncpy(end->system_error, stream_system_error(end->stream), sizeof end->system_error - 1);
    struct end *other = end == &end->pair->server ? &end->pair->client : &end->pair->server;
    if (other->stream == NULL || other->is_closed) {
        loop_end(end->pair->loop);
    }
}

static void end_on_connect(void *owner)
{
    struct end *end = owner;
    end->is_connected = true;
    if (end->pair->on_connected != NULL) {
        end->pair->on_connected(end->pair);
    }
}

const struct stream_events pair_end_events = {
    .on_read = end_on_read,
    .on_drain = end_on_drain,
    .on_deadline = end_on_deadline,
    .on_close = end_on_close,
    .on_connect = end_on_connect,
};

static void pair_on_accept(void *owner, struct stream *stream)
{
    struct pair *pair = owner;
    pair->server.stream = stream;
    if (pair->on_accepted != NULL) {
        pair->on_accepted(pair);
    }
    stream_attach(stream, &pair_end_events, &pair->server);
}

void pair_on_end(struct loop_end_hook *hook)
{
    struct pair *pair = list_entry(hook, struct pair, hook);
    listener_close(pair->listener);
    if (pair->on_end != NULL) {
        pair->on_end(pair);
    }
}

struct ip_endpoint pair_loopback(uint16_t port)
{
    return (struct ip_endpoint){.address = {.family = IP_V4, .octets = {127, 0, 0, 1}}, .port = port};
}

void pair_open_from(struct pair *pair, const struct ip_address *source)
{
    pair->loop = loop_new("test", NULL);
    pair->server.pair = pair->client.pair = pair;
    buffer_init(&pair->server.received, 64u << 20);
    buffer_init(&pair->client.received, 64u << 20);
    struct ip_endpoint any = pair_loopback(0);
    struct note note;
    assert_int_equal(listener_open(pair->loop, &any, pair_on_accept, pair, &pair->listener, &note), OK);
    pair->hook.on_end = pair_on_end;
    loop_on_end(pair->loop, &pair->hook);
    assert_int_equal(stream_connect(pair->loop, listener_local(pair->listener), source, 10000,
                                    &pair_end_events, &pair->client, &pair->client.stream),
                     OK);
}

void pair_open(struct pair *pair)
{
    pair_open_from(pair, NULL);
}

void pair_run(struct pair *pair)
{
    loop_run(pair->loop);
    loop_free(pair->loop);
    assert_true(pair->client.is_closed);
    assert_true(pair->server.stream == NULL || pair->server.is_closed);
}

void pair_done(struct pair *pair)
{
    buffer_done(&pair->server.received);
    buffer_done(&pair->client.received);
}

void pair_write_text(struct stream *stream, const char *text)
{
    assert_true(stream_write(stream, bytes_of_text(text)));
}

void pair_check_text(const struct buffer *received, const char *text)
{
    assert_int_equal(received->len, strlen(text));
    assert_memory_equal(received->ptr, text, received->len);
}

/* A stream in memory under TLS and the OpenSSL client at its other end, for tests that name the fake tls. */
#ifndef UNIT_LOOP_TLS_PAIR_H
#define UNIT_LOOP_TLS_PAIR_H

#include "loop/tls.h"

#include "fakes/fake_tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OUTPUT_MAX (16u << 20)

/* Both ends of one connection. */
struct pair {
    struct loop *loop;
    struct stream *stream;
    struct fake_tls_client client;
    struct buffer to_client;
    struct buffer received; /* plaintext, at the owner */
    struct tls_result result;
    int secured_count;
    bool is_closed;
    enum error why;
    bool suspends; /* after each read */
    bool closes;   /* after the first read */
    bool has_peer;
};

static struct fake_certificate certificate = {.name = "mx1.contoso.com"};
static struct clock_fake clock_of_keys;
static struct tls_ticket_keys *keys;
static struct tls_context *context;
static SSL_CTX *client_context;

static inline struct tls_context *new_context(enum tls_profile profile)
{
    struct tls_context *made = NULL;
    struct note note = {0};
    assert_int_equal(tls_context_new_server(&(struct tls_server_config){.certificate = certificate.x509,
                                                                        .key = certificate.key,
                                                                        .profile = profile,
                                                                        .ticket_keys = keys},
                                            &made, &note),
                     OK);
    return made;
}

static inline int setup(void **state)
{
    (void)state;
    fake_certificate_make(&certificate);
    clock_fake_init(&clock_of_keys, 1000, 1795315500123);
    keys = tls_ticket_keys_new(&clock_of_keys.clock);
    context = new_context(TLS_PROFILE_MODERN);
    client_context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(client_context, 0);
    SSL_CTX_set_session_cache_mode(client_context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    return keys == NULL || client_context == NULL;
}

static inline int teardown(void **state)
{
    (void)state;
    SSL_CTX_free(client_context);
    tls_context_free(context);
    tls_ticket_keys_free(keys);
    fake_certificate_done(&certificate);
    return 0;
}

static inline void on_output(void *peer, struct bytes data)
{
    assert_int_equal(buffer_append(&((struct pair *)peer)->to_client, data), OK);
}

static inline void on_read(void *owner, struct bytes data)
{
    struct pair *pair = owner;
    assert_int_equal(buffer_append(&pair->received, data), OK);
    if (pair->suspends) {
        stream_suspend(pair->stream);
    }
    if (pair->closes) {
        stream_write(pair->stream, BYTES_LITERAL("bye\r\n"));
        stream_close(pair->stream);
    }
}

static inline void on_close(void *owner, enum error why)
{
    struct pair *pair = owner;
    pair->is_closed = true;
    pair->why = why;
}

static inline void on_secured(void *owner, const struct tls_result *result)
{
    struct pair *pair = owner;
    pair->result = *result;
    pair->has_peer = result->peer != NULL;
    pair->secured_count++;
}

static const struct stream_events events = {.on_read = on_read, .on_close = on_close};

static inline void open_with(struct pair *pair, struct tls_context *server, SSL_SESSION *session, int version,
                             const char *scope, bool asks_certificate)
{
    static const struct ip_endpoint nowhere = {.address = {IP_V4, {10, 0, 0, 1}}, .port = 25};
    *pair = (struct pair){.loop = loop_new("tls", NULL)};
    buffer_init(&pair->to_client, OUTPUT_MAX);
    buffer_init(&pair->received, OUTPUT_MAX);
    pair->stream = stream_memory_new(pair->loop, &nowhere, &nowhere, on_output, pair);
    stream_attach(pair->stream, &events, pair);
    fake_tls_client_open(&pair->client, client_context, session, version);
    assert_false(stream_is_tls(pair->stream));
    assert_int_equal(
        stream_start_tls_server(pair->stream, server,
                                &(struct tls_server_request){.scope = bytes_of_text(scope),
                                                             .asks_certificate = asks_certificate,
                                                             .on_secured = on_secured}),
        OK);
    assert_true(stream_is_tls(pair->stream));
}

static inline void open_pair(struct pair *pair, SSL_SESSION *session, int version)
{
    open_with(pair, context, session, version, "a", false);
}

static inline void done(struct pair *pair)
{
    if (!pair->is_closed) {
        stream_abort(pair->stream);
    }
    for (int i = 0; i < 4; i++) {
        loop_turn(pair->loop);
    }
    assert_true(pair->is_closed);
    loop_free(pair->loop);
    fake_tls_client_done(&pair->client);
    buffer_done(&pair->to_client);
    buffer_done(&pair->received);
}

/* Feeds bytes in pieces of this size. */
static inline void feed(struct pair *pair, struct bytes bytes, size_t piece)
{
    while (bytes.len > 0 && !pair->is_closed) {
        struct bytes now = bytes_first(bytes, piece);
        stream_memory_feed(pair->stream, now);
        bytes = bytes_skip(bytes, now.len);
    }
}

/* Carries bytes both ways until neither end has any; true when the client's handshake is done. */
static inline bool carry(struct pair *pair, size_t piece)
{
    bool is_done = false;
    for (int round = 0; round < 8; round++) {
        struct buffer out;
        buffer_init(&out, OUTPUT_MAX);
        fake_tls_client_take(&pair->client, buffer_bytes(&pair->to_client));
        buffer_clear(&pair->to_client);
        is_done = fake_tls_client_step(&pair->client, &out);
        feed(pair, buffer_bytes(&out), piece);
        buffer_done(&out);
        loop_turn(pair->loop);
    }
    return is_done;
}

static inline void say(struct pair *pair, struct bytes text, size_t piece)
{
    struct buffer out;
    buffer_init(&out, OUTPUT_MAX);
    fake_tls_client_say(&pair->client, text, &out);
    feed(pair, buffer_bytes(&out), piece);
    buffer_done(&out);
}

static inline void assert_heard(const struct buffer *heard, const char *text)
{
    assert_int_equal(heard->len, strlen(text));
    assert_memory_equal(heard->ptr, text, heard->len);
}

#endif

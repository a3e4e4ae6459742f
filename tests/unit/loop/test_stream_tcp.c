#include "base/buffer.h"
#include "loop/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sys/socket.h>

/* A listener and one client stream on one loop; the server side is driven by a table of callbacks as well. */
struct end {
    struct pair *pair;
    struct stream *stream;
    struct buffer received;
    enum error why;
    unsigned drain_count;
    unsigned deadline_count;
    bool is_connected;
    bool is_closed;
    char system_error[64];
};

struct pair {
    struct loop *loop;
    struct listener *listener;
    struct end server;
    struct end client;
    void (*on_connected)(struct pair *pair); /* client side */
    void (*on_accepted)(struct pair *pair);  /* before reading starts */
    void (*on_server_read)(struct pair *pair);
    void (*on_client_read)(struct pair *pair);
    void (*on_server_drain)(struct pair *pair);
    void (*on_server_deadline)(struct pair *pair);
    void (*on_end)(struct pair *pair);
    struct loop_end_hook hook;
};

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

static const struct stream_events end_events = {
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
    stream_attach(stream, &end_events, &pair->server);
}

static void pair_on_end(struct loop_end_hook *hook)
{
    struct pair *pair = list_entry(hook, struct pair, hook);
    listener_close(pair->listener);
    if (pair->on_end != NULL) {
        pair->on_end(pair);
    }
}

static struct ip_endpoint loopback(uint16_t port)
{
    return (struct ip_endpoint){.address = {.family = IP_V4, .octets = {127, 0, 0, 1}}, .port = port};
}

static void pair_open_from(struct pair *pair, const struct ip_address *source)
{
    pair->loop = loop_new("test", NULL);
    pair->server.pair = pair->client.pair = pair;
    buffer_init(&pair->server.received, 64u << 20);
    buffer_init(&pair->client.received, 64u << 20);
    struct ip_endpoint any = loopback(0);
    struct note note;
    assert_int_equal(listener_open(pair->loop, &any, pair_on_accept, pair, &pair->listener, &note), OK);
    pair->hook.on_end = pair_on_end;
    loop_on_end(pair->loop, &pair->hook);
    assert_int_equal(stream_connect(pair->loop, listener_local(pair->listener), source, 10000, &end_events,
                                    &pair->client, &pair->client.stream),
                     OK);
}

static void pair_open(struct pair *pair)
{
    pair_open_from(pair, NULL);
}

static void pair_run(struct pair *pair)
{
    loop_run(pair->loop);
    loop_free(pair->loop);
    assert_true(pair->client.is_closed);
    assert_true(pair->server.stream == NULL || pair->server.is_closed);
}

static void pair_done(struct pair *pair)
{
    buffer_done(&pair->server.received);
    buffer_done(&pair->client.received);
}

static void write_text(struct stream *stream, const char *text)
{
    assert_true(stream_write(stream, bytes_of_text(text)));
}

static void check_text(const struct buffer *received, const char *text)
{
    assert_int_equal(received->len, strlen(text));
    assert_memory_equal(received->ptr, text, received->len);
}

static void greet(struct pair *pair)
{
    struct ip_endpoint any = loopback(0);
    assert_memory_equal(&stream_local(pair->server.stream)->address, &any.address, sizeof any.address);
    assert_int_equal(stream_local(pair->server.stream)->port, stream_remote(pair->client.stream)->port);
    write_text(pair->server.stream, "220 hello\r\n");
}

static void client_says_quit(struct pair *pair)
{
    assert_int_equal(stream_local(pair->client.stream)->port, stream_remote(pair->server.stream)->port);
    write_text(pair->client.stream, "QU");
    write_text(pair->client.stream, "IT\r\n");
    pair->on_client_read = NULL;
}

static void server_says_bye(struct pair *pair)
{
    if (pair->server.received.len == 6) {
        write_text(pair->server.stream, "221 bye\r\n");
        stream_close(pair->server.stream);
        assert_false(stream_write(pair->server.stream, BYTES_LITERAL("too late")));
        stream_close(pair->server.stream);
        assert_false(pair->server.is_closed);
    }
}

static void test_a_dialogue_ends_with_a_close_inside_on_read(void **state)
{
    (void)state;
    struct pair pair = {
        .on_accepted = greet, .on_client_read = client_says_quit, .on_server_read = server_says_bye};
    pair_open(&pair);
    pair_run(&pair);
    assert_true(pair.client.is_connected);
    check_text(&pair.server.received, "QUIT\r\n");
    check_text(&pair.client.received, "220 hello\r\n221 bye\r\n");
    assert_int_equal(pair.server.why, ERROR_CANCELED);
    assert_int_equal(pair.client.why, OK);
    pair_done(&pair);
}

static void client_writes_early(struct pair *pair)
{
    write_text(pair->client.stream, "early");
    stream_close(pair->client.stream);
}

static void test_what_is_written_before_a_close_arrives(void **state)
{
    (void)state;
    struct pair pair = {.on_connected = client_writes_early};
    pair_open(&pair);
    pair_run(&pair);
    check_text(&pair.server.received, "early");
    assert_int_equal(pair.server.why, OK);
    assert_int_equal(pair.client.why, ERROR_CANCELED);
    pair_done(&pair);
}

static void client_resets(struct pair *pair)
{
    stream_abort(pair->client.stream);
    stream_abort(pair->client.stream);
    assert_false(pair->client.is_closed);
}

static void test_an_abort_is_a_reset_for_the_peer(void **state)
{
    (void)state;
    struct pair pair = {.on_accepted = greet, .on_client_read = client_resets};
    pair_open(&pair);
    pair_run(&pair);
    assert_int_equal(pair.client.why, ERROR_CANCELED);
    assert_int_equal(pair.server.why, ERROR_IO);
    assert_string_equal(pair.server.system_error, "Connection reset by peer");
    pair_done(&pair);
}

static void refuse(void *owner, struct stream *stream)
{
    (void)owner;
    stream_write(stream, BYTES_LITERAL("421 busy\r\n"));
    stream_close(stream);
}

static void test_a_stream_without_owner_is_written_and_closed(void **state)
{
    (void)state;
    struct pair pair = {.loop = loop_new("test", NULL)};
    pair.client.pair = &pair;
    buffer_init(&pair.client.received, 1000);
    struct ip_endpoint any = loopback(0);
    assert_int_equal(listener_open(pair.loop, &any, refuse, NULL, &pair.listener, NULL), OK);
    pair.hook.on_end = pair_on_end;
    loop_on_end(pair.loop, &pair.hook);
    assert_int_equal(stream_connect(pair.loop, listener_local(pair.listener), NULL, 10000, &end_events,
                                    &pair.client, &pair.client.stream),
                     OK);
    write_text(pair.client.stream,
               "EHLO impatient\r\n"); /* unread there: must not turn the reply into a reset */
    loop_run(pair.loop);
    loop_free(pair.loop);
    check_text(&pair.client.received, "421 busy\r\n");
    pair_done(&pair);
}

static void test_a_refused_connect_says_why(void **state)
{
    (void)state;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    struct ip_endpoint closed = loopback(0);
    ip_to_sockaddr(&closed, (struct sockaddr *)&address);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, size), 0); /* taken, but nobody listens */
    getsockname(descriptor, (struct sockaddr *)&address, &size);
    closed = ip_from_sockaddr((struct sockaddr *)&address);
    struct pair pair = {.loop = loop_new("test", NULL)};
    pair.client.pair = &pair;
    assert_int_equal(
        stream_connect(pair.loop, &closed, NULL, 10000, &end_events, &pair.client, &pair.client.stream), OK);
    assert_true(stream_write(pair.client.stream, BYTES_LITERAL("kept until it stands")));
    pair_run(&pair);
    assert_int_equal(pair.client.why, ERROR_IO);
    assert_string_equal(pair.client.system_error, "Connection refused");
    assert_false(pair.client.is_connected);
    close(descriptor);
}

/* A slow reader: the client stops reading, so the server's output piles up. */
static void client_stops_reading(struct pair *pair)
{
    stream_suspend(pair->client.stream);
}

enum { PIECE_SIZE = 64 << 10 };
static char piece[PIECE_SIZE];

static void server_writes_until_high(struct pair *pair)
{
    unsigned count = 0;
    while (stream_write(pair->server.stream, (struct bytes){piece, PIECE_SIZE})) {
        count++;
        assert_true(count <= STREAM_OUTPUT_HIGH / PIECE_SIZE);
    }
    assert_true(stream_pending(pair->server.stream) > STREAM_OUTPUT_HIGH);
}

static const size_t bulk_size = 16u << 20;
static size_t bulk_written;

static void server_writes_bulk(struct pair *pair)
{
    bool goes_on = true;
    while (goes_on && bulk_written < bulk_size) {
        goes_on = stream_write(pair->server.stream, (struct bytes){piece, PIECE_SIZE});
        bulk_written += PIECE_SIZE;
    }
    if (goes_on) {
        stream_close(pair->server.stream);
    }
}

/* The client reads a piece, pauses until the next turn, and so on: every byte arrives in the end. */
static struct loop_timer client_pause;
static struct pair *bulk_pair;

static void client_resumes(struct loop_timer *timer)
{
    (void)timer;
    stream_resume(bulk_pair->client.stream);
}

static void client_reads_slowly(struct pair *pair)
{
    stream_suspend(pair->client.stream);
    loop_timer_start(&client_pause, 0);
}

static void test_bulk_output_waits_for_a_slow_reader(void **state)
{
    (void)state;
    struct pair pair = {
        .on_accepted = server_writes_bulk,
        .on_server_drain = server_writes_bulk,
        .on_client_read = client_reads_slowly,
    };
    bulk_written = 0;
    bulk_pair = &pair;
    memset(piece, 'x', sizeof piece);
    pair_open(&pair);
    loop_timer_init(&client_pause, pair.loop, client_resumes);
    pair_run(&pair);
    assert_true(pair.server.drain_count > 0);
    assert_int_equal(pair.client.received.len, bulk_size);
    assert_int_equal(pair.client.why, OK);
    assert_int_equal(pair.server.why, ERROR_CANCELED);
    pair_done(&pair);
}

static void server_writes_without_end(struct pair *pair)
{
    for (size_t written = 0; written < 4 * (size_t)STREAM_OUTPUT_MAX; written += PIECE_SIZE) {
        (void)!stream_write(pair->server.stream, (struct bytes){piece, PIECE_SIZE});
        assert_true(stream_pending(pair->server.stream) <= STREAM_OUTPUT_MAX);
    }
}

/* proves: R1 R20 */
static void test_output_has_a_ceiling(void **state)
{
    (void)state;
    struct pair pair = {.on_accepted = server_writes_without_end};
    pair_open(&pair);
    stream_suspend(pair.client.stream);
    pair.on_connected = client_stops_reading;
    pair.hook.on_end = pair_on_end;
    loop_timer_init(&client_pause, pair.loop, client_resumes);
    bulk_pair = &pair;
    loop_timer_start(&client_pause, 50); /* to see the reset */
    pair_run(&pair);
    assert_int_equal(pair.server.why, ERROR_LIMIT);
    assert_int_equal(pair.client.why, ERROR_IO);
    pair_done(&pair);
}

static void server_sets_deadline(struct pair *pair)
{
    server_writes_until_high(pair);
    stream_set_deadline(pair->server.stream, 20);
}

static void server_gives_up(struct pair *pair)
{
    stream_abort(pair->server.stream);
    stream_resume(pair->client.stream);
}

/* proves: R1 */
static void test_a_deadline_cuts_a_silent_peer(void **state)
{
    (void)state;
    struct pair pair = {.on_accepted = server_sets_deadline,
                        .on_connected = client_stops_reading,
                        .on_server_deadline = server_gives_up};
    pair_open(&pair);
    pair_run(&pair);
    assert_int_equal(pair.server.deadline_count, 1);
    assert_int_equal(pair.server.why, ERROR_CANCELED);
    pair_done(&pair);
}

static void client_speaks(struct pair *pair)
{
    write_text(pair->client.stream, "one ");
    write_text(pair->client.stream, "two");
    stream_close(pair->client.stream);
}

static void server_suspends(struct pair *pair)
{
    stream_suspend(pair->server.stream);
    stream_set_deadline(pair->server.stream, 30);
}

static void server_resumes(struct pair *pair)
{
    assert_int_equal(pair->server.received.len, 0); /* nothing came while suspended, nor the end */
    stream_resume(pair->server.stream);
    stream_resume(pair->server.stream);
}

static void test_nothing_is_read_while_suspended(void **state)
{
    (void)state;
    struct pair pair = {
        .on_accepted = server_suspends, .on_connected = client_speaks, .on_server_deadline = server_resumes};
    pair_open(&pair);
    pair_run(&pair);
    check_text(&pair.server.received, "one two");
    assert_int_equal(pair.server.why, OK);
    pair_done(&pair);
}

static void end_the_loop(struct pair *pair)
{
    loop_end(pair->loop);
}

static void say_goodbye(struct pair *pair)
{
    write_text(pair->server.stream, "421 going\r\n");
}

static void test_an_ending_loop_closes_what_is_open(void **state)
{
    (void)state;
    struct pair pair = {.on_accepted = greet, .on_client_read = end_the_loop, .on_end = say_goodbye};
    pair_open(&pair);
    pair_run(&pair);
    assert_int_equal(pair.server.why, ERROR_CANCELED);
    assert_int_equal(pair.client.why, ERROR_CANCELED);
    pair_done(&pair);
}

static void try_to_connect(struct pair *pair)
{
    struct stream *stream;
    assert_int_equal(stream_connect(pair->loop, stream_remote(pair->client.stream), NULL, 1000, &end_events,
                                    NULL, &stream),
                     ERROR_CANCELED);
}

static void test_an_ending_loop_connects_no_more(void **state)
{
    (void)state;
    struct pair pair = {.on_accepted = greet, .on_client_read = end_the_loop, .on_end = try_to_connect};
    pair_open(&pair);
    pair_run(&pair);
    pair_done(&pair);
}

static void test_a_connect_that_nobody_answers_times_out(void **state)
{
    (void)state;
    /* A listening socket whose queue is full: further handshakes get no answer. */
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    struct ip_endpoint endpoint = loopback(0);
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    ip_to_sockaddr(&endpoint, (struct sockaddr *)&address);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listening, 0), 0);
    getsockname(listening, (struct sockaddr *)&address, &size);
    endpoint = ip_from_sockaddr((struct sockaddr *)&address);
    int fillers[3];
    for (size_t i = 0; i < 3; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(fillers[i], (struct sockaddr *)&address, size);
    }
    struct pair pair = {.loop = loop_new("test", NULL)};
    pair.client.pair = &pair;
    struct ip_address source = {.family = IP_V4, .octets = {127, 0, 0, 9}};
    assert_int_equal(
        stream_connect(pair.loop, &endpoint, &source, 30, &end_events, &pair.client, &pair.client.stream),
        OK);
    pair_run(&pair);
    assert_int_equal(pair.client.why, ERROR_TIMEOUT);
    for (size_t i = 0; i < 3; i++) {
        close(fillers[i]);
    }
    close(listening);
}

static void check_source(struct pair *pair)
{
    struct ip_address source = {.family = IP_V4, .octets = {127, 0, 0, 9}};
    assert_int_equal(ip_compare(&stream_remote(pair->server.stream)->address, &source), 0);
    stream_close(pair->server.stream);
}

static void test_a_source_address_is_used(void **state)
{
    (void)state;
    struct pair pair = {.on_accepted = check_source};
    pair_open_from(&pair, &(struct ip_address){.family = IP_V4, .octets = {127, 0, 0, 9}});
    pair_run(&pair);
    struct ip_address foreign = {.family = IP_V4, .octets = {192, 0, 2, 1}};
    struct ip_endpoint remote = loopback(25);
    struct loop *loop = loop_new("test", NULL);
    assert_int_equal(stream_connect(loop, &remote, &foreign, 30, &end_events, NULL, &pair.client.stream),
                     ERROR_IO);
    loop_free(loop);
    pair_done(&pair);
}

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dialogue_ends_with_a_close_inside_on_read),
        cmocka_unit_test(test_what_is_written_before_a_close_arrives),
        cmocka_unit_test(test_an_abort_is_a_reset_for_the_peer),
        cmocka_unit_test(test_a_stream_without_owner_is_written_and_closed),
        cmocka_unit_test(test_a_refused_connect_says_why),
        cmocka_unit_test(test_bulk_output_waits_for_a_slow_reader),
        cmocka_unit_test(test_output_has_a_ceiling),
        cmocka_unit_test(test_a_deadline_cuts_a_silent_peer),
        cmocka_unit_test(test_nothing_is_read_while_suspended),
        cmocka_unit_test(test_an_ending_loop_closes_what_is_open),
        cmocka_unit_test(test_an_ending_loop_connects_no_more),
        cmocka_unit_test(test_a_connect_that_nobody_answers_times_out),
        cmocka_unit_test(test_a_source_address_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* fakes: tcp_pair */
/* How streams over TCP speak and end. */
#include "fakes/fake_tcp_pair.h"
#include "loop/loop_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void greet(struct pair *pair)
{
    struct ip_endpoint any = pair_loopback(0);
    assert_memory_equal(&stream_local(pair->server.stream)->address, &any.address, sizeof any.address);
    assert_int_equal(stream_local(pair->server.stream)->port, stream_remote(pair->client.stream)->port);
    pair_write_text(pair->server.stream, "220 hello\r\n");
}

static void client_says_quit(struct pair *pair)
{
    assert_int_equal(stream_local(pair->client.stream)->port, stream_remote(pair->server.stream)->port);
    pair_write_text(pair->client.stream, "QU");
    pair_write_text(pair->client.stream, "IT\r\n");
    pair->on_client_read = NULL;
}

static void server_says_bye(struct pair *pair)
{
    if (pair->server.received.len == 6) {
        pair_write_text(pair->server.stream, "221 bye\r\n");
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
    pair_check_text(&pair.server.received, "QUIT\r\n");
    pair_check_text(&pair.client.received, "220 hello\r\n221 bye\r\n");
    assert_int_equal(pair.server.why, ERROR_CANCELED);
    assert_int_equal(pair.client.why, OK);
    pair_done(&pair);
}

static void client_writes_early(struct pair *pair)
{
    pair_write_text(pair->client.stream, "early");
    stream_close(pair->client.stream);
}

static void test_what_is_written_before_a_close_arrives(void **state)
{
    (void)state;
    struct pair pair = {.on_connected = client_writes_early};
    pair_open(&pair);
    pair_run(&pair);
    pair_check_text(&pair.server.received, "early");
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

static void client_says_secret(struct pair *pair)
{
    pair_write_text(pair->client.stream, "a canary\r\n");
}

static void server_forgets_it(struct pair *pair)
{
    stream_wipe_input(pair->server.stream);
    stream_close(pair->server.stream);
}

static void server_does_not(struct pair *pair)
{
    stream_close(pair->server.stream);
}

static bool is_canary_left;

static void look_for_it(struct pair *pair)
{
    is_canary_left = memmem(pair->loop->read_buffer, LOOP_READ_BUFFER_SIZE, "canary", 6) != NULL;
}

/* proves: T11 */
static void test_a_secret_leaves_the_read_buffer(void **state)
{
    (void)state;
    for (int is_wiped = 0; is_wiped < 2; is_wiped++) {
        struct pair pair = {.on_connected = client_says_secret,
                            .on_server_read = is_wiped ? server_forgets_it : server_does_not,
                            .on_end = look_for_it};
        pair_open(&pair);
        pair_run(&pair);
        pair_check_text(&pair.server.received, "a canary\r\n");
        assert_int_equal(is_canary_left, !is_wiped);
        pair_done(&pair);
    }
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
    struct ip_endpoint any = pair_loopback(0);
    assert_int_equal(listener_open(pair.loop, &any, refuse, NULL, &pair.listener, NULL), OK);
    pair.hook.on_end = pair_on_end;
    loop_on_end(pair.loop, &pair.hook);
    assert_int_equal(stream_connect(pair.loop, listener_local(pair.listener), NULL, 10000, &pair_end_events,
                                    &pair.client, &pair.client.stream),
                     OK);
    pair_write_text(pair.client.stream,
                    "EHLO impatient\r\n"); /* unread there: must not turn the reply into a reset */
    loop_run(pair.loop);
    loop_free(pair.loop);
    pair_check_text(&pair.client.received, "421 busy\r\n");
    pair_done(&pair);
}

static void end_the_loop(struct pair *pair)
{
    loop_end(pair->loop);
}

static void say_goodbye(struct pair *pair)
{
    pair_write_text(pair->server.stream, "421 going\r\n");
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
    assert_int_equal(stream_connect(pair->loop, stream_remote(pair->client.stream), NULL, 1000,
                                    &pair_end_events, NULL, &stream),
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

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dialogue_ends_with_a_close_inside_on_read),
        cmocka_unit_test(test_what_is_written_before_a_close_arrives),
        cmocka_unit_test(test_a_secret_leaves_the_read_buffer),
        cmocka_unit_test(test_an_abort_is_a_reset_for_the_peer),
        cmocka_unit_test(test_a_stream_without_owner_is_written_and_closed),
        cmocka_unit_test(test_an_ending_loop_closes_what_is_open),
        cmocka_unit_test(test_an_ending_loop_connects_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

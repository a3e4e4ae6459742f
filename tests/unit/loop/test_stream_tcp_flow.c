/* fakes: tcp_pair */
/* Slow and silent peers: output that piles up, deadlines, suspended reading. */
#include "fakes/fake_tcp_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

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
    pair_write_text(pair->client.stream, "one ");
    pair_write_text(pair->client.stream, "two");
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
    pair_check_text(&pair.server.received, "one two");
    assert_int_equal(pair.server.why, OK);
    pair_done(&pair);
}

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bulk_output_waits_for_a_slow_reader),
        cmocka_unit_test(test_output_has_a_ceiling),
        cmocka_unit_test(test_a_deadline_cuts_a_silent_peer),
        cmocka_unit_test(test_nothing_is_read_while_suspended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

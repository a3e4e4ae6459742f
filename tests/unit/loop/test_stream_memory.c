#include "base/buffer.h"
#include "loop/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A line echo: answers every whole line with itself in brackets, "quit" with a close, "wait" with a
 * suspension. */
struct echo {
    struct stream *stream;
    struct buffer line;
    struct buffer transcript; /* what the peer saw */
    unsigned depth;
    unsigned deadline_count;
    bool is_closed;
    enum error why;
};

static void echo_output(void *peer, struct bytes data)
{
    struct echo *echo = peer;
    assert_int_equal(buffer_append(&echo->transcript, data), OK);
}

static void echo_line(struct echo *echo, struct bytes line)
{
    stream_write(echo->stream, BYTES_LITERAL("["));
    stream_write(echo->stream, line);
    stream_write(echo->stream, BYTES_LITERAL("]"));
    if (bytes_equal(line, BYTES_LITERAL("quit"))) {
        stream_close(echo->stream);
        assert_false(echo->is_closed);
    } else if (bytes_equal(line, BYTES_LITERAL("abort"))) {
        stream_abort(echo->stream);
        assert_false(echo->is_closed);
    } else if (bytes_equal(line, BYTES_LITERAL("wait"))) {
        stream_suspend(echo->stream);
        stream_suspend(echo->stream);
    } else if (bytes_equal(line, BYTES_LITERAL("again"))) {
        stream_memory_feed(echo->stream, BYTES_LITERAL("fed\n")); /* the peer is quick */
    }
}

static void echo_on_read(void *owner, struct bytes data)
{
    struct echo *echo = owner;
    assert_int_equal(echo->depth, 0);
    assert_false(echo->is_closed);
    echo->depth++;
    for (size_t i = 0; i < data.len; i++) {
        if (data.ptr[i] == '\n') {
            echo_line(echo, buffer_bytes(&echo->line));
            buffer_clear(&echo->line);
        } else {
            assert_int_equal(buffer_append_byte(&echo->line, data.ptr[i]), OK);
        }
    }
    echo->depth--;
}

static void echo_on_close(void *owner, enum error why)
{
    struct echo *echo = owner;
    assert_int_equal(echo->depth, 0);
    assert_false(echo->is_closed);
    echo->is_closed = true;
    echo->why = why;
    stream_write(echo->stream, BYTES_LITERAL("into the void"));
    stream_close(echo->stream);
    stream_abort(echo->stream);
    stream_set_deadline(echo->stream, 10);
}

static void echo_on_deadline(void *owner)
{
    struct echo *echo = owner;
    echo->deadline_count++;
}

static const struct stream_events echo_events = {
    .on_read = echo_on_read, .on_close = echo_on_close, .on_deadline = echo_on_deadline};

static void echo_open(struct echo *echo, struct loop *loop)
{
    *echo = (struct echo){.depth = 0};
    buffer_init(&echo->line, 1000);
    buffer_init(&echo->transcript, 100000);
    struct ip_endpoint local = {.address = {.family = IP_V4, .octets = {192, 0, 2, 1}}, .port = 25};
    struct ip_endpoint remote = {.address = {.family = IP_V4, .octets = {192, 0, 2, 2}}, .port = 4025};
    echo->stream = stream_memory_new(loop, &local, &remote, echo_output, echo);
    assert_non_null(echo->stream);
    assert_int_equal(stream_local(echo->stream)->port, 25);
    assert_int_equal(stream_remote(echo->stream)->port, 4025);
    assert_ptr_equal(stream_loop(echo->stream), loop);
    stream_attach(echo->stream, &echo_events, echo);
}

static void echo_check(struct echo *echo, const char *transcript)
{
    assert_int_equal(buffer_append_byte(&echo->transcript, '\0'), OK);
    assert_string_equal(echo->transcript.ptr, transcript);
    buffer_done(&echo->line);
    buffer_done(&echo->transcript);
}

/* proves: F10 */
static void test_every_split_reads_the_same(void **state)
{
    (void)state;
    struct loop *loop = loop_new("test", NULL);
    static const char input[] = "one\ntwo\n\nthree\nquit\n";
    size_t len = sizeof input - 1;
    for (size_t first = 0; first <= len; first++) {
        for (size_t second = first; second <= len; second++) {
            struct echo echo;
            echo_open(&echo, loop);
            stream_memory_feed(echo.stream, (struct bytes){input, first});
            if (!echo.is_closed) {
                stream_memory_feed(echo.stream, (struct bytes){input + first, second - first});
            }
            if (!echo.is_closed) {
                stream_memory_feed(echo.stream, (struct bytes){input + second, len - second});
            }
            assert_true(echo.is_closed);
            assert_int_equal(echo.why, ERROR_CANCELED);
            echo_check(&echo, "[one][two][][three][quit]");
        }
    }
    loop_free(loop);
}

static void test_a_feed_inside_on_read_waits_its_turn(void **state)
{
    (void)state;
    struct loop *loop = loop_new("test", NULL);
    struct echo echo;
    echo_open(&echo, loop);
    stream_memory_feed(echo.stream, BYTES_LITERAL("again\nfirst\n"));
    stream_memory_feed(echo.stream, BYTES_LITERAL("quit\n"));
    assert_true(echo.is_closed);
    echo_check(&echo, "[again][first][fed][quit]");
    loop_free(loop);
}

static void test_bytes_fed_while_suspended_are_kept(void **state)
{
    (void)state;
    struct loop *loop = loop_new("test", NULL);
    struct echo echo;
    echo_open(&echo, loop);
    stream_memory_feed(echo.stream, BYTES_LITERAL("a\nwait\n"));
    stream_memory_feed(echo.stream, BYTES_LITERAL("b\n"));
    stream_memory_feed(echo.stream, BYTES_LITERAL("c\n"));
    loop_turn(loop);
    assert_int_equal(echo.transcript.len, strlen("[a][wait]"));
    stream_resume(echo.stream);
    stream_resume(echo.stream);
    assert_int_equal(echo.transcript.len, strlen("[a][wait]")); /* never inside the call */
    loop_turn(loop);
    assert_int_equal(echo.transcript.len, strlen("[a][wait][b][c]"));
    stream_memory_feed(echo.stream, BYTES_LITERAL("wait\n"));
    stream_memory_hang_up(echo.stream);
    loop_turn(loop);
    assert_false(echo.is_closed); /* a suspended stream does not see the end */
    stream_resume(echo.stream);
    loop_turn(loop);
    assert_true(echo.is_closed);
    assert_int_equal(echo.why, OK);
    echo_check(&echo, "[a][wait][b][c][wait]");
    loop_free(loop);
}

static void test_the_peer_hangs_up(void **state)
{
    (void)state;
    struct loop *loop = loop_new("test", NULL);
    struct echo echo;
    echo_open(&echo, loop);
    stream_memory_feed(echo.stream, BYTES_LITERAL("half a li"));
    stream_memory_hang_up(echo.stream);
    assert_true(echo.is_closed);
    assert_int_equal(echo.why, OK);
    echo_check(&echo, "");
    loop_free(loop);
}

static void test_a_close_outside_a_feed_comes_with_the_next_turn(void **state)
{
    (void)state;
    struct loop *loop = loop_new("test", NULL);
    struct echo echo;
    echo_open(&echo, loop);
    stream_write(echo.stream, BYTES_LITERAL("bye"));
    stream_close(echo.stream);
    assert_false(stream_write(echo.stream, BYTES_LITERAL("too late")));
    assert_false(echo.is_closed);
    loop_turn(loop);
    assert_true(echo.is_closed);
    assert_int_equal(echo.why, ERROR_CANCELED);
    echo_check(&echo, "bye");

    echo_open(&echo, loop);
    stream_memory_feed(echo.stream, BYTES_LITERAL("abort\nnever read\n"));
    assert_true(echo.is_closed);
    buffer_done(&echo.line);
    buffer_done(&echo.transcript);

    echo_open(&echo, loop);
    stream_close(echo.stream);
    loop_free(loop); /* an ending loop takes its last turn */
    assert_true(echo.is_closed);
    echo_check(&echo, "");
}

static void test_the_deadline_follows_the_clock(void **state)
{
    (void)state;
    struct clock_fake clock;
    clock_fake_init(&clock, 0, 0);
    struct loop *loop = loop_new("test", &clock.clock);
    struct echo echo;
    echo_open(&echo, loop);
    stream_set_deadline(echo.stream, 1000);
    clock_fake_advance(&clock, 999);
    loop_turn(loop);
    stream_set_deadline(echo.stream, 1000); /* moved */
    clock_fake_advance(&clock, 999);
    loop_turn(loop);
    assert_int_equal(echo.deadline_count, 0);
    clock_fake_advance(&clock, 1);
    loop_turn(loop);
    assert_int_equal(echo.deadline_count, 1);
    clock_fake_advance(&clock, 5000);
    loop_turn(loop);
    assert_int_equal(echo.deadline_count, 1); /* off */
    stream_set_deadline(echo.stream, 10);
    stream_set_deadline(echo.stream, 0);
    clock_fake_advance(&clock, 10);
    loop_turn(loop);
    assert_int_equal(echo.deadline_count, 1);
    stream_set_deadline(echo.stream, 10);
    stream_close(echo.stream);
    clock_fake_advance(&clock, 10);
    loop_turn(loop);
    assert_int_equal(echo.deadline_count, 1); /* a closing stream has none */
    assert_true(echo.is_closed);
    echo_check(&echo, "");
    loop_free(loop);
}

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_split_reads_the_same),
        cmocka_unit_test(test_a_feed_inside_on_read_waits_its_turn),
        cmocka_unit_test(test_bytes_fed_while_suspended_are_kept),
        cmocka_unit_test(test_the_peer_hangs_up),
        cmocka_unit_test(test_a_close_outside_a_feed_comes_with_the_next_turn),
        cmocka_unit_test(test_the_deadline_follows_the_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The control socket over a real unix socket; server and clients share the thread. */
#include "admin/control.h"
#include "unit/admin/control_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static struct loop *loop;
static struct clock_fake clock;
static struct control *control;
static struct control_request *waiting;
static unsigned long flood_left;
static unsigned drain_count;

/* -- handlers -- */

static void echo(struct control_request *request, void *service)
{
    assert_ptr_equal(service, &clock);
    assert_ptr_equal(control_service(request), &clock);
    assert_ptr_equal(control_loop(request), loop);
    json_t *said = json_object_get(control_message(request), "say");
    if (said)
        control_line(request, json_pack("{s:O}", "said", said));
    control_end(request, 0, NULL);
}

static void wait_for_later(struct control_request *request, void *service)
{
    (void)service;
    waiting = request;
}

/* Many lines, with a rest whenever the output is high. */
static void flood(struct control_request *request, void *owner)
{
    drain_count++;
    while (flood_left > 0) {
        flood_left--;
        if (!control_line(request, json_pack("{s:I,s:s}", "n", (json_int_t)flood_left, "text",
                                             "0123456789012345678901234567890123456789"))) {
            control_on_drain(request, flood, owner);
            return;
        }
    }
    control_end(request, 1, "that was all");
}

static void odd_end(struct control_request *request, void *service)
{
    (void)service;
    control_end(request, 2, "odd \xff");
}

static const struct control_command COMMANDS[] = {
    {"echo", echo}, {"wait", wait_for_later}, {"flood", flood}, {"odd", odd_end}, {NULL, NULL}};

/* -- both sides -- */

static void turn(void)
{
    for (int i = 0; i < 20; i++)
        loop_turn(loop);
}

static int start(void **state)
{
    (void)state;
    struct note note = {0};
    clock_fake_init(&clock, 1000, 1000);
    waiting = NULL;
    drain_count = 0;
    loop = loop_new("test", &clock.clock);
    return control_start(loop, address.sun_path, COMMANDS, &clock, &control, &note) ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    control_stop(control);
    loop_free(loop);
    return access(address.sun_path, F_OK) == 0 ? -1 : 0;
}

static void say(int descriptor, struct bytes text)
{
    while (text.len) {
        ssize_t sent = send(descriptor, text.ptr, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0)
            text = bytes_skip(text, (size_t)sent);
        else
            assert_int_equal(errno, EAGAIN);
        turn();
    }
    turn();
}

/* Reads until the server closes, then closes ours; "" for a reset. */
static size_t hear(int descriptor, char *out, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < 1000000; i++) {
        ssize_t got = recv(descriptor, out + used, size - 1 - used, MSG_DONTWAIT);
        loop_turn(loop);
        if (got > 0) {
            used += (size_t)got;
        } else if (got == 0 || errno != EAGAIN) {
            out[used] = '\0';
            close(descriptor);
            turn();
            return used;
        }
    }
    fail_msg("the server does not close");
    return 0;
}

static void check(const char *request, const char *expected)
{
    char answer[1024];
    int descriptor = dial();
    say(descriptor, bytes_of_text(request));
    hear(descriptor, answer, sizeof answer);
    assert_string_equal(answer, expected);
}

#define NO_COMMAND "{\"end\":true,\"code\":2,\"message\":\"no such command\"}\n"

/* proves: contract-4 */
static void a_line_is_answered_by_lines_and_one_end(void **state)
{
    (void)state;
    check("{\"command\":\"echo\",\"say\":\"hi\"}\n", "{\"said\":\"hi\"}\n{\"end\":true,\"code\":0}\n");
    check("{\"say\":[1,{}],\"command\":\"echo\"}\r\n", "{\"said\":[1,{}]}\n{\"end\":true,\"code\":0}\n");
    check("{\"command\":\"odd\"}\n", "{\"end\":true,\"code\":2,\"message\":\"odd ?\"}\n");
}

static void what_is_no_command_is_refused(void **state)
{
    (void)state;
    static const char *const WRONG[] = {"\n",
                                        "{}\n",
                                        "hello\n",
                                        "[]\n",
                                        "\"echo\"\n",
                                        "{\"command\":5}\n",
                                        "{\"command\":\"\"}\n",
                                        "{\"command\":\"ech\"}\n",
                                        "{\"command\":\"ECHO\"}\n",
                                        "{\"command\":\"echo\"\n",
                                        "{\"command\":\"echo\"} more\n",
                                        "{\"command\":\"echo\",\"command\":\"odd\"}\n",
                                        "{\"command\":\"echo\\u0000\"}\n",
                                        "{\"command\":\"\xff\"}\n"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++)
        check(WRONG[i], NO_COMMAND);
    char deep[5000];
    memset(deep, '[', sizeof deep);
    deep[sizeof deep - 2] = '\n';
    deep[sizeof deep - 1] = '\0';
    check(deep, NO_COMMAND);
}

static void one_connection_is_one_request(void **state)
{
    (void)state;
    check("{\"command\":\"echo\",\"say\":1}\n{\"command\":\"echo\",\"say\":2}\n",
          "{\"said\":1}\n{\"end\":true,\"code\":0}\n");
    char answer[256];
    int descriptor = dial();
    say(descriptor, BYTES_LITERAL("{\"command\":\"wait\"}\n"));
    say(descriptor, BYTES_LITERAL("{\"command\":\"echo\",\"say\":2}\n"));
    assert_non_null(waiting);
    control_end(waiting, 0, NULL);
    hear(descriptor, answer, sizeof answer);
    assert_string_equal(answer, "{\"end\":true,\"code\":0}\n");
}

static void a_request_may_come_in_pieces(void **state)
{
    (void)state;
    char answer[256];
    int descriptor = dial();
    struct bytes request = BYTES_LITERAL("{\"command\":\"echo\",\"say\":1}\n");
    for (size_t i = 0; i < request.len; i++)
        say(descriptor, (struct bytes){request.ptr + i, 1});
    hear(descriptor, answer, sizeof answer);
    assert_string_equal(answer, "{\"said\":1}\n{\"end\":true,\"code\":0}\n");
}

static void a_request_has_a_ceiling(void **state)
{
    (void)state;
    size_t size = (1u << 20) + 1;
    char *large = malloc(size);
    memset(large, ' ', size);
    int descriptor = dial();
    for (size_t at = 0; at < size; at += 65536) {
        struct bytes piece = {large + at, size - at < 65536 ? size - at : 65536};
        say(descriptor, piece);
    }
    assert_int_equal(hear(descriptor, large, size), 0);
    free(large);
}

static void a_silent_client_is_cut_and_a_working_handler_is_not(void **state)
{
    (void)state;
    char answer[256];
    int silent = dial(), busy = dial();
    say(busy, BYTES_LITERAL("{\"command\":\"wait\"}\n"));
    clock_fake_advance(&clock, 9999);
    say(silent, BYTES_LITERAL("{"));
    clock_fake_advance(&clock, 1);
    assert_int_equal(hear(silent, answer, sizeof answer), 0);
    clock_fake_advance(&clock, 86400000);
    turn();
    control_line(waiting, json_pack("{s:i}", "n", 1));
    control_end(waiting, 0, NULL);
    hear(busy, answer, sizeof answer);
    assert_string_equal(answer, "{\"n\":1}\n{\"end\":true,\"code\":0}\n");
}

static void a_slow_reader_gets_everything(void **state)
{
    (void)state;
    size_t size = 32u << 20;
    char *answer = malloc(size);
    flood_left = 200000;
    int descriptor = dial();
    say(descriptor, BYTES_LITERAL("{\"command\":\"flood\"}\n"));
    assert_true(flood_left > 0); /* waits for the client to read */
    size_t used = hear(descriptor, answer, size);
    assert_true(drain_count > 2);
    size_t lines = 0;
    for (size_t i = 0; i < used; i++)
        lines += answer[i] == '\n';
    assert_int_equal(lines, 200001);
    assert_non_null(strstr(answer, "\n{\"end\":true,\"code\":1,\"message\":\"that was all\"}\n"));
    free(answer);
}

static void a_client_that_hangs_up_frees_its_request(void **state)
{
    (void)state;
    flood_left = 200000;
    int descriptor = dial();
    say(descriptor, BYTES_LITERAL("{\"command\":\"flood\"}\n"));
    close(descriptor);
    turn();
    assert_int_equal(flood_left, 0); /* it wrote on, into nothing */

    descriptor = dial();
    say(descriptor, BYTES_LITERAL("{\"command\":\"wait\"}\n"));
    close(descriptor);
    turn();
    assert_true(control_line(waiting, json_pack("{s:i}", "n", 1)));
    control_end(waiting, 0, NULL);

    descriptor = dial();
    say(descriptor, BYTES_LITERAL("{\"command\""));
    close(descriptor);
    turn();
}

static void connections_have_a_ceiling(void **state)
{
    (void)state;
    enum { CEILING = 32 };
    char answer[256];
    int held[CEILING];
    for (int i = 0; i < CEILING; i++)
        held[i] = dial();
    turn();
    int over = dial();
    turn();
    assert_int_equal(hear(over, answer, sizeof answer), 0);
    close(held[0]);
    turn();
    check("{\"command\":\"echo\"}\n", "{\"end\":true,\"code\":0}\n");
    for (int i = 1; i < CEILING; i++)
        close(held[i]);
}

/* A request under way outlives the socket; none begins after it. */
static void a_stop_lets_handlers_finish(void **state)
{
    (void)state;
    char answer[256];
    int descriptor = dial(), late = dial();
    say(descriptor, BYTES_LITERAL("{\"command\":\"wait\"}\n"));
    control_stop(control);
    control = NULL;
    assert_int_equal(access(address.sun_path, F_OK), -1);
    say(late, BYTES_LITERAL("{\"command\":\"echo\",\"say\":1}\n"));
    hear(late, answer, sizeof answer);
    assert_string_equal(answer, "{\"end\":true,\"code\":3,\"message\":\"the server is ending\"}\n");
    control_end(waiting, 3, "the server is ending");
    hear(descriptor, answer, sizeof answer);
    assert_string_equal(answer, "{\"end\":true,\"code\":3,\"message\":\"the server is ending\"}\n");
}

static void the_socket_is_for_the_group_and_one_server(void **state)
{
    (void)state;
    struct stat status;
    struct control *other = NULL;
    struct note note = {0};
    assert_int_equal(stat(address.sun_path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    assert_int_not_equal(control_start(loop, address.sun_path, COMMANDS, NULL, &other, &note), OK);
    assert_null(other);
    assert_true(note.text[0]);
    turn();
    check("{\"command\":\"echo\"}\n", "{\"end\":true,\"code\":0}\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_answered_by_lines_and_one_end),
        TEST(what_is_no_command_is_refused),
        TEST(one_connection_is_one_request),
        TEST(a_request_may_come_in_pieces),
        TEST(a_request_has_a_ceiling),
        TEST(a_silent_client_is_cut_and_a_working_handler_is_not),
        TEST(a_slow_reader_gets_everything),
        TEST(a_client_that_hangs_up_frees_its_request),
        TEST(connections_have_a_ceiling),
        TEST(a_stop_lets_handlers_finish),
        TEST(the_socket_is_for_the_group_and_one_server),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

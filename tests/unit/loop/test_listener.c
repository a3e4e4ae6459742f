#include "loop/listener.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

struct test {
    struct loop *loop;
    struct listener *listener;
    struct loop_end_hook hook;
    struct ip_endpoint last_local;
    struct ip_endpoint last_remote;
    unsigned accepted_count;
    unsigned end_at; /* ends the loop when so many were accepted */
    bool closes_in_accept;
};

static void accept_and_close(void *owner, struct stream *stream)
{
    struct test *test = owner;
    test->last_local = *stream_local(stream);
    test->last_remote = *stream_remote(stream);
    stream_write(stream, BYTES_LITERAL("hello"));
    stream_close(stream);
    if (test->closes_in_accept) {
        listener_close(test->listener);
        test->listener = NULL;
    }
    if (++test->accepted_count == test->end_at) {
        loop_end(test->loop);
    }
}

static void on_end(struct loop_end_hook *hook)
{
    struct test *test = list_entry(hook, struct test, hook);
    listener_close(test->listener);
}

static void test_open(struct test *test, const char *address)
{
    *test = (struct test){.loop = loop_new("test", NULL)};
    struct ip_endpoint endpoint = {.port = 0};
    struct note note = {""};
    assert_int_equal(ip_parse_address(bytes_of_text(address), &endpoint.address), OK);
    assert_int_equal(listener_open(test->loop, &endpoint, accept_and_close, test, &test->listener, &note),
                     OK);
    test->hook.on_end = on_end;
    loop_on_end(test->loop, &test->hook);
}

static int connect_to(const char *address, uint16_t port)
{
    struct ip_endpoint endpoint = {.port = port};
    assert_int_equal(ip_parse_address(bytes_of_text(address), &endpoint.address), OK);
    struct sockaddr_storage storage;
    ip_to_sockaddr(&endpoint, (struct sockaddr *)&storage);
    int descriptor = socket(storage.ss_family, SOCK_STREAM, 0);
    assert_true(descriptor >= 0);
    socklen_t size =
        endpoint.address.family == IP_V4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (connect(descriptor, (struct sockaddr *)&storage, size) != 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

static void check_hello(int descriptor)
{
    char text[16];
    assert_int_equal(recv(descriptor, text, sizeof text, MSG_WAITALL), 5);
    assert_memory_equal(text, "hello", 5);
    close(descriptor);
}

static void test_the_real_local_endpoint_is_given(void **state)
{
    (void)state;
    struct test test;
    test_open(&test, "0.0.0.0");
    test.end_at = 1;
    uint16_t port = listener_local(test.listener)->port;
    int descriptor = connect_to("127.0.0.7", port);
    loop_run(test.loop);
    check_hello(descriptor);
    char text[IP_TEXT_SIZE];
    assert_string_equal(ip_format_address(&test.last_local.address, text), "127.0.0.7");
    assert_int_equal(test.last_local.port, port);
    assert_true(ip_is_loopback(&test.last_remote.address));
    assert_int_not_equal(test.last_remote.port, 0);
    loop_free(test.loop);
}

static void test_ipv6_takes_no_ipv4(void **state)
{
    (void)state;
    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool has_ipv6 = probe >= 0 && bind(probe, (struct sockaddr *)&loopback, sizeof loopback) == 0;
    close(probe);
    if (!has_ipv6) {
        skip();
    }
    struct test test;
    test_open(&test, "::");
    test.end_at = 1;
    uint16_t port = listener_local(test.listener)->port;
    assert_int_equal(connect_to("127.0.0.1", port), -1);
    int descriptor = connect_to("::1", port);
    loop_run(test.loop);
    check_hello(descriptor);
    assert_int_equal(test.last_local.address.family, IP_V6);
    loop_free(test.loop);
}

static void test_two_loops_share_a_port(void **state)
{
    (void)state;
    struct test first;
    struct test second = {.loop = loop_new("second", NULL)};
    test_open(&first, "127.0.0.1");
    assert_int_equal(listener_open(second.loop, listener_local(first.listener), accept_and_close, &second,
                                   &second.listener, NULL),
                     OK);
    listener_close(second.listener);
    loop_free(second.loop);
    loop_free(first.loop);
}

static void test_what_can_not_be_bound_is_said(void **state)
{
    (void)state;
    int taken = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    assert_int_equal(bind(taken, (struct sockaddr *)&address, size), 0);
    getsockname(taken, (struct sockaddr *)&address, &size);
    struct ip_endpoint endpoint = ip_from_sockaddr((struct sockaddr *)&address);
    struct loop *loop = loop_new("test", NULL);
    struct listener *listener;
    struct note note = {""};
    char expected[128];
    assert_int_equal(listener_open(loop, &endpoint, accept_and_close, NULL, &listener, &note), ERROR_IO);
    snprintf(expected, sizeof expected, "127.0.0.1:%u: Address already in use", (unsigned)endpoint.port);
    assert_string_equal(note.text, expected);
    struct ip_endpoint foreign = {.address = {.family = IP_V4, .octets = {192, 0, 2, 1}}, .port = 2525};
    assert_int_equal(listener_open(loop, &foreign, accept_and_close, NULL, &listener, &note), ERROR_IO);
    assert_string_equal(note.text, "192.0.2.1:2525: Cannot assign requested address");
    loop_free(loop);
    close(taken);
}

enum { QUEUED_COUNT = 100 };

/* More than one turn accepts, waiting in the kernel when the listener closes: none is reset. */
static void test_closing_resets_nobody(void **state)
{
    (void)state;
    struct test test;
    test_open(&test, "127.0.0.1");
    int descriptors[QUEUED_COUNT];
    for (size_t i = 0; i < QUEUED_COUNT; i++) {
        descriptors[i] = connect_to("127.0.0.1", listener_local(test.listener)->port);
        assert_true(descriptors[i] >= 0);
    }
    loop_end(test.loop);
    loop_run(test.loop);
    assert_int_equal(test.accepted_count, QUEUED_COUNT);
    for (size_t i = 0; i < QUEUED_COUNT; i++) {
        check_hello(descriptors[i]);
    }
    loop_free(test.loop);
}

static void test_closing_inside_on_accept(void **state)
{
    (void)state;
    struct test test;
    test_open(&test, "127.0.0.1");
    test.closes_in_accept = true;
    test.end_at = 3;
    uint16_t port = listener_local(test.listener)->port;
    int descriptors[3];
    for (size_t i = 0; i < 3; i++) {
        descriptors[i] = connect_to("127.0.0.1", port);
    }
    loop_run(test.loop);
    for (size_t i = 0; i < 3; i++) {
        check_hello(descriptors[i]);
    }
    assert_int_equal(connect_to("127.0.0.1", port), -1);
    loop_free(test.loop);
}

struct starving {
    struct test test;
    struct loop_timer timer;
    struct rlimit before;
};

static void feed_on_due(struct loop_timer *timer)
{
    struct starving *starving = list_entry(timer, struct starving, timer);
    assert_int_equal(starving->test.accepted_count, 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &starving->before), 0);
}

/* proves: R4 */
static void test_no_descriptors_left_pauses_and_recovers(void **state)
{
    (void)state;
    struct starving starving = {.test = {.loop = NULL}};
    test_open(&starving.test, "127.0.0.1");
    starving.test.end_at = 1;
    int descriptor = connect_to("127.0.0.1", listener_local(starving.test.listener)->port);
    int highest = dup(descriptor);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &starving.before), 0);
    struct rlimit none = {.rlim_cur = (rlim_t)highest, .rlim_max = starving.before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    loop_timer_init(&starving.timer, starving.test.loop, feed_on_due);
    loop_timer_start(&starving.timer, 30);
    struct timespec before;
    struct timespec after;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
    loop_run(starving.test.loop);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
    int64_t used_ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    assert_true(used_ms < 60); /* a spinning loop would have used all of the 100 ms */
    check_hello(descriptor);
    close(highest);
    loop_free(starving.test.loop);
}

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_real_local_endpoint_is_given),
        cmocka_unit_test(test_ipv6_takes_no_ipv4),
        cmocka_unit_test(test_two_loops_share_a_port),
        cmocka_unit_test(test_what_can_not_be_bound_is_said),
        cmocka_unit_test(test_closing_resets_nobody),
        cmocka_unit_test(test_closing_inside_on_accept),
        cmocka_unit_test(test_no_descriptors_left_pauses_and_recovers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

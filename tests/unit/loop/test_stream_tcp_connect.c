/* fakes: tcp_pair */
/* Connecting: refused, not answered, from a source address. */
#include "fakes/fake_tcp_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>
#include <sys/socket.h>

static void test_a_refused_connect_says_why(void **state)
{
    (void)state;
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    struct ip_endpoint closed = pair_loopback(0);
    ip_to_sockaddr(&closed, (struct sockaddr *)&address);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, size), 0); /* taken, but nobody listens */
    getsockname(descriptor, (struct sockaddr *)&address, &size);
    closed = ip_from_sockaddr((struct sockaddr *)&address);
    struct pair pair = {.loop = loop_new("test", NULL)};
    pair.client.pair = &pair;
    assert_int_equal(
        stream_connect(pair.loop, &closed, NULL, 10000, &pair_end_events, &pair.client, &pair.client.stream),
        OK);
    assert_true(stream_write(pair.client.stream, BYTES_LITERAL("kept until it stands")));
    pair_run(&pair);
    assert_int_equal(pair.client.why, ERROR_IO);
    assert_string_equal(pair.client.system_error, "Connection refused");
    assert_false(pair.client.is_connected);
    close(descriptor);
}

static void test_a_connect_that_nobody_answers_times_out(void **state)
{
    (void)state;
    /* A listening socket whose queue is full: further handshakes get no answer. */
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    struct ip_endpoint endpoint = pair_loopback(0);
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
    assert_int_equal(stream_connect(pair.loop, &endpoint, &source, 30, &pair_end_events, &pair.client,
                                    &pair.client.stream),
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
    struct ip_endpoint remote = pair_loopback(25);
    struct loop *loop = loop_new("test", NULL);
    assert_int_equal(stream_connect(loop, &remote, &foreign, 30, &pair_end_events, NULL, &pair.client.stream),
                     ERROR_IO);
    loop_free(loop);
    pair_done(&pair);
}

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refused_connect_says_why),
        cmocka_unit_test(test_a_connect_that_nobody_answers_times_out),
        cmocka_unit_test(test_a_source_address_is_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The metrics server over real sockets of the loopback; server and client share the thread. */
#include "admin/http.h"
#include "loop/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PLAIN "Content-Type: text/plain; charset=utf-8\r\n"

static struct loop *loop;
static struct clock_fake clock;
static struct http *http;
static struct sockaddr_storage address;
static int made_count;
static size_t body_bytes;

static int make_metrics(void *owner, struct buffer *body)
{
    made_count++;
    assert_ptr_equal(owner, &made_count);
    return buffer_append_text(body, "dirrelay_sessions 1\n") ? 500 : 200;
}

static int make_unready(void *owner, struct buffer *body)
{
    (void)owner;
    return buffer_append_text(body, "no organization\n") ? 500 : 503;
}

static int make_large(void *owner, struct buffer *body)
{
    (void)owner;
    for (size_t i = 0; i < body_bytes; i += 64) {
        if (buffer_append_text(body, "0123456789012345678901234567890123456789012345678901234567890123"))
            return 500;
    }
    return 200;
}

static const struct http_page PAGES[] = {
    {"/metrics", "text/plain; version=0.0.4", make_metrics},
    {"/readyz", "text/plain", make_unready},
    {"/large", "text/plain", make_large},
    {NULL, NULL, NULL},
};

static void nobody(void *owner, struct stream *stream)
{
    (void)owner;
    stream_abort(stream);
}

static int start(void **state)
{
    (void)state;
    struct ip_endpoint endpoint = {.address = {.family = IP_V4, .octets = {127, 0, 0, 1}}};
    struct listener *listener;
    struct note note = {0};
    clock_fake_init(&clock, 1000, 1000);
    loop = loop_new("test", &clock.clock);
    if (!loop || listener_open(loop, &endpoint, nobody, NULL, &listener, &note))
        return -1;
    endpoint = *listener_local(listener); /* a port that is free */
    listener_close(listener);
    ip_to_sockaddr(&endpoint, (struct sockaddr *)&address);
    made_count = 0;
    return http_start(loop, &endpoint, PAGES, &made_count, &http, &note) ? -1 : 0;
}

static int stop(void **state)
{
    (void)state;
    http_stop(http);
    loop_free(loop);
    return 0;
}

static int dial(void)
{
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(struct sockaddr_in)), 0);
    return descriptor;
}

static void say(int descriptor, const char *text)
{
    assert_int_equal(send(descriptor, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    for (int i = 0; i < 20; i++)
        loop_turn(loop);
}

/* Reads until the server closes; -1: it reset the connection. Closes ours. */
static ssize_t hear(int descriptor, char *out, size_t size)
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
            for (int turn = 0; turn < 20; turn++)
                loop_turn(loop);
            return got == 0 ? (ssize_t)used : -1;
        }
    }
    fail_msg("the server does not close");
    return -1;
}

static void check(const char *request, const char *expected)
{
    char answer[2048];
    int descriptor = dial();
    say(descriptor, request);
    assert_int_equal(hear(descriptor, answer, sizeof answer), strlen(expected));
    assert_string_equal(answer, expected);
}

#define METRICS_HEAD                                                                                         \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: 20\r\n"                   \
    "Connection: close\r\n\r\n"
#define BAD "HTTP/1.1 400 Bad Request\r\n" PLAIN "Content-Length: 11\r\nConnection: close\r\n\r\nBad Request"

/* proves: contract-2 contract-6 */
static void pages_are_got(void **state)
{
    (void)state;
    check("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", METRICS_HEAD "dirrelay_sessions 1\n");
    check("GET /metrics?name=x HTTP/1.0\r\n\r\n", METRICS_HEAD "dirrelay_sessions 1\n");
    check("HEAD /metrics HTTP/1.1\r\n\r\n", METRICS_HEAD);
    assert_int_equal(made_count, 3);
    check("GET /readyz HTTP/1.1\r\n\r\n",
          "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: 16\r\n"
          "Connection: close\r\n\r\nno organization\n");
}

static void other_paths_and_methods_are_refused(void **state)
{
    (void)state;
    static const char *const PATHS[] = {"/",       "/metrics/", "/Metrics",   "/metric",
                                        "metrics", "?x",        "/../metrics"};
    for (size_t i = 0; i < sizeof PATHS / sizeof PATHS[0]; i++) {
        char request[128];
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n\r\n", PATHS[i]);
        check(request,
              "HTTP/1.1 404 Not Found\r\n" PLAIN "Content-Length: 9\r\nConnection: close\r\n\r\nNot Found");
    }
    static const char *const METHODS[] = {"POST", "get", "PUT", "DELETE", "GETX"};
    for (size_t i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++) {
        char request[128];
        snprintf(request, sizeof request, "%s /metrics HTTP/1.1\r\n\r\n", METHODS[i]);
        check(request,
              "HTTP/1.1 405 Method Not Allowed\r\n" PLAIN "Content-Length: 18\r\nAllow: GET, HEAD\r\n"
              "Connection: close\r\n\r\nMethod Not Allowed");
    }
    assert_int_equal(made_count, 0);
}

static void what_is_no_request_is_refused(void **state)
{
    (void)state;
    static const char *const WRONG[] = {"\r\n\r\n",
                                        "GET\r\n\r\n",
                                        "GET /metrics\r\n\r\n",
                                        "GET  /metrics HTTP/1.1\r\n\r\n",
                                        "GET /metrics HTTP/2.0\r\n\r\n",
                                        "GET /metrics FTP/1.1\r\n\r\n",
                                        "EHLO client.example\r\n\r\n",
                                        "\x16\x03\x01\r\n\r\n"};
    for (size_t i = 0; i < sizeof WRONG / sizeof WRONG[0]; i++)
        check(WRONG[i], BAD);
}

static void a_request_has_a_ceiling(void **state)
{
    (void)state;
    static char request[8193];
    char answer[512];
    memset(request, 'x', 8192);
    int descriptor = dial();
    say(descriptor, request);
    assert_int_equal(recv(descriptor, answer, sizeof answer, MSG_DONTWAIT), -1); /* all taken, nothing said */
    say(descriptor, "x");
    assert_int_equal(hear(descriptor, answer, sizeof answer), strlen(BAD));
    assert_string_equal(answer, BAD);
}

static void a_request_may_come_in_pieces(void **state)
{
    (void)state;
    static const char REQUEST[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    char answer[512];
    int descriptor = dial();
    for (size_t i = 0; REQUEST[i]; i++)
        say(descriptor, (const char[]){REQUEST[i], '\0'});
    assert_int_equal(hear(descriptor, answer, sizeof answer), strlen(METRICS_HEAD) + 20);
}

static void a_slow_client_is_cut(void **state)
{
    (void)state;
    char answer[512];
    int silent = dial(), slow = dial();
    say(slow, "GET /metr");
    clock_fake_advance(&clock, 9999);
    say(slow, "ics");
    clock_fake_advance(&clock, 1);
    assert_int_equal(hear(silent, answer, sizeof answer), -1);
    assert_int_equal(hear(slow, answer, sizeof answer), -1);
    assert_int_equal(made_count, 0);
}

static void connections_have_a_ceiling(void **state)
{
    (void)state;
    enum { CEILING = 64 };
    char answer[512];
    int held[CEILING];
    for (int i = 0; i < CEILING; i++) {
        held[i] = dial();
        say(held[i], "GET");
    }
    int over = dial();
    for (int i = 0; i < 20; i++)
        loop_turn(loop);
    assert_int_equal(hear(over, answer, sizeof answer), -1);
    close(held[0]);
    for (int i = 0; i < 20; i++)
        loop_turn(loop);
    check("GET /metrics HTTP/1.1\r\n\r\n", METRICS_HEAD "dirrelay_sessions 1\n");
    for (int i = 1; i < CEILING; i++)
        close(held[i]);
}

static void a_large_page_arrives_and_a_larger_one_is_an_error(void **state)
{
    (void)state;
    size_t size = 9u << 20;
    char *answer = malloc(size);
    body_bytes = 7u << 20;
    int descriptor = dial();
    say(descriptor, "GET /large HTTP/1.1\r\n\r\n");
    assert_true(hear(descriptor, answer, size) > (ssize_t)body_bytes);
    assert_memory_equal(answer, "HTTP/1.1 200 OK", 15);
    body_bytes = 9u << 20;
    descriptor = dial();
    say(descriptor, "GET /large HTTP/1.1\r\n\r\n");
    assert_true(hear(descriptor, answer, size) > 0);
    assert_memory_equal(answer, "HTTP/1.1 500 ", 13);
    free(answer);
}

static void an_address_that_is_not_ours_is_told(void **state)
{
    (void)state;
    struct ip_endpoint nowhere = {.address = {.family = IP_V4, .octets = {192, 0, 2, 1}}, .port = 9125};
    struct http *other = NULL;
    struct note note = {0};
    assert_int_equal(http_start(loop, &nowhere, PAGES, NULL, &other, &note), ERROR_IO);
    assert_true(note.text[0]);
    assert_null(other);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_are_got),
        TEST(other_paths_and_methods_are_refused),
        TEST(what_is_no_request_is_refused),
        TEST(a_request_has_a_ceiling),
        TEST(a_request_may_come_in_pieces),
        TEST(a_slow_client_is_cut),
        TEST(connections_have_a_ceiling),
        TEST(a_large_page_arrives_and_a_larger_one_is_an_error),
        TEST(an_address_that_is_not_ours_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "loop/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sys/socket.h>

/* A name server on the same loop: what it answers depends on the first label. */
struct server {
    struct loop_poll *poll;
    int descriptor;
    struct ip_endpoint endpoint;
    unsigned question_count;
};

struct test {
    struct loop *loop;
    struct server server;
    struct resolver *resolver;
    struct resolver_query query;
    struct loop_end_hook hook;
    struct loop_timer timer;
    enum error error;
    unsigned done_count;
};

static size_t put_record(unsigned char *out, unsigned type, const unsigned char *data, size_t len)
{
    const unsigned char head[] = {0xc0, 12, 0, (unsigned char)type, 0, 1, 0, 0, 0, 60, 0, (unsigned char)len};
    memcpy(out, head, sizeof head);
    memcpy(out + sizeof head, data, len);
    return sizeof head + len;
}

static size_t put_answers(const unsigned char *question, unsigned type, unsigned char *out,
                          unsigned *out_count)
{
    static const unsigned char v4[] = {192, 0, 2, 1};
    static const unsigned char v6[] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
    static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 9};
    const char *label = (const char *)question + 1;
    size_t len = 0;
    *out_count = 0;
    if (strncmp(label, "both", 4) == 0) {
        len = type == 1 ? put_record(out, 1, v4, sizeof v4) : put_record(out, 28, v6, sizeof v6);
        *out_count = 1;
    } else if (strncmp(label, "four", 4) == 0 && type == 1) {
        len = put_record(out, 1, v4, sizeof v4);
        *out_count = 1;
    } else if (strncmp(label, "mapped", 6) == 0 && type == 28) {
        len = put_record(out, 28, mapped, sizeof mapped);
        *out_count = 1;
    } else if (strncmp(label, "many", 4) == 0) {
        for (unsigned char i = 0; i < 20; i++) {
            unsigned char address[16] = {0x20, 1, 0xd, 0xb8};
            address[type == 1 ? 3 : 15] = i;
            len += put_record(out + len, type, address, type == 1 ? 4 : 16);
        }
        *out_count = 20;
    }
    return len;
}

static unsigned char code_of(const unsigned char *question, unsigned type)
{
    const char *label = (const char *)question + 1;
    if (strncmp(label, "missing", 7) == 0) {
        return 3;
    }
    if (strncmp(label, "broken", 6) == 0 || (strncmp(label, "half", 4) == 0 && type == 1)) {
        return 2;
    }
    return 0;
}

static void server_on_event(void *owner, int events)
{
    (void)events;
    struct server *server = owner;
    unsigned char packet[4096];
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    ssize_t got = recvfrom(server->descriptor, packet, 512, 0, (struct sockaddr *)&peer, &size);
    if (got < 17) {
        return;
    }
    server->question_count++;
    size_t end = 12;
    while (packet[end] != 0) {
        end += packet[end] + 1u;
    }
    unsigned type = packet[end + 2];
    if (strncmp((char *)packet + 13, "silent", 6) == 0) {
        return;
    }
    unsigned count;
    size_t len = end + 5;
    packet[2] = 0x84 | (packet[2] & 1);
    packet[3] = 0x80 | code_of(packet + 12, type);
    memset(packet + 6, 0, 6);
    len += put_answers(packet + 12, type, packet + len, &count);
    packet[7] = (unsigned char)count;
    assert_int_equal(sendto(server->descriptor, packet, len, 0, (struct sockaddr *)&peer, size), len);
}

static void test_on_end(struct loop_end_hook *hook)
{
    struct test *test = list_entry(hook, struct test, hook);
    resolver_free(test->resolver);
    if (test->server.poll != NULL) {
        loop_poll_free(test->server.poll);
        close(test->server.descriptor);
    }
}

static void test_on_done(struct resolver_query *query, enum error error)
{
    struct test *test = list_entry(query, struct test, query);
    test->error = error;
    test->done_count++;
    loop_end(test->loop);
}

static void server_open(struct test *test)
{
    struct server *server = &test->server;
    server->descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct ip_endpoint any = {.address = {.family = IP_V4, .octets = {127, 0, 0, 1}}};
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    ip_to_sockaddr(&any, (struct sockaddr *)&address);
    assert_int_equal(bind(server->descriptor, (struct sockaddr *)&address, size), 0);
    getsockname(server->descriptor, (struct sockaddr *)&address, &size);
    server->endpoint = ip_from_sockaddr((struct sockaddr *)&address);
    assert_int_equal(loop_poll_new(test->loop, server->descriptor, server_on_event, server, &server->poll),
                     OK);
    loop_poll_set(server->poll, LOOP_READABLE);
}

static void test_init(struct test *test, const struct clock *clock)
{
    *test = (struct test){.loop = loop_new("test", clock)};
    struct note note = {""};
    server_open(test);
    assert_int_equal(resolver_new_at(test->loop, &test->server.endpoint, &test->resolver, &note), OK);
    test->hook.on_end = test_on_end;
    loop_on_end(test->loop, &test->hook);
    test->query.on_done = test_on_done;
}

static enum error resolve(struct test *test, const char *name)
{
    test_init(test, NULL);
    resolver_addresses(test->resolver, name, &test->query);
    assert_int_equal(test->done_count, 0);
    loop_run(test->loop);
    loop_free(test->loop);
    assert_int_equal(test->done_count, 1);
    return test->error;
}

static void check_address(const struct resolver_query *query, size_t index, const char *text)
{
    char buffer[IP_TEXT_SIZE];
    assert_true(index < query->count);
    assert_string_equal(ip_format_address(&query->addresses[index], buffer), text);
}

static void test_both_families_are_merged(void **state)
{
    (void)state;
    struct test test;
    assert_int_equal(resolve(&test, "both.example.com"), OK);
    assert_int_equal(test.query.count, 2);
    check_address(&test.query, 0, "2001:db8::7");
    check_address(&test.query, 1, "192.0.2.1");
}

static void test_one_family_is_enough(void **state)
{
    (void)state;
    struct test test;
    assert_int_equal(resolve(&test, "four.example.com"), OK);
    assert_int_equal(test.query.count, 1);
    check_address(&test.query, 0, "192.0.2.1");
}

static void test_a_mapped_address_takes_its_normal_form(void **state)
{
    (void)state;
    struct test test;
    assert_int_equal(resolve(&test, "mapped.example.com"), OK);
    check_address(&test.query, 0, "192.0.2.9");
}

static void test_many_addresses_are_cut_fairly(void **state)
{
    (void)state;
    struct test test;
    assert_int_equal(resolve(&test, "many.example.com"), OK);
    assert_int_equal(test.query.count, RESOLVER_ADDRESS_MAX);
    assert_int_equal(test.query.addresses[7].family, IP_V6);
    assert_int_equal(test.query.addresses[8].family, IP_V4);
}

/* proves: R14 */
static void test_names_of_internal_zones_are_asked_for(void **state)
{
    (void)state;
    struct test test;
    assert_int_equal(resolve(&test, "both.corp.test"), OK);
    assert_int_equal(resolve(&test, "both.lan.home.arpa"), OK);
}

/* proves: R14 */
static void test_what_is_permanent_and_what_is_not(void **state)
{
    (void)state;
    struct test test;
    assert_int_equal(resolve(&test, "missing.example.com"), ERROR_NOT_FOUND);
    assert_int_equal(resolve(&test, "empty.example.com"), ERROR_NOT_FOUND);
    assert_int_equal(resolve(&test, "broken.example.com"), ERROR_TEMPORARY);
    assert_int_equal(resolve(&test, "half.example.com"), ERROR_TEMPORARY);
    assert_int_equal(test.query.count, 0);
    char long_name[400];
    memset(long_name, 'a', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(resolve(&test, long_name), ERROR_NOT_FOUND);
}

static void test_an_address_answers_itself(void **state)
{
    (void)state;
    struct test test;
    assert_int_equal(resolve(&test, "192.0.2.77"), OK);
    check_address(&test.query, 0, "192.0.2.77");
    assert_int_equal(resolve(&test, "2001:db8::77"), OK);
    check_address(&test.query, 0, "2001:db8::77");
    assert_int_equal(test.server.question_count, 0);
}

static void cancel_on_due(struct loop_timer *timer)
{
    struct test *test = list_entry(timer, struct test, timer);
    if (test->server.question_count < 2) {
        loop_timer_start(timer, 1); /* both questions are on their way */
        return;
    }
    resolver_cancel(&test->query);
    resolver_cancel(&test->query);
    assert_int_equal(test->done_count, 0);
}

static void test_a_query_is_cancelled(void **state)
{
    (void)state;
    struct test test;
    test_init(&test, NULL);
    resolver_addresses(test.resolver, "silent.example.com", &test.query);
    loop_timer_init(&test.timer, test.loop, cancel_on_due);
    loop_timer_start(&test.timer, 1);
    loop_run(test.loop);
    loop_free(test.loop);
    assert_int_equal(test.error, ERROR_CANCELED);
    resolver_cancel(&test.query); /* answered: a no-op */
    assert_int_equal(test.done_count, 1);
}

static void end_on_due(struct loop_timer *timer)
{
    loop_end(timer->loop);
}

static void test_freeing_the_resolver_cancels(void **state)
{
    (void)state;
    struct test test;
    test_init(&test, NULL);
    resolver_addresses(test.resolver, "silent.example.com", &test.query);
    loop_timer_init(&test.timer, test.loop, end_on_due);
    loop_timer_start(&test.timer, 1);
    loop_run(test.loop);
    loop_free(test.loop);
    assert_int_equal(test.error, ERROR_CANCELED);
    assert_int_equal(test.done_count, 1);
}

static void test_time_runs_out(void **state)
{
    (void)state;
    struct clock_fake clock;
    clock_fake_init(&clock, 0, 0);
    struct test test;
    test_init(&test, &clock.clock);
    resolver_addresses(test.resolver, "silent.example.com", &test.query);
    clock_fake_advance(&clock, RESOLVER_TIMEOUT_MS - 1);
    loop_turn(test.loop);
    assert_int_equal(test.done_count, 0);
    clock_fake_advance(&clock, 1);
    loop_turn(test.loop);
    assert_int_equal(test.error, ERROR_TIMEOUT);
    loop_free(test.loop);
    assert_int_equal(test.done_count, 1);
}

static void test_the_hosts_file_is_read(void **state)
{
    (void)state;
    struct test test = {.loop = loop_new("test", NULL)};
    struct note note = {""};
    assert_int_equal(resolver_new(test.loop, &test.resolver, &note), OK);
    test.hook.on_end = test_on_end;
    loop_on_end(test.loop, &test.hook);
    test.query.on_done = test_on_done;
    resolver_addresses(test.resolver, "localhost", &test.query);
    loop_run(test.loop);
    loop_free(test.loop);
    assert_int_equal(test.error, OK);
    for (size_t i = 0; i < test.query.count; i++) {
        assert_true(ip_is_loopback(&test.query.addresses[i]));
    }
    resolver_free(NULL);
}

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_families_are_merged),
        cmocka_unit_test(test_one_family_is_enough),
        cmocka_unit_test(test_a_mapped_address_takes_its_normal_form),
        cmocka_unit_test(test_many_addresses_are_cut_fairly),
        cmocka_unit_test(test_names_of_internal_zones_are_asked_for),
        cmocka_unit_test(test_what_is_permanent_and_what_is_not),
        cmocka_unit_test(test_an_address_answers_itself),
        cmocka_unit_test(test_a_query_is_cancelled),
        cmocka_unit_test(test_freeing_the_resolver_cancels),
        cmocka_unit_test(test_time_runs_out),
        cmocka_unit_test(test_the_hosts_file_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

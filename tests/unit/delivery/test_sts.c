/* fakes: name_server */
/* When a domain's policy is fetched, and who waits for it. A proxy that hangs up on everybody counts the
 * fetches; what comes of one that succeeds is tests/e2e/test_mta_sts.py's. */
#include "delivery/sts.h"

#include "base/clock.h"
#include "base/event.h"
#include "fakes/fake_name_server.h"
#include "loop/http_request.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MINUTE_MS UINT64_C(60000)

static const struct fake_record RECORDS[] = {
    {"_mta-sts.has.example", "TXT", "v=STSv1; id=1;"},
    {"_mta-sts.mixed.example", "TXT", "v=spf1 -all"},
    {"_mta-sts.mixed.example", "TXT", "v=STSv1; id=1;"},
    {"_mta-sts.two.example", "TXT", "v=STSv1; id=1;"},
    {"_mta-sts.two.example", "TXT", "v=STSv1; id=2;"},
    {"_mta-sts.broken.example", "TXT", "v=STSv1; id=;"},
    {"_mta-sts.other.example", "TXT", "v=spf1 -all"},
    {"_mta-sts.lame.example", "SERVFAIL", ""},
    {0},
};

/* -- the proxy -- */

static struct {
    int listener;
    pthread_t thread;
    atomic_uint count;
} proxy;

static void *hang_up(void *unused)
{
    int peer;
    while ((peer = accept(proxy.listener, NULL, NULL)) >= 0) {
        atomic_fetch_add(&proxy.count, 1);
        close(peer);
    }
    return unused;
}

static int setup(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char url[64];
    (void)state;
    proxy.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(proxy.listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(proxy.listener, 16), 0);
    assert_int_equal(getsockname(proxy.listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    return http_request_prepare() != OK || setenv("https_proxy", url, 1) != 0 || unsetenv("no_proxy") != 0 ||
           unsetenv("NO_PROXY") != 0 || pthread_create(&proxy.thread, NULL, hang_up, NULL) != 0;
}

static int teardown(void **state)
{
    (void)state;
    shutdown(proxy.listener, SHUT_RDWR);
    pthread_join(proxy.thread, NULL);
    return close(proxy.listener);
}

/* -- the world -- */

static struct {
    struct loop *loop;
    struct clock_fake clock;
    struct fake_name_server names;
    struct resolver *resolver;
    struct sts *sts;
} world;

static int open_world(void **state)
{
    struct note note = {0};
    (void)state;
    clock_fake_init(&world.clock, 1000000, 1000000);
    world.loop = loop_new("test", &world.clock.clock);
    fake_name_server_open(&world.names, world.loop, RECORDS);
    world.sts = sts_new(&(struct sts_config){world.loop, &world.clock.clock, NULL});
    atomic_store(&proxy.count, 0);
    return world.sts == NULL ||
           resolver_new(world.loop, &(struct resolver_config){.server = &world.names.endpoint},
                        &world.resolver, &note) != OK;
}

static int close_world(void **state)
{
    (void)state;
    sts_stop(world.sts);
    resolver_free(world.resolver);
    fake_name_server_close(&world.names);
    loop_end(world.loop);
    loop_run(world.loop);
    loop_free(world.loop);
    sts_free(world.sts);
    return 0;
}

struct asker {
    struct sts_query query;
    unsigned done_count;
    bool has_policy;
};

static void on_done(struct sts_query *query, const struct sts_policy *policy)
{
    struct asker *asker = list_entry(query, struct asker, query);
    asker->done_count++;
    asker->has_policy = policy != NULL;
}

static void ask(struct asker *asker, const char *domain)
{
    *asker = (struct asker){.query.on_done = on_done};
    sts_find(world.sts, world.resolver, domain, &asker->query);
    assert_int_equal(asker->done_count, 0);
}

static void wait_for(const struct asker *asker)
{
    while (asker->done_count == 0)
        loop_turn(world.loop);
    assert_int_equal(asker->done_count, 1);
    assert_false(asker->has_policy);
}

static void ask_and_wait(const char *domain)
{
    struct asker asker;
    ask(&asker, domain);
    wait_for(&asker);
}

/* -- tests -- */

static void only_one_good_record_is_followed(void **state)
{
    static const char *const NONE[] = {"missing.example", "two.example", "broken.example", "other.example",
                                       "lame.example"};
    (void)state;
    for (size_t i = 0; i < sizeof NONE / sizeof NONE[0]; i++)
        ask_and_wait(NONE[i]);
    assert_int_equal(atomic_load(&proxy.count), 0);
    ask_and_wait("has.example");
    assert_int_equal(atomic_load(&proxy.count), 1);
    ask_and_wait("mixed.example");
    assert_int_equal(atomic_load(&proxy.count), 2);
}

static void what_cannot_be_had_is_left_alone_for_a_while(void **state)
{
    (void)state;
    ask_and_wait("has.example");
    ask_and_wait("has.example");
    clock_fake_advance(&world.clock, 5 * MINUTE_MS - 1);
    ask_and_wait("has.example");
    assert_int_equal(atomic_load(&proxy.count), 1);
    clock_fake_advance(&world.clock, 1);
    ask_and_wait("has.example");
    assert_int_equal(atomic_load(&proxy.count), 2);
}

static void many_wait_for_one_policy(void **state)
{
    struct asker askers[5];
    (void)state;
    for (size_t i = 0; i < 5; i++)
        ask(&askers[i], "has.example");
    sts_cancel(&askers[1].query);
    wait_for(&askers[4]);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(askers[i].done_count, i == 1 ? 0 : 1);
    assert_int_equal(atomic_load(&proxy.count), 1);
}

static void stopping_fetches_nothing(void **state)
{
    (void)state;
    sts_stop(world.sts);
    ask_and_wait("has.example");
    assert_int_equal(atomic_load(&proxy.count), 0);
    sts_free(NULL);
    sts_release(NULL);
}

/* Nobody waits any more when the fetch ends. */
static void the_end_comes_first(void **state)
{
    struct asker asker;
    (void)state;
    ask(&asker, "has.example");
    sts_cancel(&asker.query);
    assert_int_equal(asker.done_count, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_world, close_world)

int main(void)
{
    alarm(120); /* the watchdog */
    const struct CMUnitTest tests[] = {
        TEST(only_one_good_record_is_followed),
        TEST(what_cannot_be_had_is_left_alone_for_a_while),
        TEST(many_wait_for_one_policy),
        TEST(stopping_fetches_nothing),
        TEST(the_end_comes_first),
    };
    event_set_level(EVENT_ERROR);
    return cmocka_run_group_tests(tests, setup, teardown);
}

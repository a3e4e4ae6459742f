/* fakes: name_server */
#include "fakes/fake_name_server.h"
#include "loop/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct test {
    struct loop *loop;
    struct fake_name_server server;
    struct resolver *resolver;
    struct resolver_query query;
    struct resolver_mx_query mx;
    struct resolver_record_query records;
    char text[256]; /* of the records, blank separated */
    struct loop_end_hook hook;
    struct loop_timer timer;
    enum error error;
    unsigned done_count;
};

static const struct fake_record RECORDS[] = {
    {"both.example.com", "A", "192.0.2.1"},
    {"both.example.com", "AAAA", "2001:db8::7"},
    {"both.corp.test", "A", "192.0.2.1"},
    {"both.lan.home.arpa", "A", "192.0.2.1"},
    {"four.example.com", "A", "192.0.2.1"},
    {"mapped.example.com", "AAAA", "::ffff:192.0.2.9"},
    {"empty.example.com", "TXT", "nothing"},
    {"two.example.com", "TXT", "first"},
    {"two.example.com", "TXT", "second"},
    {"broken.example.com", "SERVFAIL", ""},
    {"half.example.com", "SERVFAIL-A", ""},
    {"silent.example.com", "SILENT", ""},
    {"contoso.com", "MX", "20 Backup.Contoso.COM"},
    {"contoso.com", "MX", "10 mx1.contoso.com"},
    {"contoso.com", "MX", "10 192.0.2.1"},
    {"alias.example.com", "CNAME", "contoso.com"},
    {"to-host.example.com", "CNAME", "four.example.com"},
    {"circle.example.com", "CNAME", "circle2.example.com"},
    {"circle2.example.com", "CNAME", "circle.example.com"},
    {"null.example.com", "MX", "0 ."},
    {"odd.example.com", "MX", "0 a/b.example.com"},
    {0},
};

static void test_on_end(struct loop_end_hook *hook)
{
    struct test *test = list_entry(hook, struct test, hook);
    resolver_free(test->resolver);
    fake_name_server_close(&test->server);
}

static void test_on_done(struct resolver_query *query, enum error error)
{
    struct test *test = list_entry(query, struct test, query);
    test->error = error;
    test->done_count++;
    loop_end(test->loop);
}

static void test_on_mx(struct resolver_mx_query *query, enum error error)
{
    struct test *test = list_entry(query, struct test, mx);
    test->error = error;
    test->done_count++;
    loop_end(test->loop);
}

static void test_on_records(struct resolver_record_query *query, enum error error)
{
    struct test *test = list_entry(query, struct test, records);
    size_t len = 0;
    for (size_t i = 0; i < query->count; i++) {
        len += (size_t)snprintf(test->text + len, sizeof test->text - len, "%s%.*s", i > 0 ? " " : "",
                                BYTES_ARG(query->records[i]));
    }
    test->error = error;
    test->done_count++;
    loop_end(test->loop);
}

static void test_init(struct test *test, const struct clock *clock)
{
    *test = (struct test){.loop = loop_new("test", clock)};
    struct note note = {""};
    fake_name_server_open(&test->server, test->loop, RECORDS);
    const struct resolver_config config = {.server = &test->server.endpoint};
    assert_int_equal(resolver_new(test->loop, &config, &test->resolver, &note), OK);
    test->hook.on_end = test_on_end;
    loop_on_end(test->loop, &test->hook);
    test->query.on_done = test_on_done;
    test->mx.on_done = test_on_mx;
    test->records.on_done = test_on_records;
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

static void test_an_alias_has_its_hosts_addresses(void **state)
{
    (void)state;
    struct test test;
    assert_int_equal(resolve(&test, "to-host.example.com"), OK);
    assert_int_equal(test.query.count, 1);
    check_address(&test.query, 0, "192.0.2.1");
    assert_string_equal(test.query.canonical, "four.example.com");
    assert_false(test.query.is_secure); /* nothing is validated here */
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
    struct fake_record many[41] = {{0}};
    char texts[40][32];
    for (size_t i = 0; i < 40; i++) {
        (void)snprintf(texts[i], sizeof texts[i], i < 20 ? "192.0.2.%zu" : "2001:db8::%zu", i + 1);
        many[i] = (struct fake_record){"many.example.com", i < 20 ? "A" : "AAAA", texts[i]};
    }
    struct test test;
    test_init(&test, NULL);
    test.server.records = many;
    resolver_addresses(test.resolver, "many.example.com", &test.query);
    loop_run(test.loop);
    loop_free(test.loop);
    assert_int_equal(test.query.count, RESOLVER_ADDRESS_MAX);
    assert_int_equal(test.query.addresses[7].family, IP_V6);
    assert_int_equal(test.query.addresses[8].family, IP_V4);
}

/* -- mail exchangers -- */

static enum error exchange_with(struct test *test, const struct fake_record *records, const char *domain)
{
    test_init(test, NULL);
    test->server.records = records;
    resolver_exchangers(test->resolver, domain, &test->mx);
    assert_int_equal(test->done_count, 0);
    loop_run(test->loop);
    loop_free(test->loop);
    assert_int_equal(test->done_count, 1);
    return test->error;
}

static enum error exchange(struct test *test, const char *domain)
{
    return exchange_with(test, RECORDS, domain);
}

static bool has_exchanger(const struct resolver_mx_query *query, uint16_t preference, const char *name)
{
    for (size_t i = 0; i < query->count; i++) {
        if (query->exchangers[i].preference == preference && strcmp(query->exchangers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The address that one of them names is no host. */
/* proves: R14 */
static void test_exchangers_of_a_domain(void **state)
{
    (void)state;
    struct test test;
    assert_int_equal(exchange(&test, "contoso.com"), OK);
    assert_int_equal(test.mx.count, 2);
    assert_true(has_exchanger(&test.mx, 10, "mx1.contoso.com"));
    assert_true(has_exchanger(&test.mx, 20, "backup.contoso.com"));
}

/* proves: R14 */
static void test_exchangers_of_an_alias(void **state)
{
    (void)state;
    struct test test;
    assert_int_equal(exchange(&test, "alias.example.com"), OK);
    assert_int_equal(test.mx.count, 2);
    assert_int_equal(exchange(&test, "circle.example.com"), ERROR_TEMPORARY);
}

/* proves: R14 */
static void test_no_exchangers(void **state)
{
    (void)state;
    struct test test;
    assert_int_equal(exchange(&test, "four.example.com"), OK);
    assert_int_equal(test.mx.count, 0);
    assert_int_equal(exchange(&test, "null.example.com"), OK);
    assert_true(has_exchanger(&test.mx, 0, ""));
    assert_int_equal(exchange(&test, "missing.example.com"), ERROR_NOT_FOUND);
    assert_int_equal(exchange(&test, "broken.example.com"), ERROR_TEMPORARY);
    assert_int_equal(exchange(&test, "odd.example.com"), ERROR_TEMPORARY);
}

/* proves: R14 */
static void test_a_hundred_exchangers(void **state)
{
    (void)state;
    struct fake_record many[101] = {{0}};
    char texts[100][40];
    for (size_t i = 0; i < 100; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "%zu mx%zu.example.com", 1000 - i, i);
        many[i] = (struct fake_record){"many.example.com", "MX", texts[i]};
    }
    struct test test;
    assert_int_equal(exchange_with(&test, many, "many.example.com"), OK);
    assert_int_equal(test.mx.count, RESOLVER_EXCHANGER_MAX);
    assert_true(has_exchanger(&test.mx, 901, "mx99.example.com"));
    assert_true(has_exchanger(&test.mx, 932, "mx68.example.com"));
    assert_false(has_exchanger(&test.mx, 933, "mx67.example.com"));
}

static void cancel_exchangers_on_due(struct loop_timer *timer)
{
    struct test *test = list_entry(timer, struct test, timer);
    resolver_cancel_exchangers(&test->mx);
    resolver_cancel_exchangers(&test->mx);
}

static void test_a_query_for_exchangers_is_cancelled(void **state)
{
    (void)state;
    struct test test;
    test_init(&test, NULL);
    resolver_exchangers(test.resolver, "silent.example.com", &test.mx);
    loop_timer_init(&test.timer, test.loop, cancel_exchangers_on_due);
    loop_timer_start(&test.timer, 1);
    loop_run(test.loop);
    loop_free(test.loop);
    assert_int_equal(test.error, ERROR_CANCELED);
    resolver_cancel_exchangers(&test.mx);
    assert_int_equal(test.done_count, 1);
}

/* -- records as they are -- */

static enum error look_up_texts(struct test *test, const char *name)
{
    test_init(test, NULL);
    resolver_records(test->resolver, name, RESOLVER_TXT, &test->records);
    assert_int_equal(test->done_count, 0);
    loop_run(test->loop);
    loop_free(test->loop);
    assert_int_equal(test->done_count, 1);
    return test->error;
}

/* proves: R14 */
static void test_records(void **state)
{
    (void)state;
    struct test test;
    assert_int_equal(look_up_texts(&test, "empty.example.com"), OK);
    assert_string_equal(test.text, "\7nothing");
    assert_false(test.records.is_secure);
    assert_int_equal(look_up_texts(&test, "two.example.com"), OK);
    assert_int_equal(test.records.count, 2);
    assert_int_equal(look_up_texts(&test, "four.example.com"), OK);
    assert_int_equal(test.records.count, 0);
    assert_int_equal(look_up_texts(&test, "missing.example.com"), OK);
    assert_int_equal(test.records.count, 0);
    assert_int_equal(look_up_texts(&test, "broken.example.com"), ERROR_TEMPORARY);
}

static void cancel_records_on_due(struct loop_timer *timer)
{
    struct test *test = list_entry(timer, struct test, timer);
    resolver_cancel_records(&test->records);
    resolver_cancel_records(&test->records);
}

static void test_a_query_for_records_is_cancelled(void **state)
{
    (void)state;
    struct test test;
    test_init(&test, NULL);
    resolver_records(test.resolver, "silent.example.com", RESOLVER_TXT, &test.records);
    loop_timer_init(&test.timer, test.loop, cancel_records_on_due);
    loop_timer_start(&test.timer, 1);
    loop_run(test.loop);
    loop_free(test.loop);
    assert_int_equal(test.error, ERROR_CANCELED);
    assert_int_equal(test.done_count, 1);
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
    assert_int_equal(resolver_new(test.loop, &(struct resolver_config){0}, &test.resolver, &note), OK);
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
        cmocka_unit_test(test_an_alias_has_its_hosts_addresses),
        cmocka_unit_test(test_a_mapped_address_takes_its_normal_form),
        cmocka_unit_test(test_many_addresses_are_cut_fairly),
        cmocka_unit_test(test_exchangers_of_a_domain),
        cmocka_unit_test(test_exchangers_of_an_alias),
        cmocka_unit_test(test_no_exchangers),
        cmocka_unit_test(test_a_hundred_exchangers),
        cmocka_unit_test(test_a_query_for_exchangers_is_cancelled),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_a_query_for_records_is_cancelled),
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

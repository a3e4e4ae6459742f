#include "base/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

static char *page(void)
{
    struct buffer buffer;
    buffer_init(&buffer, 64u << 20);
    assert_int_equal(metric_write(&buffer), OK);
    assert_int_equal(buffer_append_byte(&buffer, '\0'), OK);
    return buffer.ptr;
}

static void check_page_has(const char *text)
{
    char *all = page();
    if (strstr(all, text) == NULL) {
        print_error("%s\nis not in\n%s\n", text, all);
        fail();
    }
    free(all);
}

enum { THREAD_COUNT = 24, ROUND_COUNT = 5000 };

static struct metric *shared;
static struct metric *shared_labeled;
static struct metric *shared_histogram;

static void *count_much(void *argument)
{
    char name[16];
    for (unsigned i = 0; i < ROUND_COUNT; i++) {
        metric_add(shared, 1);
        snprintf(name, sizeof name, "c%u", i % 7);
        metric_add_labeled(shared_labeled, 2, (const char *const[]){name, "x"});
        metric_observe(shared_histogram, 0.002);
    }
    return argument;
}

/* proves: contract-6 */
static void test_threads_count_without_loss(void **state)
{
    (void)state;
    shared = metric_register(METRIC_COUNTER, "dirrelay_test_total", "Counted by many.", NULL);
    assert_ptr_equal(shared,
                     metric_register(METRIC_COUNTER, "dirrelay_test_total", "Counted by many.", NULL));
    shared_labeled =
        metric_register(METRIC_COUNTER, "dirrelay_test_labeled_total", "By label.", "connector right");
    shared_histogram = metric_register(METRIC_HISTOGRAM, "dirrelay_test_seconds", "Time.", NULL);
    pthread_t threads[THREAD_COUNT];
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_much, NULL), 0);
    }
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        free(page()); /* read while it is written */
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(metric_value(shared), THREAD_COUNT * ROUND_COUNT);
    assert_int_equal(metric_value(shared_labeled), 2 * THREAD_COUNT * ROUND_COUNT);
    assert_int_equal(metric_value(shared_histogram), THREAD_COUNT * ROUND_COUNT);
    check_page_has("# HELP dirrelay_test_total Counted by many.\n"
                   "# TYPE dirrelay_test_total counter\n"
                   "dirrelay_test_total 120000\n");
    /* 5000 rounds: 715 times 0 and 1, 714 times the others. */
    check_page_has("dirrelay_test_labeled_total{connector=\"c0\",right=\"x\"} 34320\n");
    check_page_has("dirrelay_test_labeled_total{connector=\"c6\",right=\"x\"} 34272\n");
}

static void test_a_gauge_goes_both_ways(void **state)
{
    (void)state;
    struct metric *gauge = metric_register(METRIC_GAUGE, "dirrelay_test_sessions", "Open.", NULL);
    metric_add(gauge, 5);
    metric_add(gauge, -2);
    assert_int_equal(metric_value(gauge), 3);
    metric_set(gauge, 40);
    metric_add(gauge, 1);
    check_page_has("# TYPE dirrelay_test_sessions gauge\ndirrelay_test_sessions 41\n");
}

static void test_histogram_buckets_add_up(void **state)
{
    (void)state;
    struct metric *histogram =
        metric_register(METRIC_HISTOGRAM, "dirrelay_test_accept_seconds", "Accept.", NULL);
    metric_observe(histogram, 0.0001);
    metric_observe(histogram, 0.00011);
    metric_observe(histogram, 1.5);
    metric_observe(histogram, 100);
    check_page_has("# TYPE dirrelay_test_accept_seconds histogram\n"
                   "dirrelay_test_accept_seconds_bucket{le=\"0.0001\"} 1\n"
                   "dirrelay_test_accept_seconds_bucket{le=\"0.00025\"} 2\n"
                   "dirrelay_test_accept_seconds_bucket{le=\"0.0005\"} 2\n"
                   "dirrelay_test_accept_seconds_bucket{le=\"0.001\"} 2\n");
    check_page_has("dirrelay_test_accept_seconds_bucket{le=\"1\"} 2\n"
                   "dirrelay_test_accept_seconds_bucket{le=\"2.5\"} 3\n");
    check_page_has("dirrelay_test_accept_seconds_bucket{le=\"60\"} 3\n"
                   "dirrelay_test_accept_seconds_bucket{le=\"+Inf\"} 4\n"
                   "dirrelay_test_accept_seconds_sum 101.50021\n"
                   "dirrelay_test_accept_seconds_count 4\n");
}

static void test_names_from_outside_are_escaped(void **state)
{
    (void)state;
    struct metric *metric =
        metric_register(METRIC_COUNTER, "dirrelay_test_hostile_total", "a\\b\nc", "connector");
    metric_add_labeled(metric, 1, (const char *const[]){"S\\a \"b\"\n\x1b\xc3\xa9\xff"});
    metric_add_labeled(metric, 1, (const char *const[]){NULL});
    check_page_has("# HELP dirrelay_test_hostile_total a\\\\b\\nc\n");
    check_page_has("{connector=\"S\\\\a \\\"b\\\"??\xc3\xa9?\"} 1\n");
    check_page_has("{connector=\"\"} 1\n");
    char text[2000];
    memset(text, '"', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    metric_add_labeled(metric, 1, (const char *const[]){text});
    assert_int_equal(metric_value(metric), 3);
}

static void test_series_have_a_ceiling(void **state)
{
    (void)state;
    struct metric *metric = metric_register(METRIC_COUNTER, "dirrelay_test_many_total", "Many.", "a b c");
    char name[16];
    for (unsigned i = 0; i < 10050; i++) {
        snprintf(name, sizeof name, "n%u", i);
        metric_add_labeled(metric, 1, (const char *const[]){name, "", "z"});
    }
    assert_int_equal(metric_value(metric), 10050);
    check_page_has("dirrelay_test_many_total{a=\"n9999\",b=\"\",c=\"z\"} 1\n");
    check_page_has("dirrelay_test_many_total{a=\"other\",b=\"other\",c=\"other\"} 50\n");
}

static double ask(void *owner)
{
    return *(double *)owner;
}

static void test_a_gauge_is_asked_for(void **state)
{
    (void)state;
    double age = 12.5;
    metric_register_callback("dirrelay_test_age_seconds", "Age.", ask, &age);
    check_page_has("# TYPE dirrelay_test_age_seconds gauge\ndirrelay_test_age_seconds 12.5\n");
    metric_unregister_callback("dirrelay_test_age_seconds");
    metric_unregister_callback("dirrelay_test_age_seconds");
    char *all = page();
    assert_null(strstr(all, "dirrelay_test_age_seconds"));
    free(all);
}

static void test_a_page_past_its_ceiling_is_refused(void **state)
{
    (void)state;
    metric_register(METRIC_COUNTER, "dirrelay_test_total", "Counted by many.", NULL);
    for (size_t ceiling = 0; ceiling < 100; ceiling++) {
        struct buffer buffer;
        buffer_init(&buffer, ceiling);
        assert_int_equal(metric_write(&buffer), ERROR_LIMIT);
        buffer_done(&buffer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_count_without_loss),
        cmocka_unit_test(test_a_gauge_goes_both_ways),
        cmocka_unit_test(test_histogram_buckets_add_up),
        cmocka_unit_test(test_names_from_outside_are_escaped),
        cmocka_unit_test(test_series_have_a_ceiling),
        cmocka_unit_test(test_a_gauge_is_asked_for),
        cmocka_unit_test(test_a_page_past_its_ceiling_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The contents in memory stay within their budget and are never somebody else's. */
#include "queue/spool_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void put(struct spool_cache *cache, uint64_t id, size_t size)
{
    struct buffer content;

    buffer_init(&content, 1 << 20);
    assert_int_equal(buffer_reserve(&content, size), OK);
    if (size)
        memset(content.ptr, (int)('a' + id % 26), size);
    content.len = size;
    spool_cache_put(cache, id, &content);
    assert_null(content.ptr); /* taken */
}

static void the_oldest_leave_when_the_budget_is_spent(void **state)
{
    struct spool_cache cache;
    char text[10];
    size_t len;

    (void)state;
    spool_cache_init(&cache, 100000);
    for (uint64_t id = 1; id <= 100; id++) {
        put(&cache, id * SPOOL_CACHE_BUCKETS, 4000); /* all in one bucket */
        assert_true(cache.used_bytes <= 100000);
    }
    assert_false(spool_cache_read(&cache, 1 * SPOOL_CACHE_BUCKETS, 0, text, 10, &len));
    assert_false(spool_cache_read(&cache, 76 * SPOOL_CACHE_BUCKETS, 0, text, 10, &len));
    for (uint64_t id = 80; id <= 100; id++) {
        assert_true(spool_cache_read(&cache, id * SPOOL_CACHE_BUCKETS, 3995, text, 10, &len));
        assert_int_equal(len, 5);
        assert_int_equal(text[0], 'a' + id * SPOOL_CACHE_BUCKETS % 26);
    }
    spool_cache_done(&cache);
}

static void removing_and_reading_at_the_edges(void **state)
{
    struct spool_cache cache;
    char text[10];
    size_t len;

    (void)state;
    spool_cache_init(&cache, 1000);
    put(&cache, 5, 2000); /* more than the whole budget: not kept */
    assert_int_equal(cache.used_bytes, 0);
    put(&cache, 6, 3);
    put(&cache, 7, 0);
    spool_cache_remove(&cache, 5);
    assert_true(spool_cache_read(&cache, 6, 3, text, 10, &len));
    assert_int_equal(len, 0);
    assert_true(spool_cache_read(&cache, 6, UINT64_MAX, text, 10, &len));
    assert_int_equal(len, 0);
    assert_true(spool_cache_read(&cache, 7, 0, text, 10, &len));
    spool_cache_remove(&cache, 6);
    assert_false(spool_cache_read(&cache, 6, 0, text, 10, &len));
    spool_cache_done(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_leave_when_the_budget_is_spent),
        cmocka_unit_test(removing_and_reading_at_the_edges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

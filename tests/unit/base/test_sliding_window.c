/* Exactness against a list of all times, and over threads. */
#include "base/sliding_window.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct siphash key(uint64_t number)
{
    static const struct siphash_key secret = {{3, 4}};
    return siphash_of(&secret, (struct bytes){(const char *)&number, sizeof number});
}

static bool take(struct sliding_window *window, uint64_t number, uint32_t limit, uint64_t now_ms)
{
    const struct siphash hash = key(number);
    return sliding_window_take(window, &hash, 1, limit, now_ms);
}

/* proves: facts-10.8 */
static void the_minute_slides(void **state)
{
    struct sliding_window *window = sliding_window_new();
    (void)state;
    assert_true(take(window, 1, 2, 1000));
    assert_true(take(window, 1, 2, 31000));
    assert_false(take(window, 1, 2, 60999));
    assert_true(take(window, 2, 2, 60999));
    assert_true(take(window, 1, 2, 61000));
    assert_false(take(window, 1, 2, 61000));
    assert_false(take(window, 1, 2, 90999));
    assert_true(take(window, 1, 2, 91000));
    assert_false(take(window, 1, 1, 91001));
    assert_true(take(window, 1, 2, 500000));
    sliding_window_free(window);
    sliding_window_free(NULL);
}

#define KEYS  40
#define TURNS 60000

/* proves: facts-10.8 */
static void it_agrees_with_a_list_of_all_times(void **state)
{
    static uint64_t times[KEYS][TURNS];
    static size_t counts[KEYS];
    struct sliding_window *window = sliding_window_new();
    uint64_t now_ms = 4294960000u, random = 88172645463325252u; /* the lower 32 bits turn over */
    (void)state;
    for (size_t turn = 0; turn < TURNS; turn++) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        size_t number = random % KEYS % (1 + random / KEYS % KEYS);
        uint32_t limit = 1 + (uint32_t)number * 3;
        now_ms += random >> 40 & 63;
        now_ms += random >> 50 == 7 ? 70000 : 0;
        size_t recent = 0;
        for (size_t i = counts[number]; i-- > 0 && now_ms - times[number][i] < SLIDING_WINDOW_MS;) {
            recent++;
        }
        bool is_taken = take(window, number, limit, now_ms);
        assert_true(is_taken == (recent < limit));
        if (is_taken) {
            times[number][counts[number]++] = now_ms;
        }
    }
    sliding_window_free(window);
}

/* proves: facts-10.8 */
static void two_keys_count_together_or_not_at_all(void **state)
{
    struct sliding_window *window = sliding_window_new();
    (void)state;
    for (uint64_t i = 0; i < 3000; i++) {
        const struct siphash both[] = {key(2 * i), key(2 * i + 1)};
        assert_true(take(window, 2 * i + 1, 2, 5));
        assert_true(sliding_window_take(window, both, 2, 2, 5));
        assert_false(sliding_window_take(window, both, 2, 2, 6));
        assert_true(take(window, 2 * i, 2, 7)); /* the failed pair took nothing of it */
        assert_false(take(window, 2 * i, 2, 7));
    }
    sliding_window_free(window);
}

/* The first words choose the shard, the second the slot: all meet. */
static void keys_of_one_shard_do_not_mix(void **state)
{
    struct sliding_window *window = sliding_window_new();
    (void)state;
    for (uint64_t i = 0; i < 500; i++) {
        const struct siphash both[] = {{{1024 * i, i + 2}}, {{1024 * (i + 1000), i + 1002}}};
        assert_true(sliding_window_take(window, both, 2, 1, 5));
        assert_false(sliding_window_take(window, both, 1, 1, 5));
        assert_false(sliding_window_take(window, both + 1, 1, 1, 5));
    }
    sliding_window_free(window);
}

/* One shard's ceiling is reached: what cannot be counted is not let through, and a minute later it is. */
static void a_full_table_admits_nobody(void **state)
{
    struct sliding_window *window = sliding_window_new();
    uint64_t taken = 0;
    (void)state;
    for (uint64_t i = 0; i < 5000; i++) {
        const struct siphash hash = {{1024 * i, (i + 1) * 11400714819323198485u}};
        taken += sliding_window_take(window, &hash, 1, 1, 5);
    }
    assert_in_range(taken, 2000, 4096);
    for (uint64_t i = 5000; i < 6000; i++) {
        const struct siphash hash = {{1024 * i, (i + 1) * 11400714819323198485u}};
        assert_true(sliding_window_take(window, &hash, 1, 1, 60200));
    }
    sliding_window_free(window);
}

static void a_late_thread_does_not_turn_time_back(void **state)
{
    struct sliding_window *window = sliding_window_new();
    (void)state;
    assert_true(take(window, 1, 2, 100000));
    assert_true(take(window, 1, 2, 99990));
    assert_false(take(window, 1, 2, 159999));
    assert_true(take(window, 1, 2, 160000));
    sliding_window_free(window);
}

#define THREADS 4
#define LIMIT   1000

struct worker {
    pthread_t thread;
    struct sliding_window *window;
    size_t taken[3];
};

static void *work(void *owner)
{
    struct worker *worker = owner;
    const struct siphash keys[] = {key(1), key(2), key(3)};
    for (int i = 0; i < 2 * LIMIT; i++) {
        const struct siphash pair[] = {keys[i % 3], keys[(i + 1) % 3]};
        if (sliding_window_take(worker->window, pair, 2, LIMIT, 1000)) {
            worker->taken[i % 3]++;
            worker->taken[(i + 1) % 3]++;
        }
    }
    for (int i = 0; i < 3 * LIMIT; i++) {
        worker->taken[i % 3] += sliding_window_take(worker->window, &keys[i % 3], 1, LIMIT, 1000);
    }
    return NULL;
}

/* proves: facts-10.8 */
static void threads_share_one_count(void **state)
{
    struct worker workers[THREADS];
    struct sliding_window *window = sliding_window_new();
    (void)state;
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.window = window};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    size_t taken[3] = {0};
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        for (size_t k = 0; k < 3; k++) {
            taken[k] += workers[i].taken[k];
        }
    }
    for (size_t k = 0; k < 3; k++) {
        assert_int_equal(taken[k], LIMIT);
    }
    sliding_window_free(window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_minute_slides),
        cmocka_unit_test(it_agrees_with_a_list_of_all_times),
        cmocka_unit_test(two_keys_count_together_or_not_at_all),
        cmocka_unit_test(keys_of_one_shard_do_not_mix),
        cmocka_unit_test(a_full_table_admits_nobody),
        cmocka_unit_test(a_late_thread_does_not_turn_time_back),
        cmocka_unit_test(threads_share_one_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Who waits long is not who came late. */
#include "queue/fair_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ANN BYTES_LITERAL("ann@contoso.com")
#define BOB BYTES_LITERAL("bob@contoso.com")

static uint64_t take(struct fair_queue *queue)
{
    uint64_t id = 0;
    assert_true(fair_queue_take(queue, &id));
    return id;
}

static void one_sender_is_served_in_order(void **state)
{
    struct fair_queue *queue = fair_queue_new();
    uint64_t id;

    (void)state;
    for (id = 1; id <= 100; id++)
        assert_int_equal(fair_queue_put(queue, id, ANN), OK);
    assert_int_equal(fair_queue_count(queue), 100);
    for (uint64_t i = 1; i <= 100; i++)
        assert_int_equal(take(queue), i);
    assert_false(fair_queue_take(queue, &id));
    fair_queue_free(queue);
    fair_queue_free(NULL);
}

static void a_flood_does_not_hold_up_another_sender(void **state)
{
    struct fair_queue *queue = fair_queue_new();

    (void)state;
    for (uint64_t id = 1; id <= 10000; id++)
        assert_int_equal(fair_queue_put(queue, id, ANN), OK);
    for (uint64_t id = 1; id <= 100; id++)
        assert_int_equal(take(queue), id);
    for (uint64_t id = 20001; id <= 20003; id++)
        assert_int_equal(fair_queue_put(queue, id, BOB), OK);
    /* In turn from here on. */
    assert_int_equal(take(queue), 101);
    assert_int_equal(take(queue), 20001);
    assert_int_equal(take(queue), 102);
    assert_int_equal(take(queue), 20002);
    assert_int_equal(take(queue), 103);
    assert_int_equal(take(queue), 20003);
    assert_int_equal(take(queue), 104);
    fair_queue_free(queue);
}

/* Patience earns no more than one's turn: who was away does not come in with a credit. */
static void nobody_saves_turns(void **state)
{
    struct fair_queue *queue = fair_queue_new();

    (void)state;
    for (uint64_t id = 1; id <= 1000; id++) {
        assert_int_equal(fair_queue_put(queue, id, ANN), OK);
        assert_int_equal(take(queue), id);
    }
    assert_int_equal(fair_queue_put(queue, 2001, ANN), OK);
    assert_int_equal(fair_queue_put(queue, 2002, ANN), OK);
    assert_int_equal(fair_queue_put(queue, 3001, BOB), OK);
    assert_int_equal(fair_queue_put(queue, 3002, BOB), OK);
    assert_int_equal(take(queue), 2001);
    assert_int_equal(take(queue), 3001);
    assert_int_equal(take(queue), 2002);
    assert_int_equal(take(queue), 3002);
    fair_queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sender_is_served_in_order),
        cmocka_unit_test(a_flood_does_not_hold_up_another_sender),
        cmocka_unit_test(nobody_saves_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

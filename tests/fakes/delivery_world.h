/* The world of the test that runs, with its set-up and tear-down for cmocka. */
#ifndef TESTS_FAKES_DELIVERY_WORLD_H
#define TESTS_FAKES_DELIVERY_WORLD_H

#include "fakes/fake_delivery.h"

static struct fake_delivery world;

static inline int open_world(void **state)
{
    (void)state;
    fake_delivery_open(&world);
    return 0;
}

static inline int open_empty_world(void **state)
{
    (void)state;
    fake_delivery_open_empty(&world);
    return 0;
}

static inline int close_world(void **state)
{
    (void)state;
    world.host.rules = NULL; /* they went with the test */
    fake_delivery_close(&world);
    return 0;
}

static inline void put_many(size_t count)
{
    for (size_t i = 0; i < count; i++)
        fake_delivery_put_small(&world, "a@b.example", "c@d.example");
}

#define IN_WORLD(function)       cmocka_unit_test_setup_teardown(function, open_world, close_world)
#define IN_EMPTY_WORLD(function) cmocka_unit_test_setup_teardown(function, open_empty_world, close_world)

#endif

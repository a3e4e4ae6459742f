#include "directory/snapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t a[16] = "aaaaaaaaaaaaaaa", b[16] = "bbbbbbbbbbbbbbb", c[16] = "ccccccccccccccc";

static enum sighting see(struct snapshot *snapshot, const uint8_t id[16], uint64_t digest)
{
    enum sighting sighting;
    assert_int_equal(snapshot_see(snapshot, id, digest, &sighting), OK);
    return sighting;
}

static void a_round_tells_new_changed_same_and_gone(void **state)
{
    (void)state;
    struct snapshot snapshot = {0};
    uint8_t id[16];
    snapshot_begin_round(&snapshot);
    assert_int_equal(see(&snapshot, a, 1), SIGHTING_NEW);
    assert_int_equal(see(&snapshot, b, 1), SIGHTING_NEW);
    assert_int_equal(see(&snapshot, c, 1), SIGHTING_NEW);
    assert_false(snapshot_take_vanished(&snapshot, id));
    snapshot_begin_round(&snapshot);
    assert_int_equal(see(&snapshot, a, 1), SIGHTING_SAME);
    assert_int_equal(see(&snapshot, b, 2), SIGHTING_CHANGED);
    assert_true(snapshot_take_vanished(&snapshot, id));
    assert_memory_equal(id, c, 16);
    assert_false(snapshot_take_vanished(&snapshot, id));
    assert_int_equal(snapshot_count(&snapshot), 2);
    snapshot_begin_round(&snapshot);
    assert_true(snapshot_keep(&snapshot, a));
    assert_false(snapshot_keep(&snapshot, c));
    assert_true(snapshot_forget(&snapshot, b));
    assert_false(snapshot_forget(&snapshot, b));
    assert_false(snapshot_take_vanished(&snapshot, id));
    snapshot_done(&snapshot);
    assert_int_equal(snapshot_count(&snapshot), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_tells_new_changed_same_and_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The machine answers, within bounds. */
#include "daemon/resource.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include <cmocka.h>

/* proves: facts-10.7 */
static void a_file_system_is_used_in_part(void **state)
{
    uint64_t percent = 1000;
    struct statvfs system;
    (void)state;
    assert_int_equal(resource_disk_percent("/", &percent), OK);
    assert_int_equal(statvfs("/", &system), 0);
    uint64_t used = system.f_blocks - system.f_bfree;
    uint64_t expected = used * 100 / (used + system.f_bavail);
    assert_in_range(percent, expected > 0 ? expected - 1 : 0, expected + 1); /* others write too */
    assert_int_equal(resource_disk_percent("/nowhere/at/all", &percent), ERROR_IO);
}

/* proves: facts-10.7 */
static void memory_that_is_touched_counts(void **state)
{
    uint64_t percent = 1000;
    (void)state;
    assert_int_equal(resource_memory_percent(&percent), OK);
    assert_in_range(percent, 0, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_system_is_used_in_part),
        cmocka_unit_test(memory_that_is_touched_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

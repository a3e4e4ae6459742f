/* The checksum is the well-known one and notices what a disk does to bytes. */
#include "queue/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void known_values_hold(void **state)
{
    (void)state;
    assert_int_equal(checksum_crc32(BYTES_LITERAL("")), 0);
    assert_int_equal(checksum_crc32(BYTES_LITERAL("123456789")), 0xcbf43926);
    assert_int_equal(checksum_crc32(BYTES_LITERAL("\0\0\0\0")), 0x2144df1c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_values_hold)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A read past the end fails and moves nothing. */
#include "base/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void numbers_are_read_in_their_byte_order(void **state)
{
    struct reader reader =
        reader_of(BYTES_LITERAL("\xfe\x01\x02\x01\x02\x01\x02\x03\x84\x01\x02\x03\x04\x05\x06\x07\x88"));
    uint8_t u8 = 0;
    uint16_t le = 0, be = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;

    (void)state;
    assert_true(reader_u8(&reader, &u8) && reader_u16_le(&reader, &le) && reader_u16_be(&reader, &be));
    assert_true(reader_u32_le(&reader, &u32) && reader_u64_le(&reader, &u64) && reader_is_done(&reader));
    assert_int_equal(u8, 0xfe);
    assert_int_equal(le, 0x0201);
    assert_int_equal(be, 0x0102);
    assert_true(u32 == 0x84030201u);
    assert_true(u64 == 0x8807060504030201u);
}

static void a_short_input_moves_nothing(void **state)
{
    struct reader reader = reader_of(BYTES_LITERAL("\x01"));
    struct bytes run;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    (void)state;
    assert_false(reader_u16_le(&reader, &u16) || reader_u16_be(&reader, &u16) ||
                 reader_u32_le(&reader, &u32) || reader_u64_le(&reader, &u64) ||
                 reader_take(&reader, 2, &run) || reader_run(&reader, &run));
    assert_int_equal(reader.rest.len, 1);
}

static void a_run_that_lies_about_its_length_moves_nothing(void **state)
{
    struct reader lie = reader_of(BYTES_LITERAL("\x04\0\0\0abc"));
    struct reader huge = reader_of(BYTES_LITERAL("\xff\xff\xff\xff"
                                                 "abc"));
    struct reader good = reader_of(BYTES_LITERAL("\x03\0\0\0abc"));
    struct bytes run;

    (void)state;
    assert_false(reader_run(&lie, &run));
    assert_int_equal(lie.rest.len, 7);
    assert_false(reader_run(&huge, &run));
    assert_true(reader_run(&good, &run));
    assert_true(bytes_equal(run, BYTES_LITERAL("abc")) && reader_is_done(&good));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_in_their_byte_order),
        cmocka_unit_test(a_short_input_moves_nothing),
        cmocka_unit_test(a_run_that_lies_about_its_length_moves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

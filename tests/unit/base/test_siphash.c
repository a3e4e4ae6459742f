/* The published vectors: key 00 01 … 0f, input 00 01 … */
#include "base/siphash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void the_published_vectors(void **state)
{
    static const struct {
        size_t length;
        uint8_t hash[16];
    } vectors[] = {
        {0, {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93}},
        {1, {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45}},
        {8, {0x3b, 0x62, 0xa9, 0xba, 0x62, 0x58, 0xf5, 0x61, 0x0f, 0x83, 0xe2, 0x64, 0xf3, 0x14, 0x97, 0xb4}},
        {15,
         {0x54, 0x93, 0xe9, 0x99, 0x33, 0xb0, 0xa8, 0x11, 0x7e, 0x08, 0xec, 0x0f, 0x97, 0xcf, 0xc3, 0xd9}},
    };
    const struct siphash_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    char input[16];
    (void)state;
    for (size_t i = 0; i < sizeof input; i++) {
        input[i] = (char)i;
    }
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct siphash hash = siphash_of(&key, (struct bytes){input, vectors[i].length});
        for (size_t octet = 0; octet < 16; octet++) {
            assert_int_equal(hash.words[octet / 8] >> octet % 8 * 8 & 0xff, vectors[i].hash[octet]);
        }
    }
}

static void every_byte_and_the_length_count(void **state)
{
    const struct siphash_key key = {{1, 2}};
    char input[32] = "";
    (void)state;
    struct siphash before = siphash_of(&key, (struct bytes){input, sizeof input});
    for (size_t i = 0; i < sizeof input; i++) {
        input[i] = 1;
        struct siphash after = siphash_of(&key, (struct bytes){input, sizeof input});
        assert_true(after.words[0] != before.words[0] && after.words[1] != before.words[1]);
        input[i] = 0;
        struct siphash shorter = siphash_of(&key, (struct bytes){input, i});
        assert_true(shorter.words[0] != before.words[0]);
    }
    assert_true(siphash_of(&(struct siphash_key){{1, 3}}, (struct bytes){input, 8}).words[0] !=
                siphash_of(&key, (struct bytes){input, 8}).words[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vectors),
        cmocka_unit_test(every_byte_and_the_length_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

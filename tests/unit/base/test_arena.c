/* One lifetime, a ceiling, zeroed and aligned memory. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    static const size_t sizes[] = {1, 0, 7, 16, 100, 1024, 1025, 3000, 4096, 5000, 100000, 3};
    unsigned char *all[12];
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < 12; i++) {
        all[i] = arena_alloc(&arena, sizes[i]);
        assert_non_null(all[i]);
        assert_int_equal((uintptr_t)all[i] % alignof(max_align_t), 0);
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(all[i][at], 0);
        memset(all[i], (int)i + 1, sizes[i]);
    }
    for (size_t i = 0; i < 12; i++)
        for (size_t at = 0; at < sizes[i]; at++)
            assert_int_equal(all[i][at], i + 1);
    arena_done(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_non_null(arena_alloc(&arena, 1));
    arena_done(&arena);
}

static void the_ceiling_and_overflows_answer_null(void **state)
{
    struct arena small, boundless;

    (void)state;
    arena_init(&small, 64);
    assert_null(arena_alloc(&small, 65));
    assert_non_null(arena_alloc(&small, 48));
    assert_null(arena_alloc(&small, 17));
    assert_non_null(arena_alloc(&small, 16));
    assert_null(arena_alloc(&small, 1));
    assert_null(arena_copy(&small, BYTES_LITERAL("x")).ptr);
    assert_null(arena_printf(&small, "%d", 1));
    arena_done(&small);
    arena_init(&boundless, SIZE_MAX);
    assert_null(arena_alloc(&boundless, SIZE_MAX));
    assert_null(arena_array(&boundless, SIZE_MAX / 2, 3));
    arena_done(&boundless);
}

static void copies_and_texts_are_terminated(void **state)
{
    struct arena arena;
    struct bytes copy;

    (void)state;
    arena_init(&arena, 1000);
    copy = arena_copy(&arena, BYTES_LITERAL("a\0b"));
    assert_true(bytes_equal(copy, BYTES_LITERAL("a\0b")));
    assert_int_equal(copy.ptr[3], '\0');
    copy = arena_copy(&arena, (struct bytes){NULL, 0});
    assert_true(copy.ptr && copy.len == 0);
    assert_string_equal(arena_printf(&arena, "%s-%d", "x", 7), "x-7");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(the_ceiling_and_overflows_answer_null),
        cmocka_unit_test(copies_and_texts_are_terminated),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

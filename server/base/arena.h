/* One lifetime, one free: things that die together live in one arena. Not shared between threads. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/bytes.h"

struct arena_block;

/* Zero-initialised with a ceiling it is empty and owns nothing. */
struct arena {
    struct arena_block *blocks;
    size_t used_bytes;
    size_t ceiling_bytes;
};

/* Empty; allocates on the first demand. */
void arena_init(struct arena *arena, size_t ceiling_bytes);
/* Frees everything; the arena may be used again. */
void arena_done(struct arena *arena);
/* Zeroed memory aligned for any type, or NULL past the ceiling or without memory. */
MUST_USE void *arena_alloc(struct arena *arena, size_t size);
/* count * size with the overflow checked. */
MUST_USE void *arena_array(struct arena *arena, size_t count, size_t size);
/* A copy with a terminator behind it that is not counted; ptr is NULL on failure. */
MUST_USE struct bytes arena_copy(struct arena *arena, struct bytes bytes);
/* A terminated formatted text, or NULL. */
MUST_USE char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

#endif

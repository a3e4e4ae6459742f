#include "base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Larger requests get a block of their own. */
#define ARENA_BLOCK_BYTES 4096

struct arena_block {
    struct arena_block *next;
    size_t size;
    size_t used;
    alignas(max_align_t) char content[];
};

void arena_init(struct arena *arena, size_t ceiling_bytes)
{
    *arena = (struct arena){.ceiling_bytes = ceiling_bytes};
}

void arena_done(struct arena *arena)
{
    struct arena_block *block = arena->blocks;

    while (block) {
        struct arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena_init(arena, arena->ceiling_bytes);
}

/* A new block, put first when it has room left for small requests, else behind the first. */
static struct arena_block *add_block(struct arena *arena, size_t size)
{
    size_t content_size = size > ARENA_BLOCK_BYTES / 4 ? size : ARENA_BLOCK_BYTES;
    struct arena_block *block = calloc(1, sizeof(*block) + content_size);

    if (!block)
        return NULL;
    block->size = content_size;
    if (arena->blocks && content_size == size) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    size_t rounded;
    void *result;

    if (size > arena->ceiling_bytes - arena->used_bytes || size > SIZE_MAX - alignof(max_align_t))
        return NULL;
    rounded = (size + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (rounded == 0)
        rounded = alignof(max_align_t);
    if (rounded > arena->ceiling_bytes - arena->used_bytes)
        return NULL;
    if (!block || rounded > block->size - block->used)
        block = add_block(arena, rounded);
    if (!block)
        return NULL;
    result = block->content + block->used;
    block->used += rounded;
    arena->used_bytes += rounded;
    return result;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    return arena_alloc(arena, total);
}

struct bytes arena_copy(struct arena *arena, struct bytes bytes)
{
    char *copy = bytes.len < SIZE_MAX ? arena_alloc(arena, bytes.len + 1) : NULL;

    if (!copy)
        return (struct bytes){NULL, 0};
    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    return (struct bytes){copy, bytes.len};
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    int needed;
    char *text;

    va_start(arguments, format);
    needed = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (needed < 0)
        return NULL;
    text = arena_alloc(arena, (size_t)needed + 1);
    if (!text)
        return NULL;
    va_start(arguments, format);
    vsnprintf(text, (size_t)needed + 1, format, arguments);
    va_end(arguments);
    return text;
}

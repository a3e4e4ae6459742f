#include "base/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_FIRST_CAPACITY 64

void buffer_init(struct buffer *buffer, size_t ceiling)
{
    *buffer = (struct buffer){.ceiling = ceiling};
}

void buffer_init_secret(struct buffer *buffer, size_t ceiling)
{
    *buffer = (struct buffer){.ceiling = ceiling, .is_secret = true};
}

static void wipe(const struct buffer *buffer)
{
    if (buffer->is_secret && buffer->ptr)
        explicit_bzero(buffer->ptr, buffer->capacity);
}

struct buffer buffer_take(struct buffer *buffer)
{
    struct buffer taken = *buffer;
    *buffer = (struct buffer){.ceiling = taken.ceiling, .is_secret = taken.is_secret};
    return taken;
}

void buffer_done(struct buffer *buffer)
{
    struct buffer taken = buffer_take(buffer);
    wipe(&taken);
    free(taken.ptr);
}

void buffer_clear(struct buffer *buffer)
{
    wipe(buffer);
    buffer->len = 0;
}

/* realloc would leave a copy behind. */
static char *grow(const struct buffer *buffer, size_t capacity)
{
    if (!buffer->is_secret)
        return realloc(buffer->ptr, capacity);
    char *grown = malloc(capacity);
    if (grown && buffer->ptr) {
        memcpy(grown, buffer->ptr, buffer->len);
        wipe(buffer);
        free(buffer->ptr);
    }
    return grown;
}

enum error buffer_reserve(struct buffer *buffer, size_t count)
{
    size_t wanted;
    size_t capacity;
    char *grown;

    if (buffer->len > buffer->ceiling || count > buffer->ceiling - buffer->len)
        return ERROR_LIMIT;
    wanted = buffer->len + count;
    if (wanted <= buffer->capacity)
        return OK;
    /* Doubling keeps a long run of appends linear. */
    capacity = buffer->capacity > buffer->ceiling / 2 ? buffer->ceiling : buffer->capacity * 2;
    if (capacity < BUFFER_FIRST_CAPACITY)
        capacity = BUFFER_FIRST_CAPACITY;
    if (capacity < wanted)
        capacity = wanted;
    if (capacity > buffer->ceiling)
        capacity = buffer->ceiling;
    grown = grow(buffer, capacity);
    if (!grown)
        return ERROR_TEMPORARY;
    buffer->ptr = grown;
    buffer->capacity = capacity;
    return OK;
}

enum error buffer_append(struct buffer *buffer, struct bytes bytes)
{
    enum error error;

    if (bytes.len == 0)
        return OK;
    error = buffer_reserve(buffer, bytes.len);
    if (error)
        return error;
    memcpy(buffer->ptr + buffer->len, bytes.ptr, bytes.len);
    buffer->len += bytes.len;
    return OK;
}

enum error buffer_append_text(struct buffer *buffer, const char *text)
{
    return buffer_append(buffer, bytes_of_text(text));
}

enum error buffer_append_byte(struct buffer *buffer, char byte)
{
    return buffer_append(buffer, (struct bytes){&byte, 1});
}

enum error buffer_printf(struct buffer *buffer, const char *format, ...)
{
    char small[256];
    char *large;
    va_list arguments;
    int needed;
    enum error error;

    va_start(arguments, format);
    needed = vsnprintf(small, sizeof(small), format, arguments);
    va_end(arguments);
    if (needed < 0)
        return ERROR_LIMIT;
    if ((size_t)needed < sizeof(small))
        return buffer_append(buffer, (struct bytes){small, (size_t)needed});

    /* Not printed in place: vsnprintf writes a terminator, for which the ceiling may leave no room. */
    if (buffer->len > buffer->ceiling || (size_t)needed > buffer->ceiling - buffer->len)
        return ERROR_LIMIT;
    large = malloc((size_t)needed + 1);
    if (!large)
        return ERROR_TEMPORARY;
    va_start(arguments, format);
    vsnprintf(large, (size_t)needed + 1, format, arguments);
    va_end(arguments);
    error = buffer_append(buffer, (struct bytes){large, (size_t)needed});
    free(large);
    return error;
}

void buffer_consume(struct buffer *buffer, size_t count)
{
    if (count >= buffer->len) {
        buffer->len = 0;
        return;
    }
    if (count == 0)
        return;
    buffer->len -= count;
    memmove(buffer->ptr, buffer->ptr + count, buffer->len);
}

struct bytes buffer_bytes(const struct buffer *buffer)
{
    return (struct bytes){buffer->ptr, buffer->len};
}

/* A growable run of bytes with a ceiling: whatever a peer or the directory sizes ends up in one of these. */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/bytes.h"

/* Zero-initialised with a ceiling it is empty and owns nothing; it allocates on the first append. */
struct buffer {
    char *ptr;
    size_t len;
    size_t capacity;
    size_t ceiling; /* bytes; appending past it answers ERROR_LIMIT and changes nothing */
    bool is_secret; /* memory is wiped before it is given back */
};

/* Empty; allocates on the first append. */
void buffer_init(struct buffer *buffer, size_t ceiling);
/* The same for what may hold a password: it is wiped wherever it lay, also when it grows. */
void buffer_init_secret(struct buffer *buffer, size_t ceiling);
/* Frees the memory; the buffer is as after its init, so that it may be used again. */
void buffer_done(struct buffer *buffer);
/* Forgets the content and keeps the memory. */
void buffer_clear(struct buffer *buffer);
/* Gives all of it to the caller; the buffer is as after its init. */
MUST_USE struct buffer buffer_take(struct buffer *buffer);
/* ERROR_LIMIT past the ceiling, ERROR_TEMPORARY without memory. */
MUST_USE enum error buffer_append(struct buffer *buffer, struct bytes bytes);
MUST_USE enum error buffer_append_text(struct buffer *buffer, const char *text);
MUST_USE enum error buffer_append_byte(struct buffer *buffer, char byte);
MUST_USE enum error buffer_printf(struct buffer *buffer, const char *format, ...) PRINTF_LIKE(2, 3);
/* Makes room for count more bytes at ptr + len, which the caller fills and then adds to len. */
MUST_USE enum error buffer_reserve(struct buffer *buffer, size_t count);
/* Drops the first count bytes. */
void buffer_consume(struct buffer *buffer, size_t count);
/* The content, borrowed until the next change. */
struct bytes buffer_bytes(const struct buffer *buffer);

#endif

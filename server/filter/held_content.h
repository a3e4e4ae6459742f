/* The body of a message that filters want to see before it is accepted: in memory while it is small, then in
 * a file without a name. It is no promise to anybody, so nothing is synced. */
#ifndef FILTER_HELD_CONTENT_H
#define FILTER_HELD_CONTENT_H

#include "base/buffer.h"

#define HELD_MEMORY_MAX (256u << 10)

struct held_content {
    const char *directory; /* where the file is made; borrowed */
    struct buffer memory;
    int file; /* -1: all is in memory */
    uint64_t size_bytes;
};

void held_content_init(struct held_content *content, const char *directory);
void held_content_done(struct held_content *content);
/* ERROR_TEMPORARY without memory, ERROR_IO when the file cannot be made or written. Writes into the page
 * cache on the calling thread. */
MUST_USE enum error held_content_append(struct held_content *content, struct bytes bytes);
/* Copies at most size bytes from the offset; *out_len 0 at the end. ERROR_IO. */
MUST_USE enum error held_content_read(const struct held_content *content, uint64_t offset, char *out,
                                      size_t size, size_t *out_len);

#endif

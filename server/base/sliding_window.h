/* How often something happened in the last minute, by key, exactly, over all threads. Sharded; memory is
 * taken and given back outside the locks, so that none is held across a system call. */
#ifndef BASE_SLIDING_WINDOW_H
#define BASE_SLIDING_WINDOW_H

#include "base/siphash.h"

#define SLIDING_WINDOW_MS       60000u
#define SLIDING_WINDOW_KEYS_MAX 2 /* of one call */

struct sliding_window;

/* NULL without memory; freeing NULL is a no-op. */
struct sliding_window *sliding_window_new(void);
void sliding_window_free(struct sliding_window *window);
/* Counts one in for every key, unless one of them has `limit` in the minute that ends now: then for none.
 * keys: what is counted, each by its hash under a key that nobody knows; key_count: up to
 * SLIDING_WINDOW_KEYS_MAX. limit: at least 1. now_ms: monotonic; of two threads that do not agree the later
 * one counts. False: over the limit; or without memory, or with more than 3,000,000 keys at once: what is not
 * counted is not limited. Any thread. */
bool sliding_window_take(struct sliding_window *window, const struct siphash *keys, size_t key_count,
                         uint32_t limit, uint64_t now_ms);

#endif

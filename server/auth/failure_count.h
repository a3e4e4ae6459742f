/* Failed logins counted per source over all loops (auth.failures_per_source). Sharded; the memory is taken at
 * once and stays: where it is full, the source that failed longest ago is forgotten. */
#ifndef AUTH_FAILURE_COUNT_H
#define AUTH_FAILURE_COUNT_H

#include "base/clock.h"
#include "base/ip.h"

struct failure_counts;

#define FAILURE_LIMIT_MAX 100u

/* limit: 1 to FAILURE_LIMIT_MAX failures within window_ms. Borrows the clock. NULL without memory or
 * randomness; freeing NULL is a no-op. */
struct failure_counts *failure_counts_new(unsigned limit, uint64_t window_ms, const struct clock *clock);
void failure_counts_free(struct failure_counts *counts);
/* One login from there has failed (IPv6: a source is a /64). Any thread. */
void failure_counts_add(struct failure_counts *counts, const struct ip_address *source);
/* limit failures came within any stretch of window_ms that ends now: it gets 421 until the oldest of them has
 * aged out. Any thread. */
bool failure_counts_is_over(struct failure_counts *counts, const struct ip_address *source);

#endif

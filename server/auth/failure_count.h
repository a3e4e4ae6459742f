/* Failed logins counted per source, or per account, over all loops (auth.failures_per_source). Sharded; the
 * memory is taken at once and stays: where it is full, who failed longest ago is forgotten. */
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
/* A password or a token of that source is about to be proven. False: as many are already as failures are
 * still allowed, so that no burst passes the limit; to be asked again later. Each true is followed by one
 * leave. Any thread. */
bool failure_counts_enter(struct failure_counts *counts, const struct ip_address *source);
void failure_counts_leave(struct failure_counts *counts, const struct ip_address *source, bool has_failed);
/* limit failures came within any stretch of window_ms that ends now: it gets 421 until the oldest of them has
 * aged out. Any thread. */
bool failure_counts_is_over(struct failure_counts *counts, const struct ip_address *source);
/* The same of an account, by its id: guesses from many sources must not lock it in its domain. Only failures
 * count, since one account may rightly log in many times at once. */
void failure_counts_add_account(struct failure_counts *counts, const uint8_t id[16]);
bool failure_counts_is_account_over(struct failure_counts *counts, const uint8_t id[16]);

#endif

/* Time, by a table of two functions so that tests move it by hand. Deadlines and retries use the monotonic
 * clock, dates the wall clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
    uint64_t (*monotonic_ms)(const struct clock *clock);
    int64_t (*wall_ms)(const struct clock *clock); /* since 1970-01-01T00:00:00Z */
};

/* The machine's. Any thread. */
extern const struct clock clock_system;

static inline uint64_t clock_monotonic_ms(const struct clock *clock)
{
    return clock->monotonic_ms(clock);
}

static inline int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock);
}

/* A clock that stands still until it is moved. */
struct clock_fake {
    struct clock clock;
    uint64_t monotonic_ms;
    int64_t wall_ms;
};
void clock_fake_init(struct clock_fake *fake, uint64_t monotonic_ms, int64_t wall_ms);
/* Moves both. */
void clock_fake_advance(struct clock_fake *fake, uint64_t ms);

/* RFC 3339 UTC with milliseconds, "2026-11-22T02:45:00.123Z": 24 characters and a terminator. */
#define CLOCK_RFC3339_SIZE 25
void clock_format_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE]);

#endif

#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t read_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static uint64_t system_monotonic_ms(const struct clock *clock)
{
    (void)clock;
    return (uint64_t)read_ms(CLOCK_MONOTONIC);
}

static int64_t system_wall_ms(const struct clock *clock)
{
    (void)clock;
    return read_ms(CLOCK_REALTIME);
}

const struct clock clock_system = {system_monotonic_ms, system_wall_ms};

static uint64_t fake_monotonic_ms(const struct clock *clock)
{
    /* The table is the first member of the fake. */
    return ((const struct clock_fake *)(const void *)clock)->monotonic_ms;
}

static int64_t fake_wall_ms(const struct clock *clock)
{
    return ((const struct clock_fake *)(const void *)clock)->wall_ms;
}

void clock_fake_init(struct clock_fake *fake, uint64_t monotonic_ms, int64_t wall_ms)
{
    *fake = (struct clock_fake){{fake_monotonic_ms, fake_wall_ms}, monotonic_ms, wall_ms};
}

void clock_fake_advance(struct clock_fake *fake, uint64_t ms)
{
    fake->monotonic_ms += ms;
    fake->wall_ms += (int64_t)ms;
}

void clock_format_rfc3339(int64_t wall_ms, char out[CLOCK_RFC3339_SIZE])
{
    int64_t milliseconds = (wall_ms % 1000 + 1000) % 1000;
    time_t seconds = (time_t)(wall_ms / 1000 - (wall_ms % 1000 < 0));
    struct tm parts = {0};
    char date[20];

    /* A year that does not fit its four digits is a broken clock; the epoch tells so and keeps the form. */
    if (!gmtime_r(&seconds, &parts) || parts.tm_year < -1900 || parts.tm_year > 9999 - 1900 ||
        !strftime(date, sizeof(date), "%FT%T", &parts)) {
        snprintf(out, CLOCK_RFC3339_SIZE, "1970-01-01T00:00:00.000Z");
        return;
    }
    snprintf(out, CLOCK_RFC3339_SIZE, "%s.%03dZ", date, (int)milliseconds);
}

#include "base/pressure.h"

enum pressure_level pressure_next(enum pressure_level level, const struct pressure_marks *marks,
                                  uint64_t value)
{
    if (value >= marks->high || (level == PRESSURE_HIGH && value > marks->medium)) {
        return PRESSURE_HIGH;
    }
    if (value >= marks->medium || (level != PRESSURE_LOW && value >= marks->low)) {
        return PRESSURE_MEDIUM;
    }
    return PRESSURE_LOW;
}

const char *pressure_level_name(enum pressure_level level)
{
    static const char *const names[] = {
        [PRESSURE_LOW] = "low", [PRESSURE_MEDIUM] = "medium", [PRESSURE_HIGH] = "high"};
    return names[level];
}

/* The value forms of the configuration file. Pure. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/bytes.h"

/* "30s", "5m", "1h", "2d", "250ms"; a bare number is seconds. ERROR_SYNTAX, ERROR_LIMIT past ten years. */
MUST_USE enum error value_duration(struct bytes text, uint64_t *out_ms);
/* "256M", "64K", "1G"; a bare number is bytes. ERROR_SYNTAX, ERROR_LIMIT. */
MUST_USE enum error value_size(struct bytes text, uint64_t *out_bytes);
/* One of the blank separated words of choices; its index. ERROR_SYNTAX. */
MUST_USE enum error value_choice(struct bytes text, const char *choices, unsigned *out_index);

#endif

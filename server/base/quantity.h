/* "30s", "256M": numbers with a unit, as people write them in the configuration and on the command line. */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include "base/bytes.h"

/* "250ms", "30s", "5m", "1h", "2d", any case; a bare number is seconds. ERROR_SYNTAX; ERROR_LIMIT past ten
 * years. */
MUST_USE enum error quantity_parse_duration(struct bytes text, uint64_t *out_ms);
/* "64K", "256M", "1G", "2T", any case; a bare number is bytes. ERROR_SYNTAX; ERROR_LIMIT past a PiB. */
MUST_USE enum error quantity_parse_size(struct bytes text, uint64_t *out_bytes);

#endif

/* How much of the machine is used: what back pressure looks at. */
#ifndef DAEMON_RESOURCE_H
#define DAEMON_RESOURCE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Of the file system that holds the path, in percent: 100 when nothing is left for us. ERROR_IO. */
MUST_USE enum error resource_disk_percent(const char *path, uint64_t *out);
/* This process' own memory (without what it maps of files), in percent of what the machine or the control
 * group allows it. ERROR_IO. */
MUST_USE enum error resource_memory_percent(uint64_t *out);

#endif

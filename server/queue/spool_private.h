/* What every kind of spool has in common. */
#ifndef QUEUE_SPOOL_PRIVATE_H
#define QUEUE_SPOOL_PRIVATE_H

#include "queue/spool.h"

/* The beginning of each kind's own message. */
struct spool_message {
    struct spool *spool;
    uint64_t id;
};

/* The most an arena for one decoded envelope may take: the copy of its binary form and its recipients. */
#define SPOOL_ENVELOPE_ARENA_MAX ((size_t)ENVELOPE_BYTES_MAX * 24)

#endif

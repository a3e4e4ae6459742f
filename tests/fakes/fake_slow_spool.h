/* A spool that takes everything but asks to wait after each piece, over a spool in memory; for tests of the
 * stream's flow. */
#ifndef FAKE_SLOW_SPOOL_H
#define FAKE_SLOW_SPOOL_H

#include "queue/spool.h"

/* Borrows inner. One message at a time. wait_ms: how long each piece takes; appending meanwhile aborts the
 * test. Free with free(). */
struct spool *fake_slow_spool_new(struct spool *inner, struct loop *loop, uint64_t wait_ms);

#endif

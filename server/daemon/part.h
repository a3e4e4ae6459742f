/* A part of the daemon: what lives on one loop with a thread of its own. */
#ifndef DAEMON_PART_H
#define DAEMON_PART_H

#include "base/error.h"
#include "loop/loop.h"

struct process;

/* Opens a part's loop and begins the part there; blocks the calling thread until it has begun.
 * process: borrowed, handed to begin, which runs on the new loop and finds *loop set. note: for begin.
 * loop: given, also when begin fails, whose half-begun work then ends with the part; NULL without a thread.
 * Errors: TEMPORARY without memory or thread; what begin says. */
MUST_USE enum error part_start(struct process *process, const char *name, struct loop **loop,
                               enum error (*begin)(struct process *process, struct note *note),
                               struct note *note);

#endif

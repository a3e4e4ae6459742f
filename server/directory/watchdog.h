/* Frees a thread that libldap keeps inside a system call. libldap reads with a blocking socket while it opens
 * and binds, and its time-outs do not count inside a half received message: the only way out is to shut the
 * socket down from another thread. */
#ifndef DIRECTORY_WATCHDOG_H
#define DIRECTORY_WATCHDOG_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct watchdog;

/* Starts its thread. ERROR_TEMPORARY without memory or threads. */
MUST_USE enum error watchdog_new(struct watchdog **out);
/* Ends the thread; NULL is a no-op. */
void watchdog_free(struct watchdog *watchdog);
/* The socket to shut down. A duplicate is kept, so that closing the original never leaves us with somebody
 * else's. -1: none. */
void watchdog_guard(struct watchdog *watchdog, int descriptor);
/* From now on there are delay_ms until the bite; moves an earlier arming. All calls: any thread. */
void watchdog_arm(struct watchdog *watchdog, uint64_t delay_ms);
void watchdog_disarm(struct watchdog *watchdog);
/* Bites now and at every socket guarded from now on: nobody waits any more for what is being opened. */
void watchdog_give_up(struct watchdog *watchdog);
/* Since the last arming the time ran out. A socket guarded only afterwards is shut down at once. */
bool watchdog_has_bitten(struct watchdog *watchdog);

#endif

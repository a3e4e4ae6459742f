/* One daemon a spool: its directory, opened, checked and locked. */
#ifndef QUEUE_SPOOL_LOCK_H
#define QUEUE_SPOOL_LOCK_H

#include "base/error.h"

#include <stdbool.h>

struct spool_lock {
    int directory; /* the spool's */
    int file;      /* holds the lock; the system drops it when the process dies */
};

/* Makes the directory (0700) if it is missing and takes its lock. ERROR_TEMPORARY: another process holds it.
 * ERROR_IO with a note: not a directory of ours alone, or not on a local file system. Blocks on the disk. */
MUST_USE enum error spool_lock_take(const char *directory, struct spool_lock *out, struct note *note);
void spool_lock_drop(struct spool_lock *lock);
/* A file system over a network lies about locks, shared mappings or syncs. FUSE counts as one: sshfs and
 * gluster come that way. magic: f_type of statfs. */
bool spool_lock_is_network_magic(unsigned long magic);

#endif

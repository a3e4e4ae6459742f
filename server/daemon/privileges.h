/* The identity the process takes before the first thread and the first bind, for life. Design 2, matrix R23.
 */
#ifndef DAEMON_PRIVILEGES_H
#define DAEMON_PRIVILEGES_H

#include "base/error.h"

/* Started as root: becomes user and group. In any case keeps of its capabilities CAP_NET_BIND_SERVICE alone,
 * and can never gain anything again (no-new-privileges). It leaves no core either: passwords of clients would
 * be in it (matrix T11). ERROR_NOT_FOUND: no such user or group, or the
 * superuser; ERROR_IO: refused by the system, nothing may be served then. Main thread, once. */
MUST_USE enum error privileges_drop(const char *user, const char *group, struct note *note);

/* As root, before dropping: makes the directory with this mode if it is missing, and gives it to the user.
 * Otherwise only makes it. ERROR_IO with a note. */
MUST_USE enum error privileges_prepare_directory(const char *path, unsigned mode, const char *user,
                                                 const char *group, struct note *note);

/* Takes as many file descriptors as the machine gives us: each session, here and at the next hops, has one.
 * Failing costs sessions only, later. */
void privileges_raise_descriptors(void);

#endif

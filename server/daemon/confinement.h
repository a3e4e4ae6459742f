/* What the process gives up beside privileges: system calls that neither it nor its libraries make, and that
 * whoever runs code inside it would want. Design 6, decision 5; matrix R23, A10. */
#ifndef DAEMON_CONFINEMENT_H
#define DAEMON_CONFINEMENT_H

#include "base/error.h"

#include <stdbool.h>

/* A sanitizer's run-time looks at its own threads with ptrace from a process of its own, and starts a
 * symbolizer for its report. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CONFINEMENT_IS_SANITIZED true
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFINEMENT_IS_SANITIZED true
#endif
#ifndef CONFINEMENT_IS_SANITIZED
#define CONFINEMENT_IS_SANITIZED false
#endif

/* From here on, for all threads and for ever, EPERM answers: another program, another process, a debugger's
 * calls, memory that is both written and run, sockets of other families than Unix, IPv4, IPv6 and netlink's
 * routes, io_uring, namespaces, mounts, and what changes the machine. Everything else goes on: libraries ask
 * for what they like. is_sanitized leaves out what sanitizers need. Needs no-new-privileges; nobody of the
 * same user may trace the process either. ERROR_IO with a note. Main thread, once. */
MUST_USE enum error confinement_enter(bool is_sanitized, struct note *note);

#endif

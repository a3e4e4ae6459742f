/* Opening and closing a libldap handle: connect, TLS, bind, rootDSE. Blocking: for a job's thread. Internal
 * to the room. */
#ifndef DIRECTORY_HANDLE_H
#define DIRECTORY_HANDLE_H

#include "directory/flavor.h"
#include "directory/watchdog.h"

#include <ldap.h>

struct handle {
    LDAP *ldap; /* NULL: closed */
    int descriptor;
    struct directory_info info;
    struct features features;
    struct ldap_conncb on_connect; /* private; libldap points here while the handle lives */
};

/* Opens the URI as config says. The socket does not block afterwards. The watchdog is armed with the
 * operation's deadline, guards the socket from the moment it stands and goes on doing so. ERROR_SYNTAX (URI,
 * TLS files), DENIED_CREDENTIALS (bind), TIMEOUT, TEMPORARY; the note says at which step. */
MUST_USE enum error handle_open(struct handle *handle, const struct directory_config *config, const char *uri,
                                struct watchdog *watchdog, struct note *note);
/* As handle_open as far as the connection and its TLS go: anonymous, nothing is read, the socket blocks, and
 * what was written is wiped; for operations of a job's thread, which the watchdog guards. */
MUST_USE enum error handle_connect(struct handle *handle, const struct directory_config *config,
                                   const char *uri, struct watchdog *watchdog, struct note *note);
/* What an operation gets by this configuration. */
uint64_t handle_deadline_ms(const struct directory_config *config);
/* Never blocks. is_orderly: says good-bye to a server that still answers; else the socket is shut down first,
 * since a good-bye to a stuck peer could wait for ever. Closed already: a no-op. */
void handle_close(struct handle *handle, bool is_orderly);

#endif

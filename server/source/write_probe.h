/* Would the directory let an account write these objects? Asked by a change that cannot be made. */
#ifndef SOURCE_WRITE_PROBE_H
#define SOURCE_WRITE_PROBE_H

#include "directory/directory.h"

struct write_probe_request {
    const struct directory_config *directory; /* who asks is the account that it binds as */
    const char *const *dns;
    size_t count;
    uint64_t timeout_ms;
};

/* Takes a value away that no connector has (dirrelayAce, then msExchSmtpReceiveRemoteIPRanges): slapd looks
 * at its access rules first and answers "insufficient access" to who may not, "no such attribute" to who may;
 * nothing is ever changed. out_may_write[i] is true for the latter. Opens the directory, asks, closes; blocks
 * the calling thread, which needs no loop. ERROR_NOT_FOUND: not an OpenLDAP server; ERROR_TIMEOUT, or what
 * opening says: nothing is known. */
MUST_USE enum error write_probe(const struct write_probe_request *request, bool *out_may_write,
                                struct note *note);

#endif

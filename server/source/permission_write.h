/* Gives or takes rights on one object in the directory, for a tool. Contract 4. */
#ifndef SOURCE_PERMISSION_WRITE_H
#define SOURCE_PERMISSION_WRITE_H

#include "source/permission_change.h"

struct permission_write_request {
    const struct directory_config *directory;
    const char *dn; /* of the object */
    struct permission_request change;
    bool is_dry_run;
    uint64_t timeout_ms;
};

struct permission_write_result {
    struct arena arena;  /* of the change */
    struct entry *entry; /* the object as it was read; the change borrows of it */
    enum directory_flavor flavor;
    struct permission_change change;
};

/* Opens the directory, finds the trustee's SID, plans, writes, closes; blocks the calling thread, which needs
 * no loop. Against lost updates: a dirrelayAce value goes only if it still is as it was read; a DACL is read
 * again right before it is written and, when somebody else was quicker, planned anew, and read back
 * afterwards. *out is to be freed with permission_write_done whatever the answer. ERROR_NOT_FOUND: no such
 * object or trustee; ERROR_DENIED_CREDENTIALS: the account may not, or the directory is a file; ERROR_SYNTAX:
 * the object cannot be edited like this, or the directory refuses the value; ERROR_TIMEOUT, ERROR_TEMPORARY:
 * try again. The note says why. */
MUST_USE enum error permission_write(const struct permission_write_request *request,
                                     struct permission_write_result *out, struct note *note);
void permission_write_done(struct permission_write_result *result);

#endif

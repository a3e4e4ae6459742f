/* Changes of objects in the directory, made one after the other, for a tool. */
#ifndef SOURCE_OBJECT_CHANGE_H
#define SOURCE_OBJECT_CHANGE_H

#include "directory/directory.h"

struct object_change {
    const char *dn;
    enum directory_change change;
    const struct directory_edit *edits;
    size_t edit_count;
    enum error error; /* what became of it, as directory_modification's on_done says */
    struct note why;  /* the server's words */
};

struct object_change_request {
    const struct directory_config *directory;
    enum directory_flavor only_for; /* FLAVOR_UNKNOWN: whatever directory it is */
    struct object_change *changes;
    size_t count;
    uint64_t timeout_ms;
};

/* Opens the directory, makes each change whatever became of the ones before it, closes; blocks the calling
 * thread, which needs no loop. OK: each change has its answer. ERROR_NOT_FOUND: another kind of directory,
 * nothing was tried. ERROR_TIMEOUT, ERROR_TEMPORARY, or what opening says: those that were not answered keep
 * the error they came with. The note says why. */
MUST_USE enum error object_changes_make(const struct object_change_request *request, struct note *note);

#endif

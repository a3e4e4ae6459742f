#include "source/write_probe.h"

#include "base/bytes.h"
#include "source/object_change.h"

#include <stdlib.h>

#define ABSENT_VALUE                                                                                         \
    "deny * to S-1-0-0 (a value that is never there: dirrelay lint asks whether it may write)"

static const struct bytes absent = {ABSENT_VALUE, sizeof ABSENT_VALUE - 1};
static const struct directory_edit edits[] = {
    {.kind = EDIT_DELETE, .attribute = "dirrelayAce", .values = &absent, .value_count = 1},
    {.kind = EDIT_DELETE,
     .attribute = "msExchSmtpReceiveRemoteIPRanges",
     .values = &absent,
     .value_count = 1},
};
#define EDIT_COUNT (sizeof edits / sizeof edits[0])

/* NOT_FOUND is said of a value that is not there, but of an object as well: only the words tell which. */
static bool is_let(const struct object_change *change)
{
    return change->error == ERROR_NOT_FOUND &&
           bytes_starts_nocase(bytes_of_text(change->why.text), "No such attribute");
}

enum error write_probe(const struct write_probe_request *request, bool *out_may_write, struct note *note)
{
    struct object_change *changes = calloc(request->count * EDIT_COUNT + 1, sizeof *changes);
    if (!changes)
        return ERROR_TEMPORARY;
    for (size_t i = 0; i < request->count * EDIT_COUNT; i++)
        changes[i] = (struct object_change){
            .dn = request->dns[i / EDIT_COUNT], .edits = &edits[i % EDIT_COUNT], .edit_count = 1};
    const struct object_change_request all = {
        .directory = request->directory,
        .only_for = FLAVOR_OPENLDAP,
        .changes = changes,
        .count = request->count * EDIT_COUNT,
        .timeout_ms = request->timeout_ms,
    };
    enum error error = object_changes_make(&all, note);
    for (size_t i = 0; i < request->count * EDIT_COUNT && error == OK; i++)
        out_may_write[i / EDIT_COUNT] |= is_let(&changes[i]);
    free(changes);
    return error;
}

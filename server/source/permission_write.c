/* Happy path: the directory is up -> the trustee (given as a DN) is read -> the object is read -> planned ->
 * (a DACL: read again and compared) -> modified -> (a DACL: read back) -> closed. Failures: any step ends it
 * with its error; a DACL that changed between two readings is planned anew, a few times. */
#include "source/permission_write.h"

#include "directory/principal_sid.h"
#include "security/descriptor.h"
#include "source/base_search.h"

#include <stdlib.h>
#include <string.h>

#define WRITE_ARENA_BYTES (8 * DESCRIPTOR_ARENA_BYTES)
#define TRIES_MAX         5

enum write_step { WRITE_TRUSTEE, WRITE_READ, WRITE_COMPARE, WRITE_MODIFY, WRITE_CHECK };

struct writing {
    const struct permission_write_request *request;
    struct permission_request change; /* with the trustee's SID */
    struct permission_write_result *result;
    struct note *note;
    struct loop *loop;
    struct directory *directory;
    struct loop_timer deadline;
    enum write_step step;
    struct base_search *search;
    struct directory_modification modification;
    bool is_started;
    bool is_modifying;
    bool is_over;
    unsigned tries;
    enum error error;
    char why_down[128];
};

static void begin(struct writing *writing, enum write_step step);

static void on_closed(void *owner)
{
    struct writing *writing = owner;
    loop_end(writing->loop);
}

static void close_all(struct loop_timer *timer)
{
    struct writing *writing = list_entry(timer, struct writing, deadline);
    if (writing->error == ERROR_TIMEOUT)
        note_set(writing->note, "%s%s%s",
                 writing->is_modifying ? "the directory has not said whether the change was made"
                                       : "the directory does not answer",
                 writing->why_down[0] ? ": " : "", writing->why_down);
    writing->is_over = true;
    base_search_abandon(writing->search);
    writing->search = NULL;
    writing->directory->ops->close(writing->directory, on_closed, writing);
}

/* The directory is still on the stack: closing begins on the next turn. */
static void finish(struct writing *writing, enum error error)
{
    writing->error = error;
    writing->is_over = true;
    loop_timer_start(&writing->deadline, 0);
}

static bool is_ad(const struct writing *writing)
{
    return writing->result->flavor == FLAVOR_AD;
}

/* Steps */

static void take_trustee(struct writing *writing, const struct entry *entry)
{
    enum principal_source source;
    enum error error = principal_sid(entry, &writing->change.sid, &source, writing->note);
    writing->change.has_sid = error == OK;
    if (error == OK)
        begin(writing, WRITE_READ);
    else
        finish(writing, error);
}

static enum error plan(struct writing *writing, const struct entry *entry, struct permission_change *out)
{
    return permission_change_plan(&writing->change, writing->result->flavor, entry, &writing->result->arena,
                                  out, writing->note);
}

static void take_object(struct writing *writing, struct entry *entry)
{
    entry_free(writing->result->entry);
    writing->result->entry = entry;
    enum error error = plan(writing, entry, &writing->result->change);
    bool is_done = error != OK || writing->result->change.edit_count == 0 || writing->request->is_dry_run;
    if (is_done)
        finish(writing, error);
    else
        begin(writing, is_ad(writing) ? WRITE_COMPARE : WRITE_MODIFY);
}

static bool has_same_descriptor(const struct entry *a, const struct entry *b)
{
    const struct attribute *left = entry_find(a, "nTSecurityDescriptor");
    const struct attribute *right = entry_find(b, "nTSecurityDescriptor");
    return left && right && left->value_count == 1 && right->value_count == 1 &&
           bytes_equal(left->values[0], right->values[0]);
}

static void compare_object(struct writing *writing, struct entry *entry)
{
    if (has_same_descriptor(writing->result->entry, entry)) {
        entry_free(entry);
        begin(writing, WRITE_MODIFY);
    } else if (++writing->tries < TRIES_MAX) {
        take_object(writing, entry);
    } else {
        entry_free(entry);
        note_set(writing->note, "somebody else keeps changing %.160s", writing->request->dn);
        finish(writing, ERROR_TEMPORARY);
    }
}

/* What was written is there when nothing would be to do any more. */
static void check_object(struct writing *writing, const struct entry *entry)
{
    struct permission_change again;
    enum error error = plan(writing, entry, &again);
    if (error == OK && again.edit_count > 0) {
        note_set(writing->note, "%.160s was written, and changed again by somebody else",
                 writing->request->dn);
        error = ERROR_TEMPORARY;
    }
    finish(writing, error);
}

static void on_result(void *owner, enum error error, struct entry *entry)
{
    struct writing *writing = owner;
    writing->search = NULL;
    bool is_trustee = writing->step == WRITE_TRUSTEE;
    if (error != OK && is_trustee && error == ERROR_NOT_FOUND && writing->change.is_remove &&
        !is_ad(writing)) {
        begin(writing, WRITE_READ); /* who is gone can still be taken out of a line */
        return;
    }
    if (error != OK) {
        note_set(writing->note, "%.*s: %s", is_trustee ? (int)writing->change.trustee.len : 160,
                 is_trustee ? writing->change.trustee.ptr : writing->request->dn, error_name(error));
        finish(writing, error);
        return;
    }
    switch (writing->step) {
    case WRITE_TRUSTEE:
        take_trustee(writing, entry);
        entry_free(entry);
        break;
    case WRITE_READ:
        take_object(writing, entry);
        break;
    case WRITE_COMPARE:
        compare_object(writing, entry);
        break;
    case WRITE_CHECK:
        check_object(writing, entry);
        entry_free(entry);
        break;
    case WRITE_MODIFY:
        entry_free(entry); /* no reading is under way then */
        break;
    }
}

static void on_modified(struct directory_modification *modification, enum error error, const char *why)
{
    struct writing *writing = list_entry(modification, struct writing, modification);
    writing->is_modifying = false;
    if (writing->is_over)
        return;
    if (error != OK)
        note_set(writing->note, "%.160s: %s", writing->request->dn, why);
    if (error == OK && is_ad(writing))
        begin(writing, WRITE_CHECK);
    else
        finish(writing, error);
}

static void modify(struct writing *writing)
{
    writing->modification = (struct directory_modification){
        .dn = writing->request->dn,
        .edits = writing->result->change.edits,
        .edit_count = writing->result->change.edit_count,
        .on_done = on_modified,
    };
    writing->is_modifying = true;
    writing->directory->ops->modify(writing->directory, &writing->modification);
}

static void begin(struct writing *writing, enum write_step step)
{
    writing->step = step;
    if (step == WRITE_MODIFY) {
        modify(writing);
        return;
    }
    bool is_trustee = step == WRITE_TRUSTEE;
    char *dn = bytes_copy_text(is_trustee ? writing->change.ace.dn : bytes_of_text(writing->request->dn));
    writing->search = base_search_start(writing->directory, dn,
                                        is_trustee ? principal_attributes : permission_change_attributes,
                                        on_result, writing);
    free(dn);
    if (!writing->search)
        finish(writing, ERROR_TEMPORARY);
}

/* Start */

static void on_state(void *owner, bool is_up, const char *why)
{
    struct writing *writing = owner;
    if (!is_up && why)
        strncpy(writing->why_down, why, sizeof writing->why_down - 1);
    if (!is_up || writing->is_started)
        return;
    writing->is_started = true;
    writing->result->flavor = writing->directory->ops->info(writing->directory)->flavor;
    begin(writing, writing->change.ace.trustee_kind == ACE_TRUSTEE_DN ? WRITE_TRUSTEE : WRITE_READ);
}

enum error permission_write(const struct permission_write_request *request,
                            struct permission_write_result *out, struct note *note)
{
    *out = (struct permission_write_result){0};
    arena_init(&out->arena, WRITE_ARENA_BYTES);
    struct writing writing = {
        .request = request,
        .change = request->change,
        .result = out,
        .note = note,
        .error = ERROR_TIMEOUT,
        .loop = loop_new("write", NULL),
    };
    if (!writing.loop)
        return ERROR_TEMPORARY;
    loop_timer_init(&writing.deadline, writing.loop, close_all);
    enum error error = directory_open(request->directory, writing.loop, &writing.directory, note);
    if (error == OK) {
        writing.directory->on_state = on_state;
        writing.directory->on_state_owner = &writing;
        loop_timer_start(&writing.deadline, request->timeout_ms);
        loop_run(writing.loop);
        error = writing.error;
    }
    loop_free(writing.loop);
    return error;
}

void permission_write_done(struct permission_write_result *result)
{
    entry_free(result->entry);
    arena_done(&result->arena);
}

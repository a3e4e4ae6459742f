/* Happy path: the directory is up -> one change after the other -> closed. Failures: another kind of
 * directory (ERROR_NOT_FOUND), a change without an answer (its error ends it all), no answer in time
 * (ERROR_TIMEOUT). */
#include "source/object_change.h"

#include "base/bytes.h"

struct run {
    const struct object_change_request *request;
    struct note *note;
    struct loop *loop;
    struct directory *directory;
    struct loop_timer deadline;
    struct directory_modification modification;
    size_t next;
    bool is_started;
    bool is_over;
    enum error error;
};

static void on_closed(void *owner)
{
    struct run *run = owner;
    loop_end(run->loop);
}

static void close_all(struct loop_timer *timer)
{
    struct run *run = list_entry(timer, struct run, deadline);
    run->is_over = true;
    run->directory->ops->close(run->directory, on_closed, run);
}

/* The directory is still on the stack: closing begins on the next turn. */
static void finish(struct run *run, enum error error)
{
    run->error = error;
    run->is_over = true;
    loop_timer_start(&run->deadline, 0);
}

static void make_next(struct run *run);

static void on_done(struct directory_modification *modification, enum error error, const char *why)
{
    struct run *run = list_entry(modification, struct run, modification);
    if (run->is_over)
        return;
    struct object_change *change = &run->request->changes[run->next++];
    change->error = error;
    note_set(&change->why, "%s", why);
    if (error == ERROR_TIMEOUT || error == ERROR_TEMPORARY) {
        note_set(run->note, "%s", why);
        finish(run, error);
    } else {
        make_next(run);
    }
}

static void make_next(struct run *run)
{
    if (run->next == run->request->count) {
        finish(run, OK);
        return;
    }
    const struct object_change *change = &run->request->changes[run->next];
    run->modification = (struct directory_modification){
        .dn = change->dn,
        .change = change->change,
        .edits = change->edits,
        .edit_count = change->edit_count,
        .on_done = on_done,
    };
    run->directory->ops->modify(run->directory, &run->modification);
}

static void on_state(void *owner, bool is_up, const char *why)
{
    struct run *run = owner;
    if (!is_up && why)
        note_set(run->note, "%s", why);
    if (!is_up || run->is_started)
        return;
    run->is_started = true;
    enum directory_flavor flavor = run->directory->ops->info(run->directory)->flavor;
    if (run->request->only_for == FLAVOR_UNKNOWN || run->request->only_for == flavor) {
        make_next(run);
    } else {
        note_set(run->note, "the directory is of another kind");
        finish(run, ERROR_NOT_FOUND);
    }
}

enum error object_changes_make(const struct object_change_request *request, struct note *note)
{
    struct run run = {
        .request = request, .note = note, .error = ERROR_TIMEOUT, .loop = loop_new("change", NULL)};
    if (!run.loop)
        return ERROR_TEMPORARY;
    loop_timer_init(&run.deadline, run.loop, close_all);
    enum error error = directory_open(request->directory, run.loop, &run.directory, note);
    if (error == OK) {
        run.directory->on_state = on_state;
        run.directory->on_state_owner = &run;
        loop_timer_start(&run.deadline, request->timeout_ms);
        loop_run(run.loop);
        error = run.error;
    }
    loop_free(run.loop);
    return error;
}

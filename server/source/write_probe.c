/* Happy path: the directory is up -> one change after the other is tried -> closed. Failures: another kind of
 * directory (ERROR_NOT_FOUND), no answer in time (ERROR_TIMEOUT); what was tried by then does not count. */
#include "source/write_probe.h"

#include "base/bytes.h"

#define ABSENT_VALUE                                                                                         \
    "deny * to S-1-0-0 (a value that is never there: dirrelay lint asks whether it may write)"

static const char *const ATTRIBUTES[] = {"dirrelayAce", "msExchSmtpReceiveRemoteIPRanges"};
#define ATTRIBUTE_COUNT (sizeof ATTRIBUTES / sizeof ATTRIBUTES[0])

struct probe {
    const struct write_probe_request *request;
    bool *may_write;
    struct note *note;
    struct loop *loop;
    struct directory *directory;
    struct loop_timer deadline;
    struct directory_modification modification;
    struct bytes value;
    struct directory_edit edit;
    size_t next; /* object and attribute */
    bool is_started;
    bool is_over;
    enum error error;
};

static void on_closed(void *owner)
{
    struct probe *probe = owner;
    loop_end(probe->loop);
}

static void close_all(struct loop_timer *timer)
{
    struct probe *probe = list_entry(timer, struct probe, deadline);
    probe->is_over = true;
    probe->directory->ops->close(probe->directory, on_closed, probe);
}

/* The directory is still on the stack: closing begins on the next turn. */
static void finish(struct probe *probe, enum error error)
{
    probe->error = error;
    probe->is_over = true;
    loop_timer_start(&probe->deadline, 0);
}

static void try_next(struct probe *probe);

/* NOT_FOUND is said of a value that is not there, but of an object as well: only the words tell which. */
static void on_tried(struct directory_modification *modification, enum error error, const char *why)
{
    struct probe *probe = list_entry(modification, struct probe, modification);
    if (probe->is_over)
        return;
    if (error == ERROR_NOT_FOUND && bytes_starts_nocase(bytes_of_text(why), "No such attribute"))
        probe->may_write[probe->next / ATTRIBUTE_COUNT] = true;
    probe->next++;
    if (error == ERROR_TIMEOUT || error == ERROR_TEMPORARY) {
        note_set(probe->note, "%s", why);
        finish(probe, error);
    } else {
        try_next(probe);
    }
}

static void try_next(struct probe *probe)
{
    if (probe->next == probe->request->count * ATTRIBUTE_COUNT) {
        finish(probe, OK);
        return;
    }
    probe->value = BYTES_LITERAL(ABSENT_VALUE);
    probe->edit = (struct directory_edit){.kind = EDIT_DELETE,
                                          .attribute = ATTRIBUTES[probe->next % ATTRIBUTE_COUNT],
                                          .values = &probe->value,
                                          .value_count = 1};
    probe->modification = (struct directory_modification){
        .dn = probe->request->dns[probe->next / ATTRIBUTE_COUNT],
        .edits = &probe->edit,
        .edit_count = 1,
        .on_done = on_tried,
    };
    probe->directory->ops->modify(probe->directory, &probe->modification);
}

static void on_state(void *owner, bool is_up, const char *why)
{
    struct probe *probe = owner;
    if (!is_up && why)
        note_set(probe->note, "%.200s", why);
    if (!is_up || probe->is_started)
        return;
    probe->is_started = true;
    if (probe->directory->ops->info(probe->directory)->flavor == FLAVOR_OPENLDAP)
        try_next(probe);
    else
        finish(probe, ERROR_NOT_FOUND);
}

enum error write_probe(const struct write_probe_request *request, bool *out_may_write, struct note *note)
{
    struct probe probe = {
        .request = request,
        .may_write = out_may_write,
        .note = note,
        .error = ERROR_TIMEOUT,
        .loop = loop_new("probe", NULL),
    };
    if (!probe.loop)
        return ERROR_TEMPORARY;
    loop_timer_init(&probe.deadline, probe.loop, close_all);
    enum error error = directory_open(request->directory, probe.loop, &probe.directory, note);
    if (error == OK) {
        probe.directory->on_state = on_state;
        probe.directory->on_state_owner = &probe;
        loop_timer_start(&probe.deadline, request->timeout_ms);
        loop_run(probe.loop);
        error = probe.error;
    }
    loop_free(probe.loop);
    return error;
}

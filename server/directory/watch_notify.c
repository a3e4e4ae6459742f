/* A watch by Active Directory's change notification (LDAP_SERVER_NOTIFICATION, [MS-ADTS] 3.1.1.3.4.1.9).
 *
 * A notification only says that something below the base changed; what did is then read: the entries past the
 * watermark of update sequence numbers, and the ids of all, for what is gone moves out of the base and is not
 * notified. Where the watermark does not hold (another DC, a restored one, the first look) all entries are
 * read. Between notifications the DC's highest number is asked for, which finds deletions.
 *
 * Inherited ACEs reach the objects below a changed container later and move no number: a while after a
 * change, and every poll interval, all entries are read and compared. */
#include "base/event.h"
#include "directory/entry_builder.h"
#include "directory/result_code.h"
#include "directory/search.h"
#include "directory/watch.h"

#include <stdlib.h>
#include <string.h>

#define NOTIFICATION_OID "1.2.840.113556.1.4.528"
/* How often the number is asked for; a look that takes long makes it rarer, so that it costs the DC at most a
 * twentieth of its time. */
#define BEAT_MS 2000
#define DUTY    20
/* Until the descriptors below a changed container are rewritten. */
#define SETTLE_MS       1000
#define DEFAULT_POLL_MS 60000

static const char *const no_attributes[] = {"1.1", NULL};

static void look(struct watch_run *run);
static void begin_search(struct watch_run *run, enum watch_look step, const char *base,
                         enum directory_scope scope);

static uint64_t now_ms(const struct watch_run *run)
{
    return loop_now_ms(run->connection->face.loop);
}

static uint64_t poll_ms(const struct watch_run *run)
{
    return run->connection->config.poll_ms ? run->connection->config.poll_ms : DEFAULT_POLL_MS;
}

/* Between looks */

static void schedule(struct watch_run *run)
{
    uint64_t delay = DUTY * (now_ms(run) - run->look_began_ms);
    delay = delay < BEAT_MS ? BEAT_MS : delay > poll_ms(run) ? poll_ms(run) : delay;
    uint64_t now = now_ms(run);
    uint64_t until_full = run->full_due_ms > now ? run->full_due_ms - now : 0;
    if (run->is_notified)
        delay = 0;
    loop_timer_start(&run->look_timer, until_full < delay ? until_full : delay);
}

static void on_look_timer(struct loop_timer *timer)
{
    look(list_entry(timer, struct watch_run, look_timer));
}

/* The look is over and everything was read. */
static void end_look(struct watch_run *run)
{
    bool was_full = run->step == LOOK_ALL;
    usn_advance(&run->mark, &run->server);
    if (was_full)
        run->full_due_ms = now_ms(run) + poll_ms(run);
    else if (run->has_found_change)
        run->full_due_ms = now_ms(run) + SETTLE_MS;
    watch_end_round(run);
    if (run->watch)
        watch_is_current(run);
    if (run->watch)
        schedule(run);
}

static void end_quiet_look(struct watch_run *run)
{
    watch_is_current(run);
    if (run->watch)
        schedule(run);
}

/* Steps */

static void begin_entries(struct watch_run *run)
{
    run->has_found_change = false;
    bool may_continue = usn_may_continue(&run->mark, &run->server);
    bool is_full = !may_continue || run->full_due_ms <= now_ms(run);
    if (!is_full && !run->is_notified && run->server.highest == run->mark.usn) {
        end_quiet_look(run);
        return;
    }
    run->is_notified = false;
    snapshot_begin_round(&run->seen);
    begin_search(run, is_full ? LOOK_ALL : LOOK_CHANGED, run->watch->base, SCOPE_SUBTREE);
}

static void end_root(struct watch_run *run)
{
    if (!run->server_dn) {
        /* An AD that does not count: then its content tells. */
        run->is_push_refused = true;
        watch_restart(run, 0);
    } else if (!run->is_server_known) {
        begin_search(run, LOOK_SERVER, run->server_dn, SCOPE_BASE);
    } else {
        begin_entries(run);
    }
}

static void on_entry(struct directory_search *search, struct entry *entry)
{
    struct watch_run *run = list_entry(search, struct watch_run, search);
    struct bytes server_dn;
    if (!entry->has_id)
        entry_make_id(entry);
    switch (run->step) {
    case LOOK_ROOT:
        if (usn_read_root(entry, &run->server.highest, &server_dn) == OK && !run->server_dn)
            run->server_dn = bytes_copy_text(server_dn);
        break;
    case LOOK_SERVER:
        run->server.has_invocation = usn_read_invocation(entry, run->server.invocation);
        break;
    case LOOK_CHANGED:
        run->has_found_change = true;
        watch_saw(run, entry);
        return;
    case LOOK_ALL:
        watch_saw(run, entry);
        return;
    case LOOK_IDS:
        /* One that was not handed over yet came into sight without a change of its own. */
        if (!snapshot_keep(&run->seen, entry->id))
            run->has_found_change = true;
        break;
    }
    entry_free(entry);
}

static void end_step(struct watch_run *run)
{
    switch (run->step) {
    case LOOK_ROOT:
        end_root(run);
        break;
    case LOOK_SERVER:
        run->is_server_known = true;
        begin_entries(run);
        break;
    case LOOK_CHANGED:
        begin_search(run, LOOK_IDS, run->watch->base, SCOPE_SUBTREE);
        break;
    case LOOK_IDS:
    case LOOK_ALL:
        end_look(run);
        break;
    }
}

static void on_done(struct directory_search *search, enum error error)
{
    struct watch_run *run = list_entry(search, struct watch_run, search);
    run->is_searching = false;
    if (!run->watch) {
        exchange_wake(&run->connection->exchange); /* it waited for this to be freed */
        return;
    }
    if (!run->source)
        return; /* the connection went away meanwhile; all watches are told of that together */
    /* Who may not read the server's object gets every look in full. */
    bool is_hidden =
        run->step == LOOK_SERVER && (error == ERROR_NOT_FOUND || error == ERROR_DENIED_CREDENTIALS);
    if (error == OK || is_hidden)
        end_step(run);
    else if (error != ERROR_CANCELED)
        watch_failed(run, error, "the look at the directory failed");
}

static void begin_search(struct watch_run *run, enum watch_look step, const char *base,
                         enum directory_scope scope)
{
    static const char everything[] = "(objectClass=*)";
    static const char *const *const attributes[] = {
        [LOOK_ROOT] = usn_root_attributes, [LOOK_SERVER] = usn_server_attributes, [LOOK_IDS] = no_attributes};
    const char *filter = run->watch->filter ? run->watch->filter : everything;
    bool has_content = step == LOOK_CHANGED || step == LOOK_ALL;
    if (step == LOOK_CHANGED) {
        buffer_clear(&run->changed_filter);
        if (usn_write_filter(&run->mark, filter, &run->changed_filter) != OK) {
            watch_failed(run, ERROR_TEMPORARY, "no memory");
            return;
        }
    }
    run->step = step;
    run->is_searching = true;
    run->search = (struct directory_search){
        .base = base,
        .scope = scope,
        .filter = scope == SCOPE_BASE    ? everything
                  : step == LOOK_CHANGED ? run->changed_filter.ptr
                                         : filter,
        .attributes = has_content ? run->watch->attributes : attributes[step],
        .deadline_ms = 6 * run->connection->exchange.operation_ms,
        .on_entry = on_entry,
        .on_done = on_done,
    };
    search_start(&run->connection->face, &run->search);
}

static void look(struct watch_run *run)
{
    run->look_began_ms = now_ms(run);
    begin_search(run, LOOK_ROOT, "", SCOPE_BASE);
}

/* The notification: a search that does not end */

static struct watch_run *run_of(struct request *request)
{
    return list_entry(request, struct watch_run, request);
}

static void on_notification(struct request *request, LDAP *ldap, LDAPMessage *message)
{
    (void)ldap;
    struct watch_run *run = run_of(request);
    if (ldap_msgtype(message) != LDAP_RES_SEARCH_ENTRY)
        return;
    run->is_notified = true;
    if (!run->is_searching)
        loop_timer_start(&run->look_timer, 0);
}

static bool is_refusal(int code)
{
    static const int codes[] = {
        LDAP_UNAVAILABLE_CRITICAL_EXTENSION,
        LDAP_UNWILLING_TO_PERFORM,
        LDAP_ADMINLIMIT_EXCEEDED, /* five for one connection */
        LDAP_INSUFFICIENT_ACCESS,
        LDAP_PROTOCOL_ERROR,
    };
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i] == code)
            return true;
    return false;
}

static void on_result(struct request *request, LDAP *ldap, LDAPMessage *message)
{
    struct watch_run *run = run_of(request);
    int code = LDAP_OTHER;
    ldap_parse_result(ldap, message, &code, NULL, NULL, NULL, NULL, 0);
    if (is_refusal(code)) {
        run->is_push_refused = true;
        event_say(EVENT_WARNING, "directory.no_notification", "%s: %s; changes are found by polling",
                  run->watch->base, ldap_err2string(code));
        watch_restart(run, 0);
    } else {
        watch_failed(run, code == LDAP_SUCCESS ? ERROR_TEMPORARY : result_code_error(code),
                     ldap_err2string(code));
    }
}

static void on_fail(struct request *request, enum error error, const char *why)
{
    /* The connection's loss is told to all watches together. */
    struct watch_run *run = run_of(request);
    if (connection_is_up(run->connection))
        watch_failed(run, error, why);
}

/* Life */

static bool notify_fits(const struct watch_run *run)
{
    return run->connection->handle.features.has_notification && !run->is_push_refused;
}

static void notify_start(struct watch_run *run)
{
    struct connection *connection = run->connection;
    loop_timer_init(&run->look_timer, connection->face.loop, on_look_timer);
    if (run->is_searching) {
        loop_timer_start(&run->timer, 50); /* one that was canceled is not over yet */
        return;
    }
    free(run->server_dn);
    run->server_dn = NULL;
    run->server = (struct usn_state){0};
    run->is_server_known = run->is_notified = false;
    static char oid[] = NOTIFICATION_OID;
    run->request = (struct request){
        .base = run->watch->base,
        .scope = SCOPE_SUBTREE,
        .filter = "(objectClass=*)", /* no other is allowed */
        .attributes = no_attributes,
        .controls = {{oid, {0, NULL}, 1}},
        .control_count = 1,
        .on_message = on_notification,
        .on_result = on_result,
        .on_fail = on_fail,
    };
    exchange_send(&connection->exchange, &run->request);
    look(run);
}

static void notify_stop(struct watch_run *run)
{
    loop_timer_stop(&run->look_timer);
    exchange_cancel(&run->connection->exchange, &run->request);
    if (run->is_searching)
        search_cancel(&run->search);
}

const struct watch_source watch_notify = {"notification", true, notify_fits, notify_start, notify_stop};

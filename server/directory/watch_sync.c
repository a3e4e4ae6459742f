/* A watch by RFC 4533, refreshAndPersist: first the refresh, then every change as it is made.
 *
 * With a cookie the server names what changed since; then either what it does not name is gone (present
 * phase) or it names what is gone (delete phase). Without one it sends everything, and what it does not send
 * is gone. Refreshes that break off leave the cookie as it was, so that the next one does all of it again. */
#include "base/event.h"
#include "directory/berval.h"
#include "directory/entry_message.h"
#include "directory/result_code.h"
#include "directory/sync_message.h"
#include "directory/watch.h"

#include <string.h>

#define AGAIN_MS 200

static struct watch_run *run_of(struct request *request)
{
    return list_entry(request, struct watch_run, request);
}

static void keep_cookie(struct watch_run *run, struct bytes cookie)
{
    if (cookie.len == 0 || run->is_refreshing)
        return;
    buffer_clear(&run->cookie);
    if (buffer_append(&run->cookie, cookie) != OK)
        buffer_clear(&run->cookie); /* too long: the next refresh is a full one */
    run->cookie_uri = run->connection->uri;
}

static void end_refresh(struct watch_run *run, struct bytes cookie)
{
    if (run->is_full)
        watch_end_round(run);
    run->is_refreshing = false;
    keep_cookie(run, cookie);
    run->request.deadline_ms = 0; /* from here on silence is no failure; the probe finds a dead peer */
    watch_is_current(run);
}

/* While the refresh goes on every message moves the deadline. */
static void note_progress(struct watch_run *run)
{
    if (run->is_refreshing)
        run->request.deadline_ms =
            loop_now_ms(run->connection->face.loop) + run->connection->exchange.operation_ms;
}

static void fail(struct watch_run *run, enum error error, const char *why)
{
    buffer_clear(&run->cookie);
    watch_failed(run, error, why);
}

/* Entries */

static struct entry *read_entry(struct watch_run *run, LDAP *ldap, LDAPMessage *message, const uint8_t id[16])
{
    struct entry_builder builder;
    struct entry_ranges ranges;
    enum error error = entry_message_begin(ldap, message, &builder, &ranges);
    if (error == OK && ranges.count > 0) {
        entry_builder_drop(&builder);
        error = ERROR_PROTOCOL; /* only AD sends ranges, and AD has no such watch */
    }
    if (error != OK) {
        event_say(EVENT_ERROR, "directory.entry_unreadable", "an entry below %s: %s", run->watch->base,
                  error_name(error));
        return NULL;
    }
    struct entry *entry = entry_builder_finish(&builder);
    memcpy(entry->id, id, sizeof entry->id);
    entry->has_id = true;
    return entry;
}

static void take_entry(struct watch_run *run, LDAP *ldap, LDAPMessage *message,
                       const struct sync_entry *state)
{
    struct entry *entry;
    switch (state->state) {
    case SYNC_STATE_PRESENT:
        snapshot_keep(&run->seen, state->id);
        break;
    case SYNC_STATE_ADD:
    case SYNC_STATE_MODIFY:
        entry = read_entry(run, ldap, message, state->id);
        if (entry)
            watch_saw(run, entry);
        break;
    case SYNC_STATE_DELETE:
        watch_vanished(run, state->id);
        break;
    }
    if (run->watch)
        keep_cookie(run, state->cookie);
}

static void on_entry(struct watch_run *run, LDAP *ldap, LDAPMessage *message)
{
    LDAPControl **controls = NULL;
    struct sync_entry state;
    enum error error = ERROR_PROTOCOL;
    ldap_get_entry_controls(ldap, message, &controls);
    LDAPControl *control = controls ? ldap_control_find(LDAP_CONTROL_SYNC_STATE, controls, NULL) : NULL;
    if (control)
        error = sync_message_read_entry(bytes_of_berval(&control->ldctl_value), &state);
    ldap_controls_free(controls);
    if (error != OK) {
        fail(run, ERROR_PROTOCOL, "an entry without a sync state");
        return;
    }
    take_entry(run, ldap, message, &state);
    sync_message_entry_done(&state);
}

/* Sync info messages */

static void take_id_set(struct watch_run *run, const struct sync_info *info)
{
    for (size_t i = 0; run->watch && i < info->id_count; i++) {
        const uint8_t *id = (const uint8_t *)info->ids[i].ptr;
        if (info->are_deletes)
            watch_vanished(run, id);
        else
            snapshot_keep(&run->seen, id);
    }
    if (run->watch)
        keep_cookie(run, info->cookie);
}

static void take_info(struct watch_run *run, const struct sync_info *info)
{
    switch (info->kind) {
    case SYNC_INFO_COOKIE:
        keep_cookie(run, info->cookie);
        break;
    case SYNC_INFO_REFRESH_PRESENT:
        run->is_full = true; /* whatever was not named by now is gone */
        if (info->is_refresh_done)
            end_refresh(run, info->cookie);
        else
            watch_end_round(run);
        break;
    case SYNC_INFO_REFRESH_DELETE:
        if (info->is_refresh_done)
            end_refresh(run, info->cookie);
        break;
    case SYNC_INFO_ID_SET:
        take_id_set(run, info);
        break;
    }
}

static void on_intermediate(struct watch_run *run, LDAP *ldap, LDAPMessage *message)
{
    char *oid = NULL;
    struct berval *value = NULL;
    int code = ldap_parse_intermediate(ldap, message, &oid, &value, NULL, 0);
    bool is_info = code == LDAP_SUCCESS && oid && value && strcmp(oid, LDAP_SYNC_INFO) == 0;
    struct sync_info info;
    enum error error = is_info ? sync_message_read_info(bytes_of_berval(value), &info) : OK;
    ldap_memfree(oid);
    ber_bvfree(value);
    if (error != OK) {
        fail(run, ERROR_PROTOCOL, "an unreadable sync message");
    } else if (is_info) {
        take_info(run, &info);
        sync_message_info_done(&info);
    }
}

/* The request */

static void on_message(struct request *request, LDAP *ldap, LDAPMessage *message)
{
    struct watch_run *run = run_of(request);
    note_progress(run);
    if (ldap_msgtype(message) == LDAP_RES_SEARCH_ENTRY)
        on_entry(run, ldap, message);
    else if (ldap_msgtype(message) == LDAP_RES_INTERMEDIATE)
        on_intermediate(run, ldap, message);
}

/* The server ends it: refused, or it wants the refresh done again. */
static void on_result(struct request *request, LDAP *ldap, LDAPMessage *message)
{
    struct watch_run *run = run_of(request);
    int code = LDAP_OTHER;
    char *text = NULL;
    ldap_parse_result(ldap, message, &code, NULL, &text, NULL, NULL, 0);
    bool had_cookie = run->cookie.len > 0;
    buffer_clear(&run->cookie);
    if (code == LDAP_UNAVAILABLE_CRITICAL_EXTENSION) {
        run->is_push_refused = true;
        watch_restart(run, 0);
    } else if (had_cookie) {
        /* e-syncRefreshRequired, or whatever the cookie did not agree with: once more, from the beginning. */
        watch_restart(run, code == LDAP_SYNC_REFRESH_REQUIRED ? 0 : AGAIN_MS);
    } else {
        watch_failed(run, code == LDAP_SUCCESS ? ERROR_TEMPORARY : result_code_error(code),
                     text && *text ? text : ldap_err2string(code));
    }
    ldap_memfree(text);
}

static void on_fail(struct request *request, enum error error, const char *why)
{
    /* The connection's loss is told to all watches together; a deadline of ours alone is ours. */
    struct watch_run *run = run_of(request);
    if (connection_is_up(run->connection))
        watch_failed(run, error, why);
}

static bool sync_fits(const struct watch_run *run)
{
    return run->connection->handle.features.has_sync && !run->is_push_refused;
}

static void sync_start(struct watch_run *run)
{
    struct connection *connection = run->connection;
    if (run->cookie_uri != connection->uri)
        buffer_clear(&run->cookie); /* another server's */
    run->is_refreshing = true;
    run->is_full = run->cookie.len == 0;
    snapshot_begin_round(&run->seen);
    buffer_clear(&run->control_value);
    if (sync_message_write_request(buffer_bytes(&run->cookie), &run->control_value) != OK) {
        watch_failed(run, ERROR_TEMPORARY, "no memory");
        return;
    }
    static char oid[] = LDAP_CONTROL_SYNC;
    run->request = (struct request){
        .base = run->watch->base,
        .scope = SCOPE_SUBTREE,
        .filter = run->watch->filter ? run->watch->filter : "(objectClass=*)",
        .attributes = run->attributes,
        .controls = {{oid, berval_of_bytes(buffer_bytes(&run->control_value)), 1}},
        .control_count = 1,
        .on_message = on_message,
        .on_result = on_result,
        .on_fail = on_fail,
    };
    note_progress(run);
    exchange_send(&connection->exchange, &run->request);
}

static void sync_stop(struct watch_run *run)
{
    exchange_cancel(&run->connection->exchange, &run->request);
}

const struct watch_source watch_sync = {"sync", true, sync_fits, sync_start, sync_stop};

#include "directory/connection.h"

#include "directory/modify.h"
#include "directory/search.h"
#include "directory/uri.h"
#include "directory/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_LEAST_MS 100
#define PAUSE_MOST_MS  5000
/* A connection that stood this long was a good one: the pauses begin small again. */
#define GOOD_AFTER_MS       5000
#define DEFAULT_DEADLINE_MS 10000
#define DEFAULT_PROBE_MS    15000

static void open_next(struct connection *connection);

static struct connection *connection_of(const struct directory *directory)
{
    return (struct connection *)(uintptr_t)directory;
}

bool connection_is_up(const struct connection *connection)
{
    return connection->state == CONNECTION_UP;
}

void connection_add_controls(const struct connection *connection, struct request *request)
{
    const struct flavor *flavor = flavor_row(connection->info.flavor);
    if (!flavor->control_oid)
        return;
    struct berval value = {flavor->control_value.len, (char *)(uintptr_t)flavor->control_value.ptr};
    request->controls[request->control_count++] =
        (LDAPControl){(char *)(uintptr_t)flavor->control_oid, value, 0};
}

const char **connection_attributes(const struct connection *connection, const char *const *wanted)
{
    size_t count = 0;
    while (wanted && wanted[count])
        count++;
    const char **attributes = calloc(count + 3, sizeof *attributes);
    if (!attributes)
        return NULL;
    for (size_t i = 0; i < count; i++)
        attributes[i] = wanted[i];
    if (!wanted)
        attributes[count++] = "*";
    attributes[count] = flavor_row(connection->info.flavor)->id_attribute;
    return attributes;
}

static void tell(struct connection *connection, bool is_up, const char *why)
{
    if (connection->told == (is_up ? TOLD_UP : TOLD_DOWN))
        return;
    connection->told = is_up ? TOLD_UP : TOLD_DOWN;
    if (connection->face.on_state && !connection->is_closing)
        connection->face.on_state(connection->face.on_state_owner, is_up, why);
}

/* Probe: a peer that is silently gone sends nothing, so it is asked for something small. */

static void schedule_probe(struct connection *connection)
{
    uint64_t probe_ms = connection->config.probe_ms ? connection->config.probe_ms : DEFAULT_PROBE_MS;
    loop_timer_start(&connection->probe_timer, probe_ms);
}

static void on_probe_message(struct request *request, LDAP *ldap, LDAPMessage *message)
{
    (void)request;
    (void)ldap;
    (void)message;
}

static void on_probe_result(struct request *request, LDAP *ldap, LDAPMessage *message)
{
    (void)ldap;
    (void)message; /* whatever it says: it says something */
    schedule_probe(list_entry(request, struct connection, probe));
}

static void on_probe_fail(struct request *request, enum error error, const char *why)
{
    (void)error;
    (void)why; /* the exchange has judged the silence; if others were answered meanwhile it goes on */
    schedule_probe(list_entry(request, struct connection, probe));
}

static void on_probe_timer(struct loop_timer *timer)
{
    static const char *const no_attributes[] = {"1.1", NULL};
    struct connection *connection = list_entry(timer, struct connection, probe_timer);
    if (!connection_is_up(connection))
        return;
    connection->probe = (struct request){
        .base = "",
        .scope = SCOPE_BASE,
        .filter = "(objectClass=*)",
        .attributes = no_attributes,
        .deadline_ms = loop_now_ms(connection->face.loop) + connection->exchange.operation_ms,
        .on_message = on_probe_message,
        .on_result = on_probe_result,
        .on_fail = on_probe_fail,
    };
    exchange_send(&connection->exchange, &connection->probe);
}

/* Opening */

static void open_work(struct job *job)
{
    struct connection *connection = list_entry(job, struct connection, open_job);
    connection->open_note.text[0] = '\0';
    connection->open_error =
        handle_open(&connection->handle, &connection->config, connection->config.uris[connection->uri],
                    connection->watchdog, &connection->open_note);
}

/* The delay doubles; half of it is by chance, so that many relays do not come back in step. */
static void pause_opening(struct connection *connection)
{
    connection->state = CONNECTION_PAUSED;
    connection->pause_ms = connection->pause_ms ? 2 * connection->pause_ms : PAUSE_LEAST_MS;
    if (connection->pause_ms > PAUSE_MOST_MS)
        connection->pause_ms = PAUSE_MOST_MS;
    uint64_t half = connection->pause_ms / 2;
    loop_timer_start(&connection->pause_timer, half + arc4random_uniform((uint32_t)half + 1));
}

static void open_failed(struct connection *connection)
{
    if (++connection->uri < connection->config.uri_count) {
        open_next(connection);
        return;
    }
    connection->uri = 0;
    pause_opening(connection);
    tell(connection, false, connection->open_note.text);
}

static void open_succeeded(struct connection *connection)
{
    connection->state = CONNECTION_UP;
    connection->info = connection->handle.info;
    connection->has_info = true;
    connection->up_since_ms = loop_now_ms(connection->face.loop);
    schedule_probe(connection);
    tell(connection, true, NULL);
    if (!connection->is_closing)
        watch_connected(connection);
}

static void open_done(struct job *job)
{
    struct connection *connection = list_entry(job, struct connection, open_job);
    connection->state = CONNECTION_PAUSED;
    if (connection->is_closing) {
        exchange_wake(&connection->exchange);
        return;
    }
    if (connection->open_error == OK) {
        connection->open_error = exchange_attach(&connection->exchange, &connection->handle);
        if (connection->open_error != OK)
            handle_close(&connection->handle, false);
    }
    if (connection->open_error == OK)
        open_succeeded(connection);
    else
        open_failed(connection);
}

static void open_next(struct connection *connection)
{
    connection->state = CONNECTION_OPENING;
    connection->open_job = (struct job){.work = open_work, .done = open_done};
    if (jobs_submit(connection->jobs, connection->face.loop, &connection->open_job) != OK)
        pause_opening(connection); /* our own pool has one thread and one asker: this does not happen */
}

static void on_pause_over(struct loop_timer *timer)
{
    open_next(list_entry(timer, struct connection, pause_timer));
}

static void on_lost(void *owner, enum error error, const char *why)
{
    struct connection *connection = owner;
    char told[320];
    snprintf(told, sizeof told, "%.200s: %.100s", connection->info.uri, why);
    connection->state = CONNECTION_PAUSED;
    loop_timer_stop(&connection->probe_timer);
    exchange_cancel(&connection->exchange, &connection->probe);
    watch_disconnected(connection, error, told);
    exchange_detach(&connection->exchange, error == ERROR_TIMEOUT ? ERROR_TIMEOUT : ERROR_TEMPORARY, told);
    handle_close(&connection->handle, false);
    if (loop_now_ms(connection->face.loop) - connection->up_since_ms >= GOOD_AFTER_MS)
        connection->pause_ms = 0;
    connection->uri = 0;
    tell(connection, false, told);
    if (connection->is_closing)
        return;
    pause_opening(connection);
}

/* Closing: searches end, watches fall silent, a running job is waited for, then everything goes at once. */

static void free_config(struct directory_config *config)
{
    for (size_t i = 0; i < config->uri_count; i++)
        free((char *)(uintptr_t)config->uris[i]);
    free((char *)(uintptr_t)config->bind_dn);
    if (config->bind_password)
        explicit_bzero((char *)(uintptr_t)config->bind_password, strlen(config->bind_password));
    free((char *)(uintptr_t)config->bind_password);
    free((char *)(uintptr_t)config->sasl_mech);
    free((char *)(uintptr_t)config->ca_file);
}

static void free_connection(struct connection *connection)
{
    jobs_free(connection->jobs);
    watchdog_free(connection->watchdog);
    free_config(&connection->config);
    free(connection);
}

static void finish_close(struct connection *connection)
{
    void (*on_closed)(void *owner) = connection->on_closed;
    void *owner = connection->on_closed_owner;
    bool is_alive =
        connection->exchange.handle && connection->exchange.lost == OK && !connection->exchange.is_unflushed;
    exchange_detach(&connection->exchange, ERROR_CANCELED, "closed");
    handle_close(&connection->handle, is_alive);
    loop_timer_stop(&connection->pause_timer);
    loop_timer_stop(&connection->probe_timer);
    free_connection(connection);
    if (on_closed)
        on_closed(owner);
}

static void on_turn(void *owner)
{
    struct connection *connection = owner;
    search_tell_ended(connection);
    modify_tell_ended(connection);
    watch_sweep(connection);
    if (!connection->is_closing || connection->state == CONNECTION_OPENING)
        return;
    bool is_quiet = list_is_empty(&connection->searches) && list_is_empty(&connection->ended_searches) &&
                    list_is_empty(&connection->modifications) &&
                    list_is_empty(&connection->ended_modifications) &&
                    list_is_empty(&connection->stopped_watches);
    if (is_quiet && !exchange_is_posted(&connection->exchange))
        finish_close(connection);
}

static void close_connection(struct directory *directory, void (*on_closed)(void *owner), void *owner)
{
    struct connection *connection = connection_of(directory);
    connection->is_closing = true;
    connection->on_closed = on_closed;
    connection->on_closed_owner = owner;
    loop_off_end(&connection->end_hook);
    loop_timer_stop(&connection->pause_timer);
    loop_timer_stop(&connection->probe_timer);
    exchange_cancel(&connection->exchange, &connection->probe);
    watch_stop_all(connection);
    search_cancel_all(connection);
    modify_cancel_all(connection);
    if (connection->state == CONNECTION_OPENING)
        watchdog_give_up(connection->watchdog);
    exchange_wake(&connection->exchange);
}

/* Nobody closed it before the loop's end. */
static void on_loop_end(struct loop_end_hook *hook)
{
    close_connection(&list_entry(hook, struct connection, end_hook)->face, NULL, NULL);
}

static const struct directory_info *connection_info(const struct directory *directory)
{
    const struct connection *connection = connection_of(directory);
    return connection->has_info ? &connection->info : NULL;
}

static const struct directory_ops connection_ops = {
    .search = search_start,
    .search_cancel = search_cancel,
    .modify = modify_start,
    .watch_start = watch_start,
    .watch_stop = watch_stop,
    .info = connection_info,
    .close = close_connection,
};

/* Start */

static enum error check_config(const struct directory_config *config, struct note *note)
{
    struct uri_kind kind;
    enum error error = OK;
    if (config->uri_count == 0 || config->uri_count > DIRECTORY_URI_MAX) {
        note_set(note, "one to %d URIs are needed", DIRECTORY_URI_MAX);
        error = ERROR_SYNTAX;
    }
    for (size_t i = 0; error == OK && i < config->uri_count; i++)
        error = uri_read(config->uris[i], &kind, note);
    const char *mechanism = config->sasl_mech;
    if (error == OK && mechanism && strcmp(mechanism, "EXTERNAL") != 0 && strcmp(mechanism, "GSSAPI") != 0) {
        note_set(note, "SASL mechanism %s is not known: EXTERNAL or GSSAPI", mechanism);
        error = ERROR_SYNTAX;
    }
    return error;
}

static void copy_text(const char **text)
{
    *text = *text ? bytes_copy_text(bytes_of_text(*text)) : NULL;
}

static void copy_config(const struct directory_config *config, struct directory_config *out)
{
    *out = *config;
    for (size_t i = 0; i < config->uri_count; i++)
        copy_text(&out->uris[i]);
    copy_text(&out->bind_dn);
    copy_text(&out->bind_password);
    copy_text(&out->sasl_mech);
    copy_text(&out->ca_file);
}

static void init_parts(struct connection *connection, struct loop *loop)
{
    uint64_t operation_ms = connection->config.operation_deadline_ms;
    connection->face = (struct directory){.ops = &connection_ops, .loop = loop};
    list_init(&connection->searches);
    list_init(&connection->paging_searches);
    list_init(&connection->ended_searches);
    list_init(&connection->modifications);
    list_init(&connection->ended_modifications);
    list_init(&connection->watches);
    list_init(&connection->stopped_watches);
    exchange_init(&connection->exchange, loop, connection->watchdog,
                  operation_ms ? operation_ms : DEFAULT_DEADLINE_MS);
    connection->exchange.on_lost = on_lost;
    connection->exchange.on_turn = on_turn;
    connection->exchange.owner = connection;
    loop_timer_init(&connection->pause_timer, loop, on_pause_over);
    loop_timer_init(&connection->probe_timer, loop, on_probe_timer);
    connection->end_hook.on_end = on_loop_end;
    loop_on_end(loop, &connection->end_hook);
}

enum error connection_open(const struct directory_config *config, struct loop *loop, struct directory **out,
                           struct note *note)
{
    enum error error = check_config(config, note);
    if (error != OK)
        return error;
    directory_prepare_process(NULL); /* where the program has not done it */
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return ERROR_TEMPORARY;
    copy_config(config, &connection->config);
    error = watchdog_new(&connection->watchdog);
    if (error == OK)
        error = jobs_new("ldap-open", 1, 1, &connection->jobs);
    if (error != OK) {
        free_connection(connection);
        return error;
    }
    init_parts(connection, loop);
    open_next(connection);
    *out = &connection->face;
    return OK;
}

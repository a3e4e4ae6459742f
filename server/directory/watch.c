#include "directory/watch.h"

#include "base/event.h"
#include "directory/entry_builder.h"

#include <stdlib.h>

#define RETRY_MS   5000
#define COOKIE_MAX 65536
#define FILTER_MAX 65536

static const struct watch_source *choose_source(const struct watch_run *run)
{
    static const struct watch_source *const sources[] = {&watch_sync, &watch_notify, &watch_poll};
    size_t i = 0;
    while (!sources[i]->fits(run))
        i++; /* the last always fits */
    return sources[i];
}

static void start_source(struct watch_run *run)
{
    loop_timer_stop(&run->timer);
    free(run->attributes);
    run->attributes = connection_attributes(run->connection, run->watch->attributes);
    if (!run->attributes) {
        watch_failed(run, ERROR_TEMPORARY, "no memory");
        return;
    }
    run->source = choose_source(run);
    run->watch->is_pushed = run->source->is_pushed;
    run->source->start(run);
}

static void stop_source(struct watch_run *run)
{
    loop_timer_stop(&run->timer);
    if (run->source)
        run->source->stop(run);
    run->source = NULL;
}

static void on_timer(struct loop_timer *timer)
{
    struct watch_run *run = list_entry(timer, struct watch_run, timer);
    if (run->watch && connection_is_up(run->connection))
        start_source(run);
}

void watch_restart(struct watch_run *run, uint64_t delay_ms)
{
    stop_source(run);
    loop_timer_start(&run->timer, delay_ms);
}

/* Reports */

void watch_saw(struct watch_run *run, struct entry *entry)
{
    enum sighting sighting = SIGHTING_SAME;
    enum error error = snapshot_see(&run->seen, entry->id, entry_digest(entry), &sighting);
    if (error != OK)
        event_say(EVENT_ERROR, "directory.entry_lost", "%s: too many entries are watched", entry->dn);
    if (error == OK && sighting != SIGHTING_SAME && run->watch)
        run->watch->on_entry(run->watch, entry);
    else
        entry_free(entry);
}

void watch_vanished(struct watch_run *run, const uint8_t id[16])
{
    if (snapshot_forget(&run->seen, id) && run->watch)
        run->watch->on_delete(run->watch, id);
}

void watch_end_round(struct watch_run *run)
{
    uint8_t id[16];
    while (run->watch && snapshot_take_vanished(&run->seen, id))
        run->watch->on_delete(run->watch, id);
}

void watch_is_current(struct watch_run *run)
{
    run->has_been_current = true;
    run->told_lost = OK;
    if (run->watch)
        run->watch->on_current(run->watch);
}

static void tell_lost(struct watch_run *run, enum error error, const char *why)
{
    bool is_news = run->told_lost != error; /* a server that refuses is not one that is away */
    run->told_lost = error;
    if (is_news && run->watch)
        run->watch->on_lost(run->watch, error, why);
}

void watch_failed(struct watch_run *run, enum error error, const char *why)
{
    uint64_t poll_ms = run->connection->config.poll_ms;
    watch_restart(run, poll_ms && poll_ms < RETRY_MS ? poll_ms : RETRY_MS);
    /* A base that is not there yet is a present state too: nothing. One that held entries before is a loss:
     * they are kept. */
    if (error == ERROR_NOT_FOUND && snapshot_count(&run->seen) == 0)
        watch_is_current(run);
    else
        tell_lost(run, error, why);
}

/* Life */

void watch_start(struct directory *directory, struct directory_watch *watch)
{
    struct connection *connection = (struct connection *)(void *)directory;
    struct watch_run *run = calloc(1, sizeof *run);
    if (!run)
        abort(); /* a handful are started in a process's life, right after its start */
    run->connection = connection;
    run->watch = watch;
    buffer_init(&run->cookie, COOKIE_MAX);
    buffer_init(&run->control_value, COOKIE_MAX + 64);
    buffer_init(&run->changed_filter, FILTER_MAX);
    loop_timer_init(&run->timer, directory->loop, on_timer);
    watch->directory = directory;
    watch->state = run;
    watch->is_pushed = false;
    list_append(&connection->watches, &run->link);
    if (connection_is_up(connection))
        watch_restart(run, 0);
}

void watch_stop(struct directory_watch *watch)
{
    struct watch_run *run = watch->state;
    if (!run)
        return;
    watch->state = NULL;
    run->watch = NULL;
    stop_source(run);
    list_remove(&run->link);
    list_append(&run->connection->stopped_watches, &run->link);
    exchange_wake(&run->connection->exchange);
}

void watch_stop_all(struct connection *connection)
{
    struct list *link;
    while ((link = list_first(&connection->watches)))
        watch_stop(list_entry(link, struct watch_run, link)->watch);
}

void watch_sweep(struct connection *connection)
{
    list_each_safe(link, &connection->stopped_watches)
    {
        struct watch_run *run = list_entry(link, struct watch_run, link);
        if (run->is_searching)
            continue; /* its search still ends */
        list_remove(&run->link);
        loop_timer_stop(&run->timer);
        snapshot_done(&run->seen);
        buffer_done(&run->cookie);
        buffer_done(&run->control_value);
        buffer_done(&run->changed_filter);
        free(run->server_dn);
        free(run->attributes);
        free(run);
    }
}

void watch_connected(struct connection *connection)
{
    list_each(link, &connection->watches)
    {
        struct watch_run *run = list_entry(link, struct watch_run, link);
        run->is_push_refused = false;
        watch_restart(run, 0);
    }
}

void watch_disconnected(struct connection *connection, enum error error, const char *why)
{
    /* A callback may stop any watch: those told are moved aside, those stopped leave either list. */
    struct list told;
    list_init(&told);
    struct list *link;
    while ((link = list_first(&connection->watches))) {
        struct watch_run *run = list_entry(link, struct watch_run, link);
        list_remove(link);
        list_append(&told, link);
        stop_source(run);
        tell_lost(run, error, why);
    }
    while ((link = list_first(&told))) {
        list_remove(link);
        list_append(&connection->watches, link);
    }
}

/* A watch by looking again: the whole content every poll interval, compared with what was there before. */
#include "directory/entry_builder.h"
#include "directory/search.h"
#include "directory/watch.h"

#define DEFAULT_POLL_MS 60000

static uint64_t poll_ms(const struct watch_run *run)
{
    return run->connection->config.poll_ms ? run->connection->config.poll_ms : DEFAULT_POLL_MS;
}

static void on_entry(struct directory_search *search, struct entry *entry)
{
    struct watch_run *run = list_entry(search, struct watch_run, search);
    if (!entry->has_id)
        entry_make_id(entry);
    watch_saw(run, entry);
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
    if (error == OK) {
        watch_end_round(run);
        watch_is_current(run);
        if (run->watch)
            loop_timer_start(&run->timer, poll_ms(run));
    } else if (error != ERROR_CANCELED) {
        /* Half a look tells nothing about who is gone. */
        watch_failed(run, error, "the look at the directory failed");
    }
}

static bool poll_fits(const struct watch_run *run)
{
    (void)run;
    return true;
}

static void poll_start(struct watch_run *run)
{
    if (run->is_searching) {
        loop_timer_start(&run->timer, 50); /* one that was canceled is not over yet */
        return;
    }
    snapshot_begin_round(&run->seen);
    run->is_searching = true;
    run->search = (struct directory_search){
        .base = run->watch->base,
        .scope = SCOPE_SUBTREE,
        .filter = run->watch->filter,
        .attributes = run->watch->attributes,
        .deadline_ms = 6 * run->connection->exchange.operation_ms,
        .on_entry = on_entry,
        .on_done = on_done,
    };
    search_start(&run->connection->face, &run->search);
}

static void poll_stop(struct watch_run *run)
{
    if (run->is_searching)
        search_cancel(&run->search);
}

const struct watch_source watch_poll = {"poll", false, poll_fits, poll_start, poll_stop};

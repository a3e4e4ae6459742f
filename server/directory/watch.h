/* Standing watches over a connection. Internal to the room.
 *
 * How changes are learnt is a row of a table: RFC 4533 or AD's notification where the server offers one, else
 * polling. All rows
 * report through the same few functions here, which compare with what was handed over before, so that after a
 * loss only differences reach the asker. */
#ifndef DIRECTORY_WATCH_H
#define DIRECTORY_WATCH_H

#include "base/buffer.h"
#include "directory/connection.h"
#include "directory/snapshot.h"
#include "directory/usn.h"

struct watch_run;

struct watch_source {
    const char *name;
    bool is_pushed;
    bool (*fits)(const struct watch_run *run); /* the connection's server, and has not refused */
    /* On a connection that stands; NULL attributes are resolved. */
    void (*start)(struct watch_run *run);
    /* The connection is gone, or the watch is stopped: leave nothing under way. */
    void (*stop)(struct watch_run *run);
};
extern const struct watch_source watch_sync;
extern const struct watch_source watch_notify;
extern const struct watch_source watch_poll;

/* What a look by watch_notify is at. */
enum watch_look { LOOK_ROOT, LOOK_SERVER, LOOK_CHANGED, LOOK_IDS, LOOK_ALL };

struct watch_run {
    struct list link;
    struct connection *connection;
    struct directory_watch *watch;     /* NULL once it was stopped */
    const struct watch_source *source; /* NULL: not started on this connection */
    struct snapshot seen;
    struct loop_timer timer; /* the next poll, or the next try */
    bool has_been_current;
    enum error told_lost; /* with what on_lost came last; OK: not since it was current */
    bool is_push_refused; /* the server knows a control to push, but not for this base or account */
    const char **attributes;
    /* watch_sync and watch_notify: the search that does not end */
    struct request request;
    /* watch_sync */
    struct buffer control_value;
    struct buffer cookie;
    size_t cookie_uri;
    bool is_refreshing;
    bool is_full; /* the refresh names every entry: what it does not name is gone */
    /* watch_poll and watch_notify */
    struct directory_search search;
    bool is_searching;
    /* watch_notify */
    enum watch_look step;
    struct loop_timer look_timer;
    uint64_t look_began_ms;
    uint64_t full_due_ms; /* when all entries are read again */
    struct usn_watermark mark;
    struct usn_state server;
    char *server_dn; /* of the server's object, on this connection */
    bool is_server_known;
    bool is_notified; /* since the last look at entries began */
    bool has_found_change;
    struct buffer changed_filter;
};

/* As directory_ops. */
void watch_start(struct directory *directory, struct directory_watch *watch);
void watch_stop(struct directory_watch *watch);
/* The connection stands: all watches start. */
void watch_connected(struct connection *connection);
/* The connection is gone. */
void watch_disconnected(struct connection *connection, enum error error, const char *why);
/* Frees those that were stopped and have nothing under way. */
void watch_sweep(struct connection *connection);
void watch_stop_all(struct connection *connection);

/* For the sources */
/* Starts (again) after delay_ms, by the source that fits. */
void watch_restart(struct watch_run *run, uint64_t delay_ms);
/* Takes the entry; hands it over when it is new or differs. */
void watch_saw(struct watch_run *run, struct entry *entry);
void watch_vanished(struct watch_run *run, const uint8_t id[16]);
/* What the round did not name is gone. */
void watch_end_round(struct watch_run *run);
void watch_is_current(struct watch_run *run);
/* This watch alone does not work; it says so once and is tried again. */
void watch_failed(struct watch_run *run, enum error error, const char *why);

#endif

/* An LDAP server, or several in order, as a directory: connects, fails over, reconnects. Internal to the
 * room.
 *
 * Happy path: OPENING (a job) -> UP. Failures: opening fails -> the next URI at once, after the last one a
 * pause of 100 ms to 5 s with jitter; UP is lost -> searches end TEMPORARY, watches hear on_lost, and it
 * begins again with the first URI. */
#ifndef DIRECTORY_CONNECTION_H
#define DIRECTORY_CONNECTION_H

#include "directory/exchange.h"
#include "loop/jobs.h"

enum connection_state { CONNECTION_PAUSED, CONNECTION_OPENING, CONNECTION_UP, CONNECTION_CLOSED };

struct search_run;

struct connection {
    struct directory face; /* first: the directory is found from it by its address */
    struct directory_config config;
    enum connection_state state;
    size_t uri; /* of the handle, or to be tried next */
    struct handle handle;
    struct exchange exchange;
    struct watchdog *watchdog;
    struct jobs *jobs;
    struct job open_job;
    enum error open_error;
    struct note open_note;
    struct directory_info info; /* of the last handle that stood */
    bool has_info;
    struct loop_timer pause_timer;
    uint64_t pause_ms;
    uint64_t up_since_ms;
    struct loop_timer probe_timer;
    struct request probe;
    enum { TOLD_NOTHING, TOLD_UP, TOLD_DOWN } told;
    struct list searches;        /* of struct search_run, under way */
    struct list paging_searches; /* of them, those that wait for the pager */
    struct search_run *pager;    /* whose pages are under way, where only one search may page */
    struct list ended_searches;  /* on_done is due */
    struct list modifications;   /* of struct modify_run, under way */
    struct list ended_modifications;
    struct list watches;         /* of struct watch_run */
    struct list stopped_watches; /* to be freed */
    struct loop_end_hook end_hook;
    bool is_closing;
    void (*on_closed)(void *owner);
    void *on_closed_owner;
};

/* As directory_open, for ldap, ldaps and ldapi. */
MUST_USE enum error connection_open(const struct directory_config *config, struct loop *loop,
                                    struct directory **out, struct note *note);
bool connection_is_up(const struct connection *connection);
/* The control every search carries where the flavor has one. */
void connection_add_controls(const struct connection *connection, struct request *request);
/* What to ask for: the caller's attributes and the id. The array is the caller's to free; NULL without
 * memory. */
const char **connection_attributes(const struct connection *connection, const char *const *wanted);

#endif

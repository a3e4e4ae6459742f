/* The searches that one question takes, some at a time, one after the other until there is none left.
 * Internal to the room.
 *
 * Happy path: start -> (next -> search -> entries)* -> on_done(OK). Failures: a search fails, or
 * search_queue_fail -> what is under way is canceled, no other begins -> on_done with the first error. */
#ifndef AUTH_SEARCH_QUEUE_H
#define AUTH_SEARCH_QUEUE_H

#include "base/buffer.h"
#include "directory/directory.h"

#define SEARCH_QUEUE_SLOTS 4
#define SEARCH_FILTER_MAX  (1u << 20)
#define SEARCH_BASE_MAX    (16u << 10)

struct search_question {
    struct buffer base;   /* empty when it is to be filled in */
    struct buffer filter; /* likewise; left empty: every entry */
    enum directory_scope scope;
    const char *const *attributes;
    bool may_be_absent;     /* a base that does not exist has no entries */
    bool may_be_unreadable; /* nor has one that the directory does not give us, or cannot even name */
    size_t tag;             /* the asker's */
};

struct search_slot {
    struct search_queue *queue;
    struct directory_search search;
    struct search_question question;
    bool is_busy;
    bool is_paged; /* asked again in pages, after the server's limit was reached */
};

struct search_queue {
    struct directory *directory;
    /* Fills in the next search; false: there is none, or none until those under way have ended. Asked again
     * whenever one has. An error ends the queue with it. */
    enum error (*next)(struct search_queue *queue, struct search_question *out, bool *out_is_some);
    /* Borrows the entry. May come twice for one entry: when an answer was too long for the server it is asked
     * for again. */
    enum error (*on_entry)(struct search_queue *queue, const struct search_question *question,
                           const struct entry *entry);
    /* Exactly once; with the error of a callback, ERROR_CANCELED, ERROR_TIMEOUT, or, whatever else the
     * directory ended a search with, ERROR_TEMPORARY: what it refuses us says nothing of whom we ask about.
     * Before start returns when not even the first search can be asked for. */
    void (*on_done)(struct search_queue *queue, enum error error);
    /* private */
    struct search_slot slots[SEARCH_QUEUE_SLOTS];
    size_t busy_count;
    enum error error;
    enum error directory_error; /* what the directory ended a search with */
};

/* On the directory's loop. directory and the callbacks are set, all else is zero. */
void search_queue_start(struct search_queue *queue);
/* on_done follows, with ERROR_CANCELED. Not after on_done. */
void search_queue_cancel(struct search_queue *queue);

#endif

/* Requests and answers on one open handle, driven by the loop. Internal to the room.
 *
 * Only this file and handle.c let libldap touch the network. Happy path: send -> the socket becomes readable
 * -> drain -> the request's on_message for each entry, on_result once. Failures: a deadline passes (on_fail
 * TIMEOUT; without any sign of life since the request was sent the connection is given up), the connection
 * ends (on_fail TEMPORARY for all), the asker cancels (silence). */
#ifndef DIRECTORY_EXCHANGE_H
#define DIRECTORY_EXCHANGE_H

#include "directory/directory.h"
#include "directory/handle.h"
#include "loop/mailbox.h"

#define EXCHANGE_CONTROLS_MAX 4

/* One operation, a search or a modification, caller-owned while it is under way. */
struct request {
    struct list link;         /* private */
    int message_id;           /* private */
    bool is_sent;             /* private */
    uint64_t received_before; /* private: messages of the connection by then */
    /* Borrowed while it is under way. */
    const char *base;
    enum directory_scope scope;
    const char *filter;
    const char *const *attributes;
    LDAPMod **changes; /* not NULL: the entry at base is changed, the search's fields mean nothing */
    enum directory_change change;
    LDAPControl controls[EXCHANGE_CONTROLS_MAX];
    size_t control_count;
    /* By loop_now_ms; 0: none. */
    uint64_t deadline_ms;
    /* The message is borrowed. Entries, references and intermediate answers. */
    void (*on_message)(struct request *request, LDAP *ldap, LDAPMessage *message);
    /* The last one: the result. The request is over. */
    void (*on_result)(struct request *request, LDAP *ldap, LDAPMessage *message);
    /* Instead of on_result. The request is over. Never before exchange_send returns. */
    void (*on_fail)(struct request *request, enum error error, const char *why);
};

struct exchange {
    struct loop *loop;
    struct watchdog *watchdog;
    uint64_t operation_ms;
    struct handle *handle; /* NULL: not connected */
    struct loop_poll *poll;
    struct list sent;
    struct list waiting; /* for room, or for the socket to take them */
    struct list failed;  /* told on the next turn */
    size_t sent_count;
    size_t waiting_count;
    struct loop_timer deadline_timer;
    struct mail mail;
    bool is_posted;
    bool is_unflushed; /* libldap holds bytes the socket did not take */
    bool is_drain_due; /* the last drain stopped at its budget */
    enum error lost;   /* not OK: on_lost is due */
    char lost_why[256];
    uint64_t received_count; /* whole messages */
    /* The connection is of no use any more; the owner calls exchange_detach. On the loop, never inside a call
     * of ours. */
    void (*on_lost)(void *owner, enum error error, const char *why);
    /* After every delivery by mail: the owner's own deferred work. */
    void (*on_turn)(void *owner);
    void *owner;
};

/* Not connected yet; loop and watchdog are borrowed, operation_ms bounds a call that libldap blocks in. The
 * owner sets on_lost, on_turn and owner. */
void exchange_init(struct exchange *exchange, struct loop *loop, struct watchdog *watchdog,
                   uint64_t operation_ms);
/* Starts on an open handle. ERROR_TEMPORARY, ERROR_IO: it can not be watched. */
MUST_USE enum error exchange_attach(struct exchange *exchange, struct handle *handle);
/* Lets go of the handle (which the caller closes): all requests fail with error and why, at once. */
void exchange_detach(struct exchange *exchange, enum error error, const char *why);
/* Not connected or too many waiting: on_fail(TEMPORARY). A base or filter that is none: on_fail(SYNTAX). */
void exchange_send(struct exchange *exchange, struct request *request);
/* No callback comes any more. A request that is not under way is left alone. */
void exchange_cancel(struct exchange *exchange, struct request *request);
/* Asks for on_turn. */
void exchange_wake(struct exchange *exchange);
/* A mail is under way: the exchange must stay where it is. */
bool exchange_is_posted(const struct exchange *exchange);

#endif

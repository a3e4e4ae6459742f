/* Asking and watching a directory, whatever it is: an LDAP server, an LDIF file, a fake. One thread (its
 * loop) owns it. */
#ifndef DIRECTORY_DIRECTORY_H
#define DIRECTORY_DIRECTORY_H

#include "directory/entry.h"
#include "loop/loop.h"

enum directory_flavor { FLAVOR_UNKNOWN, FLAVOR_OPENLDAP, FLAVOR_AD };
enum directory_scope { SCOPE_BASE, SCOPE_ONE, SCOPE_SUBTREE };

struct directory;

/* Caller-owned. Callbacks on the directory's loop, never before search returns; on_done exactly once, last.
 */
struct directory_search {
    struct list link;            /* private */
    struct directory *directory; /* private */
    void *state;                 /* private */
    const char *base;
    enum directory_scope scope;
    const char *filter;            /* from filter_text */
    const char *const *attributes; /* NULL-terminated; NULL: all user attributes and the id */
    uint64_t deadline_ms;          /* from now; 0: 10 s */
    bool is_unpaged; /* few entries are expected: they come at once, and other searches need not wait (slapd
                        pages one at a time). More than the server sends at once: LIMIT */
    /* Takes the entry. Paging and ranged attributes are over when it comes. */
    void (*on_entry)(struct directory_search *search, struct entry *entry);
    /* OK, NOT_FOUND (no such object), LIMIT (server's size or time limit, or an entry past our ceiling),
     * TEMPORARY (not connected, busy, a referral: never followed), TIMEOUT, DENIED_CREDENTIALS (insufficient
     * access), SYNTAX (base or filter), CANCELED, PROTOCOL. Only OK means that all entries came. */
    void (*on_done)(struct directory_search *search, enum error error);
};

enum directory_edit_kind { EDIT_ADD, EDIT_DELETE, EDIT_REPLACE };

struct directory_edit {
    enum directory_edit_kind kind;
    const char *attribute;
    const struct bytes *values;
    size_t value_count;
};

enum directory_change { CHANGE_EDIT, CHANGE_ADD, CHANGE_DELETE };

/* Changes one entry; all its edits are made, or none. Caller-owned, as a search; all that it points to stays
 * until on_done. */
struct directory_modification {
    struct list link;            /* private */
    struct directory *directory; /* private */
    void *state;                 /* private */
    const char *dn;
    enum directory_change change; /* CHANGE_ADD: the edits are the new entry's attributes; DELETE: none */
    const struct directory_edit *edits;
    size_t edit_count;
    uint64_t deadline_ms; /* from now; 0: 10 s */
    /* OK; NOT_FOUND (no such object, or no such value to delete), DENIED_CREDENTIALS (insufficient access, or
     * the directory is a file), SYNTAX (the directory's schema refuses it, or value or entry is there
     * already), TEMPORARY, TIMEOUT (it may have been made all the same), CANCELED, PROTOCOL. why: the
     * server's words. In AD, where nTSecurityDescriptor is edited, the DACL alone is meant. */
    void (*on_done)(struct directory_modification *modification, enum error error, const char *why);
};

/* A standing watch below a base. First all entries come (on_entry), then on_current; after that every change
 * at once where the directory can push, else within the poll interval, each look ending with on_current.
 * After a loss and reconnect the state is brought up to date the same way: changed entries, on_delete for
 * vanished ones, then on_current. A look or refresh that breaks off deletes nobody. A base that does not
 * exist is an empty present state, unless entries were seen below it: then it is a loss. Several bases:
 * several watches. The account needs a size limit that covers the base. */
struct directory_watch {
    struct list link;            /* private */
    struct directory *directory; /* private */
    void *state;                 /* private */
    const char *base;
    const char *filter;
    const char *const *attributes;
    void (*on_entry)(struct directory_watch *watch, struct entry *entry); /* new or changed; takes it */
    void (*on_delete)(struct directory_watch *watch, const uint8_t id[16]);
    void (*on_current)(struct directory_watch *watch); /* all of the present state was handed over */
    void (*on_lost)(struct directory_watch *watch, enum error error,
                    const char *why); /* reconnecting goes on by itself */
    bool is_pushed;                   /* false: changes come by polling */
};

/* What the connected directory said of itself. */
struct directory_info {
    enum directory_flavor flavor;
    char uri[256];                   /* the one in use, without secrets */
    char configuration_context[512]; /* rootDSE configurationNamingContext or "" */
    char default_context[512];       /* defaultNamingContext, else the first naming context, or "" */
    char naming_contexts[4][512];
    size_t naming_context_count;
};

/* The seam: connection.c, ldif.c and tests/fakes implement it. */
struct directory_ops {
    void (*search)(struct directory *directory, struct directory_search *search);
    void (*search_cancel)(struct directory_search *search); /* on_done(CANCELED) follows */
    void (*modify)(struct directory *directory, struct directory_modification *modification);
    void (*watch_start)(struct directory *directory, struct directory_watch *watch);
    void (*watch_stop)(struct directory_watch *watch); /* no callback after it */
    /* NULL until the first connection stood. */
    const struct directory_info *(*info)(const struct directory *directory);
    /* Ends everything; on_closed on the loop, then it is freed. */
    void (*close)(struct directory *directory, void (*on_closed)(void *owner), void *owner);
};
struct directory {
    const struct directory_ops *ops;
    struct loop *loop;
    /* Told on every change of state, on the loop: up, or down with the reason. May be NULL. */
    void (*on_state)(void *owner, bool is_up, const char *why);
    void *on_state_owner;
};

#define DIRECTORY_URI_MAX 8

struct directory_config {
    const char *uris[DIRECTORY_URI_MAX]; /* ldap:// ldaps:// ldapi://, tried in order; or one "ldif:PATH" */
    size_t uri_count;
    enum directory_flavor flavor; /* FLAVOR_UNKNOWN: by rootDSE */
    const char *bind_dn;          /* NULL: by sasl_mech or anonymous */
    const char *bind_password;
    const char *sasl_mech; /* "EXTERNAL", "GSSAPI" or NULL (EXTERNAL on ldapi, else none) */
    bool start_tls_never;  /* contract 2: else demanded for ldap:// to another host */
    bool start_tls_always; /* also for loopback (tests) */
    const char *ca_file;
    uint64_t poll_ms;               /* where the directory cannot push */
    uint64_t operation_deadline_ms; /* 0: 10 s; a watchdog shuts the socket past it */
    uint64_t probe_ms;              /* how often a silent connection is asked for a sign of life; 0: 15 s */
};

/* The process as libldap and libkrb5 want it: no configuration files of others, no SIGPIPE, tickets in memory
 * got with client_keytab where that can be read (NULL: none; KRB5_CLIENT_KTNAME goes before it). Main thread,
 * before any other; the first call counts. */
void directory_prepare_process(const char *client_keytab);

/* Opens by the URI's scheme; connecting goes on in the background and is reported through on_state. config is
 * copied. ERROR_SYNTAX with a note: a bad URI, or a file that is no LDIF or too large; ERROR_IO with a note:
 * a file that cannot be read. */
MUST_USE enum error directory_open(const struct directory_config *config, struct loop *loop,
                                   struct directory **out, struct note *note);

#endif

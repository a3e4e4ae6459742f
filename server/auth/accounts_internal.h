/* What the parts of the accounts share. Internal to the room. */
#ifndef AUTH_ACCOUNTS_INTERNAL_H
#define AUTH_ACCOUNTS_INTERNAL_H

#include "auth/accounts.h"
#include "auth/token_cache.h"

#define ATTRIBUTES_MAX 64

struct account_lookup;

/* Sees to it that the epoch moves whenever an account or a group changes. */
struct accounts_watch {
    struct directory_watch watch;
    const char *attributes[ATTRIBUTES_MAX];
    struct loop_timer timer; /* until the directory has said what it is; while changes are not seen */
    bool is_started;
    bool is_current; /* the present state was handed over: what comes now is a change */
    bool is_blind;   /* the directory answers, but not this watch */
    bool has_computed_groups;
    bool has_unique_members; /* some group names its members by uniqueMember */
    bool is_member_of_needed;
    struct directory_search sign_of_life; /* while it is blind */
    bool is_asking;                       /* for it */
};

struct accounts {
    struct accounts_config config; /* its texts are copies */
    struct directory *directory;
    struct loop *loop;
    struct arena arena;
    atomic_uint_fast64_t epoch;
    atomic_bool is_unseen; /* the directory answers, but the watch is only being handed the present state:
                              changes are told when that is over, so that nothing counts as current */
    atomic_size_t mailed_count; /* requests on their way here */
    struct accounts_watch watch;
    struct token_cache cache;
    const char *attributes[ATTRIBUTES_MAX];        /* of an entry that a token is made for */
    const char *who_attributes[ATTRIBUTES_MAX];    /* without what costs the directory work */
    const char *sender_attributes[ATTRIBUTES_MAX]; /* these, and who may send as it */
    struct list lookups;                           /* of struct account_lookup */
    bool is_stopped;
};

/* accounts_base, or what the directory said of itself; NULL while it has not. */
const char *accounts_base(const struct accounts *accounts);
/* Answers; the request is its owner's again. account: borrowed, NULL with an error. */
void accounts_answer(struct accounts *accounts, struct account_request *request, enum error error,
                     const struct account *account, const struct note *note);
/* The configured names a login may match, where they are configured. False when there is no room. */
bool accounts_add_login_attributes(const struct accounts *accounts, const char *list[ATTRIBUTES_MAX]);
/* Frees what was stopped and has nothing under way. */
void accounts_release(struct accounts *accounts);

void accounts_watch_init(struct accounts *accounts);
void accounts_watch_stop(struct accounts *accounts);
/* An account's memberOf named a group that does not name it: from now on memberOf is watched. */
void accounts_watch_member_of(struct accounts *accounts);
/* False: a change would not be told, so that what was read counts for this once. Any thread. */
bool accounts_watch_sees(const struct accounts *accounts);
/* False: the watch has seen all groups, and none has the attribute. */
bool accounts_watch_may_have_unique_members(const struct accounts *accounts);

/* Takes the request: joins a lookup for the same name, or begins one. */
void account_lookup_ask(struct accounts *accounts, struct account_request *request);
/* Answers everybody with ERROR_CANCELED. */
void account_lookup_cancel_all(struct accounts *accounts);

/* Appends what is not there yet; texts are kept. False when there is no room. */
bool attribute_list_add(const char *list[ATTRIBUTES_MAX], const char *const *names);

#endif

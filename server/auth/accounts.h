/* The people, computers and groups of the directory: from a proven name to an account with its token, cached.
 * One thread, the directory's loop, owns them; anybody may ask. Contract 3; facts 9.6. */
#ifndef AUTH_ACCOUNTS_H
#define AUTH_ACCOUNTS_H

#include "auth/account.h"
#include "directory/directory.h"
#include "loop/mailbox.h"

struct accounts;

#define LOGIN_ATTRIBUTES_MAX 8

struct accounts_config {
    struct directory *directory; /* on its loop; the accounts live there too */
    const char *accounts_base;   /* NULL: the directory's default context */
    const char *login_attributes[LOGIN_ATTRIBUTES_MAX];
    size_t login_attribute_count; /* 0: by flavor, `uid mail` or `sAMAccountName userPrincipalName mail` */
    uint32_t group_depth;         /* contract 2: past either the logon is refused with its reason */
    uint32_t group_limit;
    uint64_t poll_ms; /* the bound of a change where the directory does not push */
    const struct clock *clock;
};

/* On the directory's loop. config is copied (texts too). Watches accounts_base: any change of an account or
 * group moves the epoch. ERROR_TEMPORARY without memory. */
MUST_USE enum error accounts_start(const struct accounts_config *config, struct accounts **out,
                                   struct note *note);
/* On the loop: every request under way ends ERROR_CANCELED; it is freed when the directory, which may be
 * closed right after, has let go of the searches. NULL is a no-op. */
void accounts_stop(struct accounts *accounts);

enum account_name_kind {
    ACCOUNT_NAME_LOGIN,    /* what a user typed, matched with the login attributes */
    ACCOUNT_NAME_KERBEROS, /* "alice@REALM", "HOST$@REALM": a principal that its KDC proved */
    ACCOUNT_NAME_NTLM,     /* "DOMAIN\alice" */
    ACCOUNT_NAME_DN,
    ACCOUNT_NAME_SID, /* "S-1-…" */
    ACCOUNT_NAME_ID,  /* the 16 bytes of struct account's id: the same account again, wherever it was moved to
                       */
    ACCOUNT_NAME_ADDRESS, /* whose own address it is: any entry's, a group's and a disabled account's too.
                             With is_name_only alone: it proves nobody */
    ACCOUNT_NAME_SENDER,  /* the same, with who may send as it */
};

/* Caller-owned until on_done. */
struct account_request {
    struct mail mail;          /* private */
    struct list link;          /* private */
    struct accounts *accounts; /* private */
    void *state;               /* private */
    enum account_name_kind kind;
    struct bytes name;
    bool is_name_only; /* who is meant, but no token: before a password is proven, so that nobody can make us
                          expand groups for nothing. account then has neither token nor sids */
    bool is_path_wanted; /* for explain: by what group each group was come by. Asks for every group by itself,
                            and past the cache */
    struct loop *loop;   /* where on_done comes; NULL: on the directory's thread */
    /* Exactly once, never before accounts_ask returns. */
    void (*on_done)(struct account_request *request);
    /* OK: account holds a reference for the caller. NOT_FOUND: nobody, or more than one entry (the note says
     * which; the client hears the same). DENIED_CREDENTIALS: the account is disabled, expired or locked, or a
     * SID of it is refused; of an
     * address: more than one entry has it. LIMIT: past group_depth or group_limit. TEMPORARY, TIMEOUT,
     * CANCELED: the directory does not answer. SYNTAX: no such name can be. */
    enum error error;
    const struct account *account;
    struct note note;
};

/* The kind asks whose an address is, and means no login. */
static inline bool account_name_is_address(enum account_name_kind kind)
{
    return kind == ACCOUNT_NAME_ADDRESS || kind == ACCOUNT_NAME_SENDER;
}

/* Any thread, not after accounts_stop. A token comes from the cache as long as no account or group changed;
 * requests for one principal are answered together. */
void accounts_ask(struct accounts *accounts, struct account_request *request);
/* Blocks until it is done; for a job's thread, never a loop's. request->loop and on_done are set by it. */
void accounts_ask_and_wait(struct accounts *accounts, struct account_request *request);
/* Any thread, two atomic loads (and the clock, for an account that ends one day): nothing changed since the
 * account was read. False also while the watch over the changes only begins, and when the directory is away
 * and a change was known before; while it is away and none is known: true (design 2, tokens). */
bool accounts_is_current(const struct accounts *accounts, const struct account *account);

#endif

/* An account: who proved himself, as the directory knows him, and every SID he holds. */
#ifndef AUTH_ACCOUNT_H
#define AUTH_ACCOUNT_H

#include "base/arena.h"
#include "organization/sender_access.h"

#include <stdatomic.h>

/* By what an account holds a SID. */
enum account_sid_source {
    ACCOUNT_SID_SELF,
    ACCOUNT_SID_HISTORY,       /* sIDHistory of the account */
    ACCOUNT_SID_PRIMARY_GROUP, /* primaryGroupID, gidNumber */
    ACCOUNT_SID_GROUP,         /* member, uniqueMember, memberUid, memberOf: directly or nested */
    ACCOUNT_SID_TOKEN_GROUPS,  /* AD's tokenGroups: nested, the path is the directory's own */
    ACCOUNT_SID_WELL_KNOWN,    /* Everyone, Authenticated Users, Network */
};

#define ACCOUNT_VIA_SELF    SIZE_MAX
#define ACCOUNT_VIA_UNKNOWN (SIZE_MAX - 1) /* a nested group, and is_path_wanted was not set */
#define ACCOUNT_NEVER       INT64_MAX

struct account_sid {
    struct sid sid;
    enum account_sid_source source;
    const char *name; /* the group's DN; the Windows name of a well-known SID; NULL: not known */
    size_t via;       /* index of the group it came by, or ACCOUNT_VIA_SELF; following it ends there */
};

/* Immutable; on the heap, everything pointed to in its arena, but for the token, of which it holds a
 * reference. Counted by atomic references: the cache owns one, each
 * session one. */
struct account {
    atomic_uint references;
    uint8_t id[16];   /* objectGUID or entryUUID */
    const char *name; /* what log and rate limits call it: uid or sAMAccountName, else its DN */
    const char *dn;
    const char *display_name;     /* or NULL */
    const char *const *addresses; /* its own: mail, proxyAddresses smtp:, mailAlternateAddress */
    size_t address_count;
    const struct account_sid *sids; /* in the order of the token */
    size_t sid_count;
    struct token *token;
    const struct sender_access *access; /* who may send as it; or NULL: that was not asked for */
    uint64_t epoch;                     /* of the accounts when it was read */
    int64_t expires_ms;                 /* wall clock: from then on it is refused; or ACCOUNT_NEVER */
    struct arena arena;
};

const struct account *account_ref(const struct account *account);
void account_unref(const struct account *account); /* NULL is a no-op */
/* Is the address, in any case, one of its own? */
bool account_owns(const struct account *account, struct bytes address);

#endif

/* An account out of its entry and its SIDs. Internal to the room. */
#ifndef AUTH_ACCOUNT_BUILD_H
#define AUTH_ACCOUNT_BUILD_H

#include "auth/sid_list.h"
#include "directory/entry.h"

/* What is read of the entry beside its SIDs and its state. NULL-terminated. */
extern const char *const account_attributes[];

/* sids: NULL for an account without a token; else the well-known ones are added. Gives one reference.
 * ERROR_LIMIT: it is too large. */
MUST_USE enum error account_build(const struct entry *entry, const struct sid_list *sids, uint64_t epoch,
                                  int64_t expires_ms, struct account **out);
/* About what it takes. */
size_t account_bytes(const struct account *account);

#endif

/* Whether an account may still be used, by what its entry says: one table of attributes, whatever directory
 * they come from. Pure. Internal to the room. */
#ifndef AUTH_ACCOUNT_STATE_H
#define AUTH_ACCOUNT_STATE_H

#include "directory/entry.h"

/* What is read of the entry: what is stored there, and what AD computes at each reading. NULL-terminated. */
extern const char *const account_state_attributes[];
extern const char *const account_state_computed_attributes[];

/* wall_ms: now. OK: it may be used until *out_until_ms (ACCOUNT_NEVER: no end is known).
 * ERROR_DENIED_CREDENTIALS with a note: disabled, expired, locked, not valid yet, or a value cannot be
 * read. */
MUST_USE enum error account_state_check(const struct entry *entry, int64_t wall_ms, int64_t *out_until_ms,
                                        struct note *note);

#endif

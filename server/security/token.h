/* Who a session is: an immutable set of SIDs, counted atomically, shared between threads. */
#ifndef SECURITY_TOKEN_H
#define SECURITY_TOKEN_H

#include "security/sid.h"

struct token;

/* Makes a token of copies of the SIDs; doubles are dropped. The first is the principal's own. count is at
 * least 1. deny_only (NULL: none) marks SIDs that count for deny only. NULL without memory or past 65,535.
 * Gives one reference. */
struct token *token_new(const struct sid *sids, const bool *deny_only, size_t count);
/* A token with one more SID. NULL without memory or past 65,535. Gives one reference. */
struct token *token_with(const struct token *token, const struct sid *sid);
struct token *token_ref(struct token *token);
void token_unref(struct token *token); /* NULL is a no-op */
/* Expected constant time. *out_deny_only (may be NULL) says how it counts. */
bool token_has(const struct token *token, const struct sid *sid, bool *out_deny_only);
size_t token_count(const struct token *token);
/* In the order given to token_new, without the doubles; the first is the principal's own. */
const struct sid *token_sid(const struct token *token, size_t index);

#endif

/* Accounts that were read, by the names they were asked for with, as long as nothing changed. Bounded; the
 * one not used for longest goes first. Internal to the room. */
#ifndef AUTH_TOKEN_CACHE_H
#define AUTH_TOKEN_CACHE_H

#include "auth/accounts.h"

struct cached_name;
struct cached_account;

#define TOKEN_CACHE_NAMES_MAX 50000
#define TOKEN_CACHE_BYTES_MAX (256u << 20)

/* Zero-initialised it is empty. What it holds is of one epoch: a question of a later one empties it. */
struct token_cache {
    struct cached_name *names;
    struct cached_account *accounts;
    size_t bytes;
    size_t bytes_max; /* 0: TOKEN_CACHE_BYTES_MAX */
    uint64_t epoch;
};

void token_cache_clear(struct token_cache *cache);
/* The account with its token, or, when is_name_only, without one. NULL: not known, or it has ended. */
const struct account *token_cache_find(struct token_cache *cache, uint64_t epoch, enum account_name_kind kind,
                                       struct bytes name, bool is_name_only, int64_t wall_ms);
const struct account *token_cache_find_id(struct token_cache *cache, uint64_t epoch, const uint8_t id[16],
                                          int64_t wall_ms);
/* Keeps a reference. who: without a token, by the name it was found with; account: with one. Accounts of
 * another epoch than the cache's are not kept. */
void token_cache_put_name(struct token_cache *cache, enum account_name_kind kind, struct bytes name,
                          const struct account *who);
void token_cache_put(struct token_cache *cache, const struct account *account);
/* Nobody is called that. */
bool token_cache_is_nobody(struct token_cache *cache, uint64_t epoch, enum account_name_kind kind,
                           struct bytes name);
void token_cache_put_nobody(struct token_cache *cache, uint64_t epoch, enum account_name_kind kind,
                            struct bytes name);

#endif

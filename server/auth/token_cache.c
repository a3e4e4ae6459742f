#define uthash_fatal(message) abort()
#include "auth/token_cache.h"

#include "auth/account_build.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* uthash keeps its elements in the order they were added: the first is the one not used for longest. */

struct cached_name {
    const struct account *who; /* NULL: nobody */
    UT_hash_handle hh;
    size_t key_len;
    char key[]; /* the kind, then the name */
};

struct cached_account {
    const struct account *account;
    UT_hash_handle hh; /* by the account's id */
};

static void drop_name(struct token_cache *cache, struct cached_name *row)
{
    HASH_DEL(cache->names, row);
    cache->bytes -= row->who ? account_bytes(row->who) : 0;
    account_unref(row->who);
    free(row);
}

static void drop_account(struct token_cache *cache, struct cached_account *row)
{
    HASH_DEL(cache->accounts, row);
    cache->bytes -= account_bytes(row->account);
    account_unref(row->account);
    free(row);
}

void token_cache_clear(struct token_cache *cache)
{
    while (cache->names)
        drop_name(cache, cache->names);
    while (cache->accounts)
        drop_account(cache, cache->accounts);
}

/* False: the question is of an epoch that is over. */
static bool be_of_epoch(struct token_cache *cache, uint64_t epoch)
{
    if (cache->epoch < epoch) {
        token_cache_clear(cache);
        cache->epoch = epoch;
    }
    return cache->epoch == epoch;
}

static struct cached_name *new_name(enum account_name_kind kind, struct bytes name)
{
    struct cached_name *row = calloc(1, sizeof(*row) + 1 + name.len);
    if (!row)
        return NULL;
    row->key_len = 1 + name.len;
    row->key[0] = (char)kind;
    if (name.len > 0)
        memcpy(row->key + 1, name.ptr, name.len);
    return row;
}

static struct cached_name *find_name(const struct token_cache *cache, enum account_name_kind kind,
                                     struct bytes name)
{
    struct cached_name *key = new_name(kind, name), *row = NULL;
    if (key)
        HASH_FIND(hh, cache->names, key->key, key->key_len, row);
    free(key);
    return row;
}

const struct account *token_cache_find_id(struct token_cache *cache, uint64_t epoch, const uint8_t id[16],
                                          int64_t wall_ms)
{
    struct cached_account *row = NULL;
    if (be_of_epoch(cache, epoch))
        HASH_FIND(hh, cache->accounts, id, 16, row);
    if (!row)
        return NULL;
    if (row->account->expires_ms <= wall_ms) {
        drop_account(cache, row);
        return NULL;
    }
    HASH_DEL(cache->accounts, row);
    HASH_ADD_KEYPTR(hh, cache->accounts, row->account->id, 16, row);
    return row->account;
}

static void use_name(struct token_cache *cache, struct cached_name *row)
{
    HASH_DEL(cache->names, row);
    HASH_ADD_KEYPTR(hh, cache->names, row->key, row->key_len, row);
}

const struct account *token_cache_find(struct token_cache *cache, uint64_t epoch, enum account_name_kind kind,
                                       struct bytes name, bool is_name_only, int64_t wall_ms)
{
    struct cached_name *row = be_of_epoch(cache, epoch) ? find_name(cache, kind, name) : NULL;
    if (!row || !row->who)
        return NULL;
    if (row->who->expires_ms <= wall_ms) {
        drop_name(cache, row);
        return NULL;
    }
    use_name(cache, row);
    return is_name_only ? row->who : token_cache_find_id(cache, epoch, row->who->id, wall_ms);
}

static void make_room(struct token_cache *cache)
{
    size_t bytes_max = cache->bytes_max ? cache->bytes_max : TOKEN_CACHE_BYTES_MAX;
    while (cache->names && (HASH_COUNT(cache->names) > TOKEN_CACHE_NAMES_MAX ||
                            (cache->bytes > bytes_max && !cache->accounts)))
        drop_name(cache, cache->names);
    while (cache->accounts && cache->bytes > bytes_max)
        drop_account(cache, cache->accounts);
}

static void put_name(struct token_cache *cache, enum account_name_kind kind, struct bytes name,
                     const struct account *who)
{
    struct cached_name *row = find_name(cache, kind, name) ? NULL : new_name(kind, name);
    if (!row)
        return; /* it is only a cache */
    row->who = who ? account_ref(who) : NULL;
    cache->bytes += who ? account_bytes(who) : 0;
    HASH_ADD_KEYPTR(hh, cache->names, row->key, row->key_len, row);
    make_room(cache);
}

void token_cache_put_name(struct token_cache *cache, enum account_name_kind kind, struct bytes name,
                          const struct account *who)
{
    if (who->epoch == cache->epoch)
        put_name(cache, kind, name, who);
}

void token_cache_put_nobody(struct token_cache *cache, uint64_t epoch, enum account_name_kind kind,
                            struct bytes name)
{
    if (epoch == cache->epoch)
        put_name(cache, kind, name, NULL);
}

bool token_cache_is_nobody(struct token_cache *cache, uint64_t epoch, enum account_name_kind kind,
                           struct bytes name)
{
    struct cached_name *row = be_of_epoch(cache, epoch) ? find_name(cache, kind, name) : NULL;
    if (!row || row->who)
        return false;
    use_name(cache, row);
    return true;
}

void token_cache_put(struct token_cache *cache, const struct account *account)
{
    struct cached_account *row = NULL;
    if (account->epoch != cache->epoch)
        return;
    HASH_FIND(hh, cache->accounts, account->id, 16, row);
    if (row || !(row = calloc(1, sizeof(*row))))
        return;
    row->account = account_ref(account);
    cache->bytes += account_bytes(account);
    HASH_ADD_KEYPTR(hh, cache->accounts, row->account->id, 16, row);
    make_room(cache);
}

/* The cache of accounts: of one epoch, bounded, in the order of use. */
#include "auth/token_cache.h"

#include "auth/account_build.h"
#include "directory/ldif.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct entry *taken;

static void take(struct entry *entry, void *owner)
{
    (void)owner;
    taken = entry;
}

/* An account called name; group_count 0: without a token. */
static const struct account *account_of(const char *name, uint32_t group_count, uint64_t epoch,
                                        int64_t expires_ms)
{
    char ldif[256];
    struct note note = {{0}};
    struct sid_list sids = {0};
    struct account *account = NULL;
    (void)snprintf(ldif, sizeof(ldif), "dn: uid=%s\nobjectClass: person\nuid: %s\n\n", name, name);
    assert_int_equal(ldif_parse(bytes_of_text(ldif), take, NULL, &note), OK);
    for (uint32_t i = 0; i < group_count; i++) {
        const struct account_sid sid = {.sid = {.count = 2, .authority = 5, .sub_authorities = {21, i}}};
        assert_non_null(sid_list_add(&sids, &sid, NULL));
    }
    assert_int_equal(account_build(taken, group_count ? &sids : NULL, epoch, expires_ms, &account), OK);
    sid_list_done(&sids);
    entry_free(taken);
    return account;
}

static void put(struct token_cache *cache, const char *name, uint32_t group_count, uint64_t epoch)
{
    const struct account *who = account_of(name, 0, epoch, ACCOUNT_NEVER);
    const struct account *account = account_of(name, group_count, epoch, ACCOUNT_NEVER);
    token_cache_put_name(cache, ACCOUNT_NAME_LOGIN, bytes_of_text(name), who);
    token_cache_put(cache, account);
    account_unref(who);
    account_unref(account);
}

static bool has(struct token_cache *cache, const char *name, uint64_t epoch)
{
    return token_cache_find(cache, epoch, ACCOUNT_NAME_LOGIN, bytes_of_text(name), false, 0) != NULL;
}

static void test_found_by_name_and_kind(void **state)
{
    (void)state;
    struct token_cache cache = {0};
    assert_false(has(&cache, "a", 1));
    put(&cache, "a", 1, 1);
    assert_true(has(&cache, "a", 1));
    assert_false(has(&cache, "b", 1));
    assert_null(token_cache_find(&cache, 1, ACCOUNT_NAME_DN, BYTES_LITERAL("a"), false, 0));
    assert_null(token_cache_find(&cache, 1, ACCOUNT_NAME_LOGIN, BYTES_LITERAL("a"), true, 0)->token);
    token_cache_clear(&cache);
    assert_int_equal(cache.bytes, 0);
}

/* proves: D8 */
static void test_of_one_epoch(void **state)
{
    (void)state;
    struct token_cache cache = {0};
    assert_false(has(&cache, "a", 1));
    put(&cache, "a", 1, 1);
    assert_false(has(&cache, "a", 2));
    assert_false(has(&cache, "a", 1)); /* a late question empties nothing, and finds nothing */
    put(&cache, "a", 1, 1);            /* a late answer is not kept */
    assert_false(has(&cache, "a", 2));
    put(&cache, "a", 1, 2);
    assert_true(has(&cache, "a", 2));
    token_cache_clear(&cache);
}

/* proves: D8 */
static void test_what_ends_is_dropped(void **state)
{
    (void)state;
    struct token_cache cache = {0};
    assert_false(has(&cache, "a", 1));
    const struct account *who = account_of("a", 0, 1, 5000);
    token_cache_put_name(&cache, ACCOUNT_NAME_LOGIN, BYTES_LITERAL("a"), who);
    account_unref(who);
    assert_non_null(token_cache_find(&cache, 1, ACCOUNT_NAME_LOGIN, BYTES_LITERAL("a"), true, 4999));
    assert_null(token_cache_find(&cache, 1, ACCOUNT_NAME_LOGIN, BYTES_LITERAL("a"), true, 5000));
    assert_int_equal(cache.bytes, 0);
}

/* proves: D8 */
static void test_nobody(void **state)
{
    (void)state;
    struct token_cache cache = {0};
    assert_false(token_cache_is_nobody(&cache, 1, ACCOUNT_NAME_ADDRESS, BYTES_LITERAL("a")));
    token_cache_put_nobody(&cache, 1, ACCOUNT_NAME_ADDRESS, BYTES_LITERAL("a"));
    assert_true(token_cache_is_nobody(&cache, 1, ACCOUNT_NAME_ADDRESS, BYTES_LITERAL("a")));
    assert_false(token_cache_is_nobody(&cache, 1, ACCOUNT_NAME_SENDER, BYTES_LITERAL("a")));
    assert_null(token_cache_find(&cache, 1, ACCOUNT_NAME_ADDRESS, BYTES_LITERAL("a"), true, 0));
    assert_false(token_cache_is_nobody(&cache, 2, ACCOUNT_NAME_ADDRESS, BYTES_LITERAL("a")));
    token_cache_put_nobody(&cache, 1, ACCOUNT_NAME_ADDRESS, BYTES_LITERAL("a")); /* a late answer */
    assert_false(token_cache_is_nobody(&cache, 2, ACCOUNT_NAME_ADDRESS, BYTES_LITERAL("a")));
    put(&cache, "b", 1, 2);
    assert_false(token_cache_is_nobody(&cache, 2, ACCOUNT_NAME_LOGIN, BYTES_LITERAL("b")));
    token_cache_clear(&cache);
    assert_int_equal(cache.bytes, 0);
}

static void test_bounded_by_bytes(void **state)
{
    (void)state;
    struct token_cache cache = {.bytes_max = 256u << 10};
    char name[32];
    unsigned kept = 0;
    enum { COUNT = 24, GROUPS = 60 };
    assert_false(has(&cache, "0", 1));
    for (unsigned i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        put(&cache, name, GROUPS, 1);
        assert_true(cache.bytes <= cache.bytes_max);
        assert_true(has(&cache, "0", 1)); /* the one that is used stays */
    }
    for (unsigned i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        kept += has(&cache, name, 1);
    }
    assert_in_range(kept, 2, COUNT - 1);
    assert_false(has(&cache, "1", 1));
    (void)snprintf(name, sizeof(name), "%u", COUNT - 1);
    assert_true(has(&cache, name, 1));
    token_cache_clear(&cache);
    assert_int_equal(cache.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_name_and_kind), cmocka_unit_test(test_of_one_epoch),
        cmocka_unit_test(test_what_ends_is_dropped),   cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_bounded_by_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

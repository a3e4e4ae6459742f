/* Tokens: what is in, in which order, how it counts. */
#include "security/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct sid user(uint32_t rid)
{
    return (struct sid){.count = 5, .authority = 5, .sub_authorities = {21, 1, 2, 3, rid}};
}

/* proves: C189 */
static void it_holds_what_it_was_made_of_and_nothing_else(void **state)
{
    static struct sid sids[3000];

    (void)state;
    for (uint32_t i = 0; i < 3000; i++)
        sids[i] = user(1000 + 7 * i);
    for (size_t count = 1; count <= 3000; count = count * 3 + 1) {
        struct token *token = token_new(sids, NULL, count);

        assert_int_equal(token_count(token), count);
        for (size_t i = 0; i < count; i++) {
            struct sid stranger = user(1001 + 7 * (uint32_t)i);
            bool is_deny_only = true;

            assert_true(token_has(token, &sids[i], &is_deny_only));
            assert_false(is_deny_only);
            assert_false(token_has(token, &stranger, NULL));
            assert_true(sid_equal(token_sid(token, i), &sids[i]));
        }
        token_unref(token);
    }
}

static void doubles_are_dropped_and_the_order_is_kept(void **state)
{
    struct sid sids[] = {user(3), user(1), user(3), user(2), user(1)};
    struct token *token = token_new(sids, NULL, 5);

    (void)state;
    assert_int_equal(token_count(token), 3);
    assert_true(sid_equal(token_sid(token, 0), &sids[0]));
    assert_true(sid_equal(token_sid(token, 1), &sids[1]));
    assert_true(sid_equal(token_sid(token, 2), &sids[3]));
    token_unref(token);
}

/* proves: facts-9.4 */
static void a_sid_that_is_deny_only_once_is_deny_only(void **state)
{
    struct sid sids[] = {user(1), user(2), user(1), user(2), user(3)};
    bool deny_only[] = {false, true, true, false, false};
    struct token *token = token_new(sids, deny_only, 5);
    bool counts[3];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct sid sid = user((uint32_t)i + 1);

        assert_true(token_has(token, &sid, &counts[i]));
    }
    assert_true(counts[0] && counts[1] && !counts[2]);
    token_unref(token);
}

/* Sub-authorities that end alike, count differs: equal only when all is equal. */
static void near_sids_are_not_taken_for_each_other(void **state)
{
    struct sid sids[] = {
        {.count = 1, .authority = 5, .sub_authorities = {7}},
        {.count = 2, .authority = 5, .sub_authorities = {32, 544}},
    };
    struct sid near[] = {
        {.count = 1, .authority = 1, .sub_authorities = {7}},
        {.count = 2, .authority = 5, .sub_authorities = {7, 0}},
        {.count = 1, .authority = 5, .sub_authorities = {32}},
        {.count = 2, .authority = 5, .sub_authorities = {544, 32}},
    };
    struct token *token = token_new(sids, NULL, 2);

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_false(token_has(token, &near[i], NULL));
    token_unref(token);
}

static void references_are_counted(void **state)
{
    struct sid sid = user(1);
    struct token *token = token_new(&sid, NULL, 1);

    (void)state;
    assert_ptr_equal(token_ref(token), token);
    token_unref(token);
    assert_true(token_has(token, &sid, NULL));
    token_unref(token);
    token_unref(NULL);
}

static void more_than_65535_sids_make_no_token(void **state)
{
    struct sid *sids = calloc(65536, sizeof(*sids));
    struct token *token;

    (void)state;
    assert_non_null(sids);
    for (uint32_t i = 0; i < 65536; i++)
        sids[i] = user(i);
    assert_null(token_new(sids, NULL, 65536));
    token = token_new(sids, NULL, 65535);
    assert_non_null(token);
    assert_true(token_has(token, &sids[65534], NULL));
    assert_false(token_has(token, &sids[65535], NULL));
    token_unref(token);
    free(sids);
}

static void one_more_sid_keeps_the_others(void **state)
{
    (void)state;
    const struct sid sids[] = {*sid_known(SID_EVERYONE), *sid_known(SID_NETWORK)};
    const bool deny_only[] = {false, true};
    struct token *token = token_new(sids, deny_only, 2);
    struct token *wider = token_with(token, sid_known(SID_AUTHENTICATED)),
                 *same = token_with(token, &sids[1]);
    bool is_deny_only;
    assert_int_equal(token_count(wider), 3);
    assert_true(sid_equal(token_sid(wider, 0), &sids[0]));
    assert_true(token_has(wider, sid_known(SID_AUTHENTICATED), &is_deny_only) && !is_deny_only);
    assert_true(token_has(wider, &sids[1], &is_deny_only) && is_deny_only);
    assert_false(token_has(token, sid_known(SID_AUTHENTICATED), NULL));
    assert_int_equal(token_count(same), 2);
    assert_true(token_has(same, &sids[1], &is_deny_only) && is_deny_only);
    token_unref(token);
    token_unref(wider);
    token_unref(same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_more_sid_keeps_the_others),
        cmocka_unit_test(it_holds_what_it_was_made_of_and_nothing_else),
        cmocka_unit_test(doubles_are_dropped_and_the_order_is_kept),
        cmocka_unit_test(a_sid_that_is_deny_only_once_is_deny_only),
        cmocka_unit_test(near_sids_are_not_taken_for_each_other),
        cmocka_unit_test(references_are_counted),
        cmocka_unit_test(more_than_65535_sids_make_no_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

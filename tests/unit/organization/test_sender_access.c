/* Send-As on an entry: the default, what denies it, and delegates. */
#include "organization/sender_access.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static struct sid sid_of(const char *text)
{
    struct sid sid;
    assert_int_equal(sid_parse(bytes_of_text(text), &sid), OK);
    return sid;
}

static struct token *token_of(const char *sids)
{
    struct sid list[8];
    size_t count = 0;
    struct bytes part;
    for (struct bytes rest = bytes_of_text(sids); bytes_next(&rest, ' ', &part);) {
        assert_int_equal(sid_parse(part, &list[count++]), OK);
    }
    return token_new(list, NULL, count);
}

/* grants: "+SID" or "-SID" of Send-As, "*SID" of everything, "!SID" denies everything; blank separated, each
 * on a level of its own. */
static struct sender_access access_of(const char *grants)
{
    struct sender_access access = {0};
    struct access_list_builder builder;
    struct bytes part;
    unsigned level = 0;
    access_list_builder_init(&builder, &arena);
    for (struct bytes rest = bytes_of_text(grants); bytes_next(&rest, ' ', &part);) {
        char kind = part.ptr[0];
        struct access_grant grant = {.is_deny = kind == '-' || kind == '!',
                                     .is_all_rights = kind == '*' || kind == '!',
                                     .rights = RIGHT_BIT(RIGHT_SEND_AS)};
        const struct ace_origin origin = {.text = part.ptr, .from = "dc=x"};
        assert_int_equal(sid_parse(bytes_skip(part, 1), &grant.sid), OK);
        assert_int_equal(access_list_add_grant(&builder, &grant, level++, &origin), OK);
    }
    assert_int_equal(sender_access_add_default(&builder), OK);
    assert_int_equal(access_list_finish(&builder, &access.list), OK);
    return access;
}

#define ALICE "S-1-5-21-1-2-3-1001 S-1-5-21-1-2-3-2001 S-1-5-11 S-1-1-0"

static const struct {
    const char *grants;
    bool is_self;
    bool is_held;
    const char *decided; /* how the deciding ACE begins; NULL: none does */
} CASES[] = {
    {"", true, true, "allow Send-As to SELF"},
    {"", false, false, NULL},
    {"+S-1-5-21-1-2-3-1001", false, true, "+S-1-5-21-1-2-3-1001"},
    {"+S-1-5-21-1-2-3-2001", false, true, "+S-1-5-21-1-2-3-2001"},
    {"*S-1-5-21-1-2-3-2001", false, true, "*S-1-5-21-1-2-3-2001"},
    {"+S-1-5-21-1-2-3-9999", false, false, NULL},
    {"-S-1-5-21-1-2-3-1001", true, false, "-S-1-5-21-1-2-3-1001"},
    {"!S-1-5-11", true, false, "!S-1-5-11"},
    {"-S-1-5-10", true, false, "-S-1-5-10"},
    {"-S-1-5-10 +S-1-5-21-1-2-3-2001", true, false, "-S-1-5-10"},
    {"+S-1-5-10 -S-1-5-10", true, true, "+S-1-5-10"},
    {"+S-1-5-10", false, false, NULL}, /* SELF is nobody else */
    {"+S-1-5-21-1-2-3-2001 -S-1-5-21-1-2-3-1001", false, true, "+S-1-5-21-1-2-3-2001"},
    {"-S-1-5-21-1-2-3-2001 +S-1-5-21-1-2-3-1001", false, false, "-S-1-5-21-1-2-3-2001"},
};

/* proves: facts-8.4 contract-3 */
static void test_send_as(void **state)
{
    (void)state;
    struct token *token = token_of(ALICE);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct sender_access access = access_of(CASES[i].grants);
        const struct ace_origin *origin;
        bool is_held;
        assert_int_equal(sender_access_check(&access, token, CASES[i].is_self, &is_held, &origin), OK);
        assert_int_equal(is_held, CASES[i].is_held);
        assert_int_equal(origin != NULL, CASES[i].decided != NULL);
        if (origin != NULL) {
            assert_true(bytes_starts_nocase(bytes_of_text(origin->text), CASES[i].decided));
        }
    }
    token_unref(token);
}

/* proves: D11 */
static void test_what_cannot_be_read_grants_nothing(void **state)
{
    (void)state;
    struct token *token = token_of(ALICE);
    const enum acl_state states[] = {ACL_ABSENT, ACL_NULL, ACL_PRESENT};
    for (size_t i = 0; i < 4; i++) {
        struct sender_access access =
            i < 3 ? (struct sender_access){.list.acl.state = states[i]} : access_of("+S-1-5-21-1-2-3-1001");
        const struct ace_origin *origin;
        bool is_held = true;
        access.grants_nothing = i < 3 ? NULL : "for a test";
        assert_int_equal(sender_access_check(&access, token, true, &is_held, &origin), OK);
        assert_false(is_held);
        assert_null(origin);
    }
    token_unref(token);
}

/* proves: C271 facts-8.4 */
static void test_delegates(void **state)
{
    (void)state;
    const struct sid delegates[] = {sid_of("S-1-5-21-1-2-3-7"), sid_of("S-1-5-21-1-2-3-2001")};
    const struct sender_access access = {.delegates = delegates, .delegate_count = 2}, none = {0};
    struct token *alice = token_of(ALICE), *bob = token_of("S-1-5-21-1-2-3-1002 S-1-5-11");
    assert_true(sender_access_has_delegate(&access, alice));
    assert_false(sender_access_has_delegate(&access, bob));
    assert_false(sender_access_has_delegate(&none, alice));
    assert_true(sender_access_names_delegate(&access, &delegates[0]));
    assert_false(sender_access_names_delegate(&access, token_sid(bob, 0)));
    token_unref(alice);
    token_unref(bob);
}

static int begin(void **state)
{
    (void)state;
    arena_init(&arena, 1u << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_send_as),
        cmocka_unit_test(test_what_cannot_be_read_grants_nothing),
        cmocka_unit_test(test_delegates),
    };
    return cmocka_run_group_tests(tests, begin, end);
}

/* The order of ACEs, and what fails closed. */
#include "organization/access_list.h"

#include "security/sddl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct arena arena;
    struct access_list_builder builder;
};

static int setup(void **state)
{
    static struct fixture fixture;
    arena_init(&fixture.arena, 64 << 20);
    access_list_builder_init(&fixture.builder, &fixture.arena);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    return 0;
}

static void add(struct fixture *fixture, bool is_deny, enum right right, unsigned level, const char *text)
{
    struct access_grant grant = {
        .is_deny = is_deny, .rights = RIGHT_BIT(right), .sid = *sid_known(SID_ANONYMOUS)};
    struct ace_origin origin = {.text = text, .from = level == 0 ? "CN=C" : "CN=P"};
    assert_int_equal(access_list_add_grant(&fixture->builder, &grant, level, &origin), OK);
}

static uint32_t granted(const struct access_list *list, bool grants_nothing)
{
    struct token *token = token_new(sid_known(SID_ANONYMOUS), NULL, 1);
    struct access_result result;
    access_list_check(list, grants_nothing, token, &result);
    token_unref(token);
    return result.granted;
}

/* proves: contract-3 D12 */
static void test_canonical_order(void **state)
{
    struct fixture *fixture = *state;
    struct access_list list;
    add(fixture, false, RIGHT_SMTP_SUBMIT, 2, "6");
    add(fixture, false, RIGHT_SMTP_SUBMIT, 1, "4");
    add(fixture, true, RIGHT_SMTP_SUBMIT, 2, "5");
    add(fixture, false, RIGHT_SMTP_SUBMIT, 0, "1");
    add(fixture, true, RIGHT_SMTP_SUBMIT, 1, "3");
    add(fixture, true, RIGHT_SMTP_SUBMIT, 0, "0");
    add(fixture, false, RIGHT_SEND_AS, 0, "2");
    assert_int_equal(access_list_finish(&fixture->builder, &list), OK);
    assert_int_equal(list.acl.state, ACL_PRESENT);
    assert_int_equal(list.acl.count, 7);
    for (size_t i = 0; i < 7; i++) {
        char expected[2] = {(char)('0' + i), '\0'};
        assert_string_equal(list.origins[i].text, expected);
        assert_int_equal(list.origins[i].is_inherited, i > 2);
        assert_int_equal((list.acl.aces[i].flags & ACE_FLAG_INHERITED) != 0, i > 2);
    }
}

/* proves: C191 facts-9.4 contract-3 */
static void test_explicit_allow_beats_inherited_deny(void **state)
{
    struct fixture *fixture = *state;
    struct access_list list;
    add(fixture, true, RIGHT_SMTP_SUBMIT, 1, NULL);
    add(fixture, false, RIGHT_SMTP_SUBMIT, 0, NULL);
    add(fixture, false, RIGHT_SEND_AS, 2, NULL);
    add(fixture, true, RIGHT_SEND_AS, 1, NULL);
    assert_int_equal(access_list_finish(&fixture->builder, &list), OK);
    assert_int_equal(granted(&list, false), RIGHT_BIT(RIGHT_SMTP_SUBMIT));
}

/* proves: D11 contract-3 */
static void test_absent_null_and_bad_lists_grant_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct access_list list;
    assert_int_equal(access_list_finish(&fixture->builder, &list), OK);
    assert_int_equal(list.acl.state, ACL_ABSENT);
    assert_int_equal(granted(&list, false), 0);
    list.acl.state = ACL_NULL;
    assert_int_equal(granted(&list, false), 0);
    list.acl.state = ACL_PRESENT; /* and empty */
    assert_int_equal(granted(&list, false), 0);

    add(fixture, false, RIGHT_SMTP_SUBMIT, 0, NULL);
    assert_int_equal(access_list_finish(&fixture->builder, &list), OK);
    assert_int_equal(granted(&list, false), RIGHT_BIT(RIGHT_SMTP_SUBMIT));
    assert_int_equal(granted(&list, true), 0);
}

static void test_origin_of_a_decision(void **state)
{
    struct fixture *fixture = *state;
    struct access_list list;
    add(fixture, false, RIGHT_SMTP_SUBMIT, 0, NULL);
    add(fixture, true, RIGHT_SEND_AS, 1, NULL);
    struct access_grant all = {.is_all_rights = true, .sid = *sid_known(SID_EVERYONE)};
    struct ace_origin origin = {.from = "CN=C", .group = "G"};
    assert_int_equal(access_list_add_grant(&fixture->builder, &all, 0, &origin), OK);
    assert_int_equal(access_list_finish(&fixture->builder, &list), OK);
    assert_string_equal(list.origins[1].text, "allow * to everyone");
    assert_string_equal(list.origins[1].group, "G");

    struct token *token = token_new(sid_known(SID_ANONYMOUS), NULL, 1);
    struct access_result result;
    access_list_check(&list, false, token, &result);
    token_unref(token);
    assert_string_equal(access_list_origin(&list, &result, RIGHT_SMTP_SUBMIT)->text,
                        "allow ms-Exch-SMTP-Submit to anonymous");
    assert_string_equal(access_list_origin(&list, &result, RIGHT_SEND_AS)->text, "deny Send-As to anonymous");
    assert_string_equal(access_list_origin(&list, &result, RIGHT_SEND_AS)->from, "CN=P");
    assert_null(access_list_origin(&list, &result, RIGHT_BYPASS_ANTI_SPAM));
}

static void test_limit(void **state)
{
    struct fixture *fixture = *state;
    struct access_grant grant = {.rights = 1, .sid = *sid_known(SID_ANONYMOUS)};
    struct ace_origin origin = {.text = "x", .from = "CN=C"};
    for (int i = 0; i < DESCRIPTOR_ACE_MAX; i++) {
        assert_int_equal(access_list_add_grant(&fixture->builder, &grant, 0, &origin), OK);
    }
    assert_int_equal(access_list_add_grant(&fixture->builder, &grant, 0, &origin), ERROR_LIMIT);
}

/* A stored DACL keeps its order, even one that no tool would write. */
/* proves: facts-9.4 */
static void test_stored_dacl(void **state)
{
    struct fixture *fixture = *state;
    struct ace aces[] = {
        {.type = ACE_ALLOW, .mask = ACE_MASK_CONTROL_ACCESS, .sid = *sid_known(SID_ANONYMOUS)},
        {.type = ACE_DENY,
         .flags = ACE_FLAG_INHERITED,
         .mask = ACE_MASK_CONTROL_ACCESS,
         .sid = *sid_known(SID_ANONYMOUS)},
    };
    struct acl acl = {.state = ACL_PRESENT, .revision = 4, .count = 2, .aces = aces};
    struct access_list list;
    assert_int_equal(access_list_of_acl(&acl, "CN=C", &fixture->arena, &list), OK);
    assert_int_equal(granted(&list, false), RIGHTS_ALL);
    assert_string_equal(list.origins[0].text, "(A;;CR;;;AN)");
    assert_false(list.origins[0].is_inherited);
    assert_true(list.origins[1].is_inherited);

    acl = (struct acl){.state = ACL_NULL};
    assert_int_equal(access_list_of_acl(&acl, "CN=C", &fixture->arena, &list), OK);
    assert_int_equal(list.acl.state, ACL_NULL);
    assert_int_equal(granted(&list, false), 0);
}

/* What is told to be within an earlier list is so for every token; the rest may be either. */
/* proves: contract-3 */
static void test_within_an_earlier_list(void **state)
{
    static const struct {
        const char *earlier;
        const char *now;
        bool is_within;
    } cases[] = {
        {"(A;;CR;;;AN)", "(A;;CR;;;AN)", true},
        {"(A;;CR;;;AN)(A;;CR;;;AU)", "(A;;CR;;;AU)", true},
        {"(A;;CR;;;AN)", "", true},
        {"(A;;CR;;;AN)", "(D;;CR;;;AU)(A;;CR;;;AN)(D;;CR;;;WD)", true},
        {"(D;;CR;;;AU)(A;;CR;;;AN)(D;;CR;;;WD)(A;;CR;;;BA)", "(D;;CR;;;AU)(D;;CR;;;WD)(A;;CR;;;BA)", true},
        {"(D;;CR;;;AU)(A;;CR;;;AN)", "(D;;CR;;;AU)", true},
        {"", "(A;;CR;;;AN)", false},
        {"(A;;CR;;;AN)", "(A;;GA;;;AN)", false},
        {"(A;;CR;;;AN)", "(A;;CR;;;AU)", false},
        {"(OA;;CR;5c82f031-4e4c-4326-88e1-8c4f0cad9de5;;AN)", "(A;;CR;;;AN)", false},
        {"(A;IOCI;CR;;;AN)", "(A;CI;CR;;;AN)", false},
        {"(D;;CR;;;AU)(A;;CR;;;AN)", "(A;;CR;;;AN)", false},
        {"(D;;CR;;;AU)(A;;CR;;;WD)", "(A;;CR;;;WD)(D;;CR;;;AU)", false},
        {"(A;;CR;;;WD)(D;;CR;;;AU)", "(A;;CR;;;WD)", false},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const texts[] = {cases[i].earlier, cases[i].now};
        struct access_list lists[2];
        for (size_t j = 0; j < 2; j++) {
            struct descriptor descriptor = {0};
            struct note note = {0};
            struct bytes text = bytes_of_text(arena_printf(&fixture->arena, "D:%s", texts[j]));
            assert_int_equal(sddl_parse(text, NULL, &fixture->arena, &descriptor, &note), OK);
            assert_int_equal(access_list_of_acl(&descriptor.dacl, "CN=C", &fixture->arena, &lists[j]), OK);
        }
        assert_int_equal(access_list_is_within(&lists[1], &lists[0]), cases[i].is_within);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_canonical_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_explicit_allow_beats_inherited_deny, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absent_null_and_bad_lists_grant_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_origin_of_a_decision, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stored_dacl, setup, teardown),
        cmocka_unit_test_setup_teardown(test_within_an_earlier_list, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

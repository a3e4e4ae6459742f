#include "organization/permission_group_find.h"

#include "security/sddl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SUBMIT         "a18293f1-0685-4540-aa63-e32df421b3a2"
#define RECIPIENT      "5c82f031-4e4c-4326-88e1-8c4f0cad9de5"
#define ANY_SENDER     "b857b50b-94a2-4b53-93f6-41cebd2fced0"
#define ROUTING        "04031f4f-7c36-43ea-9b49-4bd0f5f1e6af"
#define AUTHORITY      "c22841f4-96cb-498a-ac02-f9a87c74eb14"
#define ANONYMOUS_3    "(OA;CI;CR;" SUBMIT ";;AN)(OA;CI;CR;" ANY_SENDER ";;AN)(OA;CI;CR;" ROUTING ";;AN)"
#define ADMINISTRATORS "(A;;RPWPCCDCLCLORCWOWDSDDTSW;;;BA)(A;CIID;GA;;;BA)"

static const struct sid servers = {5, 5, {21, 1, 2, 3, 1101}};
static const struct sid interop = {5, 5, {21, 1, 2, 3, 1102}};
static const struct group_sids both = {&servers, &interop};

struct scene {
    struct arena arena;
    struct access_list list;
    uint32_t groups;
};

static void find(struct scene *scene, const char *sddl, bool is_edge)
{
    struct descriptor descriptor;
    arena_init(&scene->arena, 2 * DESCRIPTOR_ARENA_BYTES);
    assert_int_equal(sddl_parse(bytes_of_text(sddl), NULL, &scene->arena, &descriptor, NULL), OK);
    assert_int_equal(access_list_of_acl(&descriptor.dacl, "cn=a", &scene->arena, &scene->list), OK);
    assert_int_equal(permission_group_find(&scene->list, is_edge, &both, &scene->arena, &scene->groups), OK);
}

static void check(const char *sddl, uint32_t groups)
{
    struct scene scene;
    find(&scene, sddl, false);
    assert_int_equal(scene.groups, groups);
    arena_done(&scene.arena);
}

/* proves: facts-2.2 facts-5.1 */
static void test_held_and_left_over(void **state)
{
    (void)state;
    check("D:" ADMINISTRATORS, 0);
    check("D:" ANONYMOUS_3 ADMINISTRATORS, GROUP_ANONYMOUS_USERS);
    /* What 2010 adds belongs to the group; what the relay document adds does not. */
    check("D:" ANONYMOUS_3 "(OA;CI;CR;" AUTHORITY ";;AN)", GROUP_ANONYMOUS_USERS);
    check("D:" ANONYMOUS_3 "(OA;CI;CR;" RECIPIENT ";;AN)", GROUP_ANONYMOUS_USERS | GROUP_CUSTOM);
    check("D:(OA;CI;CR;" SUBMIT ";;AN)", GROUP_CUSTOM);
    check("D:(OD;CI;CR;" RECIPIENT ";;WD)", GROUP_CUSTOM);
    check("D:(A;CI;CR;;;AU)", GROUP_EXCHANGE_USERS | GROUP_CUSTOM);
    /* Inherited, for children only, or no right of ours: nothing is left over. */
    check("D:(OA;CIID;CR;" RECIPIENT ";;AN)(OA;CIIO;CR;" RECIPIENT ";;AN)"
          "(OA;CI;CR;12345678-0000-4000-8000-0000000000aa;;AN)",
          0);
    check("D:(OA;CIIO;CR;" SUBMIT ";;AN)(OA;CI;CR;" ANY_SENDER ";;AN)(OA;CI;CR;" ROUTING ";;AN)",
          GROUP_CUSTOM);
}

/* proves: contract-4 */
static void test_each_ace_names_its_group(void **state)
{
    (void)state;
    struct scene scene;
    find(&scene, "D:" ANONYMOUS_3 "(OA;CI;CR;" RECIPIENT ";;AN)" ADMINISTRATORS, false);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(scene.list.origins[i].group, "AnonymousUsers");
    for (size_t i = 3; i < scene.list.acl.count; i++)
        assert_null(scene.list.origins[i].group);
    arena_done(&scene.arena);
}

/* What a group writes, under either model, is found as that group and nothing more. */
/* proves: facts-5.1 */
static void test_what_is_written_is_found(void **state)
{
    (void)state;
    static const enum permission_group groups[] = {GROUP_ANONYMOUS_USERS, GROUP_EXCHANGE_USERS,
                                                   GROUP_EXCHANGE_SERVERS, GROUP_EXCHANGE_LEGACY_SERVERS,
                                                   GROUP_PARTNERS};
    for (size_t i = 0; i < 5 * 4; i++) {
        enum permission_group group = groups[i / 4];
        enum permission_model model = i % 2 ? PERMISSION_MODEL_2007 : PERMISSION_MODEL_2010;
        bool is_edge = i % 4 > 1;
        struct access_list_builder builder;
        struct access_list list;
        struct arena arena;
        uint32_t found;
        arena_init(&arena, 1 << 20);
        access_list_builder_init(&builder, &arena);
        assert_int_equal(permission_group_add(&builder, group, model, is_edge, &both, "cn=a"), OK);
        assert_int_equal(access_list_finish(&builder, &list), OK);
        if (list.acl.state == ACL_PRESENT) {
            assert_int_equal(permission_group_find(&list, is_edge, &both, &arena, &found), OK);
            assert_int_equal(found, group);
        } else {
            assert_false(permission_group_is_available(group, model, is_edge));
        }
        arena_done(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_and_left_over),
        cmocka_unit_test(test_each_ace_names_its_group),
        cmocka_unit_test(test_what_is_written_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The walk, rule by rule of facts 9.4, on descriptors written as SDDL. */
#include "security/access_check.h"
#include "security/sddl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SUBMIT    "a18293f1-0685-4540-aa63-e32df421b3a2"
#define RECIPIENT "5c82f031-4e4c-4326-88e1-8c4f0cad9de5"
#define USER      "S-1-5-21-1-2-3-1001"

static const struct sid user = {5, 5, {21, 1, 2, 3, 1001}};

/* Everything a test asks for at once. */
struct scene {
    struct arena arena;
    struct descriptor descriptor;
    struct access_result result;
};

static void check_token(struct scene *scene, const char *sddl, struct token *token)
{
    struct note note = {0};

    arena_init(&scene->arena, DESCRIPTOR_ARENA_BYTES);
    assert_int_equal(sddl_parse(bytes_of_text(sddl), NULL, &scene->arena, &scene->descriptor, &note), OK);
    access_check(&scene->descriptor.dacl, token, &scene->result);
    token_unref(token);
    arena_done(&scene->arena);
}

static uint32_t granted_to(const struct sid *sid, const char *sddl)
{
    struct scene scene;

    check_token(&scene, sddl, token_new(sid, NULL, 1));
    return scene.result.granted;
}

static uint32_t granted_to_anonymous(const char *sddl)
{
    return granted_to(sid_known(SID_ANONYMOUS), sddl);
}

/* proves: D11 facts-9.4 */
static void absent_null_and_empty_are_three_things(void **state)
{
    (void)state;
    assert_int_equal(granted_to_anonymous("O:BA"), RIGHTS_ALL);
    assert_int_equal(granted_to_anonymous("D:NO_ACCESS_CONTROL"), RIGHTS_ALL);
    assert_int_equal(granted_to_anonymous("D:"), 0);
}

/* proves: facts-9.4 facts-9.5 C192 */
static void the_relay_documents_descriptor_grants_its_five_rights(void **state)
{
    const char *sddl = "D:(OA;CI;CR;" SUBMIT ";;AN)"
                       "(OA;CI;CR;b857b50b-94a2-4b53-93f6-41cebd2fced0;;AN)"
                       "(OA;CI;CR;c22841f4-96cb-498a-ac02-f9a87c74eb14;;AN)"
                       "(OA;CI;CR;04031f4f-7c36-43ea-9b49-4bd0f5f1e6af;;AN)"
                       "(OA;CI;CR;" RECIPIENT ";;AN)";

    (void)state;
    assert_int_equal(granted_to_anonymous(sddl),
                     RIGHT_BIT(RIGHT_SMTP_SUBMIT) | RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_SENDER) |
                         RIGHT_BIT(RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER) |
                         RIGHT_BIT(RIGHT_ACCEPT_HEADERS_ROUTING) |
                         RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT));
    assert_int_equal(granted_to(&user, sddl), 0);
}

/* proves: facts-9.4 D12 C193 */
static void the_first_ace_that_speaks_decides(void **state)
{
    struct scene scene;

    (void)state;
    check_token(&scene, "D:(OD;;CR;" SUBMIT ";;AN)(A;;CR;;;AN)(OD;;CR;" RECIPIENT ";;AN)",
                token_new(sid_known(SID_ANONYMOUS), NULL, 1));
    assert_int_equal(scene.result.granted, RIGHTS_ALL & ~RIGHT_BIT(RIGHT_SMTP_SUBMIT));
    assert_int_equal(scene.result.ace[RIGHT_SMTP_SUBMIT], 0);
    assert_int_equal(scene.result.ace[RIGHT_SMTP_ACCEPT_ANY_RECIPIENT], 1);
    assert_int_equal(granted_to_anonymous("D:(A;;CR;;;AN)(D;ID;CR;;;AN)"), RIGHTS_ALL);
    assert_int_equal(granted_to_anonymous("D:(D;ID;CR;;;AN)(A;;CR;;;AN)"), 0);
}

static void a_right_nobody_spoke_of_names_no_ace(void **state)
{
    struct scene scene;

    (void)state;
    check_token(&scene, "D:(OA;;CR;" SUBMIT ";;AN)", token_new(sid_known(SID_ANONYMOUS), NULL, 1));
    assert_int_equal(scene.result.ace[RIGHT_SMTP_SUBMIT], 0);
    assert_int_equal(scene.result.ace[RIGHT_SMTP_ACCEPT_ANY_RECIPIENT], ACCESS_NO_ACE);
    check_token(&scene, "D:NO_ACCESS_CONTROL", token_new(&user, NULL, 1));
    assert_int_equal(scene.result.ace[RIGHT_SMTP_SUBMIT], ACCESS_NO_ACE);
}

/* proves: facts-9.4 D12 */
static void what_does_not_apply_is_passed_over(void **state)
{
    static const char *const nothing[] = {
        "D:(A;IO;CR;;;AN)",                                    /* inherit-only */
        "D:(A;;CCDCLCSWRPWPDTLOSDRCWDWO;;;AN)",                /* all but control access */
        "D:(A;;GR;;;AN)(A;;GW;;;AN)(A;;GX;;;AN)",              /* generic without it */
        "D:(OA;;CR;00000000-0000-0000-0000-000000000000;;AN)", /* zeros are a GUID like others */
        "D:(OA;;CR;06386f89-befb-4e48-baa1-559fd9221f78;;AN)", /* a right of others */
        "D:(A;;CR;;;PS)",                                      /* PRINCIPAL SELF */
        "D:(A;;CR;;;OW)",                                      /* owner rights */
        "O:AND:(A;;CR;;;CO)",                                  /* owning gives no extended right */
        "D:(A;;CR;;;WD)(A;;CR;;;AU)",                          /* not in an anonymous token */
        "D:S:(AU;SAFA;CR;;;AN)",                               /* audit */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
        assert_int_equal(granted_to_anonymous(nothing[i]), 0);
}

/* proves: facts-9.3 facts-9.4 facts-3 */
static void full_control_and_all_extended_rights_grant_all(void **state)
{
    (void)state;
    assert_int_equal(granted_to_anonymous("D:(A;;GA;;;AN)"), RIGHTS_ALL);
    assert_int_equal(granted_to_anonymous("D:(A;;0xf01ff;;;AN)"), RIGHTS_ALL);
    assert_int_equal(granted_to_anonymous("D:(A;;CR;;;AN)"), RIGHTS_ALL);
    assert_int_equal(granted_to_anonymous("D:(OA;;CR;;" SUBMIT ";AN)"), RIGHTS_ALL);
    assert_int_equal(granted_to_anonymous("D:(OA;;GA;" SUBMIT ";;AN)"), RIGHT_BIT(RIGHT_SMTP_SUBMIT));
}

/* proves: facts-9.4 */
static void an_inherited_object_type_does_not_matter_here(void **state)
{
    (void)state;
    assert_int_equal(granted_to_anonymous("D:(OA;ID;CR;" SUBMIT ";" RECIPIENT ";AN)"),
                     RIGHT_BIT(RIGHT_SMTP_SUBMIT));
}

/* proves: facts-9.4 D12 */
static void a_deny_only_sid_counts_for_deny_alone(void **state)
{
    struct sid sids[] = {user, *sid_known(SID_AUTHENTICATED)};
    bool deny_only[] = {true, false};
    struct scene scene;

    (void)state;
    check_token(&scene, "D:(A;;CR;;;" USER ")", token_new(sids, deny_only, 2));
    assert_int_equal(scene.result.granted, 0);
    check_token(&scene, "D:(OD;;CR;" SUBMIT ";;" USER ")(A;;CR;;;AU)", token_new(sids, deny_only, 2));
    assert_int_equal(scene.result.granted, RIGHTS_ALL & ~RIGHT_BIT(RIGHT_SMTP_SUBMIT));
}

/* SDDL has no letters for them here, so they are made by hand. */
static uint32_t granted_with_callback(uint8_t type)
{
    struct ace aces[] = {
        {.type = type, .mask = ACE_MASK_CONTROL_ACCESS, .sid = user, .body = BYTES_LITERAL("artx")},
        {.type = ACE_ALLOW_OBJECT, .mask = ACE_MASK_CONTROL_ACCESS, .sid = user, .has_object_type = true},
    };
    struct acl dacl = {.state = ACL_PRESENT, .revision = ACL_REVISION_DS, .count = 2, .aces = aces};
    struct token *token = token_new(&user, NULL, 1);
    struct access_result result;

    aces[1].object_type = right_row(RIGHT_SMTP_SUBMIT)->guid;
    access_check(&dacl, token, &result);
    token_unref(token);
    return result.granted;
}

/* proves: facts-9.4 D10 */
static void a_condition_never_allows_and_always_denies(void **state)
{
    (void)state;
    assert_int_equal(granted_with_callback(ACE_ALLOW_CALLBACK), RIGHT_BIT(RIGHT_SMTP_SUBMIT));
    assert_int_equal(granted_with_callback(ACE_ALLOW_CALLBACK_OBJECT), RIGHT_BIT(RIGHT_SMTP_SUBMIT));
    assert_int_equal(granted_with_callback(ACE_DENY_CALLBACK), 0);
    assert_int_equal(granted_with_callback(ACE_DENY_CALLBACK_OBJECT), 0);
}

/* proves: C193 */
static void a_thousand_aces_meet_a_thousand_sids(void **state)
{
    static struct sid sids[1000];
    static struct ace aces[1000];
    struct acl dacl = {.state = ACL_PRESENT, .revision = ACL_REVISION, .count = 1000, .aces = aces};
    struct access_result result;
    struct token *token;

    (void)state;
    for (uint32_t i = 0; i < 1000; i++) {
        sids[i] = (struct sid){5, 5, {21, 1, 2, 3, 1000 + i}};
        aces[i] = (struct ace){.mask = ACE_MASK_CONTROL_ACCESS, .sid = {5, 5, {21, 1, 2, 3, 5000 + i}}};
    }
    token = token_new(sids, NULL, 1000);
    access_check(&dacl, token, &result);
    assert_int_equal(result.granted, 0);
    aces[999].sid = sids[999];
    access_check(&dacl, token, &result);
    assert_int_equal(result.granted, RIGHTS_ALL);
    assert_int_equal(result.ace[RIGHT_SEND_AS], 999);
    token_unref(token);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_null_and_empty_are_three_things),
        cmocka_unit_test(the_relay_documents_descriptor_grants_its_five_rights),
        cmocka_unit_test(the_first_ace_that_speaks_decides),
        cmocka_unit_test(a_right_nobody_spoke_of_names_no_ace),
        cmocka_unit_test(what_does_not_apply_is_passed_over),
        cmocka_unit_test(full_control_and_all_extended_rights_grant_all),
        cmocka_unit_test(an_inherited_object_type_does_not_matter_here),
        cmocka_unit_test(a_deny_only_sid_counts_for_deny_alone),
        cmocka_unit_test(a_condition_never_allows_and_always_denies),
        cmocka_unit_test(a_thousand_aces_meet_a_thousand_sids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

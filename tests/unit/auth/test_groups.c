/* fakes: directory */
/* Which SIDs an account holds, by every way that a group can name it. */
#include "unit/auth/accounts_scene.h"

#define DN(name) "cn=" name ",dc=contoso,dc=com"
#define TOP      "dn: dc=contoso,dc=com\nobjectClass: domain\ndc: contoso\n\n"
#define USER(lines)                                                                                          \
    "dn: cn=u,dc=contoso,dc=com\nobjectClass: person\nobjectClass: posixAccount\nuid: u\n"                   \
    "objectSid: S-1-5-21-1-2-3-1000\n" lines "\n"
/* The group's SID ends in rid; lines name its members. */
#define GROUP(class, name, rid, lines)                                                                       \
    "dn: " DN(name) "\nobjectClass: " class "\ncn: " name "\nobjectSid: S-1-5-21-1-2-3-" rid "\n" lines "\n"
#define MEMBER(name) "member: " DN(name) "\n"

static struct scene scene;

static int end(void **state)
{
    (void)state;
    scene_end(&scene);
    return 0;
}

/* The last numbers of u's SIDs beside its own, or the error. */
static const char *groups_of(const char *ldif)
{
    static char text[8192];
    scene_begin(&scene, FLAVOR_OPENLDAP, ldif);
    const char *sids = scene_sids(&scene, ACCOUNT_NAME_LOGIN, "u");
    const char *own = "u S-1-5-21-1-2-3-1000";
    if (strncmp(sids, own, strlen(own)) != 0)
        return sids;
    size_t len = 0;
    text[0] = '\0';
    for (const char *at = sids + strlen(own); (at = strchr(at, ' ')); at++) {
        const char *next = strchr(at + 1, ' ');
        const char *last = next ? next : at + strlen(at);
        const char *dash = last;
        while (dash[-1] != '-')
            dash--;
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%.*s", len ? " " : "", (int)(last - dash),
                                dash);
    }
    return text;
}

/* proves: D9 contract-3 */
static void test_every_way_to_name_a_member(void **state)
{
    (void)state;
    assert_string_equal(
        groups_of(TOP USER("gidNumber: 100\n") GROUP("groupOfNames", "a", "1", MEMBER("u"))
                      GROUP("groupOfUniqueNames", "b", "2", "uniqueMember: " DN("u") "\n")
                          GROUP("posixGroup", "c", "3", "memberUid: u\ngidNumber: 7\n")
                              GROUP("posixGroup", "d", "4", "gidNumber: 100\n")
                                  GROUP("posixGroup", "e", "5", "memberUid: v\ngidNumber: 8\n")
                                      GROUP("group", "f", "6", "member: CN=U , DC=contoso,dc=com\n")),
        "1 2 3 4 6");
}

/* proves: D9 */
static void test_nested_with_cycle_diamond_and_dangling(void **state)
{
    (void)state;
    assert_string_equal(
        groups_of(TOP USER("") GROUP("groupOfNames", "a", "1", MEMBER("u") MEMBER("d") MEMBER("gone")) GROUP(
            "groupOfNames", "b", "2", MEMBER("a")) GROUP("groupOfNames", "c", "3", MEMBER("a"))
                      GROUP("groupOfUniqueNames", "d", "4",
                            "uniqueMember: " DN("b") "\nuniqueMember: " DN("c") "\n")
                          GROUP("groupOfNames", "self", "5", MEMBER("self") MEMBER("d"))
                              GROUP("groupOfNames", "other", "6", MEMBER("gone"))),
        "1 2 3 4 5");
}

/* proves: D9 */
static void test_member_of(void **state)
{
    (void)state;
    /* Named by memberOf alone, and by a group that is so named; found by a search too, it counts once; what
     * is not there, is no DN or is somebody is no group. */
    assert_string_equal(groups_of(TOP USER("memberOf: " DN("a") "\nmemberOf: " DN("b") "\nmemberOf: " DN(
                            "gone") "\nmemberOf: x\n"
                                    "memberOf: " DN("boss") "\nmemberOf: " DN("u") "\n")
                                      GROUP("groupOfNames", "a", "1", MEMBER("u"))
                                          GROUP("groupOfMembers", "b", "2", "memberOf: " DN("c") "\n")
                                              GROUP("groupOfMembers", "c", "3", "memberOf: " DN("b") "\n")
                                                  GROUP("groupOfNames", "d", "4", MEMBER("c"))
                                                      GROUP("person", "boss", "1001", "")),
                        "1 2 3 4");
}

/* proves: D9 */
static void test_odd_names(void **state)
{
    (void)state;
    assert_string_equal(
        groups_of(TOP USER(
            "") "dn: cn=a\\2c (b)*\\\\,dc=contoso,dc=com\nobjectClass: groupOfNames\n"
                "objectSid: S-1-5-21-1-2-3-1\n" MEMBER("u") "\n" GROUP(
                    "groupOfNames", "above", "2", "member: cn=a\\, (b)*\\5c,dc=contoso,dc=com\n")
                      GROUP("groupOfNames", "none", "3", "member: cn=a\\, (b)x\\5c,dc=contoso,dc=com\n")),
        "1 2");
}

/* proves: D9 */
static void test_bounds(void **state)
{
    (void)state;
    static const char ldif[] = TOP USER("") GROUP("groupOfNames", "a", "1", MEMBER("u"))
        GROUP("groupOfNames", "b", "2", MEMBER("a")) GROUP("groupOfNames", "c", "3", MEMBER("b"));
    scene.config.group_depth = 3;
    scene.config.group_limit = 3;
    assert_string_equal(groups_of(ldif), "1 2 3");
    scene_end(&scene);
    scene.config.group_depth = 2;
    assert_string_equal(
        groups_of(ldif),
        "limit: cn=u,dc=contoso,dc=com: its groups are nested deeper than 2 (auth.group_depth)");
    scene_end(&scene);
    scene.config.group_limit = 2;
    assert_string_equal(groups_of(ldif),
                        "limit: cn=u,dc=contoso,dc=com is in more than 2 groups (auth.group_limit)");
}

/* proves: D9 */
static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 120 };
    char *ldif = malloc(COUNT * 400 + 1000);
    size_t len = (size_t)snprintf(ldif, 1000, "%s", TOP USER(""));
    for (unsigned i = 0; i < COUNT; i++) {
        char member[64];
        if (i < 60)
            (void)snprintf(member, sizeof(member), DN("u"));
        else
            (void)snprintf(member, sizeof(member), "cn=g%u,dc=contoso,dc=com", i - 60);
        len += (size_t)snprintf(ldif + len, 400,
                                "dn: cn=g%u,dc=contoso,dc=com\nobjectClass: groupOfNames\nmember: %s\n"
                                "objectSid: S-1-5-21-1-2-3-%u\n\n",
                                i, member, 2000 + i);
    }
    scene_begin(&scene, FLAVOR_OPENLDAP, ldif);
    free(ldif);
    const struct account *account;
    assert_int_equal(scene_answer(&scene, ACCOUNT_NAME_LOGIN, "u", &account, NULL), OK);
    assert_int_equal(account->sid_count, 1 + COUNT + 3);
    for (unsigned i = 0; i < COUNT; i++) {
        char sid[64];
        (void)snprintf(sid, sizeof(sid), "S-1-5-21-1-2-3-%u", 2000 + i);
        assert_true(account_has(account, sid));
    }
    account_unref(account);
}

/* For explain. */
static void test_paths(void **state)
{
    (void)state;
    scene_begin(&scene, FLAVOR_OPENLDAP,
                TOP USER("gidNumber: 9\n") GROUP("groupOfNames", "a", "1", MEMBER("u"))
                    GROUP("groupOfNames", "b", "2", MEMBER("u")) GROUP("groupOfNames", "c", "3", MEMBER("b"))
                        GROUP("posixGroup", "p", "4", "gidNumber: 9\n"));
    struct question question = {.request.is_path_wanted = true};
    for (int round = 0; round < 2; round++) { /* never from the cache, nor into it */
        scene_ask(&scene, &question, ACCOUNT_NAME_LOGIN, "u");
        scene_turn(&scene);
        assert_int_equal(question.done_count, 1);
        const struct account *account = question.request.account;
        for (size_t i = 0; i < account->sid_count; i++) {
            const struct account_sid *sid = &account->sids[i];
            const char *dn = sid->name ? sid->name : "";
            bool is_nested = strcmp(dn, DN("c")) == 0;
            assert_true(is_nested ? strcmp(account->sids[sid->via].name, DN("b")) == 0
                                  : sid->via == ACCOUNT_VIA_SELF);
            assert_true((strcmp(dn, DN("p")) == 0) == (sid->source == ACCOUNT_SID_PRIMARY_GROUP));
        }
        account_unref(account);
    }
}

/* proves: contract-3 */
static void test_refused_sids(void **state)
{
    (void)state;
    /* Somebody's, written into a group. */
    assert_string_equal(
        groups_of(TOP USER("") GROUP("groupOfNames", "a", "1", MEMBER("u")) GROUP("person", "boss", "1", "")),
        "denied_credentials: cn=boss,dc=contoso,dc=com has the SID of cn=a,dc=contoso,dc=com: "
        "S-1-5-21-1-2-3-1");
    scene_end(&scene);
    /* Two groups with one, both of the account's. */
    assert_has_text(groups_of(TOP USER("") GROUP("groupOfNames", "a", "1", MEMBER("u"))
                                  GROUP("groupOfNames", "b", "1", MEMBER("u"))),
                    "denied_credentials");
    scene_end(&scene);
    /* The account's own. */
    assert_has_text(groups_of(TOP USER("") GROUP("person", "boss", "1000", "")), "denied_credentials");
    scene_end(&scene);
    /* The transport's own, and Windows'. */
    assert_has_text(groups_of(TOP USER("") "dn: " DN("a") "\nobjectClass: groupOfNames\nmember: " DN(
                        "u") "\n"
                             "objectSid: S-1-9-1419165041-1139599005-3936102811-1022490595-23\n"),
                    "denied_credentials: its group cn=a,dc=contoso,dc=com: its objectSid S-1-9-1419165041");
    scene_end(&scene);
    assert_has_text(groups_of(TOP USER("sIDHistory: S-1-5-32-544\n")), "denied_credentials");
    scene_end(&scene);
    assert_has_text(groups_of(TOP USER("sIDHistory: S-1-5-21-1-2-3-7\n") GROUP("groupOfNames", "a", "7", "")),
                    "denied_credentials");
}

/* Active Directory */

/* S-1-5-21-1-2-3-1000 and -2001 */
#define SID_1000 "AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAA6AMAAA=="
#define SID_2001 "AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAA0QcAAA=="

#define AD_USER                                                                                              \
    TOP "dn: cn=u,dc=contoso,dc=com\nobjectClass: user\nsAMAccountName: u\n"                                 \
        "objectSid:: " SID_1000 "\nprimaryGroupID: 513\nuserAccountControl: 512\n"
/* S-1-5-21-1-2-3-513, S-1-5-21-1-2-3-2001, S-1-5-32-545 and S-1-5-11. */
#define TOKEN                                                                                                \
    "tokenGroups:: AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAAQIAAA==\n"                                               \
    "tokenGroups:: AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAA0QcAAA==\n"                                               \
    "tokenGroups:: AQIAAAAAAAUgAAAAIQIAAA==\n"

static const char *ad_sids(const char *ldif)
{
    scene_begin(&scene, FLAVOR_AD, ldif);
    return scene_sids(&scene, ACCOUNT_NAME_LOGIN, "u");
}

#define AD_GROUPS "u S-1-5-21-1-2-3-1000 S-1-5-21-1-2-3-513 S-1-5-21-1-2-3-2001 S-1-5-32-545"

/* proves: contract-3 facts-9.6 */
static void test_token_groups(void **state)
{
    (void)state;
    assert_string_equal(ad_sids(AD_USER TOKEN), AD_GROUPS);
    scene_end(&scene);
    /* Of what the domain controller computes, that which is no group's is left out. */
    assert_string_equal(ad_sids(AD_USER TOKEN "tokenGroups:: AQEAAAAAAAULAAAA\n"), AD_GROUPS);
    scene_end(&scene);
    assert_string_equal(ad_sids(AD_USER TOKEN "sIDHistory: S-1-5-21-9-9-9-1\n\ndn: cn=g,dc=contoso,dc=com\n"
                                              "objectClass: group\nobjectSid:: " SID_2001 "\n"
                                              "sIDHistory: S-1-5-21-9-9-9-2\n"),
                        "u S-1-5-21-1-2-3-1000 S-1-5-21-9-9-9-1 S-1-5-21-1-2-3-513 S-1-5-21-1-2-3-2001 "
                        "S-1-5-32-545 S-1-5-21-9-9-9-2");
}

/* proves: D9 */
static void test_token_groups_that_fail(void **state)
{
    (void)state;
    assert_has_text(ad_sids(AD_USER), "temporary: cn=u,dc=contoso,dc=com: its tokenGroups cannot be read");
    scene_end(&scene);
    assert_has_text(ad_sids(TOP "dn: cn=u,dc=contoso,dc=com\nobjectClass: user\nsAMAccountName: u\n"),
                    "denied_credentials: cn=u,dc=contoso,dc=com: its objectSid cannot be read");
    scene_end(&scene);
    scene.config.group_limit = 2;
    assert_has_text(ad_sids(AD_USER TOKEN), "limit: cn=u,dc=contoso,dc=com is in more than 2 groups");
    scene_end(&scene);
    assert_has_text(ad_sids(AD_USER TOKEN "\ndn: cn=v,dc=contoso,dc=com\nobjectClass: user\n"
                                          "objectSid:: " SID_1000 "\n"),
                    "denied_credentials: cn=v,dc=contoso,dc=com has the SID of cn=u,dc=contoso,dc=com");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_every_way_to_name_a_member, end),
        cmocka_unit_test_teardown(test_nested_with_cycle_diamond_and_dangling, end),
        cmocka_unit_test_teardown(test_member_of, end),
        cmocka_unit_test_teardown(test_odd_names, end),
        cmocka_unit_test_teardown(test_bounds, end),
        cmocka_unit_test_teardown(test_many, end),
        cmocka_unit_test_teardown(test_paths, end),
        cmocka_unit_test_teardown(test_refused_sids, end),
        cmocka_unit_test_teardown(test_token_groups, end),
        cmocka_unit_test_teardown(test_token_groups_that_fail, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

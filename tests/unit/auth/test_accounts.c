/* fakes: directory */
/* Asking for accounts: whom a name means, the cache, and when what it holds is over. */
#include "unit/auth/accounts_scene.h"

#define ALICE                                                                                                \
    "dn: uid=alice,dc=contoso,dc=com\nobjectClass: inetOrgPerson\nuid: alice\ncn: Alice\n"                   \
    "objectSid: S-1-5-21-1-2-3-1001\nentryUUID: 00000000-0000-0000-0000-000000000001\n"                      \
    "mail: alice@contoso.com\nmail: a@contoso.com\nproxyAddresses: SMTP:Alice@contoso.com\n"                 \
    "proxyAddresses: smtp:al@contoso.com\nproxyAddresses: x400:c=us\n"                                       \
    "mailAlternateAddress: alt@contoso.com\ndisplayName: Alice A.\n"
#define TREE                                                                                                 \
    "dn: dc=contoso,dc=com\nobjectClass: domain\ndc: contoso\n\n" ALICE "\n"                                 \
    "dn: uid=bob,dc=contoso,dc=com\nobjectClass: inetOrgPerson\nuid: bob\ncn: Bob\n"                         \
    "objectSid: S-1-5-21-1-2-3-1002\nmail: bob@contoso.com\nmail: shared@contoso.com\n\n"                    \
    "dn: uid=carl,dc=contoso,dc=com\nobjectClass: inetOrgPerson\nuid: carl\ncn: Carl\n"                      \
    "objectSid: S-1-5-21-1-2-3-1003\nmail: shared@contoso.com\n\n"                                           \
    "dn: cn=staff,dc=contoso,dc=com\nobjectClass: groupOfNames\ncn: staff\nmail: staff@contoso.com\n"        \
    "objectSid: S-1-5-21-1-2-3-2001\nmember: uid=alice,dc=contoso,dc=com\n\n"

static struct scene scene;

static int begin(void **state)
{
    (void)state;
    scene_begin(&scene, FLAVOR_OPENLDAP, TREE);
    return 0;
}

static int end(void **state)
{
    (void)state;
    scene_end(&scene);
    return 0;
}

static const char *login(const char *name)
{
    return scene_sids(&scene, ACCOUNT_NAME_LOGIN, name);
}

#define ALICE_SIDS "alice S-1-5-21-1-2-3-1001 S-1-5-21-1-2-3-2001"

/* proves: contract-2 contract-3 */
static void test_login_attributes(void **state)
{
    (void)state;
    assert_string_equal(login("alice"), ALICE_SIDS);
    assert_string_equal(login("ALICE@contoso.com"), ALICE_SIDS);
    assert_has_text(login("alt@contoso.com"), "not_found");
    assert_has_text(login("nobody"), "not_found: no such account");
    assert_has_text(login("staff@contoso.com"), "not_found: no such account");
}

/* proves: D4 */
static void test_two_entries_are_nobody(void **state)
{
    (void)state;
    assert_has_text(login("shared@contoso.com"), "not_found: ambiguous");
    assert_string_equal(login("bob"), "bob S-1-5-21-1-2-3-1002");
}

/* proves: D2 D3 */
static void test_hostile_names(void **state)
{
    (void)state;
    static const char *const names[] = {"*",
                                        "a*",
                                        "*)(uid=*",
                                        ")(|(uid=*",
                                        "\\00",
                                        "a,dc=x",
                                        "uid=alice,dc=contoso,dc=com",
                                        "cn=a+uid=b",
                                        "#alice",
                                        "\\2a",
                                        "alice)(objectClass=*"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_has_text(login(names[i]), "not_found: no such account");
    assert_has_text(login(""), "syntax");
    assert_has_text(login("  \t "), "syntax");
    assert_has_text(login("\xff\xfe"), "syntax");
    char *huge = malloc(10241);
    memset(huge, 'a', 10240);
    huge[10240] = '\0';
    assert_has_text(login(huge), "syntax");
    free(huge);
    struct question question = {.done_count = 0};
    scene_ask(&scene, &question, ACCOUNT_NAME_LOGIN, "");
    scene_turn(&scene);
    question.request.name = (struct bytes){"alice\0x", 7};
    question.done_count = 0;
    accounts_ask(scene.accounts, &question.request);
    scene_turn(&scene);
    assert_int_equal(question.request.error, ERROR_SYNTAX);
}

static void test_account_of_an_entry(void **state)
{
    (void)state;
    const struct account *alice;
    assert_int_equal(scene_answer(&scene, ACCOUNT_NAME_LOGIN, "alice", &alice, NULL), OK);
    assert_string_equal(alice->dn, "uid=alice,dc=contoso,dc=com");
    assert_string_equal(alice->display_name, "Alice A.");
    assert_int_equal(alice->address_count, 4);
    assert_string_equal(alice->addresses[0], "alice@contoso.com");
    assert_string_equal(alice->addresses[1], "a@contoso.com");
    assert_string_equal(alice->addresses[2], "al@contoso.com");
    assert_string_equal(alice->addresses[3], "alt@contoso.com");
    assert_int_equal(alice->id[15], 1);
    assert_int_equal(token_count(alice->token), alice->sid_count);
    for (size_t i = 0; i < alice->sid_count; i++)
        assert_true(sid_equal(token_sid(alice->token, i), &alice->sids[i].sid));
    account_unref(alice);
}

/* proves: contract-3 */
static void test_well_known_sids(void **state)
{
    (void)state;
    const struct account *alice;
    assert_int_equal(scene_answer(&scene, ACCOUNT_NAME_LOGIN, "alice", &alice, NULL), OK);
    assert_true(account_has(alice, "S-1-1-0"));
    assert_true(account_has(alice, "S-1-5-11"));
    assert_true(account_has(alice, "S-1-5-2"));
    assert_false(account_has(alice, "S-1-5-7"));
    account_unref(alice);
}

static void test_other_names(void **state)
{
    (void)state;
    const char id[16] = {[15] = 1};
    assert_string_equal(scene_sids(&scene, ACCOUNT_NAME_DN, "UID=Alice, DC=contoso,dc=com"), ALICE_SIDS);
    assert_has_text(scene_sids(&scene, ACCOUNT_NAME_DN, "uid=gone,dc=contoso,dc=com"), "not_found");
    assert_has_text(scene_sids(&scene, ACCOUNT_NAME_DN, "cn=staff,dc=contoso,dc=com"), "not_found");
    assert_has_text(scene_sids(&scene, ACCOUNT_NAME_DN, "uid=alice,dc=example,dc=com"), "not_found");
    assert_has_text(scene_sids(&scene, ACCOUNT_NAME_DN, "alice"), "syntax");
    assert_string_equal(scene_sids(&scene, ACCOUNT_NAME_SID, "S-1-5-21-1-2-3-1001"), ALICE_SIDS);
    assert_has_text(scene_sids(&scene, ACCOUNT_NAME_SID, "S-1-5-11"), "not_found");
    /* Alice's entryUUID; her SID is another. */
    assert_has_text(scene_sids(&scene, ACCOUNT_NAME_SID, "S-1-9-0-0-0-1"), "not_found");
    assert_has_text(scene_sids(&scene, ACCOUNT_NAME_SID, "alice"), "syntax");
    assert_string_equal(scene_sids(&scene, ACCOUNT_NAME_ID, id), ALICE_SIDS);
}

static void test_name_only_has_no_token(void **state)
{
    (void)state;
    struct question question = {.request.is_name_only = true};
    for (int round = 0; round < 2; round++) { /* the second is from the cache */
        scene_ask(&scene, &question, ACCOUNT_NAME_LOGIN, "alice");
        scene_turn(&scene);
        assert_int_equal(question.done_count, 1);
        assert_int_equal(question.request.error, OK);
        assert_null(question.request.account->token);
        assert_int_equal(question.request.account->sid_count, 0);
        assert_string_equal(question.request.account->dn, "uid=alice,dc=contoso,dc=com");
        account_unref(question.request.account);
    }
}

/* The DN of the entry whose address it is, or "error: note". */
static const char *owner(const char *address)
{
    static char text[sizeof(struct note) + 64];
    struct question question = {.request.is_name_only = true};
    scene_ask(&scene, &question, ACCOUNT_NAME_ADDRESS, address);
    scene_turn(&scene);
    assert_int_equal(question.done_count, 1);
    const struct account *account = question.request.account;
    snprintf(text, sizeof(text), "%s: %s", account ? account->dn : error_name(question.request.error),
             question.request.note.text);
    assert_true(!account || (!account->token && account_owns(account, bytes_of_text(address))));
    account_unref(account);
    return text;
}

/* proves: facts-8.4 D2 D4 */
static void test_owner_of_an_address(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++) { /* the second is from the cache */
        assert_has_text(owner("alice@contoso.com"), "uid=alice,dc=contoso,dc=com");
        assert_has_text(owner("AL@contoso.com"), "uid=alice,dc=contoso,dc=com");
        assert_has_text(owner("alt@contoso.com"), "uid=alice,dc=contoso,dc=com");
        assert_has_text(owner("staff@contoso.com"), "cn=staff,dc=contoso,dc=com");
    }
    assert_has_text(owner("shared@contoso.com"), "denied_credentials: ambiguous");
    assert_has_text(owner("nobody@contoso.com"), "not_found: no such account");
    assert_has_text(owner("*@contoso.com"), "not_found: no such account");
    assert_has_text(owner("alice"), "not_found: no such account");
    assert_has_text(owner(""), "syntax");
}

/* Requests for one principal are answered with one account, by whatever name they ask. */
static void test_coalesced(void **state)
{
    (void)state;
    struct question questions[4] = {{.done_count = 0}};
    scene_ask(&scene, &questions[0], ACCOUNT_NAME_LOGIN, "alice");
    scene_ask(&scene, &questions[1], ACCOUNT_NAME_LOGIN, "alice");
    scene_ask(&scene, &questions[2], ACCOUNT_NAME_LOGIN, "a@contoso.com");
    questions[3].request.is_name_only = true;
    scene_ask(&scene, &questions[3], ACCOUNT_NAME_LOGIN, "alice");
    scene_turn(&scene);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(questions[i].done_count, 1);
        assert_int_equal(questions[i].request.error, OK);
    }
    assert_ptr_equal(questions[0].request.account, questions[1].request.account);
    assert_ptr_equal(questions[0].request.account, questions[2].request.account);
    assert_null(questions[3].request.account->token);
    for (size_t i = 0; i < 4; i++)
        account_unref(questions[i].request.account);
}

static const struct account *ask_alice(void)
{
    const struct account *alice;
    assert_int_equal(scene_answer(&scene, ACCOUNT_NAME_LOGIN, "alice", &alice, NULL), OK);
    return alice;
}

/* proves: D8 */
static void test_a_change_of_any_group_counts(void **state)
{
    (void)state;
    const struct account *before = ask_alice(), *again = ask_alice();
    assert_ptr_equal(before, again);
    assert_true(accounts_is_current(scene.accounts, before));
    account_unref(again);
    fake_directory_put(scene.fake, "dn: cn=denied,dc=contoso,dc=com\nobjectClass: groupOfNames\ncn: denied\n"
                                   "objectSid: S-1-5-21-1-2-3-2002\nmember: uid=alice,dc=contoso,dc=com\n");
    scene_turn(&scene);
    assert_false(accounts_is_current(scene.accounts, before));
    const struct account *after = ask_alice();
    assert_false(account_has(before, "S-1-5-21-1-2-3-2002"));
    assert_true(account_has(after, "S-1-5-21-1-2-3-2002"));
    assert_true(accounts_is_current(scene.accounts, after));
    fake_directory_delete(scene.fake, "cn=denied,dc=contoso,dc=com");
    scene_turn(&scene);
    assert_false(accounts_is_current(scene.accounts, after));
    account_unref(before);
    account_unref(after);
    assert_string_equal(login("alice"), ALICE_SIDS);
}

/* proves: D8 */
static void test_a_disabled_account(void **state)
{
    (void)state;
    const struct account *before = ask_alice();
    fake_directory_put(scene.fake, ALICE "nsAccountLock: TRUE\n");
    scene_turn(&scene);
    assert_false(accounts_is_current(scene.accounts, before));
    assert_has_text(login("alice"),
                    "denied_credentials: uid=alice,dc=contoso,dc=com is disabled (nsAccountLock)");
    account_unref(before);
}

/* An attribute that no token is made of moves nothing: failed logins and times of logins are written there.
 */
static void test_what_does_not_matter(void **state)
{
    (void)state;
    const struct account *before = ask_alice();
    fake_directory_put(scene.fake, ALICE "pwdFailureTime: 20231114221320Z\nauthTimestamp: 20231114221320Z\n");
    scene_turn(&scene);
    assert_true(accounts_is_current(scene.accounts, before));
    account_unref(before);
}

/* Membership that the server computes may depend on any attribute of the account.
 * proves: D8 */
static void test_computed_groups(void **state)
{
    (void)state;
    fake_directory_put(scene.fake, "dn: cn=url,dc=contoso,dc=com\nobjectClass: groupOfURLs\ncn: url\n"
                                   "memberURL: ldap:///dc=contoso,dc=com??sub?(title=boss)\n");
    scene_turn(&scene);
    const struct account *before = ask_alice();
    assert_true(accounts_is_current(scene.accounts, before));
    fake_directory_put(scene.fake, ALICE "title: boss\n");
    scene_turn(&scene);
    assert_false(accounts_is_current(scene.accounts, before));
    account_unref(before);
}

/* A server that keeps memberOf alone: the group does not change with it.
 * proves: D8 */
static void test_member_of_alone(void **state)
{
    (void)state;
    fake_directory_put(scene.fake,
                       "dn: cn=lonely,dc=contoso,dc=com\nobjectClass: groupOfMembers\ncn: lonely\n"
                       "objectSid: S-1-5-21-1-2-3-2003\n\n" ALICE "memberOf: cn=lonely,dc=contoso,dc=com\n");
    scene_turn(&scene);
    assert_string_equal(login("alice"), ALICE_SIDS " S-1-5-21-1-2-3-2003");
    scene_turn(&scene);
    const struct account *before = ask_alice();
    assert_true(accounts_is_current(scene.accounts, before));
    fake_directory_put(scene.fake, ALICE);
    scene_turn(&scene);
    assert_false(accounts_is_current(scene.accounts, before));
    account_unref(before);
    assert_string_equal(login("alice"), ALICE_SIDS);
}

/* proves: D8 */
static void test_an_account_ends_by_the_clock(void **state)
{
    (void)state;
    fake_directory_put(scene.fake, ALICE "krbPrincipalExpiration: 20231114221330Z\n");
    scene_turn(&scene);
    const struct account *alice = ask_alice();
    assert_true(alice->expires_ms == NOW_MS + 10000);
    assert_true(accounts_is_current(scene.accounts, alice));
    clock_fake_advance(&scene.clock, 9999);
    assert_true(accounts_is_current(scene.accounts, alice));
    clock_fake_advance(&scene.clock, 1);
    assert_false(accounts_is_current(scene.accounts, alice));
    assert_has_text(login("alice"), "denied_credentials: uid=alice,dc=contoso,dc=com has expired");
    account_unref(alice);
}

/* proves: D7 */
static void test_directory_away(void **state)
{
    (void)state;
    const struct account *alice = ask_alice();
    fake_directory_down(scene.fake, "gone");
    scene_turn(&scene);
    assert_true(accounts_is_current(scene.accounts, alice)); /* not known to be stale: kept */
    assert_string_equal(login("alice"), ALICE_SIDS);
    assert_has_text(login("bob"), "temporary: the directory");
    fake_directory_put(scene.fake, ALICE "nsAccountLock: TRUE\n"); /* nobody can see it */
    scene_turn(&scene);
    assert_true(accounts_is_current(scene.accounts, alice));
    fake_directory_up(scene.fake);
    scene_turn(&scene);
    assert_false(accounts_is_current(scene.accounts, alice));
    fake_directory_down(scene.fake, "gone");
    scene_turn(&scene);
    assert_false(accounts_is_current(scene.accounts, alice)); /* known to be stale */
    assert_has_text(login("alice"), "temporary: the directory");
    account_unref(alice);
}

/* -- a watch that takes its time -- */

static struct directory_watch *held_watch;
static struct directory_ops holding_ops;
static const struct directory_ops *real_ops;

static void hold_watch(struct directory *directory, struct directory_watch *watch)
{
    (void)directory;
    held_watch = watch;
}

/* A group that the server computes begins the watch again; it is not begun yet. */
static void begin_watch_again(void)
{
    struct directory *directory = scene.config.directory;
    real_ops = directory->ops;
    holding_ops = *real_ops;
    holding_ops.watch_start = hold_watch;
    directory->ops = &holding_ops;
    fake_directory_put(scene.fake, "dn: cn=url,dc=contoso,dc=com\nobjectClass: groupOfURLs\ncn: url\n"
                                   "memberURL: ldap:///dc=contoso,dc=com??sub?(title=boss)\n");
    scene_turn(&scene);
    directory->ops = real_ops;
    assert_non_null(held_watch);
}

/* Nothing that was read before or meanwhile counts at the next MAIL.
 * proves: D8 */
static void test_changes_while_the_watch_begins_again(void **state)
{
    (void)state;
    const struct account *before = ask_alice();
    begin_watch_again();
    assert_false(accounts_is_current(scene.accounts, before));
    const struct account *meanwhile = ask_alice();
    assert_false(accounts_is_current(scene.accounts, meanwhile));
    fake_directory_put(scene.fake, "dn: cn=denied,dc=contoso,dc=com\nobjectClass: groupOfNames\ncn: denied\n"
                                   "objectSid: S-1-5-21-1-2-3-2002\nmember: uid=alice,dc=contoso,dc=com\n");
    const struct account *after = ask_alice();
    assert_true(account_has(after, "S-1-5-21-1-2-3-2002"));
    fake_directory_put(scene.fake, ALICE "nsAccountLock: TRUE\n");
    assert_has_text(login("alice"), "denied_credentials:");
    fake_directory_put(scene.fake, ALICE);
    real_ops->watch_start(scene.config.directory, held_watch);
    scene_turn(&scene);
    assert_false(accounts_is_current(scene.accounts, after));
    const struct account *last = ask_alice();
    assert_true(accounts_is_current(scene.accounts, last));
    account_unref(before);
    account_unref(meanwhile);
    account_unref(after);
    account_unref(last);
}

/* proves: D7 */
static void test_directory_goes_away_while_the_watch_begins_again(void **state)
{
    (void)state;
    begin_watch_again();
    const struct account *alice = ask_alice();
    assert_false(accounts_is_current(scene.accounts, alice));
    real_ops->watch_start(scene.config.directory, held_watch);
    fake_directory_down(scene.fake, "gone");
    scene_turn(&scene);
    assert_true(accounts_is_current(scene.accounts, alice)); /* not known to be stale: kept */
    fake_directory_up(scene.fake);
    scene_turn(&scene);
    assert_false(accounts_is_current(scene.accounts, alice));
    account_unref(alice);
}

static void test_stopped_while_asked(void **state)
{
    (void)state;
    struct question first = {.done_count = 0}, second = {.done_count = 0};
    scene_ask(&scene, &first, ACCOUNT_NAME_LOGIN, "alice");
    loop_turn(scene.loop);
    scene_ask(&scene, &second, ACCOUNT_NAME_LOGIN, "bob");
    accounts_stop(scene.accounts);
    scene.accounts = NULL;
    scene_turn(&scene);
    assert_int_equal(first.done_count, 1);
    assert_int_equal(second.done_count, 1);
    assert_int_equal(second.request.error, ERROR_CANCELED);
    if (first.request.error == OK)
        account_unref(first.request.account);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_login_attributes, begin, end),
        cmocka_unit_test_setup_teardown(test_two_entries_are_nobody, begin, end),
        cmocka_unit_test_setup_teardown(test_hostile_names, begin, end),
        cmocka_unit_test_setup_teardown(test_account_of_an_entry, begin, end),
        cmocka_unit_test_setup_teardown(test_well_known_sids, begin, end),
        cmocka_unit_test_setup_teardown(test_other_names, begin, end),
        cmocka_unit_test_setup_teardown(test_name_only_has_no_token, begin, end),
        cmocka_unit_test_setup_teardown(test_owner_of_an_address, begin, end),
        cmocka_unit_test_setup_teardown(test_coalesced, begin, end),
        cmocka_unit_test_setup_teardown(test_a_change_of_any_group_counts, begin, end),
        cmocka_unit_test_setup_teardown(test_a_disabled_account, begin, end),
        cmocka_unit_test_setup_teardown(test_what_does_not_matter, begin, end),
        cmocka_unit_test_setup_teardown(test_computed_groups, begin, end),
        cmocka_unit_test_setup_teardown(test_member_of_alone, begin, end),
        cmocka_unit_test_setup_teardown(test_an_account_ends_by_the_clock, begin, end),
        cmocka_unit_test_setup_teardown(test_directory_away, begin, end),
        cmocka_unit_test_setup_teardown(test_changes_while_the_watch_begins_again, begin, end),
        cmocka_unit_test_setup_teardown(test_directory_goes_away_while_the_watch_begins_again, begin, end),
        cmocka_unit_test_setup_teardown(test_stopped_while_asked, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

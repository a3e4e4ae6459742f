/* fakes: directory */
/* Who may send as an entry, as the directory says it: ACE lines on it and above it, descriptors, delegates.
 */
#include "security/sddl.h"
#include "unit/auth/accounts_scene.h"

#define PERSON(uid, rid, more)                                                                               \
    "dn: uid=" uid ",ou=people,dc=contoso,dc=com\nobjectClass: inetOrgPerson\nuid: " uid "\ncn: " uid        \
    "\nmail: " uid "@contoso.com\nobjectSid: S-1-5-21-1-2-3-" rid "\n" more "\n"
#define CONTAINERS(on_domain, on_people)                                                                     \
    "dn: dc=contoso,dc=com\nobjectClass: domain\ndc: contoso\n" on_domain                                    \
    "\ndn: ou=people,dc=contoso,dc=com\nobjectClass: organizationalUnit\nou: people\n" on_people "\n"
#define GROUP(name, rid, member)                                                                             \
    "dn: cn=" name ",dc=contoso,dc=com\nobjectClass: groupOfNames\ncn: " name                                \
    "\nobjectSid: S-1-5-21-1-2-3-" rid "\nmember: " member "\n\n"
#define ALICE_DN "uid=alice,ou=people,dc=contoso,dc=com"
#define STAFF_DN "cn=staff,dc=contoso,dc=com"
#define DESKS_DN "cn=desks,dc=contoso,dc=com"
#define OTHERS                                                                                               \
    PERSON("alice", "1001", "")                                                                              \
    PERSON("bob", "1002", "") GROUP("staff", "2001", ALICE_DN) GROUP("desks", "2002", STAFF_DN)

static struct scene scene;

static void begin(enum directory_flavor flavor, const char *ldif)
{
    scene = (struct scene){.config.accounts_base = "dc=contoso,dc=com"};
    scene_begin(&scene, flavor, ldif);
}

/* The sender's account, or NULL with *error. */
static const struct account *owner_of(const char *address, enum error *out_error, struct note *note)
{
    struct question question = {.request.is_name_only = true};
    scene_ask(&scene, &question, ACCOUNT_NAME_SENDER, address);
    for (int i = 0; i < 20000 && question.done_count == 0; i++)
        loop_turn(scene.loop);
    assert_int_equal(question.done_count, 1);
    *out_error = question.request.error;
    *note = question.request.note;
    return question.request.account;
}

/* "yes: ACE (where)", "no: …" or "error: note" for this user and the boss' address. The text is static. */
static const char *may_send_as(const char *user, const char *address)
{
    static char text[1024];
    const struct account *account;
    struct note note;
    enum error error = scene_answer(&scene, ACCOUNT_NAME_LOGIN, user, &account, &note);
    assert_int_equal(error, OK);
    const struct account *owner = owner_of(address, &error, &note);
    if (!owner) {
        (void)snprintf(text, sizeof text, "%s: %s", error_name(error), note.text);
    } else {
        const struct ace_origin *origin = NULL;
        bool is_held = false, is_self = memcmp(owner->id, account->id, sizeof owner->id) == 0;
        assert_non_null(owner->access);
        assert_int_equal(sender_access_check(owner->access, account->token, is_self, &is_held, &origin), OK);
        (void)snprintf(text, sizeof text, "%s: %s (%s)", is_held ? "yes" : "no",
                       origin                          ? origin->text
                       : owner->access->grants_nothing ? owner->access->grants_nothing
                                                       : "-",
                       origin ? origin->from : "");
    }
    account_unref(owner);
    account_unref(account);
    return text;
}

#define SELF_TEXT "allow Send-As to SELF (unless denied)"

/* What stands on the boss' entry, on people and on the domain; what alice, in staff and so in desks, gets. */
static const struct {
    const char *ldif;
    const char *answer;
} LINES[] = {
    {CONTAINERS("", "") PERSON("boss", "1000", ""), "no: - ()"},
    {CONTAINERS("", "") PERSON("boss", "1000", "dirrelayAce: allow Send-As to " ALICE_DN "\n"),
     "yes: allow Send-As to " ALICE_DN " (uid=boss,ou=people,dc=contoso,dc=com)"},
    {CONTAINERS("", "")
         PERSON("boss", "1000", "dirrelayAce: ALLOW send-as  to UID=Alice, ou=people,dc=contoso,dc=com\n"),
     "yes: ALLOW send-as  to UID=Alice, ou=people,dc=contoso,dc=com (uid=boss,ou=people,dc=contoso,dc=com)"},
    {CONTAINERS("", "") PERSON("boss", "1000", "dirrelayAce: allow Send-As to " DESKS_DN "\n"),
     "yes: allow Send-As to " DESKS_DN " (uid=boss,ou=people,dc=contoso,dc=com)"},
    {CONTAINERS("", "") PERSON(
         "boss", "1000", "dirrelayAce: allow ab721a54-1e2f-11d0-9819-00aa0040529b to S-1-5-21-1-2-3-2001\n"),
     "yes: allow ab721a54-1e2f-11d0-9819-00aa0040529b to S-1-5-21-1-2-3-2001 "
     "(uid=boss,ou=people,dc=contoso,dc=com)"},
    {CONTAINERS("", "") PERSON("boss", "1000", "dirrelayAce: allow * to authenticated\n"),
     "yes: allow * to authenticated (uid=boss,ou=people,dc=contoso,dc=com)"},
    {CONTAINERS("", "") PERSON("boss", "1000", "dirrelayAce: allow ms-Exch-SMTP-Submit to authenticated\n"),
     "no: - ()"},
    {CONTAINERS("", "") PERSON("boss", "1000", "dirrelayAce: allow Send-As to anonymous\n"), "no: - ()"},
    {CONTAINERS("", "")
         PERSON("boss", "1000", "dirrelayAce: allow Send-As to uid=bob,ou=people,dc=contoso,dc=com\n"),
     "no: - ()"},
    /* deny before allow on one level, the nearer level before the farther */
    {CONTAINERS("", "")
         PERSON("boss", "1000",
                "dirrelayAce: allow Send-As to " ALICE_DN "\ndirrelayAce: deny Send-As to " DESKS_DN "\n"),
     "no: deny Send-As to " DESKS_DN " (uid=boss,ou=people,dc=contoso,dc=com)"},
    {CONTAINERS("", "dirrelayAce: allow Send-As to " STAFF_DN "\n") PERSON("boss", "1000", ""),
     "yes: allow Send-As to " STAFF_DN " (ou=people,dc=contoso,dc=com)"},
    {CONTAINERS("dirrelayAce: allow Send-As to " STAFF_DN "\n", "") PERSON("boss", "1000", ""),
     "yes: allow Send-As to " STAFF_DN " (dc=contoso,dc=com)"},
    {CONTAINERS("dirrelayAce: allow Send-As to " STAFF_DN "\n", "dirrelayAce: deny Send-As to everyone\n")
         PERSON("boss", "1000", ""),
     "no: deny Send-As to everyone (ou=people,dc=contoso,dc=com)"},
    {CONTAINERS("", "dirrelayAce: deny Send-As to everyone\n")
         PERSON("boss", "1000", "dirrelayAce: allow Send-As to " STAFF_DN "\n"),
     "yes: allow Send-As to " STAFF_DN " (uid=boss,ou=people,dc=contoso,dc=com)"},
    /* an allow for nobody is left out; nobody can say whom a deny was meant to stop */
    {CONTAINERS("", "") PERSON("boss", "1000",
                               "dirrelayAce: allow Send-As to cn=gone,dc=contoso,dc=com\n"
                               "dirrelayAce: allow Send-As to " STAFF_DN "\n"),
     "yes: allow Send-As to " STAFF_DN " (uid=boss,ou=people,dc=contoso,dc=com)"},
    {CONTAINERS("dirrelayAce: deny Send-As to cn=gone,dc=contoso,dc=com\n", "")
         PERSON("boss", "1000", "dirrelayAce: allow Send-As to " STAFF_DN "\n"),
     "no: dirrelayAce \"deny Send-As to cn=gone,dc=contoso,dc=com\" on dc=contoso,dc=com: there is no "
     "cn=gone,dc=contoso,dc=com ()"},
    {CONTAINERS("dirrelayAce: deny ms-Exch-SMTP-Submit to cn=gone,dc=contoso,dc=com\n", "")
         PERSON("boss", "1000", "dirrelayAce: allow Send-As to " STAFF_DN "\n"),
     "yes: allow Send-As to " STAFF_DN " (uid=boss,ou=people,dc=contoso,dc=com)"},
    {CONTAINERS("", "dirrelayAce: alow Send-As to everyone\n")
         PERSON("boss", "1000", "dirrelayAce: allow Send-As to " STAFF_DN "\n"),
     "no: dirrelayAce \"alow Send-As to everyone\" on ou=people,dc=contoso,dc=com: \"alow\" stands where "
     "\"allow\" or \"deny\" is expected ()"},
    /* a container that is not given to us */
    {"dn: dc=contoso,dc=com\nobjectClass: domain\ndc: contoso\n\n" PERSON(
         "boss", "1000", "dirrelayAce: allow Send-As to " STAFF_DN "\n"),
     "no: ou=people,dc=contoso,dc=com cannot be read, and with it any ACE on it ()"},
};

/* proves: facts-8.4 contract-3 */
static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof LINES / sizeof LINES[0]; i++) {
        begin(FLAVOR_OPENLDAP, OTHERS);
        fake_directory_put(scene.fake, LINES[i].ldif);
        scene_turn(&scene);
        assert_string_equal(may_send_as("alice", "boss@contoso.com"), LINES[i].answer);
        scene_end(&scene);
    }
}

/* proves: facts-8.4 F1 */
static void test_self(void **state)
{
    (void)state;
    begin(FLAVOR_OPENLDAP, CONTAINERS("", "") OTHERS);
    assert_string_equal(may_send_as("alice", "alice@contoso.com"), "yes: " SELF_TEXT " ()");
    fake_directory_put(scene.fake, PERSON("alice", "1001", "dirrelayAce: deny Send-As to " ALICE_DN "\n"));
    scene_turn(&scene);
    assert_has_text(may_send_as("alice", "alice@contoso.com"), "no: deny Send-As to " ALICE_DN);
    fake_directory_put(scene.fake, PERSON("alice", "1001", ""));
    fake_directory_put(scene.fake, CONTAINERS("", "dirrelayAce: deny Send-As to S-1-5-10\n"));
    scene_turn(&scene);
    assert_has_text(may_send_as("alice", "alice@contoso.com"), "no: deny Send-As to S-1-5-10 (ou=people");
    scene_end(&scene);
}

/* What a watch sees is in force at once. */
/* proves: facts-8.4 D8 */
static void test_changes(void **state)
{
    (void)state;
    begin(FLAVOR_OPENLDAP, CONTAINERS("", "") OTHERS PERSON("boss", "1000", ""));
    assert_has_text(may_send_as("alice", "boss@contoso.com"), "no: -");
    fake_directory_put(scene.fake, CONTAINERS("dirrelayAce: allow Send-As to " STAFF_DN "\n", ""));
    scene_turn(&scene);
    assert_has_text(may_send_as("alice", "boss@contoso.com"), "yes: ");
    fake_directory_put(scene.fake, PERSON("boss", "1000", "dirrelayAce: deny Send-As to " ALICE_DN "\n"));
    scene_turn(&scene);
    assert_has_text(may_send_as("alice", "boss@contoso.com"), "no: deny");
    fake_directory_down(scene.fake, "for a test");
    scene_turn(&scene);
    assert_has_text(may_send_as("alice", "boss@contoso.com"),
                    "no: deny"); /* nothing is known to have changed */
    struct note note;
    enum error error;
    assert_null(owner_of("bob@contoso.com", &error, &note));
    assert_int_equal(error, ERROR_TEMPORARY);
    scene_end(&scene);
}

/* proves: D4 facts-8.4 */
static void test_who_is_no_owner(void **state)
{
    (void)state;
    begin(FLAVOR_OPENLDAP, CONTAINERS("", "") OTHERS
          "dn: uid=a,dc=contoso,dc=com\nobjectClass: inetOrgPerson\nmail: shared@contoso.com\n\n"
          "dn: uid=b,dc=contoso,dc=com\nobjectClass: inetOrgPerson\nmail: shared@contoso.com\n\n");
    for (int i = 0; i < 2; i++) /* the second time without asking */
        assert_has_text(may_send_as("alice", "nobody@contoso.com"), "not_found: no such account");
    assert_has_text(may_send_as("alice", "*@contoso.com"), "not_found: ");
    assert_has_text(may_send_as("alice", "shared@contoso.com"), "denied_credentials: ambiguous");
    fake_directory_put(scene.fake, PERSON("nobody", "1009", "dirrelayAce: allow Send-As to everyone\n"));
    scene_turn(&scene);
    assert_has_text(may_send_as("alice", "nobody@contoso.com"), "yes: ");
    fake_directory_delete(scene.fake, "uid=nobody,ou=people,dc=contoso,dc=com");
    scene_turn(&scene);
    assert_has_text(may_send_as("alice", "nobody@contoso.com"), "not_found: ");
    scene_end(&scene);
}

/* At every moment of the look-up the directory goes away, or all is stopped: one answer, and no pass. */
/* proves: D7 facts-8.4 */
static void test_an_end_at_every_moment(void **state)
{
    (void)state;
    for (int way = 0; way < 2; way++) {
        bool was_over = false;
        for (int turns = 0; !was_over; turns++) {
            struct question question = {.request.is_name_only = true};
            begin(FLAVOR_OPENLDAP, CONTAINERS("dirrelayAce: deny Send-As to " DESKS_DN "\n",
                                              "dirrelayAce: allow Send-As to " STAFF_DN "\n")
                                       OTHERS PERSON("boss", "1000", "publicDelegates: " STAFF_DN "\n"));
            scene_ask(&scene, &question, ACCOUNT_NAME_SENDER, "boss@contoso.com");
            for (int i = 0; i < turns; i++)
                loop_turn(scene.loop);
            was_over = question.done_count == 1;
            if (way == 0) {
                fake_directory_down(scene.fake, "for a test");
                scene_turn(&scene);
            } else {
                accounts_stop(scene.accounts);
                scene.accounts = NULL;
                scene_turn(&scene);
            }
            assert_int_equal(question.done_count, 1);
            assert_true((question.request.account != NULL) == (question.request.error == OK));
            assert_int_equal(question.request.error, was_over   ? OK
                                                     : way == 0 ? ERROR_TEMPORARY
                                                                : ERROR_CANCELED);
            account_unref(question.request.account);
            scene_end(&scene);
            assert_true(turns < 100);
        }
    }
}

/* Below another base inheritance ends with that. */
static void test_the_base_of_the_accounts(void **state)
{
    (void)state;
    scene = (struct scene){.config.accounts_base = "OU=People,DC=contoso,dc=com"};
    scene_begin(&scene, FLAVOR_OPENLDAP,
                CONTAINERS("dirrelayAce: allow Send-As to everyone\n", "") OTHERS PERSON("boss", "1000", ""));
    assert_has_text(may_send_as("alice", "boss@contoso.com"), "no: -");
    fake_directory_put(scene.fake, CONTAINERS("", "dirrelayAce: allow Send-As to everyone\n"));
    scene_turn(&scene);
    assert_has_text(may_send_as("alice", "boss@contoso.com"), "yes: ");
    scene_end(&scene);
}

/* -- delegates -- */

static bool is_delegate(const char *user, const char *address)
{
    const struct account *account;
    struct note note;
    enum error error = scene_answer(&scene, ACCOUNT_NAME_LOGIN, user, &account, &note);
    assert_int_equal(error, OK);
    const struct account *owner = owner_of(address, &error, &note);
    assert_non_null(owner);
    bool is_named = sender_access_has_delegate(owner->access, account->token);
    assert_true(owner->access->has_sid);
    account_unref(owner);
    account_unref(account);
    return is_named;
}

/* proves: C271 facts-8.4 */
static void test_delegates(void **state)
{
    (void)state;
    begin(FLAVOR_OPENLDAP, CONTAINERS("", "") OTHERS PERSON("boss", "1000", ""));
    assert_false(is_delegate("alice", "boss@contoso.com"));
    fake_directory_put(scene.fake, PERSON("boss", "1000",
                                          "publicDelegates: " DESKS_DN "\n"
                                          "publicDelegates: cn=gone,dc=contoso,dc=com\n"
                                          "publicDelegates: not a DN\n"));
    scene_turn(&scene);
    assert_true(is_delegate("alice", "boss@contoso.com"));
    assert_false(is_delegate("bob", "boss@contoso.com"));
    assert_has_text(may_send_as("alice", "boss@contoso.com"), "no: -"); /* that is another matter */
    fake_directory_put(scene.fake,
                       PERSON("boss", "1000", "publicDelegates: uid=BOB,ou=people,dc=contoso,dc=com\n"));
    scene_turn(&scene);
    assert_false(is_delegate("alice", "boss@contoso.com"));
    assert_true(is_delegate("bob", "boss@contoso.com"));
    scene_end(&scene);
}

/* The boss, with more values than people are asked for: "%s cn=NUMBER,dc=x". */
static void put_many(const char *value)
{
    size_t size = 1u << 20, len;
    char *ldif = malloc(size);
    len = (size_t)snprintf(ldif, size,
                           "dn: uid=boss,ou=people,dc=contoso,dc=com\nobjectClass: inetOrgPerson\n"
                           "uid: boss\nmail: boss@contoso.com\npublicDelegates: " STAFF_DN "\n"
                           "dirrelayAce: allow Send-As to " STAFF_DN "\n");
    for (int i = 0; i < 1100; i++)
        len += (size_t)snprintf(ldif + len, size - len, "%s cn=%d,dc=x\n", value, i);
    fake_directory_put(scene.fake, ldif);
    scene_turn(&scene);
    free(ldif);
}

/* Delegates that are not asked for are none; with ACEs a deny could be among them. */
/* proves: facts-8.4 D11 */
static void test_too_many_names(void **state)
{
    (void)state;
    begin(FLAVOR_OPENLDAP, CONTAINERS("", "") OTHERS);
    put_many("publicDelegates:");
    assert_true(is_delegate("alice", "boss@contoso.com"));
    assert_has_text(may_send_as("alice", "boss@contoso.com"), "yes: ");
    put_many("dirrelayAce: allow Send-As to");
    assert_has_text(may_send_as("alice", "boss@contoso.com"), "no: its ACEs name too many users and groups");
    scene_end(&scene);
}

/* A DC is asked for all of them at once, and not for those of other domains. */
/* proves: C271 facts-8.4 */
static void test_delegates_in_a_domain(void **state)
{
    static const char *const sids[] = {"S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-2002"};
    enum error error;
    struct note note;
    (void)state;
    begin(FLAVOR_AD,
          CONTAINERS("", "") PERSON("alice", "1001", "distinguishedName: " ALICE_DN "\n") PERSON(
              "bob", "1002",
              "distinguishedName: uid=bob,ou=people,dc=contoso,dc=com\n") GROUP("desks", "2002", ALICE_DN)
              PERSON("boss", "1000",
                     "publicDelegates: UID=Alice,OU=People,DC=contoso,DC=com\npublicDelegates: " DESKS_DN "\n"
                     "publicDelegates: cn=x,dc=other,dc=contoso,dc=com\npublicDelegates: "
                     "cn=gone,dc=contoso,dc=com\n"));
    fake_directory_put(scene.fake, "dn: " DESKS_DN "\nobjectClass: group\ncn: desks\nobjectSid: "
                                   "S-1-5-21-1-2-3-2002\ndistinguishedName: " DESKS_DN "\n\n");
    scene_turn(&scene);
    const struct account *owner = owner_of("boss@contoso.com", &error, &note);
    assert_non_null(owner);
    assert_int_equal(owner->access->delegate_count, 2);
    for (size_t i = 0; i < 2; i++) {
        struct sid sid;
        assert_int_equal(sid_parse(bytes_of_text(sids[i]), &sid), OK);
        assert_true(sender_access_names_delegate(owner->access, &sid));
    }
    account_unref(owner);
    scene_end(&scene);
}

/* -- descriptors -- */

#define SEND_AS_GUID "ab721a54-1e2f-11d0-9819-00aa0040529b"

/* boss' entry with this descriptor. The text is static. */
static const char *boss_with(const char *sddl)
{
    static char ldif[4096];
    char text[2048];
    struct arena arena;
    struct buffer binary;
    struct descriptor descriptor;
    arena_init(&arena, DESCRIPTOR_ARENA_BYTES);
    buffer_init(&binary, DESCRIPTOR_BYTES_MAX);
    assert_int_equal(sddl_parse(bytes_of_text(sddl), NULL, &arena, &descriptor, NULL), OK);
    assert_int_equal(descriptor_encode(&descriptor, &binary), OK);
    assert_true(4 * ((binary.len + 2) / 3) < sizeof text);
    bytes_to_base64(buffer_bytes(&binary), text);
    (void)snprintf(ldif, sizeof ldif, PERSON("boss", "1000", "nTSecurityDescriptor:: %s\n"), text);
    buffer_done(&binary);
    arena_done(&arena);
    return ldif;
}

static const struct {
    const char *sddl;
    const char *alice;
    const char *boss;
} DESCRIPTORS[] = {
    {"O:SY", "no: its nTSecurityDescriptor has no DACL", "no: its nTSecurityDescriptor has no DACL"},
    {"D:", "no: - ()", "no: - ()"},
    {"D:(OA;;CR;" SEND_AS_GUID ";;PS)", "no: - ()", "yes: (OA;;CR;" SEND_AS_GUID ";;PS) (uid=boss"},
    {"D:(OA;;CR;" SEND_AS_GUID ";;S-1-5-21-1-2-3-2001)", "yes: (OA;", "no: - ()"},
    {"D:(OD;;CR;" SEND_AS_GUID ";;PS)(OA;;CR;" SEND_AS_GUID ";;AU)", "yes: (OA;",
     "no: (OD;;CR;" SEND_AS_GUID ";;PS)"},
    {"D:(OA;;CR;" SEND_AS_GUID ";;PS)(OD;ID;CR;" SEND_AS_GUID ";;PS)", "no: - ()", "yes: (OA;"},
    {"D:(A;;CR;;;S-1-5-21-1-2-3-2002)", "yes: (A;", "no: - ()"},
    {"D:(OA;;CR;a18293f1-0685-4540-aa63-e32df421b3a2;;AU)", "no: - ()", "no: - ()"},
    {"D:(OA;IOCI;CR;" SEND_AS_GUID ";;AU)", "no: - ()", "no: - ()"},
};

/* proves: facts-8.4 D11 */
static void test_descriptors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof DESCRIPTORS / sizeof DESCRIPTORS[0]; i++) {
        begin(FLAVOR_OPENLDAP, CONTAINERS("", "") OTHERS);
        fake_directory_put(scene.fake, boss_with(DESCRIPTORS[i].sddl));
        scene_turn(&scene);
        assert_has_text(may_send_as("alice", "boss@contoso.com"), DESCRIPTORS[i].alice);
        assert_has_text(may_send_as("boss", "boss@contoso.com"), DESCRIPTORS[i].boss);
        scene_end(&scene);
    }
}

/* In AD the descriptor alone counts, and an account whose descriptor is kept from us is nobody's to send as.
 */
/* proves: facts-8.4 D11 */
static void test_an_entry_without_its_descriptor(void **state)
{
    struct note note;
    enum error error;
    const struct ace_origin *origin;
    bool is_held = true;
    (void)state;
    begin(FLAVOR_AD, CONTAINERS("", "dirrelayAce: allow Send-As to everyone\n") OTHERS);
    const struct account *owner = owner_of("alice@contoso.com", &error, &note);
    struct token *token = token_new(sid_known(SID_EVERYONE), NULL, 1);
    assert_non_null(owner);
    assert_int_equal(sender_access_check(owner->access, token, true, &is_held, &origin), OK);
    assert_false(is_held);
    assert_has_text(owner->access->grants_nothing, "is not given to us");
    token_unref(token);
    account_unref(owner);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_self),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_who_is_no_owner),
        cmocka_unit_test(test_an_end_at_every_moment),
        cmocka_unit_test(test_the_base_of_the_accounts),
        cmocka_unit_test(test_delegates),
        cmocka_unit_test(test_too_many_names),
        cmocka_unit_test(test_delegates_in_a_domain),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_an_entry_without_its_descriptor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Who may: ACE lines, groups, inheritance, descriptors, trustees. Contract 3. */
#include "source/trustee.h"
#include "unit/source/fixture.h"

#define DN(name) "CN=" name "," RECEIVE_DN
#define SUBMIT   RIGHT_BIT(RIGHT_SMTP_SUBMIT)
#define ANTISPAM RIGHT_BIT(RIGHT_BYPASS_ANTI_SPAM)
#define CHRIS    "uid=chris,ou=people,dc=contoso,dc=com"

static uint32_t rights_of(const struct fixture *fixture, const char *connector_name, const char *sid_text)
{
    const struct receive_connector *connector = fixture_receive(fixture, connector_name);
    struct sid sid;
    struct access_result result;
    assert_int_equal(sid_parse(bytes_of_text(sid_text), &sid), OK);
    struct token *token = token_new(&sid, NULL, 1);
    access_list_check(&connector->access, connector->grants_nothing, token, &result);
    token_unref(token);
    return result.granted;
}

static const struct receive_connector *load_a(struct fixture *fixture, const char *ldif)
{
    fixture_init(fixture, ldif);
    fixture_load(fixture);
    return fixture_receive(fixture, "A");
}

static void put_container(struct fixture *fixture, const char *dn, const char *lines)
{
    char ldif[2048];
    (void)snprintf(ldif, sizeof(ldif), "dn: %s\nobjectClass: container\n%s\n", dn, lines);
    fixture_put(fixture, ldif);
    fixture_load(fixture);
}

/* proves: C108 C262 contract-3 */
static void test_inheritance(void **state)
{
    (void)state;
    struct fixture fixture;
    load_a(&fixture, RECEIVE("A", "dirrelayAce: allow ms-Exch-SMTP-Submit to authenticated\n"));
    assert_int_equal(rights_of(&fixture, "A", "S-1-5-11"), SUBMIT);
    assert_int_equal(rights_of(&fixture, "A", "S-1-5-7"), 0);
    /* An explicit allow beats an inherited deny; the nearer container beats the farther one. */
    put_container(&fixture, RECEIVE_DN,
                  "dirrelayAce: deny * to authenticated\ndirrelayAce: allow Send-As to anonymous\n");
    assert_int_equal(rights_of(&fixture, "A", "S-1-5-11"), SUBMIT);
    put_container(
        &fixture, "CN=Servers," GROUP_DN,
        "dirrelayAce: deny Send-As to anonymous\ndirrelayAce: allow ms-Exch-Bypass-Anti-Spam to anonymous\n"
        "dirrelayAce: allow ms-Exch-Bypass-Anti-Spam to authenticated\n");
    assert_int_equal(rights_of(&fixture, "A", "S-1-5-7"), ANTISPAM | RIGHT_BIT(RIGHT_SEND_AS));
    assert_int_equal(rights_of(&fixture, "A", "S-1-5-11"), SUBMIT);
    const struct receive_connector *a = fixture_receive(&fixture, "A");
    const struct ace_origin *origin =
        access_list_origin(&a->access, &a->fixed[IDENTITY_ANONYMOUS], RIGHT_BYPASS_ANTI_SPAM);
    assert_string_equal(origin->from, "CN=Servers," GROUP_DN);
    assert_string_equal(origin->text, "allow ms-Exch-Bypass-Anti-Spam to anonymous");
    assert_true(origin->is_inherited);
    /* The organization is the last level; what stands above it is not ours. */
    fixture_put(&fixture, "dn: " ORG_DN "\nobjectClass: msExchOrganizationContainer\ncn: Contoso\n"
                          "dirrelayAce: allow ms-Exch-Bypass-Anti-Spam to partner-servers\n\n");
    put_container(&fixture, EXCHANGE_DN, "dirrelayAce: allow ms-Exch-SMTP-Submit to partner-servers\n");
    const char *partner = "S-1-9-1419165041-1139599005-3936102811-1022490595-10";
    assert_int_equal(rights_of(&fixture, "A", partner), ANTISPAM);
    fixture_done(&fixture);
}

/* proves: contract-3 C223 */
static void test_unreadable_permissions_grant_nothing(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"dirrelayAce: allow ms-Exch-SMTP-Submitt to anonymous\n", "ms-Exch-SMTP-Submitt"},
        {"dirrelayAce: permit ms-Exch-SMTP-Submit to anonymous\n", "permit"},
        {"dirrelayAce: allow ms-Exch-SMTP-Submit to nobody-at-all\n", "nobody-at-all"},
        {"dirrelayPermissionGroups: SuperUsers\n", "SuperUsers"},
        {"dirrelayPermissionGroups: Custom\n", "Custom"},
        {"dirrelayAce: deny ms-Exch-SMTP-Submit to uid=gone,dc=contoso,dc=com\n", "uid=gone"},
        {"nTSecurityDescriptor:: AAAA\n", "nTSecurityDescriptor"},
        /* An option of the name changes nothing. */
        {"dirrelayAce;lang-en: nonsense\n", "nonsense"},
        {"nTSecurityDescriptor;x-a:: AAAA\n", "nTSecurityDescriptor"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fixture fixture;
        char ldif[2048];
        (void)load_a(&fixture,
                     RECEIVE("A", BASICS) RECEIVE("B", "msExchSmtpReceiveBindings: 0.0.0.0:26\n"
                                                       "dirrelayPermissionGroups: AnonymousUsers\n"));
        assert_true(anonymous_rights(fixture_receive(&fixture, "A")) & SUBMIT);
        (void)snprintf(ldif, sizeof(ldif),
                       "dn: " DN("A") "\nobjectClass: msExchSmtpReceiveConnector\ncn: A\n" BASICS "%s\n",
                       bad[i][0]);
        fixture_put(&fixture, ldif);
        fixture_load(&fixture);
        const struct receive_connector *a = fixture_receive(&fixture, "A");
        assert_true(a->grants_nothing);
        assert_has_text(a->grants_nothing_why, bad[i][1]);
        assert_int_equal(anonymous_rights(a), 0);
        assert_null(a->refused);
        assert_non_null(fixture_refusal(&fixture, DN("A"), bad[i][1]));
        assert_true(anonymous_rights(fixture_receive(&fixture, "B")) & SUBMIT);
        fixture_put(&fixture, RECEIVE("A", BASICS));
        fixture_load(&fixture);
        assert_true(anonymous_rights(fixture_receive(&fixture, "A")) & SUBMIT);
        fixture_done(&fixture);
    }
}

/* proves: contract-3 */
static void test_an_unreadable_line_on_a_container_concerns_all_below(void **state)
{
    (void)state;
    struct fixture fixture;
    load_a(&fixture, RECEIVE("A", BASICS) RECEIVE("B", "msExchSmtpReceiveBindings: 0.0.0.0:26\n" BASICS)
                         SEND("Out", "routingList: SMTP:*\nmsExchSmtpSmartHost: [10.9.9.9]\n"
                                     "dirrelayAce: allow ms-Exch-Send-Headers-Routing to anonymous\n"));
    put_container(&fixture, "CN=Protocols," SERVER_DN, "dirrelayAce: nonsense\n");
    assert_true(fixture_receive(&fixture, "A")->grants_nothing);
    assert_true(fixture_receive(&fixture, "B")->grants_nothing);
    assert_has_text(fixture_receive(&fixture, "A")->grants_nothing_why, "CN=Protocols");
    assert_false(fixture_send(&fixture, "Out")->grants_nothing);
    fixture_done(&fixture);
}

/* proves: contract-3 D11 */
static void test_no_permission_value_grants_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct receive_connector *a =
        load_a(&fixture, RECEIVE("A", "") SEND("Out", "routingList: SMTP:*\n"
                                                      "msExchSmtpSmartHost: [10.9.9.9]\n"));
    assert_true(a->grants_nothing);
    assert_has_text(a->grants_nothing_why, "no descriptor and no ACE");
    assert_non_null(fixture_refusal(&fixture, DN("A"), "grants nothing"));
    assert_true(fixture_send(&fixture, "Out")->grants_nothing);
    assert_null(fixture_send(&fixture, "Out")->refused);
    fixture_done(&fixture);
}

/* A directory that hides a container may hide a deny. */
static void test_a_hidden_container_grants_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    load_a(&fixture, RECEIVE("A", BASICS));
    assert_false(fixture_receive(&fixture, "A")->grants_nothing);
    const struct entry *container = NULL;
    char key[512];
    (void)snprintf(key, sizeof(key),
                   "cn=protocols,cn=mx,cn=servers,cn=group,cn=administrative groups,cn=contoso,"
                   "cn=microsoft exchange,cn=services,cn=configuration,dc=contoso,dc=com");
    container = image_by_dn(fixture.image, key);
    assert_non_null(container);
    image_delete(fixture.image, container->id);
    fixture_load(&fixture);
    assert_has_text(fixture_receive(&fixture, "A")->grants_nothing_why, "cn=protocols");
    fixture.request.may_lack_containers = true;
    fixture_load(&fixture);
    assert_false(fixture_receive(&fixture, "A")->grants_nothing);
    fixture_done(&fixture);
}

/* proves: contract-3 */
static void test_trustees_by_dn(void **state)
{
    (void)state;
    struct fixture fixture;
    load_a(&fixture, RECEIVE("A", "dirrelayAce: allow ms-Exch-SMTP-Submit to UID=Chris, "
                                  "ou=People,dc=contoso,dc=com\n"
                                  "dirrelayAce: allow ms-Exch-Bypass-Anti-Spam to "
                                  "uid=gone,dc=contoso,dc=com\n") "dn: " CHRIS
                                                                  "\nobjectClass: posixAccount\nuidNumber: "
                                                                  "1000\n\n");
    assert_int_equal(rights_of(&fixture, "A", "S-1-22-1-1000"), SUBMIT);
    /* Who is not there needs no rights: that line alone is left out, and named. */
    assert_false(fixture_receive(&fixture, "A")->grants_nothing);
    assert_non_null(fixture_refusal(&fixture, DN("A"), "uid=gone"));
    /* Two principals with one SID: neither has it. */
    fixture_put(&fixture, "dn: uid=twin,dc=contoso,dc=com\nobjectClass: posixAccount\nuidNumber: 1000\n\n");
    fixture_load(&fixture);
    assert_true(fixture_receive(&fixture, "A")->grants_nothing);
    assert_has_text(fixture_receive(&fixture, "A")->grants_nothing_why, "has the SID of uid=twin");
    fixture_done(&fixture);
}

/* proves: facts-5.1 facts-1.7 */
static void test_exchange_groups_by_well_known_object(void **state)
{
    (void)state;
    struct fixture fixture;
    load_a(&fixture,
           RECEIVE("A", "dirrelayPermissionGroups: ExchangeServers\ndirrelayPermissionGroups: "
                        "exchangelegacyservers\n") "dn: CN=Exchange Servers,dc=contoso,dc=com\nobjectClass: "
                                                   "posixGroup\ngidNumber: 5\n\n"
                                                   "dn: CN=Interop,dc=contoso,dc=com\nobjectClass: "
                                                   "posixGroup\ngidNumber: 6\n\n");
    assert_true(rights_of(&fixture, "A", "S-1-22-2-5") & RIGHT_BIT(RIGHT_ACCEPT_HEADERS_FOREST));
    assert_true(rights_of(&fixture, "A", "S-1-22-2-6") & RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT));
    assert_false(rights_of(&fixture, "A", "S-1-22-2-6") & RIGHT_BIT(RIGHT_ACCEPT_HEADERS_FOREST));
    fixture_done(&fixture);
    /* Absent, those grants have no principal; the others stay. */
    load_a(&fixture, RECEIVE("A", "dirrelayPermissionGroups: ExchangeServers\n"));
    assert_false(fixture_receive(&fixture, "A")->grants_nothing);
    assert_true(fixture_receive(&fixture, "A")->fixed[IDENTITY_HUB].granted & SUBMIT);
    assert_int_equal(fixture.organization->refused_count, 0);
    fixture_done(&fixture);
}

#define SECURITY_GROUPS "OU=Microsoft Exchange Security Groups,dc=contoso,dc=com"
#define EXCHANGE_ENTRY                                                                                       \
    "dn: " EXCHANGE_DN "\nobjectClass: msExchConfigurationContainer\ncn: Microsoft Exchange\n"
#define POSIX_GROUP(dn, number) "dn: " dn "\nobjectClass: posixGroup\ngidNumber: " number "\n\n"

static void note_dn(struct bytes dn, void *owner)
{
    struct buffer *dns = owner;
    assert_int_equal(buffer_append(dns, dn), OK);
    assert_int_equal(buffer_append_byte(dns, '\n'), OK);
}

/* proves: facts-1.7 */
static void test_exchange_groups_by_dn(void **state)
{
    (void)state;
    struct fixture fixture;
    load_a(&fixture, EXCHANGE_ENTRY "\n" POSIX_GROUP("CN=Exchange Servers," SECURITY_GROUPS, "5")
                         POSIX_GROUP("CN=ExchangeLegacyInterop," SECURITY_GROUPS, "6")
                             RECEIVE("A", "dirrelayPermissionGroups: ExchangeServers\n"
                                          "dirrelayPermissionGroups: ExchangeLegacyServers\n"));
    assert_true(rights_of(&fixture, "A", "S-1-22-2-5") & RIGHT_BIT(RIGHT_ACCEPT_HEADERS_FOREST));
    assert_true(rights_of(&fixture, "A", "S-1-22-2-6") & RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT));
    /* They lie outside of what is watched: the keeper asks for them by these names. */
    struct buffer dns;
    buffer_init(&dns, 4096);
    trustee_each_dn(image_by_dn(fixture.image,
                                "cn=microsoft exchange,cn=services,cn=configuration,dc=contoso,"
                                "dc=com"),
                    note_dn, &dns);
    assert_true(bytes_equal_text_nocase(buffer_bytes(&dns),
                                        "CN=Exchange Servers," SECURITY_GROUPS "\n"
                                        "CN=ExchangeLegacyInterop," SECURITY_GROUPS "\n"));
    buffer_done(&dns);
    /* Named by GUID another group is meant, and none when that one is gone. */
    fixture_put(&fixture, EXCHANGE_ENTRY
                "otherWellKnownObjects: B:32:6C01D2A7F08345038132789EEB127B84:CN=Gone,dc=contoso,dc=com\n\n");
    fixture_load(&fixture);
    assert_int_equal(rights_of(&fixture, "A", "S-1-22-2-5"), 0);
    assert_true(rights_of(&fixture, "A", "S-1-22-2-6") & RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT));
    fixture_done(&fixture);
}

/* Appends "nTSecurityDescriptor:: …" of an SDDL text to a record. */
static void append_descriptor(char *ldif, size_t size, const struct descriptor *descriptor)
{
    struct buffer binary;
    char text[8192];
    buffer_init(&binary, DESCRIPTOR_BYTES_MAX);
    assert_int_equal(descriptor_encode(descriptor, &binary), OK);
    assert_true(binary.len < 4096);
    bytes_to_base64(buffer_bytes(&binary), text);
    buffer_done(&binary);
    size_t len = strlen(ldif);
    (void)snprintf(ldif + len, size - len, "nTSecurityDescriptor:: %s\n\n", text);
}

#define CONTROL_DACL_PRESENT 0x8004
#define CONTROL_NO_DACL      0x8000

static void load_descriptor(struct fixture *fixture, const struct descriptor *descriptor)
{
    char ldif[16384] = "dn: " DN("A") "\nobjectClass: msExchSmtpReceiveConnector\ncn: A\n" BASICS;
    append_descriptor(ldif, sizeof(ldif), descriptor);
    fixture_init(fixture, ldif);
    fixture_load(fixture);
}

/* proves: D11 contract-3 */
static void test_four_kinds_of_no_dacl(void **state)
{
    (void)state;
    struct fixture fixture;
    struct descriptor descriptor = {.control = CONTROL_NO_DACL, .dacl.state = ACL_ABSENT};
    load_descriptor(&fixture, &descriptor);
    assert_has_text(fixture_receive(&fixture, "A")->grants_nothing_why, "no DACL");
    assert_int_equal(anonymous_rights(fixture_receive(&fixture, "A")), 0);
    fixture_done(&fixture);
    descriptor = (struct descriptor){.control = CONTROL_DACL_PRESENT, .dacl.state = ACL_NULL};
    load_descriptor(&fixture, &descriptor);
    assert_has_text(fixture_receive(&fixture, "A")->grants_nothing_why, "NULL DACL");
    assert_int_equal(anonymous_rights(fixture_receive(&fixture, "A")), 0);
    fixture_done(&fixture);
    descriptor =
        (struct descriptor){.control = CONTROL_DACL_PRESENT, .dacl = {.state = ACL_PRESENT, .revision = 2}};
    load_descriptor(&fixture, &descriptor);
    assert_has_text(fixture_receive(&fixture, "A")->grants_nothing_why, "empty DACL");
    fixture_done(&fixture);
    fixture_init(&fixture, RECEIVE("A", BASICS));
    fixture.request.flavor = FLAVOR_AD;
    fixture_load(&fixture);
    assert_has_text(fixture_receive(&fixture, "A")->grants_nothing_why, "not given to us");
    assert_int_equal(anonymous_rights(fixture_receive(&fixture, "A")), 0);
    fixture_done(&fixture);
}

/* proves: C190 contract-3 */
static void test_a_descriptor_silences_the_lines(void **state)
{
    (void)state;
    struct ace ace = {.type = ACE_ALLOW_OBJECT,
                      .mask = ACE_MASK_CONTROL_ACCESS,
                      .has_object_type = true,
                      .object_type = right_row(RIGHT_BYPASS_ANTI_SPAM)->guid,
                      .sid = *sid_known(SID_ANONYMOUS)};
    struct descriptor descriptor = {.control = CONTROL_DACL_PRESENT,
                                    .dacl = {.state = ACL_PRESENT, .revision = 4, .count = 1, .aces = &ace}};
    struct fixture fixture;
    load_descriptor(&fixture, &descriptor);
    const struct receive_connector *a = fixture_receive(&fixture, "A");
    assert_int_equal(anonymous_rights(a), ANTISPAM);
    assert_int_equal(a->permission_groups, GROUP_CUSTOM);
    fixture_done(&fixture);
}

/* proves: facts-2.2 contract-3 */
static void test_groups_are_computed_from_the_dacl(void **state)
{
    (void)state;
    static const enum right rights[] = {RIGHT_SMTP_SUBMIT, RIGHT_SMTP_ACCEPT_ANY_SENDER,
                                        RIGHT_ACCEPT_HEADERS_ROUTING};
    struct ace aces[3];
    for (size_t i = 0; i < 3; i++)
        aces[i] = (struct ace){.type = ACE_ALLOW_OBJECT,
                               .mask = ACE_MASK_CONTROL_ACCESS,
                               .has_object_type = true,
                               .object_type = right_row(rights[i])->guid,
                               .sid = *sid_known(SID_ANONYMOUS)};
    struct descriptor descriptor = {.control = CONTROL_DACL_PRESENT,
                                    .dacl = {.state = ACL_PRESENT, .revision = 4, .count = 3, .aces = aces}};
    struct fixture fixture;
    load_descriptor(&fixture, &descriptor);
    assert_int_equal(fixture_receive(&fixture, "A")->permission_groups, GROUP_ANONYMOUS_USERS);
    fixture_done(&fixture);
    descriptor.dacl.count = 2;
    load_descriptor(&fixture, &descriptor);
    assert_int_equal(fixture_receive(&fixture, "A")->permission_groups, GROUP_CUSTOM);
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inheritance),
        cmocka_unit_test(test_unreadable_permissions_grant_nothing),
        cmocka_unit_test(test_an_unreadable_line_on_a_container_concerns_all_below),
        cmocka_unit_test(test_no_permission_value_grants_nothing),
        cmocka_unit_test(test_a_hidden_container_grants_nothing),
        cmocka_unit_test(test_trustees_by_dn),
        cmocka_unit_test(test_exchange_groups_by_well_known_object),
        cmocka_unit_test(test_exchange_groups_by_dn),
        cmocka_unit_test(test_four_kinds_of_no_dacl),
        cmocka_unit_test(test_a_descriptor_silences_the_lines),
        cmocka_unit_test(test_groups_are_computed_from_the_dacl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Anchors, the sample organization, inheritance and order: what is found where. */
#include "unit/source/fixture.h"

#include "organization/accepted_domain.h"
#include "organization/connector_match.h"

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static void load_sample(struct fixture *fixture)
{
    fixture_init(fixture, "");
    image_free(fixture->image);
    fixture->image = fixture->request.image = image_new();
    static const char *const files[] = {"tree.ldif", "rights.ldif", "sample.ldif"};
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        (void)snprintf(path, sizeof(path), TEST_SOURCE_DIR "/ldif/%s", files[i]);
        char *text = read_file(path);
        fixture_put(fixture, text);
        free(text);
    }
    fixture->request.server_name = "mailbox01";
    fixture_load(fixture);
}

static const char *match(const struct fixture *fixture, const char *local, const char *remote)
{
    struct ip_endpoint endpoint;
    struct ip_address address;
    assert_int_equal(ip_parse_endpoint(bytes_of_text(local), &endpoint), OK);
    assert_int_equal(ip_parse_address(bytes_of_text(remote), &address), OK);
    const struct receive_connector *connector = connector_match(fixture->organization, &endpoint, &address);
    return connector ? connector->name : "(none)";
}

/* proves: C8 C9 C10 C11 C21 facts-5.3 facts-7 */
static void test_sample(void **state)
{
    (void)state;
    struct fixture fixture;
    load_sample(&fixture);
    const struct organization *organization = fixture.organization;
    for (size_t i = 0; i < organization->refused_count; i++)
        print_message("%s: %s\n", organization->refused[i].dn, organization->refused[i].why);
    assert_int_equal(organization->refused_count, 0);
    assert_int_equal(organization->receive_count, 6);
    assert_string_equal(organization->name, "Contoso");
    assert_string_equal(organization->server.fqdn, "mailbox01.contoso.com");
    assert_string_equal(match(&fixture, "10.1.1.1:25", "192.168.5.10"), "Anonymous Relay");
    assert_string_equal(match(&fixture, "10.1.1.1:25", "192.168.5.12"), "Default Frontend Mailbox01");
    assert_string_equal(match(&fixture, "10.1.1.1:2525", "192.168.5.10"), "Default Mailbox01");
    const struct receive_connector *relay = fixture_receive(&fixture, "Anonymous Relay");
    assert_string_equal(relay->display, "Mailbox01\\Anonymous Relay");
    assert_int_equal(anonymous_rights(relay), RIGHT_BIT(RIGHT_SMTP_SUBMIT) |
                                                  RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT) |
                                                  RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_SENDER) |
                                                  RIGHT_BIT(RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER) |
                                                  RIGHT_BIT(RIGHT_ACCEPT_HEADERS_ROUTING));
    const struct accepted_domain *domain = accepted_domain_find(organization, BYTES_LITERAL("contoso.com"));
    assert_non_null(domain);
    assert_true(domain->is_default);
    const struct send_connector *internet = fixture_send(&fixture, "Internet");
    assert_null(internet->refused);
    assert_int_equal(internet->smart_host_count, 1);
    assert_string_equal(internet->spaces[0].domain, "*");
    assert_int_equal(internet->fixed[IDENTITY_ANONYMOUS].granted, RIGHT_BIT(RIGHT_SEND_HEADERS_ROUTING));
    fixture_done(&fixture);
}

/* proves: C258 C259 C260 contract-3 */
static void test_objects_are_found_by_class_below_their_anchor(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture,
                 RECEIVE("A", BASICS) "dn: CN=Elsewhere," SERVER_DN
                                      "\nobjectClass: msExchSmtpReceiveConnector\ncn: Elsewhere\n" BASICS
                                      "msExchSmtpReceiveBindings: 0.0.0.0:26\n\n"
                                      "dn: CN=Other,CN=Servers," GROUP_DN
                                      "\nobjectClass: msExchExchangeServer\ncn: Other\n\n"
                                      "dn: CN=Theirs,CN=Other,CN=Servers," GROUP_DN
                                      "\nobjectClass: msExchSmtpReceiveConnector\ncn: Theirs\n" BASICS "\n"
                                      "dn: CN=Out," ORG_DN
                                      "\nobjectClass: msExchRoutingSMTPConnector\ncn: Out\n"
                                      "routingList: SMTP:*\nmsExchSmtpSmartHost: [10.9.9.9]\n\n");
    fixture_load(&fixture);
    assert_int_equal(fixture.organization->receive_count, 2);
    assert_null(organization_receive_by_name(fixture.organization, BYTES_LITERAL("Theirs")));
    (void)fixture_send(&fixture, "Out");
    fixture_done(&fixture);
}

static void test_what_cannot_be_found_is_named(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, RECEIVE("A", BASICS));
    fixture.request.server_name = "nobody";
    assert_int_equal(fixture_try(&fixture), ERROR_NOT_FOUND);
    assert_has_text(fixture.note.text, "nobody");
    fixture.request.server_name = "MX";
    fixture.request.organization_name = "Fabrikam";
    assert_int_equal(fixture_try(&fixture), ERROR_NOT_FOUND);
    assert_has_text(fixture.note.text, "Fabrikam");
    fixture.request.organization_name = NULL;
    fixture.request.config_base = "CN=Configuration,dc=fabrikam,dc=com";
    assert_int_equal(fixture_try(&fixture), ERROR_NOT_FOUND);
    fixture.request.config_base = "no dn";
    assert_int_equal(fixture_try(&fixture), ERROR_SYNTAX);
    fixture.request.config_base = "cn=configuration, DC=contoso,dc=com";
    fixture_load(&fixture);
    fixture_put(&fixture,
                "dn: CN=Second," EXCHANGE_DN "\nobjectClass: msExchOrganizationContainer\ncn: Second\n\n");
    assert_int_equal(fixture_try(&fixture), ERROR_NOT_FOUND);
    assert_has_text(fixture.note.text, "several organizations");
    fixture.request.organization_name = "contoso";
    fixture_load(&fixture);
    assert_int_equal(fixture.organization->generation, 2);
    fixture_done(&fixture);
}

/* proves: facts-1.7 */
static void test_server_values(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "");
    fixture_put(&fixture,
                "dn: " SERVER_DN "\nobjectClass: msExchExchangeServer\ncn: MX\n"
                "dirrelayPermissionModel: 2007\nmsExchCurrentServerRoles: 64\n\n" RECEIVE("A", BASICS));
    fixture_load(&fixture);
    assert_string_equal(fixture.organization->server.fqdn, "host.example");
    assert_int_equal(fixture.organization->server.roles, ROLE_EDGE);
    assert_int_equal(fixture.organization->server.model, PERMISSION_MODEL_2007);
    /* Defaults of an edge. */
    assert_int_equal(fixture_receive(&fixture, "A")->connection_timeout_s, 300);
    assert_int_equal(fixture_receive(&fixture, "A")->inactivity_timeout_s, 60);
    fixture_put(&fixture, "dn: " SERVER_DN "\nobjectClass: msExchExchangeServer\ncn: MX\n"
                          "dirrelayPermissionModel: 2008\n\n");
    fixture_load(&fixture);
    assert_true(fixture_receive(&fixture, "A")->grants_nothing);
    assert_int_equal(anonymous_rights(fixture_receive(&fixture, "A")), 0);
    assert_non_null(fixture_refusal(&fixture, SERVER_DN, "dirrelayPermissionModel"));
    fixture_done(&fixture);
}

/* proves: contract-3 facts-1.7 D15 */
static void test_unreadable_roles_are_not_taken_for_a_hub(void **state)
{
    (void)state;
    static const char bad[] = "dn: " SERVER_DN "\nobjectClass: msExchExchangeServer\ncn: MX\n"
                              "msExchCurrentServerRoles: edge\n\n";
    struct fixture fixture;
    fixture_init(&fixture, RECEIVE("A", BASICS));
    fixture_put(&fixture, bad);
    fixture_load(&fixture);
    assert_true(fixture_receive(&fixture, "A")->grants_nothing);
    assert_int_equal(anonymous_rights(fixture_receive(&fixture, "A")), 0);
    assert_non_null(fixture_refusal(&fixture, SERVER_DN, "msExchCurrentServerRoles"));
    fixture_put(&fixture, "dn: " SERVER_DN "\nobjectClass: msExchExchangeServer\ncn: MX\n"
                          "msExchCurrentServerRoles: 64\n\n");
    fixture_load(&fixture);
    assert_int_not_equal(anonymous_rights(fixture_receive(&fixture, "A")), 0);
    fixture_put(&fixture, bad);
    fixture_load(&fixture);
    assert_int_equal(fixture.organization->server.roles, ROLE_EDGE);
    assert_int_not_equal(anonymous_rights(fixture_receive(&fixture, "A")), 0);
    const struct refusal *kept = fixture_refusal(&fixture, SERVER_DN, "msExchCurrentServerRoles");
    assert_non_null(kept);
    assert_true(kept->is_kept);
    fixture_done(&fixture);
}

/* proves: facts-1.6 */
static void test_settings(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "dn: CN=Transport Settings," ORG_DN "\nobjectClass: msExchTransportSettings\n"
                           "msExchTransportExternalPostmasterAddress: postmaster@fabrikam.com\n"
                           "msExchTransportShadowHeartbeatRetryCount: 12\n\n");
    fixture_load(&fixture);
    assert_string_equal(fixture.organization->settings.external_postmaster, "postmaster@fabrikam.com");
    assert_int_equal(fixture.organization->refused_count, 0);
    fixture_put(&fixture, "dn: CN=Transport Settings," ORG_DN "\nobjectClass: msExchTransportSettings\n"
                          "msExchTransportExternalPostmasterAddress: a@fabrikam.com\n"
                          "msExchTransportExternalPostmasterAddress: b@fabrikam.com\n"
                          "msExchTLSSendDomainSecureList: no domain\n\n");
    fixture_load(&fixture);
    assert_string_equal(fixture.organization->settings.external_postmaster, "postmaster@fabrikam.com");
    const struct refusal *kept = fixture_refusal(&fixture, "CN=Transport Settings," ORG_DN,
                                                 "msExchTransportExternalPostmasterAddress");
    assert_non_null(kept);
    assert_true(kept->is_kept);
    assert_non_null(
        fixture_refusal(&fixture, "CN=Transport Settings," ORG_DN, "msExchTLSSendDomainSecureList"));
    fixture_done(&fixture);
}

#define SETTINGS_DN "CN=Transport Settings," ORG_DN
#define SETTINGS    "dn: " SETTINGS_DN "\nobjectClass: msExchTransportSettings\ncn: Transport Settings\n"
#define OUT                                                                                                  \
    "dn: CN=Out," ORG_DN "\nobjectClass: msExchRoutingSMTPConnector\ncn: Out\n"                              \
    "routingList: SMTP:*\nmsExchSmtpSmartHost: [10.9.9.9]\n\n"

/* The value says nothing that this server would have to keep. */
static bool is_moot(struct fixture *fixture, const char *value)
{
    char text[512];
    (void)snprintf(text, sizeof(text), SETTINGS "%s\n\n", value);
    fixture_put(fixture, text);
    fixture_load(fixture);
    const char *why = fixture_receive(fixture, "A")->refused;
    bool is_named = fixture_refusal(fixture, SETTINGS_DN, "") != NULL;
    assert_true((why != NULL) == is_named);
    assert_true((why != NULL) == (fixture_send(fixture, "Out")->refused != NULL));
    if (why) {
        assert_has_text(why, SETTINGS_DN);
        assert_non_null(fixture_refusal(fixture, fixture_receive(fixture, "A")->dn, "CN=Transport Settings"));
    }
    return !is_named;
}

/* proves: facts-1.6 contract-1 */
static void test_what_nothing_enforces_lets_no_connector_serve(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, RECEIVE("A", BASICS) OUT);
    assert_true(is_moot(&fixture, "delivContLength: 10240"));
    assert_int_equal(fixture.organization->settings.max_receive_bytes, 10485760);
    assert_true(is_moot(&fixture, "submissionContLength: 1"));
    assert_int_equal(fixture.organization->settings.max_send_bytes, 1024);
    assert_true(is_moot(&fixture, "msExchRecipLimit: 500"));
    assert_int_equal(fixture.organization->settings.max_recipients, 500);
    assert_true(is_moot(&fixture, "msExchTransportSettingsFlags: 16"));
    assert_int_equal(fixture.organization->settings.flags, SETTING_DISABLE_XEXCH50);
    static const char *const moot[] = {
        "msExchInternalSMTPServers: 10.0.0.1",
        "msExchTransportSettingsFlags: 8",
        "msExchTransportShadowHeartbeatRetryCount: 3",
        "msExchTransportShadowHeartbeatTimeoutInterval: 300",
        "msExchTransportShadowMessageAutoDiscardInterval: 1",
        "msExchJournalingReportNdrTo: <>",
        "msExchTransportExternalMaxDSNMessageAttachmentSize: 10000",
        "msExchTransportExternalDSNReportingAuthority: mail.contoso.com",
        "msExchTransportSettingsFlags: 65536",
        "msExchDSNSendCopyToAdmin: 5.4.6\nmsExchDSNSendCopyToAdmin: 5.1.1",
        "msExchTLSReceiveDomainSecureList: fabrikam.com\nmsExchTLSReceiveDomainSecureList: *.partner.example",
        "msExchTLSSendDomainSecureList: fabrikam.com",
    };
    for (size_t i = 0; i < sizeof(moot) / sizeof(moot[0]); i++)
        assert_true(is_moot(&fixture, moot[i]));
    assert_int_equal(fixture.organization->settings.receive_secure_count, 0);
    assert_int_equal(fixture.organization->settings.send_secure_count, 1);
    assert_string_equal(fixture.organization->settings.send_secure[0].name, "fabrikam.com");
    static const char *const closing[] = {
        "msExchTLSReceiveDomainSecureList: fabrikam.com\nmsExchTLSReceiveDomainSecureList: no domain",
        "msExchTLSSendDomainSecureList: *",
        "msExchDSNSendCopyToAdmin: 5.4.6.1",
        "msExchDSNSendCopyToAdmin: 5.4.x",
        "msExchTransportExternalDSNReportingAuthority: no host name",
    };
    for (size_t i = 0; i < sizeof(closing) / sizeof(closing[0]); i++)
        assert_false(is_moot(&fixture, closing[i]));
    assert_true(is_moot(&fixture, "delivContLength: 10240"));
    fixture_done(&fixture);
}

/* proves: contract-3 facts-1.6 D15 */
static void test_unreadable_settings_keep_the_version_before_or_close(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, RECEIVE("A", BASICS) OUT);
    assert_false(is_moot(&fixture, "delivContLength: much"));
    assert_true(is_moot(&fixture, "delivContLength: 2"));
    fixture_put(&fixture, SETTINGS "delivContLength: -1\n\n");
    fixture_load(&fixture);
    assert_null(fixture_receive(&fixture, "A")->refused);
    assert_int_equal(fixture.organization->settings.max_receive_bytes, 2048);
    assert_true(fixture_refusal(&fixture, SETTINGS_DN, "delivContLength")->is_kept);
    fixture_put(&fixture, SETTINGS "msExchTransportSettingsFlags: 512\n\n");
    fixture_load(&fixture);
    assert_null(fixture_receive(&fixture, "A")->refused);
    assert_non_null(fixture_refusal(&fixture, SETTINGS_DN, "msExchTransportSettingsFlags"));
    fixture_done(&fixture);
}

/* proves: facts-1.7 contract-1 */
static void test_an_unenforced_value_of_the_server_lets_no_connector_serve(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, RECEIVE("A", BASICS) OUT);
    fixture_put(&fixture, "dn: " SERVER_DN "\nobjectClass: msExchExchangeServer\ncn: MX\n"
                          "msExchSmtpMaxRecipients: 7\n\n");
    fixture_load(&fixture);
    assert_has_text(fixture_receive(&fixture, "A")->refused, "msExchSmtpMaxRecipients");
    assert_has_text(fixture_receive(&fixture, "A")->refused, SERVER_DN);
    assert_non_null(fixture_send(&fixture, "Out")->refused);
    fixture_done(&fixture);
}

/* The same directory gives the same organization in whatever order its entries came. */
static void test_order_does_not_matter(void **state)
{
    (void)state;
    struct fixture one, two;
    fixture_init(&one, RECEIVE("A", BASICS) RECEIVE("B", BASICS));
    fixture_init(&two, RECEIVE("B", BASICS) RECEIVE("A", BASICS));
    fixture_load(&one);
    fixture_load(&two);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(one.organization->receive[i].name, two.organization->receive[i].name);
        assert_int_equal(one.organization->receive[i].refused == NULL,
                         two.organization->receive[i].refused == NULL);
    }
    fixture_done(&one);
    fixture_done(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_objects_are_found_by_class_below_their_anchor),
        cmocka_unit_test(test_what_cannot_be_found_is_named),
        cmocka_unit_test(test_server_values),
        cmocka_unit_test(test_unreadable_roles_are_not_taken_for_a_hub),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_what_nothing_enforces_lets_no_connector_serve),
        cmocka_unit_test(test_unreadable_settings_keep_the_version_before_or_close),
        cmocka_unit_test(test_an_unenforced_value_of_the_server_lets_no_connector_serve),
        cmocka_unit_test(test_order_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

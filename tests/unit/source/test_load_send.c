/* Send connectors: facts 1.4, 2.6, 2.7, contract 7. */
#include "unit/source/fixture.h"

#define DN(name) "CN=" name "," SEND_DN
#define HEAD     "dn: " DN("A") "\nobjectClass: msExchRoutingSMTPConnector\ncn: A\n"
#define BASIC    "routingList: SMTP:*;1\nmsExchSmtpSmartHost: [10.9.9.9]\n"

static const struct send_connector *load_with(struct fixture *fixture, const char *lines)
{
    char ldif[2048];
    (void)snprintf(ldif, sizeof(ldif), HEAD "%s\n", lines);
    fixture_init(fixture, ldif);
    fixture_load(fixture);
    return fixture_send(fixture, "A");
}

/* proves: facts-1.4 */
static void test_defaults_and_values(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct send_connector *a = load_with(&fixture, BASIC);
    assert_null(a->refused);
    assert_true(a->is_enabled && a->is_for_this_server);
    assert_int_equal(a->port, 25);
    assert_int_equal(a->connection_timeout_s, 600);
    assert_int_equal(a->max_message_bytes, 35 * 1024 * 1024);
    assert_int_equal(a->max_messages_per_connection, 20);
    assert_string_equal(a->fqdn, "mx.contoso.com");
    assert_int_equal(a->source.family, IP_NONE);
    assert_int_equal(a->error_policy, ERROR_POLICY_DEFAULT);
    assert_null(a->tls_certificate_name);
    fixture_done(&fixture);
    a = load_with(&fixture,
                  "routingList: SMTP:contoso.com;5\nroutingList: smtp:*.fabrikam.com\nroutingList: SMTP:--\n"
                  "msExchSmtpSmartHost: [10.9.9.9],Mail.Example\nmsExchSmtpSendPort: 2525\n"
                  "delivContLength: 100\nmsExchSmtpSendBindingIPAddress: 10.0.0.5\n"
                  "msExchSmtpMaxMessagesPerConnection: 0\nmsExchSmtpSendEnabled: FALSE\n"
                  "msExchSMTPSendConnectorFQDN: out.contoso.com\nmsExchSmtpSendNdrLevel: 1\n"
                  "msExchSmtpTLSCertificate: <I>CN=CA<S>CN=out.contoso.com\n");
    assert_null(a->refused);
    assert_int_equal(a->space_count, 2);
    assert_int_equal(a->smart_host_count, 2);
    assert_string_equal(a->smart_hosts[1].name, "mail.example");
    assert_int_equal(a->port, 2525);
    assert_int_equal(a->max_message_bytes, 102400);
    assert_int_equal(a->source.family, IP_V4);
    assert_int_equal(a->max_messages_per_connection, 0);
    assert_false(a->is_enabled);
    assert_string_equal(a->fqdn, "out.contoso.com");
    assert_int_equal(a->error_policy, ERROR_POLICY_DOWNGRADE_DNS_FAILURES);
    assert_string_equal(a->tls_certificate_name, "<I>CN=CA<S>CN=out.contoso.com");
    fixture_done(&fixture);
}

/* proves: C133 C135 facts-1.4 facts-2.6 facts-2.7 */
static void test_tls_and_login(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct send_connector *a =
        load_with(&fixture, "routingList: SMTP:*;1\nmsExchSmtpSmartHost: [10.9.9.9],Mail.Example,b.example\n"
                            "msExchSmtpOutboundSecurityFlag: 4\nmsExchSmtpSendFlags: 4194368\n"
                            "msExchSmtpSendTlsDomain: *.Contoso.com\n"
                            "msExchSmtpOutboundSecurityUserName: contoso\\relay\n"
                            "msExchSmtpOutboundSecurityPassword: a secret\n");
    assert_null(a->refused);
    assert_int_equal(a->outbound_security, OUTBOUND_REQUIRE_TLS);
    assert_int_equal(a->send_flags, SEND_TLS_DOMAIN_VALIDATION | SEND_AUTH_BASIC_REQUIRE_TLS);
    assert_string_equal(a->tls_domain, ".contoso.com");
    assert_int_equal(a->smart_host_name_count, 2);
    assert_string_equal(a->smart_host_names[0], "mail.example");
    assert_string_equal(a->smart_host_names[1], "b.example");
    assert_string_equal(a->login_user, "contoso\\relay");
    assert_string_equal(a->login_password, "a secret");
    assert_null(a->login_password_file);
    fixture_done(&fixture);
    a = load_with(&fixture, BASIC "msExchSmtpSendFlags: 2097152\nmsExchSmtpOutboundSecurityUserName: relay\n"
                                  "dirrelaySmartHostPasswordFile: /run/secrets/relay\n");
    assert_null(a->refused);
    assert_int_equal(a->send_flags, SEND_AUTH_BASIC);
    assert_null(a->login_password);
    assert_string_equal(a->login_password_file, "/run/secrets/relay");
    assert_null(a->tls_domain);
    fixture_done(&fixture);
    a = load_with(&fixture, BASIC "msExchSmtpSendFlags: 64\nmsExchSmtpOutboundSecurityFlag: 4\n"
                                  "msExchSmtpSendTlsDomain: Mail.Contoso.com\n");
    assert_null(a->refused);
    assert_string_equal(a->tls_domain, "mail.contoso.com");
    fixture_done(&fixture);
}

/* proves: contract-6 */
static void test_a_password_is_never_repeated(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct send_connector *a =
        load_with(&fixture, BASIC "msExchSmtpSendFlags: 2097152\nmsExchSmtpOutboundSecurityUserName: relay\n"
                                  "msExchSmtpOutboundSecurityPassword:: Y2FuYXJ5AXk=\n");
    assert_has_text(a->refused, "msExchSmtpOutboundSecurityPassword");
    assert_null(strstr(a->refused, "canary"));
    fixture_done(&fixture);
}

/* proves: facts-1.4 contract-1 C221 */
static void test_refused_by_name(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {BASIC "msExchSmtpSendPort: 0\n", "msExchSmtpSendPort"},
        {BASIC "msExchSmtpSendPort: 65536\n", "msExchSmtpSendPort"},
        {BASIC "msExchSmtpSendConnectionTimeout: 86401\n", "msExchSmtpSendConnectionTimeout"},
        {BASIC "delivContLength: -1\n", "delivContLength"},
        {BASIC "deliveryMechanism: 0\n", "deliveryMechanism"},
        {BASIC "connectedDomains: x\n", "connectedDomains"},
        {BASIC "msExchSmtpSendTlsDomain: x.example\n", "TlsDomain needs TlsAuthLevel DomainValidation"},
        {BASIC "msExchSmtpSendTlsDomain: x..example\n", "msExchSmtpSendTlsDomain"},
        {BASIC "msExchSmtpSendNdrLevel: 2\n", "msExchSmtpSendNdrLevel"},
        {BASIC "msExchSmtpTLSCertificate: CN=mail.contoso.com\n", "msExchSmtpTLSCertificate"},
        {BASIC "msExchSmtpSendFlags: 2097152\n", "BasicAuth and BasicAuthRequireTLS need a user name"},
        {BASIC "msExchSmtpSendBindingIPAddress: here\n", "msExchSmtpSendBindingIPAddress"},
        {BASIC "msExchSMTPSendConnectorFQDN: a b\n", "msExchSMTPSendConnectorFQDN"},
        {BASIC "msExchSmtpOutboundSecurityFlag: 1\n", "msExchSmtpOutboundSecurityFlag"},
        {BASIC "routingList: X400:c=us;1\n", "routingList"},
        {BASIC "routingList: SMTP:a.example;0\n", "routingList"},
        {"routingList: SMTP:*\nmsExchSmtpSmartHost: [10.0.0]\n", "msExchSmtpSmartHost"},
        {BASIC "dirrelayPermissionGroups: AnonymousUsers\n", "dirrelayPermissionGroups"},
        {BASIC "msExchSourceBridgeheadServersDN: nonsense\n", "msExchSourceBridgeheadServersDN"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fixture fixture;
        const struct send_connector *a = load_with(&fixture, bad[i][0]);
        assert_has_text(a->refused, bad[i][1]);
        assert_non_null(fixture_refusal(&fixture, DN("A"), bad[i][1]));
        fixture_done(&fixture);
    }
}

/* Objects are found by their class: the name of the routing group differs between versions. */
/* proves: C263 facts-1.1 contract-3 */
static void test_either_name_of_the_routing_group(void **state)
{
    (void)state;
    static const char *const GROUPS[] = {"Routing Group (DWBGZMFD01QNBJR)",
                                         "Exchange Routing Group (DWBGZMFD01QNBJR)"};
    for (size_t i = 0; i < sizeof(GROUPS) / sizeof(GROUPS[0]); i++) {
        char ldif[2048];
        struct fixture fixture;
        (void)snprintf(
            ldif, sizeof(ldif),
            CONTAINER("CN=Routing Groups," GROUP_DN) CONTAINER("CN=%s,CN=Routing Groups," GROUP_DN)
                CONTAINER("CN=Connections,CN=%s,CN=Routing Groups," GROUP_DN) "dn: "
                                                                              "CN=A,CN=Connections,CN=%s,CN="
                                                                              "Routing Groups," GROUP_DN
                                                                              "\nobjectClass: "
                                                                              "msExchRoutingSMTPConnector\ncn"
                                                                              ": A\n" BASIC "\n",
            GROUPS[i], GROUPS[i], GROUPS[i]);
        fixture_init(&fixture, ldif);
        fixture_load(&fixture);
        assert_null(fixture_send(&fixture, "A")->refused);
        fixture_done(&fixture);
    }
}

/* proves: contract-3 */
static void test_source_servers(void **state)
{
    (void)state;
    struct fixture fixture;
    assert_true(load_with(&fixture,
                          BASIC "msExchSourceBridgeheadServersDN: CN=1,CN=SMTP,CN=Protocols," SERVER_DN
                                "\nmsExchSourceBridgeheadServersDN: CN=Other," GROUP_DN "\n")
                    ->is_for_this_server);
    fixture_done(&fixture);
    assert_false(
        load_with(&fixture, BASIC "msExchSourceBridgeheadServersDN: CN=MX2,CN=Servers," GROUP_DN "\n")
            ->is_for_this_server);
    fixture_done(&fixture);
}

/* proves: contract-7 */
static void test_no_loop_through_ourselves(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture,
                 RECEIVE("R", BASICS) HEAD "routingList: SMTP:*\nmsExchSmtpSmartHost: [127.0.0.1]\n\n");
    fixture_load(&fixture);
    assert_has_text(fixture_send(&fixture, "A")->refused, "own bindings");
    fixture_put(&fixture,
                HEAD "routingList: SMTP:*\nmsExchSmtpSmartHost: [127.0.0.1]\nmsExchSmtpSendPort: 2500\n\n");
    fixture_load(&fixture);
    assert_null(fixture_send(&fixture, "A")->refused);
    fixture_done(&fixture);
}

/* proves: D15 contract-3 */
static void test_the_previous_good_version_stays(void **state)
{
    (void)state;
    struct fixture fixture;
    (void)load_with(&fixture, BASIC);
    fixture_put(&fixture, HEAD "routingList: SMTP:*;1\nmsExchSmtpSmartHost: [1.2.3]\n\n");
    fixture_load(&fixture);
    const struct send_connector *a = fixture_send(&fixture, "A");
    assert_null(a->refused);
    assert_int_equal(a->smart_host_count, 1);
    assert_true(a->is_enabled);
    assert_true(fixture_refusal(&fixture, DN("A"), "msExchSmtpSmartHost")->is_kept);
    /* Disabling is always heard. */
    fixture_put(&fixture,
                HEAD "routingList: SMTP:*;1\nmsExchSmtpSmartHost: [1.2.3]\nmsExchSmtpSendEnabled: FALSE\n\n");
    fixture_load(&fixture);
    assert_false(fixture_send(&fixture, "A")->is_enabled);
    fixture_done(&fixture);
}

/* Rights that were written for another smart host never reach the earlier one. */
/* proves: D15 contract-3 */
static void test_new_rights_do_not_reach_the_previous_smart_host(void **state)
{
    (void)state;
    struct fixture fixture;
    (void)load_with(&fixture, BASIC "dirrelayAce: allow ms-Exch-Send-Headers-Routing to anonymous\n");
    fixture_put(&fixture, HEAD "routingList: SMTP:*;1\nmsExchSmtpSmartHost: [1.2.3]\n"
                               "dirrelayAce: allow ms-Exch-Send-Headers-Organization to anonymous\n\n");
    fixture_load(&fixture);
    assert_true(fixture_send(&fixture, "A")->grants_nothing);
    assert_int_equal(fixture_send(&fixture, "A")->fixed[IDENTITY_ANONYMOUS].granted, 0);
    fixture_put(&fixture, HEAD "routingList: SMTP:*;1\nmsExchSmtpSmartHost: [1.2.3]\n"
                               "dirrelayAce: allow ms-Exch-Send-Headers-Routing to anonymous\n\n");
    fixture_load(&fixture);
    assert_false(fixture_send(&fixture, "A")->grants_nothing);
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_and_values),
        cmocka_unit_test(test_tls_and_login),
        cmocka_unit_test(test_refused_by_name),
        cmocka_unit_test(test_a_password_is_never_repeated),
        cmocka_unit_test(test_either_name_of_the_routing_group),
        cmocka_unit_test(test_source_servers),
        cmocka_unit_test(test_no_loop_through_ourselves),
        cmocka_unit_test(test_the_previous_good_version_stays),
        cmocka_unit_test(test_new_rights_do_not_reach_the_previous_smart_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

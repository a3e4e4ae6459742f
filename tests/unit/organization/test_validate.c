/* Every rule of the validation tables, broken once. */
/* fakes: organization */
#include "fakes/fake_organization.h"
#include "organization/validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char *verdict_of(const struct fake_organization *fake)
{
    static char text[256];
    struct organization *organization = fake_organization_new(fake);
    const char *why = validate_receive_connector(&organization->receive[0], &organization->server);
    (void)stpncpy(text, why == NULL ? "" : why, sizeof(text) - 1);
    organization_unref(organization);
    return text;
}

static const struct {
    uint32_t auth;
    uint32_t groups;
    const char *why; /* "": allowed */
} MECHANISMS[] = {
    {0, 0, ""},
    {31, GROUP_ANONYMOUS_USERS | GROUP_EXCHANGE_SERVERS | GROUP_EXCHANGE_LEGACY_SERVERS, ""},
    {15, GROUP_EXCHANGE_USERS, ""},
    {13, GROUP_EXCHANGE_USERS, ""},
    {9, GROUP_EXCHANGE_USERS, ""}, /* contract 7: BasicAuthRequireTLS implies BasicAuth inside TLS */
    {12, 0, "BasicAuthRequireTLS needs Tls"},
    {8, 0, "BasicAuthRequireTLS needs Tls"},
    {32, GROUP_EXCHANGE_SERVERS, ""},
    {33, GROUP_EXCHANGE_SERVERS, ""},
    {32, GROUP_ANONYMOUS_USERS, "ExternalAuthoritative needs the ExchangeServers permission group"},
    {34, GROUP_EXCHANGE_SERVERS, "ExternalAuthoritative may only be combined with Tls"},
    {36, GROUP_EXCHANGE_SERVERS, "ExternalAuthoritative may only be combined with Tls"},
    {41, GROUP_EXCHANGE_SERVERS, "ExternalAuthoritative may only be combined with Tls"},
    {48, GROUP_EXCHANGE_SERVERS, "ExternalAuthoritative may only be combined with Tls"},
    {64, 0, "AuthMechanism, ProtocolOptions or ProtocolRestrictions holds an unknown bit"},
};

/* proves: C64 C114 C124 facts-1.3 contract-7 */
static void test_mechanisms_and_groups(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(MECHANISMS) / sizeof(MECHANISMS[0]); i++) {
        assert_string_equal(verdict_of(&(struct fake_organization){
                                .receive = (struct fake_receive[]){{"C", .auth = MECHANISMS[i].auth,
                                                                    .groups = MECHANISMS[i].groups},
                                                                   {0}}}),
                            MECHANISMS[i].why);
    }
}

/* proves: C226 C231 contract-7 */
static void test_groups_on_an_edge(void **state)
{
    (void)state;
    static const struct {
        enum permission_model model;
        bool is_edge;
        uint32_t groups;
        bool is_refused;
    } CASES[] = {
        {PERMISSION_MODEL_2007, true, GROUP_EXCHANGE_LEGACY_SERVERS, true},
        {PERMISSION_MODEL_2007, true, GROUP_EXCHANGE_USERS, true},
        {PERMISSION_MODEL_2010, true, GROUP_EXCHANGE_LEGACY_SERVERS, true},
        {PERMISSION_MODEL_2010, true, GROUP_EXCHANGE_USERS, false},
        {PERMISSION_MODEL_2007, true, GROUP_ANONYMOUS_USERS | GROUP_EXCHANGE_SERVERS | GROUP_PARTNERS, false},
        {PERMISSION_MODEL_2007, false, 31, false},
        {PERMISSION_MODEL_2010, false, 31, false},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const char *why = verdict_of(&(struct fake_organization){
            .model = CASES[i].model,
            .is_edge = CASES[i].is_edge,
            .receive = (struct fake_receive[]){{"C", .groups = CASES[i].groups}, {0}}});
        assert_int_equal(strstr(why, "not available on an edge server") != NULL, CASES[i].is_refused);
        assert_int_equal(why[0] != '\0', CASES[i].is_refused);
    }
}

static void no_binding(struct receive_connector *connector)
{
    connector->binding_count = 0;
}
static void no_range(struct receive_connector *connector)
{
    connector->range_count = 0;
}
static void unknown_option(struct receive_connector *connector)
{
    connector->protocol_options |= 0x40;
}
static void unknown_restriction(struct receive_connector *connector)
{
    connector->protocol_restrictions |= 1;
}
static void require_tls_alone(struct receive_connector *connector)
{
    connector->protocol_restrictions |= RESTRICTION_REQUIRE_TLS;
}
static void require_tls(struct receive_connector *connector)
{
    connector->auth_mechanism = AUTH_TLS;
    connector->protocol_restrictions |= RESTRICTION_REQUIRE_TLS;
}
static void domain_secure_alone(struct receive_connector *connector)
{
    connector->protocol_options |= OPTION_DOMAIN_SECURE;
}
static void domain_secure(struct receive_connector *connector)
{
    connector->auth_mechanism = AUTH_TLS;
    connector->protocol_options |= OPTION_DOMAIN_SECURE;
}
static void large_header(struct receive_connector *connector)
{
    connector->max_header_bytes = RECEIVE_HEADER_BYTES_MAX + 1;
}

static void late_inactivity(struct receive_connector *connector)
{
    connector->inactivity_timeout_s = connector->connection_timeout_s + 1;
}
static void no_chunking(struct receive_connector *connector)
{
    connector->protocol_options &= ~(uint32_t)OPTION_CHUNKING;
}
static void neither_binarymime_nor_chunking(struct receive_connector *connector)
{
    connector->protocol_options &= ~(uint32_t)(OPTION_CHUNKING | OPTION_BINARYMIME);
}
static void foreign_fqdn(struct receive_connector *connector)
{
    connector->auth_mechanism = AUTH_EXCHANGE_SERVER;
    connector->fqdn = "mail.fabrikam.com";
}
static void short_fqdn(struct receive_connector *connector)
{
    connector->auth_mechanism = AUTH_EXCHANGE_SERVER;
    connector->fqdn = "mx1";
}
static void foreign_fqdn_without_exchange(struct receive_connector *connector)
{
    connector->auth_mechanism = AUTH_TLS;
    connector->fqdn = "mail.fabrikam.com";
}
static void client_settings(struct receive_connector *connector)
{
    connector->protocol_options |= OPTION_ADVERTISE_CLIENT_SETTINGS;
}
static void implicit_tls(struct receive_connector *connector)
{
    connector->implicit_tls = true;
}
static void orar(struct receive_connector *connector)
{
    connector->protocol_options |= OPTION_ORAR;
}
static void long_addresses(struct receive_connector *connector)
{
    connector->protocol_options |= OPTION_LONG_ADDRESSES;
}
static void proxy(struct receive_connector *connector)
{
    connector->protocol_options |= OPTION_PROXY;
}
static void protection_without_require_tls(struct receive_connector *connector)
{
    connector->extended_protection = EXTENDED_PROTECTION_ALLOW;
}

static void protection_at_proxy(struct receive_connector *connector)
{
    connector->protocol_restrictions |= RESTRICTION_EXTENDED_PROTECTION_TLS_AT_PROXY;
}
static void live_credential(struct receive_connector *connector)
{
    connector->protocol_restrictions |= RESTRICTION_LIVE_CREDENTIAL;
}
/* What is enforced, or only an offer that is not made yet. */
static void harmless(struct receive_connector *connector)
{
    connector->auth_mechanism = 31;
    connector->protocol_options |= OPTION_SMTPUTF8 | OPTION_SIZE_HIDDEN | OPTION_BARE_LINEFEED_REJECTION |
                                   OPTION_SUPPRESS_X_ANONYMOUSTLS;
    connector->protocol_restrictions |= RESTRICTION_REQUIRE_EHLO_DOMAIN | RESTRICTION_ENABLE_AUTH_GSSAPI;
}

static const struct {
    void (*adjust)(struct receive_connector *connector);
    const char *why;
} RULES[] = {
    {NULL, ""},
    {harmless, ""},
    {neither_binarymime_nor_chunking, ""},
    {short_fqdn, ""},
    {foreign_fqdn_without_exchange, ""},
    {no_binding, "Bindings holds no address"},
    {no_range, "RemoteIPRanges holds no range"},
    {unknown_option, "AuthMechanism, ProtocolOptions or ProtocolRestrictions holds an unknown bit"},
    {unknown_restriction, "AuthMechanism, ProtocolOptions or ProtocolRestrictions holds an unknown bit"},
    {require_tls_alone, "RequireTLS needs Tls"},
    {require_tls, ""},
    {domain_secure_alone, "DomainSecureEnabled needs Tls and excludes ExternalAuthoritative"},
    {domain_secure, ""},
    {large_header, "MaxHeaderSize above 16 MB is not supported"},
    {late_inactivity, "ConnectionInactivityTimeout exceeds ConnectionTimeout"},
    {no_chunking, "BinaryMimeEnabled needs ChunkingEnabled"},
    {foreign_fqdn, "ExchangeServer authentication needs Fqdn to be the server's FQDN, its name, or empty"},
    {client_settings, "AdvertiseClientSettings needs the ExchangeUsers permission group"},
    {implicit_tls, ""},
    {orar, "OrarEnabled is not supported yet"},
    {long_addresses, "LongAddressesEnabled is not supported yet"},
    {proxy, "ProxyEnabled is not supported yet"},
    {protection_without_require_tls, "ExtendedProtectionPolicy needs RequireTLS"},
    {protection_at_proxy, "ExtendedProtectionTlsTerminatedAtProxy is not supported yet"},
    {live_credential, "LiveCredentialEnabled is not supported"},
};

/* proves: facts-1.3 facts-2.3 facts-2.4 contract-1 */
static void test_rules_of_receive_connectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(RULES) / sizeof(RULES[0]); i++) {
        assert_string_equal(verdict_of(&(struct fake_organization){
                                .receive = (struct fake_receive[]){{"C", .adjust = RULES[i].adjust}, {0}}}),
                            RULES[i].why);
    }
    assert_string_equal(verdict_of(&(struct fake_organization){
                            .receive =
                                (struct fake_receive[]){
                                    {"C", .adjust = client_settings, .groups = GROUP_EXCHANGE_USERS}, {0}}}),
                        "AdvertiseClientSettings is not supported yet");
}

/* The five connectors that setup makes, as facts 5.3 lists them, serve. */
/* proves: C8 facts-5.3 */
static void test_connectors_made_by_setup(void **state)
{
    (void)state;
    static const struct {
        const char *binding;
        uint32_t auth;
        uint32_t groups;
        uint32_t role;
    } SETUP[] = {
        {"0.0.0.0:25 [::]:25", 31,
         GROUP_ANONYMOUS_USERS | GROUP_EXCHANGE_SERVERS | GROUP_EXCHANGE_LEGACY_SERVERS, ROLE_FRONTEND},
        {"0.0.0.0:587 [::]:587", 15, GROUP_EXCHANGE_USERS, ROLE_FRONTEND},
        {"0.0.0.0:717 [::]:717", 31, GROUP_EXCHANGE_SERVERS, ROLE_FRONTEND},
        {"0.0.0.0:2525 [::]:2525", 23,
         GROUP_EXCHANGE_USERS | GROUP_EXCHANGE_SERVERS | GROUP_EXCHANGE_LEGACY_SERVERS, ROLE_HUB},
        {"0.0.0.0:465 [::]:465", 31, GROUP_EXCHANGE_USERS | GROUP_EXCHANGE_SERVERS, ROLE_HUB},
    };
    struct fake_receive rows[6] = {{0}};
    for (size_t i = 0; i < 5; i++) {
        rows[i] = (struct fake_receive){.name = "C",
                                        .bindings = SETUP[i].binding,
                                        .ranges = "0.0.0.0-255.255.255.255 ::/0",
                                        .auth = SETUP[i].auth,
                                        .groups = SETUP[i].groups,
                                        .role = SETUP[i].role};
    }
    struct organization *organization = fake_organization_new(&(struct fake_organization){.receive = rows});
    for (size_t i = 0; i < 5; i++) {
        assert_null(organization->receive[i].refused);
    }
    organization_unref(organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mechanisms_and_groups),
        cmocka_unit_test(test_groups_on_an_edge),
        cmocka_unit_test(test_rules_of_receive_connectors),
        cmocka_unit_test(test_connectors_made_by_setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every rule of the send connectors' validation table, broken once. */
/* fakes: organization */
#include "fakes/fake_organization.h"
#include "organization/validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Send connectors. */

static void send_require_tls(struct send_connector *connector)
{
    connector->outbound_security = OUTBOUND_REQUIRE_TLS;
}
static void send_harmless(struct send_connector *connector)
{
    connector->outbound_security = OUTBOUND_FORCE_HELO | OUTBOUND_IGNORE_STARTTLS;
}
static void send_unknown(struct send_connector *connector)
{
    connector->outbound_security = 1;
}
static void send_unknown_flag(struct send_connector *connector)
{
    connector->send_flags = 1;
}
static void send_basic(struct send_connector *connector)
{
    connector->send_flags = SEND_AUTH_BASIC;
}
static void send_basic_tls(struct send_connector *connector)
{
    connector->send_flags = SEND_AUTH_BASIC_REQUIRE_TLS;
}
static void send_exchange(struct send_connector *connector)
{
    connector->send_flags = SEND_AUTH_EXCHANGE_SERVER;
}
static void send_old_exchange(struct send_connector *connector)
{
    send_exchange(connector);
    connector->outbound_security = OUTBOUND_FORCE_HELO;
}
static void send_external(struct send_connector *connector)
{
    connector->send_flags = SEND_AUTH_EXTERNAL_AUTHORITATIVE;
}
static void send_two(struct send_connector *connector)
{
    connector->send_flags = SEND_AUTH_BASIC | SEND_AUTH_EXTERNAL_AUTHORITATIVE;
}
static void send_strange(struct send_connector *connector)
{
    connector->send_flags = UINT32_C(1) << 20;
}
static void send_domain_secure(struct send_connector *connector)
{
    connector->send_flags = SEND_DOMAIN_SECURE;
}
static void send_old_domain_secure(struct send_connector *connector)
{
    send_domain_secure(connector);
    connector->outbound_security = OUTBOUND_FORCE_HELO;
}
static void send_secure_ignored_tls(struct send_connector *connector)
{
    send_domain_secure(connector);
    connector->outbound_security = OUTBOUND_IGNORE_STARTTLS;
}
static void send_secure_level(struct send_connector *connector)
{
    connector->send_flags = SEND_DOMAIN_SECURE | SEND_TLS_CERTIFICATE_VALIDATION;
    connector->outbound_security = OUTBOUND_REQUIRE_TLS;
}
static void send_level_alone(struct send_connector *connector)
{
    connector->send_flags = 0x10;
}
static void send_level(struct send_connector *connector)
{
    connector->send_flags = 0x20;
    connector->outbound_security = OUTBOUND_REQUIRE_TLS;
}
static void send_encryption(struct send_connector *connector)
{
    connector->send_flags = 0x10;
    connector->outbound_security = OUTBOUND_REQUIRE_TLS;
}
static void send_unknown_level(struct send_connector *connector)
{
    connector->send_flags = 0x30;
    connector->outbound_security = OUTBOUND_REQUIRE_TLS;
}
static void send_domain_level(struct send_connector *connector)
{
    connector->send_flags = 0x40;
    connector->outbound_security = OUTBOUND_REQUIRE_TLS;
}
static void send_domain(struct send_connector *connector)
{
    send_domain_level(connector);
    connector->tls_domain = "mail.example";
}
static void send_unused_domain(struct send_connector *connector)
{
    send_level(connector);
    connector->tls_domain = "mail.example";
}
static void send_ignored_tls(struct send_connector *connector)
{
    connector->outbound_security = OUTBOUND_REQUIRE_TLS | OUTBOUND_IGNORE_STARTTLS;
}
static void send_old_tls(struct send_connector *connector)
{
    connector->outbound_security = OUTBOUND_REQUIRE_TLS | OUTBOUND_FORCE_HELO;
}
static char password[] = "secret"; /* wiped with the first organization */
static void send_login(struct send_connector *connector)
{
    connector->send_flags = SEND_AUTH_BASIC;
    connector->login_user = "relay";
    connector->login_password = password;
}
static void send_login_tls(struct send_connector *connector)
{
    send_login(connector);
    connector->send_flags = SEND_AUTH_BASIC_REQUIRE_TLS;
}
static void send_login_ignored_tls(struct send_connector *connector)
{
    send_login_tls(connector);
    connector->outbound_security = OUTBOUND_IGNORE_STARTTLS;
}
static void send_old_login(struct send_connector *connector)
{
    send_login(connector);
    connector->outbound_security = OUTBOUND_FORCE_HELO;
}
static void send_login_file(struct send_connector *connector)
{
    send_login(connector);
    connector->login_password = NULL;
    connector->login_password_file = "/etc/dirrelay/password";
}
static void send_relative_file(struct send_connector *connector)
{
    send_login_file(connector);
    connector->login_password_file = "password";
}
static void send_two_passwords(struct send_connector *connector)
{
    send_login_file(connector);
    connector->login_password = password;
}
static void send_token(struct send_connector *connector)
{
    send_login_tls(connector);
    connector->login_password = NULL;
    connector->token_endpoint = "https://login.example/token";
    connector->token_client_id = "relay";
    connector->token_secret_file = "/etc/dirrelay/secret";
}
static void send_token_and_password(struct send_connector *connector)
{
    send_token(connector);
    connector->login_password = password;
}
static void send_token_in_clear(struct send_connector *connector)
{
    send_token(connector);
    connector->token_endpoint = "http://login.example/token";
}
static void send_token_basic(struct send_connector *connector)
{
    send_token(connector);
    connector->send_flags = SEND_AUTH_BASIC;
}
static void send_token_half(struct send_connector *connector)
{
    send_token(connector);
    connector->token_client_id = NULL;
}
static void send_scope_alone(struct send_connector *connector)
{
    connector->token_scope = "mail";
}
static void send_token_relative(struct send_connector *connector)
{
    send_token(connector);
    connector->token_secret_file = "secret";
}
static void send_nameless(struct send_connector *connector)
{
    send_login(connector);
    connector->login_user = NULL;
}
static void send_external_dns(struct send_connector *connector)
{
    connector->send_flags = SEND_EXTERNAL_DNS;
}
static void send_oorg(struct send_connector *connector)
{
    connector->send_flags = SEND_REQUIRE_OORG;
}
static void send_frontend(struct send_connector *connector)
{
    connector->send_flags = SEND_FRONTEND_PROXY;
}
static void send_cloud(struct send_connector *connector)
{
    connector->send_flags = SEND_CLOUD_SERVICES_MAIL;
}
static void send_no_port(struct send_connector *connector)
{
    connector->port = 0;
}
static void send_no_space(struct send_connector *connector)
{
    connector->space_count = 0;
}

static const struct {
    const char *smart_hosts;
    void (*adjust)(struct send_connector *connector);
    const char *why; /* its beginning; "": allowed */
} SEND_RULES[] = {
    {"[10.0.0.1]", NULL, ""},
    {"mail.example", send_harmless, ""},
    {"[127.0.0.1]", NULL, ""},
    {"[10.0.0.1],[10.0.0.2]", send_external, ""},
    {NULL, NULL, ""}, /* DNS routing */
    {NULL, send_domain_secure, ""},
    {NULL, send_old_domain_secure, "DomainSecureEnabled needs DNS routing and excludes IgnoreSTARTTLS and"},
    {NULL, send_external, "ExternalAuthoritative needs smart hosts that are given as IP addresses"},
    {"[10.0.0.1],mail.example", send_external, "ExternalAuthoritative needs smart hosts"},
    {"[169.254.169.254]", NULL, "a smart host has a link-local address"},
    {"mail.example,[fe80::1]", NULL, "a smart host has a link-local address"},
    {"[10.0.0.1]", send_no_space, "AddressSpaces holds no address space"},
    {"[10.0.0.1]", send_no_port, "Port is not a number"},
    {"[10.0.0.1]", send_unknown,
     "msExchSmtpOutboundSecurityFlag or msExchSmtpSendFlags holds an unknown bit"},
    {"[10.0.0.1]", send_unknown_flag,
     "msExchSmtpOutboundSecurityFlag or msExchSmtpSendFlags holds an unknown bit"},
    {"[10.0.0.1]", send_two, "SmartHostAuthMechanism holds more than one value"},
    {"[10.0.0.1]", send_strange, "SmartHostAuthMechanism holds an unknown value"},
    {"[10.0.0.1]", send_domain_secure, "DomainSecureEnabled needs DNS routing"},
    {"[10.0.0.1]", send_level_alone, "TlsAuthLevel needs RequireTLS"},
    {"[10.0.0.1]", send_level, ""},
    {"[10.0.0.1]", send_encryption, ""},
    {"[10.0.0.1]", send_domain, ""},
    {"[10.0.0.1]", send_require_tls, ""},
    {"[10.0.0.1]", send_unknown_level, "TlsAuthLevel holds an unknown value"},
    {"[10.0.0.1]", send_domain_level, "DomainValidation towards smart hosts needs TlsDomain"},
    {"[10.0.0.1]", send_unused_domain, "TlsDomain needs TlsAuthLevel DomainValidation"},
    {"[10.0.0.1]", send_ignored_tls, "IgnoreSTARTTLS excludes RequireTLS"},
    {"[10.0.0.1]", send_old_tls, "ForceHELO excludes RequireTLS"},
    {"[10.0.0.1]", send_login, ""},
    {"[10.0.0.1]", send_login_file, ""},
    {"[10.0.0.1],mail.example", send_login_tls, ""},
    {"[10.0.0.1]", send_basic, "BasicAuth and BasicAuthRequireTLS need a user name and a password"},
    {"mail.example", send_basic_tls, "BasicAuth and BasicAuthRequireTLS need a user name and a password"},
    {"[10.0.0.1]", send_nameless, "BasicAuth and BasicAuthRequireTLS need a user name and a password"},
    {"[10.0.0.1]", send_login_tls, "BasicAuthRequireTLS needs a smart host that is given by name"},
    {"mail.example", send_login_ignored_tls, "IgnoreSTARTTLS excludes RequireTLS and BasicAuthRequireTLS"},
    {"mail.example", send_old_login, "ForceHELO excludes"},
    {NULL, send_login, "SmartHostAuthMechanism needs smart hosts"},
    {"mail.example", send_two_passwords, "msExchSmtpOutboundSecurityPassword, dirrelay"},
    {"mail.example", send_token, ""},
    {"mail.example", send_token_and_password, "msExchSmtpOutboundSecurityPassword, dirrelay"},
    {"mail.example", send_token_in_clear, "dirrelaySmartHostOAuthTokenEndpoint needs https://"},
    {"mail.example", send_token_basic, "dirrelaySmartHostOAuthTokenEndpoint needs https://"},
    {"mail.example", send_token_half, "dirrelaySmartHostOAuth needs TokenEndpoint"},
    {"mail.example", send_scope_alone, "dirrelaySmartHostOAuth needs TokenEndpoint"},
    {"mail.example", send_token_relative, "dirrelaySmartHostOAuthClientSecretFile is no absolute path"},
    {"mail.example", send_relative_file, "dirrelaySmartHostPasswordFile is no absolute path"},
    {"[10.0.0.1]", send_exchange, ""},
    {NULL, send_exchange, "SmartHostAuthMechanism needs smart hosts"},
    {"[10.0.0.1]", send_old_exchange, "ForceHELO excludes"},
    {NULL, send_secure_ignored_tls, "DomainSecureEnabled needs DNS routing and excludes IgnoreSTARTTLS and"},
    {NULL, send_secure_level, "TlsAuthLevel needs RequireTLS and excludes DomainSecureEnabled"},
    {NULL, send_domain_level, ""},
    {"[10.0.0.1]", send_external_dns, "UseExternalDNSServersEnabled"},
    {"[10.0.0.1]", send_oorg, "UseExternalDNSServersEnabled, RequireOorg"},
    {"[10.0.0.1]", send_frontend, "UseExternalDNSServersEnabled, RequireOorg, FrontendProxyEnabled"},
    {"[10.0.0.1]", send_cloud, "UseExternalDNSServersEnabled"},
};

/* proves: C127 C165 C183 C184 R21 facts-1.4 facts-2.6 facts-2.7 contract-1 contract-7 */
static void test_rules_of_send_connectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(SEND_RULES) / sizeof(SEND_RULES[0]); i++) {
        struct organization *organization = fake_organization_new(&(struct fake_organization){
            .send = (struct fake_send[]){{"S", .spaces = "SMTP:*;1", .smart_hosts = SEND_RULES[i].smart_hosts,
                                          .adjust = SEND_RULES[i].adjust},
                                         {0}}});
        const char *why = organization->send[0].refused;
        assert_true(bytes_starts_nocase(bytes_of_text(why), SEND_RULES[i].why));
        assert_int_equal(why == NULL, SEND_RULES[i].why[0] == '\0');
        organization_unref(organization);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rules_of_send_connectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

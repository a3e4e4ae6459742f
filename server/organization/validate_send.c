#include "organization/validate.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A rule is broken when its predicate holds. */

static bool has_no_space(const struct send_connector *connector)
{
    return connector->space_count == 0;
}

static bool has_no_port(const struct send_connector *connector)
{
    return connector->port == 0;
}

static bool has_unknown_bits(const struct send_connector *connector)
{
    const uint32_t security = OUTBOUND_REQUIRE_TLS | OUTBOUND_FORCE_HELO | OUTBOUND_IGNORE_STARTTLS;
    const uint32_t flags = SEND_EXTERNAL_DNS | SEND_DOMAIN_SECURE | SEND_REQUIRE_OORG |
                           SEND_TLS_AUTH_LEVEL_MASK | SEND_FRONTEND_PROXY | SEND_CLOUD_SERVICES_MAIL |
                           SEND_AUTH_MASK;
    return (connector->outbound_security & ~security) || (connector->send_flags & ~flags);
}

static bool has_several_mechanisms(const struct send_connector *connector)
{
    uint32_t mechanism = connector->send_flags & SEND_AUTH_MASK;
    return (mechanism & (mechanism - 1)) != 0;
}

static bool has_unknown_mechanism(const struct send_connector *connector)
{
    const uint32_t known = SEND_AUTH_BASIC | SEND_AUTH_BASIC_REQUIRE_TLS | SEND_AUTH_EXCHANGE_SERVER |
                           SEND_AUTH_EXTERNAL_AUTHORITATIVE;
    return (connector->send_flags & SEND_AUTH_MASK & ~known) != 0;
}

static bool external_lacks_addresses(const struct send_connector *connector)
{
    bool is_named = connector->smart_host_count == 0;
    for (size_t i = 0; i < connector->smart_host_count; i++) {
        is_named = is_named || connector->smart_hosts[i].name != NULL;
    }
    return (connector->send_flags & SEND_AUTH_MASK) == SEND_AUTH_EXTERNAL_AUTHORITATIVE && is_named;
}

static bool smart_host_is_link_local(const struct send_connector *connector)
{
    for (size_t i = 0; i < connector->smart_host_count; i++) {
        const struct smart_host *host = &connector->smart_hosts[i];
        if (host->name == NULL && ip_is_link_local(&host->address)) {
            return true;
        }
    }
    return false;
}

static bool domain_secure_is_contradicted(const struct send_connector *connector)
{
    return (connector->send_flags & SEND_DOMAIN_SECURE) &&
           (connector->smart_host_count > 0 ||
            (connector->outbound_security & (OUTBOUND_IGNORE_STARTTLS | OUTBOUND_FORCE_HELO)));
}

static bool tls_level_is_contradicted(const struct send_connector *connector)
{
    return (connector->send_flags & SEND_TLS_AUTH_LEVEL_MASK) &&
           (!(connector->outbound_security & OUTBOUND_REQUIRE_TLS) ||
            (connector->send_flags & SEND_DOMAIN_SECURE));
}

static uint32_t tls_level(const struct send_connector *connector)
{
    return connector->send_flags & SEND_TLS_AUTH_LEVEL_MASK;
}

static bool has_unknown_tls_level(const struct send_connector *connector)
{
    uint32_t level = tls_level(connector);
    return level != 0 && level != SEND_TLS_ENCRYPTION_ONLY && level != SEND_TLS_CERTIFICATE_VALIDATION &&
           level != SEND_TLS_DOMAIN_VALIDATION;
}

static bool tls_domain_is_unused(const struct send_connector *connector)
{
    return connector->tls_domain != NULL && tls_level(connector) != SEND_TLS_DOMAIN_VALIDATION;
}

static bool domain_validation_lacks_domain(const struct send_connector *connector)
{
    return tls_level(connector) == SEND_TLS_DOMAIN_VALIDATION && connector->tls_domain == NULL &&
           connector->smart_host_count > 0;
}

static bool has_basic_auth(const struct send_connector *connector)
{
    return (connector->send_flags & (SEND_AUTH_BASIC | SEND_AUTH_BASIC_REQUIRE_TLS)) != 0;
}

static bool needs_tls(const struct send_connector *connector)
{
    return (connector->outbound_security & OUTBOUND_REQUIRE_TLS) ||
           (connector->send_flags & SEND_AUTH_BASIC_REQUIRE_TLS);
}

/* Neither could ever deliver. */
static bool tls_is_contradicted(const struct send_connector *connector)
{
    return needs_tls(connector) && (connector->outbound_security & OUTBOUND_IGNORE_STARTTLS);
}

static bool helo_is_contradicted(const struct send_connector *connector)
{
    return (connector->outbound_security & OUTBOUND_FORCE_HELO) &&
           (needs_tls(connector) || (connector->send_flags & (SEND_AUTH_BASIC | SEND_AUTH_EXCHANGE_SERVER)));
}

static bool auth_lacks_smart_host(const struct send_connector *connector)
{
    return (connector->send_flags & SEND_AUTH_MASK) != 0 && connector->smart_host_count == 0;
}

static bool auth_lacks_host_name(const struct send_connector *connector)
{
    return (connector->send_flags & SEND_AUTH_BASIC_REQUIRE_TLS) && connector->smart_host_name_count == 0;
}

static bool auth_lacks_credential(const struct send_connector *connector)
{
    return has_basic_auth(connector) &&
           (connector->login_user == NULL ||
            (connector->login_password == NULL && connector->login_password_file == NULL &&
             connector->token_endpoint == NULL));
}

static bool has_two_passwords(const struct send_connector *connector)
{
    return (connector->login_password != NULL) + (connector->login_password_file != NULL) +
               (connector->token_endpoint != NULL) >
           1;
}

static bool password_file_is_relative(const struct send_connector *connector)
{
    return connector->login_password_file != NULL && connector->login_password_file[0] != '/';
}

static bool token_is_incomplete(const struct send_connector *connector)
{
    const char *const needed[] = {connector->token_endpoint, connector->token_client_id,
                                  connector->token_secret_file};
    size_t count = 0;
    for (size_t i = 0; i < COUNT_OF(needed); i++) {
        count += needed[i] != NULL;
    }
    return (count > 0 && count < COUNT_OF(needed)) || (count == 0 && connector->token_scope != NULL);
}

/* A token is a password for everybody who sees it. */
static bool token_is_unsafe(const struct send_connector *connector)
{
    return connector->token_endpoint != NULL &&
           (!bytes_starts_nocase(bytes_of_text(connector->token_endpoint), "https://") ||
            !(connector->send_flags & SEND_AUTH_BASIC_REQUIRE_TLS));
}

static bool token_file_is_relative(const struct send_connector *connector)
{
    return connector->token_secret_file != NULL && connector->token_secret_file[0] != '/';
}

static bool has_other_flags(const struct send_connector *connector)
{
    return (connector->send_flags &
            (SEND_EXTERNAL_DNS | SEND_REQUIRE_OORG | SEND_FRONTEND_PROXY | SEND_CLOUD_SERVICES_MAIL)) != 0;
}

static const struct {
    bool (*is_broken)(const struct send_connector *connector);
    const char *sentence;
} SEND_RULES[] = {
    {has_no_space, "AddressSpaces holds no address space"},
    {has_no_port, "Port is not a number from 1 to 65535"},
    {has_unknown_bits, "msExchSmtpOutboundSecurityFlag or msExchSmtpSendFlags holds an unknown bit"},
    {has_several_mechanisms, "SmartHostAuthMechanism holds more than one value"},
    {has_unknown_mechanism, "SmartHostAuthMechanism holds an unknown value"},
    {external_lacks_addresses, "ExternalAuthoritative needs smart hosts that are given as IP addresses"},
    {smart_host_is_link_local, "a smart host has a link-local address"},
    {domain_secure_is_contradicted,
     "DomainSecureEnabled needs DNS routing and excludes IgnoreSTARTTLS and ForceHELO"},
    {tls_level_is_contradicted, "TlsAuthLevel needs RequireTLS and excludes DomainSecureEnabled"},
    {has_unknown_tls_level, "TlsAuthLevel holds an unknown value"},
    {tls_domain_is_unused, "TlsDomain needs TlsAuthLevel DomainValidation"},
    {domain_validation_lacks_domain, "DomainValidation towards smart hosts needs TlsDomain"},
    {tls_is_contradicted, "IgnoreSTARTTLS excludes RequireTLS and BasicAuthRequireTLS"},
    {helo_is_contradicted,
     "ForceHELO excludes RequireTLS, BasicAuth, BasicAuthRequireTLS and ExchangeServer"},
    {auth_lacks_smart_host, "SmartHostAuthMechanism needs smart hosts"},
    {auth_lacks_host_name, "BasicAuthRequireTLS needs a smart host that is given by name"},
    {auth_lacks_credential, "BasicAuth and BasicAuthRequireTLS need a user name and a password"},
    {has_two_passwords, "msExchSmtpOutboundSecurityPassword, dirrelaySmartHostPasswordFile and "
                        "dirrelaySmartHostOAuthTokenEndpoint exclude each other"},
    {password_file_is_relative, "dirrelaySmartHostPasswordFile is no absolute path"},
    {token_is_incomplete, "dirrelaySmartHostOAuth needs TokenEndpoint, ClientId and ClientSecretFile"},
    {token_is_unsafe, "dirrelaySmartHostOAuthTokenEndpoint needs https:// and BasicAuthRequireTLS"},
    {token_file_is_relative, "dirrelaySmartHostOAuthClientSecretFile is no absolute path"},
    /* Closed until a later step builds it. */
    {has_other_flags,
     "UseExternalDNSServersEnabled, RequireOorg, FrontendProxyEnabled and CloudServicesMailEnabled are not "
     "supported yet"},
};

const char *validate_send_connector(const struct send_connector *connector)
{
    for (size_t i = 0; i < COUNT_OF(SEND_RULES); i++) {
        if (SEND_RULES[i].is_broken(connector)) {
            return SEND_RULES[i].sentence;
        }
    }
    return NULL;
}

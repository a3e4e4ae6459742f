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
           (connector->smart_host_count > 0 || (connector->outbound_security & OUTBOUND_IGNORE_STARTTLS));
}

static bool tls_level_is_contradicted(const struct send_connector *connector)
{
    return (connector->send_flags & SEND_TLS_AUTH_LEVEL_MASK) &&
           (!(connector->outbound_security & OUTBOUND_REQUIRE_TLS) ||
            (connector->send_flags & SEND_DOMAIN_SECURE));
}

static bool requires_tls(const struct send_connector *connector)
{
    return (connector->outbound_security & OUTBOUND_REQUIRE_TLS) != 0;
}

static bool has_basic_auth(const struct send_connector *connector)
{
    return (connector->send_flags & (SEND_AUTH_BASIC | SEND_AUTH_BASIC_REQUIRE_TLS)) != 0;
}

static bool has_exchange_auth(const struct send_connector *connector)
{
    return (connector->send_flags & SEND_AUTH_EXCHANGE_SERVER) != 0;
}

static bool has_tls_level(const struct send_connector *connector)
{
    return (connector->send_flags & SEND_TLS_AUTH_LEVEL_MASK) != 0;
}

static bool has_other_flags(const struct send_connector *connector)
{
    return (connector->send_flags & (SEND_EXTERNAL_DNS | SEND_DOMAIN_SECURE | SEND_REQUIRE_OORG |
                                     SEND_FRONTEND_PROXY | SEND_CLOUD_SERVICES_MAIL)) != 0;
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
    {domain_secure_is_contradicted, "DomainSecureEnabled needs DNS routing and excludes IgnoreSTARTTLS"},
    {tls_level_is_contradicted, "TlsAuthLevel needs RequireTLS and excludes DomainSecureEnabled"},
    /* Closed until a later step builds it. */
    {requires_tls, "RequireTLS is not supported yet"},
    {has_basic_auth, "BasicAuth towards smart hosts is not supported yet"},
    {has_exchange_auth, "ExchangeServer authentication towards smart hosts is not supported yet"},
    {has_tls_level, "TlsAuthLevel is not supported yet"},
    {has_other_flags,
     "UseExternalDNSServersEnabled, DomainSecureEnabled, RequireOorg, FrontendProxyEnabled and "
     "CloudServicesMailEnabled are not supported yet"},
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

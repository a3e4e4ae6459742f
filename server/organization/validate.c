#include "organization/validate.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A bit (or several) that refuses the connector when it is set: what a later step builds deletes its row. */
struct closed_bits {
    uint32_t bits;
    const char *sentence;
};

static const char *find_closed(const struct closed_bits *rows, size_t count, uint32_t value)
{
    for (size_t i = 0; i < count; i++) {
        if (value & rows[i].bits) {
            return rows[i].sentence;
        }
    }
    return NULL;
}

/* Receive connectors: a rule is broken when its predicate holds. */

static bool has_mechanism(const struct receive_connector *connector, uint32_t bits)
{
    return (connector->auth_mechanism & bits) != 0;
}

static bool has_no_binding(const struct receive_connector *connector, const struct server *server)
{
    (void)server;
    return connector->binding_count == 0;
}

static bool has_no_range(const struct receive_connector *connector, const struct server *server)
{
    (void)server;
    return connector->range_count == 0;
}

static bool basic_over_tls_lacks_tls(const struct receive_connector *connector, const struct server *server)
{
    (void)server;
    return has_mechanism(connector, AUTH_BASIC_REQUIRE_TLS) && !has_mechanism(connector, AUTH_TLS);
}

static bool require_tls_lacks_tls(const struct receive_connector *connector, const struct server *server)
{
    (void)server;
    return (connector->protocol_restrictions & RESTRICTION_REQUIRE_TLS) &&
           !has_mechanism(connector, AUTH_TLS);
}

static bool protection_lacks_tls(const struct receive_connector *connector, const struct server *server)
{
    (void)server;
    return connector->extended_protection != EXTENDED_PROTECTION_NONE &&
           !(connector->protocol_restrictions & RESTRICTION_REQUIRE_TLS);
}

static bool header_is_too_large(const struct receive_connector *connector, const struct server *server)
{
    (void)server;
    return connector->max_header_bytes > RECEIVE_HEADER_BYTES_MAX;
}

static bool external_beside_another(const struct receive_connector *connector, const struct server *server)
{
    (void)server;
    return has_mechanism(connector, AUTH_EXTERNAL_AUTHORITATIVE) &&
           has_mechanism(connector,
                         AUTH_INTEGRATED | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS | AUTH_EXCHANGE_SERVER);
}

static bool external_lacks_group(const struct receive_connector *connector, const struct server *server)
{
    (void)server;
    return has_mechanism(connector, AUTH_EXTERNAL_AUTHORITATIVE) &&
           !(connector->permission_groups & GROUP_EXCHANGE_SERVERS);
}

static bool domain_secure_lacks_tls(const struct receive_connector *connector, const struct server *server)
{
    (void)server;
    return (connector->protocol_options & OPTION_DOMAIN_SECURE) &&
           (!has_mechanism(connector, AUTH_TLS) || has_mechanism(connector, AUTH_EXTERNAL_AUTHORITATIVE));
}

static bool times_out_too_late(const struct receive_connector *connector, const struct server *server)
{
    (void)server;
    return connector->inactivity_timeout_s > connector->connection_timeout_s;
}

static bool binarymime_lacks_chunking(const struct receive_connector *connector, const struct server *server)
{
    (void)server;
    return (connector->protocol_options & OPTION_BINARYMIME) &&
           !(connector->protocol_options & OPTION_CHUNKING);
}

static bool group_is_not_available(const struct receive_connector *connector, enum permission_group group,
                                   const struct server *server)
{
    return (connector->permission_groups & group) &&
           !permission_group_is_available(group, server->model, (server->roles & ROLE_EDGE) != 0);
}

static bool legacy_group_on_edge(const struct receive_connector *connector, const struct server *server)
{
    return group_is_not_available(connector, GROUP_EXCHANGE_LEGACY_SERVERS, server);
}

static bool users_group_on_edge(const struct receive_connector *connector, const struct server *server)
{
    return group_is_not_available(connector, GROUP_EXCHANGE_USERS, server);
}

static bool exchange_server_lacks_own_name(const struct receive_connector *connector,
                                           const struct server *server)
{
    struct bytes fqdn = bytes_of_text(connector->fqdn);
    return has_mechanism(connector, AUTH_EXCHANGE_SERVER) && !(server->roles & ROLE_EDGE) && fqdn.len > 0 &&
           !bytes_equal_nocase(fqdn, bytes_of_text(server->fqdn)) &&
           !bytes_equal_nocase(fqdn, bytes_of_text(server->name));
}

static bool client_settings_lack_group(const struct receive_connector *connector, const struct server *server)
{
    (void)server;
    return (connector->protocol_options & OPTION_ADVERTISE_CLIENT_SETTINGS) &&
           !(connector->permission_groups & GROUP_EXCHANGE_USERS);
}

static bool has_unknown_bits(const struct receive_connector *connector, const struct server *server)
{
    const uint32_t options = PROTOCOL_OPTIONS_DEFAULT | OPTION_SIZE_HIDDEN | OPTION_DOMAIN_SECURE |
                             OPTION_LONG_ADDRESSES | OPTION_ORAR | OPTION_SUPPRESS_X_ANONYMOUSTLS |
                             OPTION_ADVERTISE_CLIENT_SETTINGS | OPTION_BARE_LINEFEED_REJECTION |
                             OPTION_PROXY | OPTION_SMTPUTF8;
    const uint32_t restrictions = RESTRICTION_REQUIRE_EHLO_DOMAIN | RESTRICTION_REQUIRE_TLS |
                                  RESTRICTION_ENABLE_AUTH_GSSAPI |
                                  RESTRICTION_EXTENDED_PROTECTION_TLS_AT_PROXY | RESTRICTION_LIVE_CREDENTIAL;
    (void)server;
    return (connector->auth_mechanism & ~(uint32_t)AUTH_ALL) || (connector->protocol_options & ~options) ||
           (connector->protocol_restrictions & ~restrictions);
}

static const struct {
    bool (*is_broken)(const struct receive_connector *connector, const struct server *server);
    const char *sentence;
} RECEIVE_RULES[] = {
    {has_no_binding, "Bindings holds no address"},
    {has_no_range, "RemoteIPRanges holds no range"},
    {has_unknown_bits, "AuthMechanism, ProtocolOptions or ProtocolRestrictions holds an unknown bit"},
    {basic_over_tls_lacks_tls, "BasicAuthRequireTLS needs Tls"},
    {require_tls_lacks_tls, "RequireTLS needs Tls"},
    {protection_lacks_tls, "ExtendedProtectionPolicy needs RequireTLS"},
    {header_is_too_large, "MaxHeaderSize above 16 MB is not supported"},
    {external_beside_another, "ExternalAuthoritative may only be combined with Tls"},
    {external_lacks_group, "ExternalAuthoritative needs the ExchangeServers permission group"},
    {domain_secure_lacks_tls, "DomainSecureEnabled needs Tls and excludes ExternalAuthoritative"},
    {times_out_too_late, "ConnectionInactivityTimeout exceeds ConnectionTimeout"},
    {binarymime_lacks_chunking, "BinaryMimeEnabled needs ChunkingEnabled"},
    {legacy_group_on_edge, "the ExchangeLegacyServers permission group is not available on an edge server"},
    {users_group_on_edge,
     "the ExchangeUsers permission group is not available on an edge server in permission model 2007"},
    {exchange_server_lacks_own_name,
     "ExchangeServer authentication needs Fqdn to be the server's FQDN, its name, or empty"},
    {client_settings_lack_group, "AdvertiseClientSettings needs the ExchangeUsers permission group"},
};

static const struct closed_bits CLOSED_OPTIONS[] = {
    {OPTION_LONG_ADDRESSES, "LongAddressesEnabled is not supported yet"},
    {OPTION_ORAR, "OrarEnabled is not supported yet"},
    {OPTION_ADVERTISE_CLIENT_SETTINGS, "AdvertiseClientSettings is not supported yet"},
    {OPTION_PROXY, "ProxyEnabled is not supported yet"},
};

static const struct closed_bits CLOSED_RESTRICTIONS[] = {
    {RESTRICTION_EXTENDED_PROTECTION_TLS_AT_PROXY,
     "ExtendedProtectionTlsTerminatedAtProxy is not supported yet"},
    {RESTRICTION_LIVE_CREDENTIAL, "LiveCredentialEnabled is not supported"},
};

const char *validate_receive_connector(const struct receive_connector *connector, const struct server *server)
{
    for (size_t i = 0; i < COUNT_OF(RECEIVE_RULES); i++) {
        if (RECEIVE_RULES[i].is_broken(connector, server)) {
            return RECEIVE_RULES[i].sentence;
        }
    }
    const char *closed = find_closed(CLOSED_OPTIONS, COUNT_OF(CLOSED_OPTIONS), connector->protocol_options);
    return closed != NULL ? closed
                          : find_closed(CLOSED_RESTRICTIONS, COUNT_OF(CLOSED_RESTRICTIONS),
                                        connector->protocol_restrictions);
}

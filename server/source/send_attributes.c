/* Facts 1.4. */
#include "organization/send_connector.h"
#include "source/attributes.h"

#define TO(name)    FIELD(send_connector, name)
#define BOTH(value) (value), (value)
#define LIST        ATTRIBUTE_LIST, 0, 0, BOTH(0), NO_FIELD
#define TEXT        ATTRIBUTE_TEXT, 0, TEXT_BYTES_MAX, BOTH(0)

/* clang-format off */
static const struct attribute_row rows[] = {
    {"routingList", "AddressSpaces", LIST, "policy/route.c"},
    {"connectedDomains", "ConnectedRoutingGroups", LIST, NULL},
    {"deliveryMechanism", "–", ATTRIBUTE_INTEGER, 0, 3, BOTH(2), NO_FIELD, NULL},
    {"msExchSmtpSmartHost", "SmartHosts", ATTRIBUTE_TEXT, 0, 16384, BOTH(0), NO_FIELD, "delivery/plan.c"},
    {"msExchSmtpSendPort", "Port", ATTRIBUTE_INTEGER, 1, 65535, BOTH(25), STORE_U16, TO(port), "delivery/connection.c"},
    {"msExchSmtpSendEnabled", "Enabled", ATTRIBUTE_BOOLEAN, 0, 1, BOTH(1), STORE_BOOL, TO(is_enabled), "policy/route.c"},
    {"msExchSmtpSendConnectionTimeout", "ConnectionInactivityTimeOut", ATTRIBUTE_INTEGER, 1, DAY_S, BOTH(600),
        STORE_U32, TO(connection_timeout_s), "delivery/connection.c"},
    {"delivContLength", "MaxMessageSize", ATTRIBUTE_INTEGER, 0, KILOBYTES_MAX, BOTH(35 * 1024),
        STORE_U64_KB, TO(max_message_bytes), "delivery/plan.c"},
    {"msExchSMTPSendConnectorFQDN", "Fqdn", TEXT, STORE_TEXT, TO(fqdn), "delivery/connection.c"},
    {"msExchSmtpSendBindingIPAddress", "SourceIPAddress", TEXT, NO_FIELD, "delivery/connection.c"},
    {"msExchSmtpSendProtocolLoggingLevel", "ProtocolLoggingLevel", ATTRIBUTE_INTEGER, 0, 1, BOTH(0),
        STORE_U32, TO(protocol_logging), "smtp_client/client_protocol.c"},
    {"msExchSmtpOutboundSecurityFlag", "RequireTLS, ForceHELO, IgnoreSTARTTLS", ATTRIBUTE_BITS, 0,
        OUTBOUND_REQUIRE_TLS | OUTBOUND_FORCE_HELO | OUTBOUND_IGNORE_STARTTLS, BOTH(0),
        STORE_U32, TO(outbound_security), "delivery/security.c"},
    {"msExchSmtpSendFlags", "SmartHostAuthMechanism, DomainSecureEnabled, …", ATTRIBUTE_BITS, 0, UINT32_MAX, BOTH(0),
        STORE_U32, TO(send_flags), "delivery/security.c"},
    {"msExchSmtpOutboundSecurityUserName", "AuthenticationCredential", TEXT, STORE_TEXT, TO(login_user), "delivery/security.c"},
    {"msExchSmtpOutboundSecurityPassword", "AuthenticationCredential", ATTRIBUTE_SECRET, 0, TEXT_BYTES_MAX, BOTH(0),
        STORE_TEXT, TO(login_password), "delivery/security.c"},
    {"msExchSMTPSendExternallySecuredAs", "–", LIST, NULL},
    {"msExchSmtpSendTlsDomain", "TlsDomain", TEXT, NO_FIELD, "delivery/security.c"},
    {"msExchSmtpSendNdrLevel", "ErrorPolicies", ATTRIBUTE_INTEGER, 0, ERROR_POLICY_DOWNGRADE_DNS_FAILURES,
        BOTH(ERROR_POLICY_DEFAULT), STORE_U32, TO(error_policy), "delivery/destination.c"},
    {"msExchSmtpMaxMessagesPerConnection", "SmtpMaxMessagesPerConnection", ATTRIBUTE_INTEGER, 0, INTEGER_MAX, BOTH(20),
        STORE_U32, TO(max_messages_per_connection), "delivery/connection.c"},
    {"msExchSmtpTLSCertificate", "TlsCertificateName", TEXT, STORE_TEXT, TO(tls_certificate_name), "delivery/security.c"},
    {"msExchSourceBridgeheadServersDN", "SourceTransportServers", LIST, "policy/route.c"},
    {"homeMTA", "–", LIST, ATTRIBUTE_COMMENT},
    {"adminDescription", "Comment", TEXT, NO_FIELD, ATTRIBUTE_COMMENT},
    {"nTSecurityDescriptor", "–", LIST, "source/access_source.c"},
    {"dirrelayAce", "Add-ADPermission", LIST, "source/access_source.c"},
    {"dirrelayPermissionGroups", "–", LIST, "source/load_send.c"},
    {"dirrelaySmartHostOAuthTokenEndpoint", "–", TEXT, STORE_TEXT, TO(token_endpoint), "delivery/token.c"},
    {"dirrelaySmartHostOAuthClientId", "–", TEXT, STORE_TEXT, TO(token_client_id), "delivery/token.c"},
    {"dirrelaySmartHostOAuthClientSecretFile", "–", TEXT, STORE_TEXT, TO(token_secret_file), "delivery/token.c"},
    {"dirrelaySmartHostOAuthScope", "–", TEXT, STORE_TEXT, TO(token_scope), "delivery/token.c"},
    {"dirrelaySmartHostPasswordFile", "–", TEXT, STORE_TEXT, TO(login_password_file), "delivery/security.c"},
};
/* clang-format on */

const struct attribute_table send_attributes = {CONNECTOR_CLASS_SEND, rows, sizeof(rows) / sizeof(rows[0])};

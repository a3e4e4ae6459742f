/* Facts 1.3. Where facts give several defaults the newest cmdlet page's is taken (contract 3); an absent
 * limit whose legal values begin at 1 is UNLIMITED. */
#include "organization/receive_connector.h"
#include "source/attributes.h"

#define OPTIONS_KNOWN      0x1FFBF
#define RESTRICTIONS_KNOWN (4 | 8 | 16 | 32 | 32768)
#define ROLES_KNOWN        (ROLE_MAILBOX | ROLE_HUB | ROLE_EDGE | ROLE_FRONTEND)
#define TO(name)           FIELD(receive_connector, name)
#define BOTH(value)        (value), (value)
#define LIST               ATTRIBUTE_LIST, 0, 0, BOTH(0), NO_FIELD
#define TEXT               ATTRIBUTE_TEXT, 0, TEXT_BYTES_MAX, BOTH(0)

/* clang-format off */
static const struct attribute_row rows[] = {
    {"msExchSmtpReceiveEnabled", "Enabled", ATTRIBUTE_BOOLEAN, 0, 1, BOTH(1),
        STORE_BOOL, TO(is_enabled), "organization/connector_index.c"},
    {"msExchSmtpReceiveBindings", "Bindings", LIST, "organization/connector_index.c"},
    {"msExchSmtpReceiveRemoteIPRanges", "RemoteIPRanges", LIST, "organization/connector_index.c"},
    /* Absent in AD: 29 (facts 2.1); load_receive.c sees to it. */
    {"msExchSMTPReceiveInboundSecurityFlag", "AuthMechanism", ATTRIBUTE_BITS, 0, AUTH_ALL, BOTH(0),
        STORE_U32, TO(auth_mechanism), "organization/receive_connector.c"},
    {"msExchSmtpReceiveProtocolOptions", "SizeEnabled, ChunkingEnabled, …", ATTRIBUTE_BITS, 0, OPTIONS_KNOWN, BOTH(PROTOCOL_OPTIONS_DEFAULT),
        STORE_U32, TO(protocol_options), "policy/offer.c"},
    {"msExchSmtpReceiveProtocolRestrictions", "RequireTLS, RequireEHLODomain, …", ATTRIBUTE_BITS, 0, RESTRICTIONS_KNOWN, BOTH(0),
        STORE_U32, TO(protocol_restrictions), "smtp_server/session_verbs.c"},
    {"msExchSMTPReceiveConnectorFQDN", "Fqdn", TEXT, STORE_TEXT, TO(fqdn), "smtp_server/verb_hello.c"},
    {"msExchSmtpReceiveBanner", "Banner", TEXT, STORE_TEXT, TO(banner), "smtp_server/session.c"},
    {"msExchSmtpReceiveConnectionTimeout", "ConnectionTimeout", ATTRIBUTE_INTEGER, 1, DAY_S, 600, 300,
        STORE_U32, TO(connection_timeout_s), "smtp_server/session.c"},
    {"msExchSmtpReceiveConnectionInactivityTimeout", "ConnectionInactivityTimeout", ATTRIBUTE_INTEGER, 1, DAY_S, 300, 60,
        STORE_U32, TO(inactivity_timeout_s), "smtp_server/session.c"},
    {"msExchSMTPReceiveRelayControl", "MessageRateLimit", ATTRIBUTE_INTEGER, 1, INTEGER_MAX, BOTH(UNLIMITED),
        STORE_U32, TO(message_rate_limit), "smtp_server/message_rate.c"},
    {"msExchSMTPReceiveMessageRateSource", "MessageRateSource", ATTRIBUTE_INTEGER, 0, 3, BOTH(1),
        STORE_U32, TO(message_rate_source), "smtp_server/message_rate.c"},
    {"msExchSmtpReceiveMaxInboundConnections", "MaxInboundConnection", ATTRIBUTE_INTEGER, 1, INTEGER_MAX, BOTH(UNLIMITED),
        STORE_U32, TO(max_inbound_connections), "smtp_server/rate.c"},
    {"msExchSmtpReceiveMaxInboundConnectionsPerSource", "MaxInboundConnectionPerSource", ATTRIBUTE_INTEGER, 1, 10000, BOTH(UNLIMITED),
        STORE_U32, TO(max_inbound_connections_per_source), "smtp_server/rate.c"},
    {"msExchSMTPReceiveMaxInboundConnectionsPercPerSource", "MaxInboundConnectionPercentagePerSource", ATTRIBUTE_INTEGER, 1, 100, BOTH(2),
        STORE_U32, TO(max_inbound_percent_per_source), "smtp_server/rate.c"},
    {"msExchSmtpReceiveMaxHeaderSize", "MaxHeaderSize", ATTRIBUTE_INTEGER, 32768, INTEGER_MAX, BOTH(262144),
        STORE_U32, TO(max_header_bytes), "smtp_server/receive_content.c"},
    {"msExchSmtpReceiveMaxHopCount", "MaxHopCount", ATTRIBUTE_INTEGER, 1, 500, BOTH(30),
        STORE_U32, TO(max_hops), "smtp_server/message_header.c"},
    {"msExchSmtpReceiveMaxLocalHopCount", "MaxLocalHopCount", ATTRIBUTE_INTEGER, 0, 50, BOTH(8),
        STORE_U32, TO(max_local_hops), "smtp_server/message_header.c"},
    {"msExchSmtpReceiveMaxLogonFailures", "MaxLogonFailures", ATTRIBUTE_INTEGER, 0, 10, BOTH(3),
        STORE_U32, TO(max_logon_failures), "smtp_server/session_login.c"},
    {"msExchSmtpReceiveMaxMessageSize", "MaxMessageSize", ATTRIBUTE_INTEGER, 65536, INTEGER_MAX, BOTH(37748736),
        STORE_U32, TO(max_message_bytes), "smtp_server/receive_content.c"},
    {"msExchSmtpReceiveMaxProtocolErrors", "MaxProtocolErrors", ATTRIBUTE_INTEGER, 0, INTEGER_MAX, BOTH(-1),
        STORE_I64, TO(max_protocol_errors), "smtp_server/session_reply.c"},
    {"msExchSmtpReceiveMaxRecipientsPerMessage", "MaxRecipientsPerMessage", ATTRIBUTE_INTEGER, 1, 512000, BOTH(200),
        STORE_U32, TO(max_recipients), "smtp_server/verb_rcpt.c"},
    {"msExchSmtpReceiveProtocolLoggingLevel", "ProtocolLoggingLevel", ATTRIBUTE_INTEGER, 0, 1, BOTH(0),
        STORE_U32, TO(protocol_logging), "smtp_server/session_protocol.c"},
    {"msExchSmtpReceiveTarpitInterval", "TarpitInterval", ATTRIBUTE_INTEGER, 0, 600, BOTH(5),
        STORE_U32, TO(tarpit_s), "smtp_server/session_reply.c"},
    {"msExchSmtpReceiveMaxAcknowledgementDelay", "MaxAcknowledgementDelay", ATTRIBUTE_INTEGER, 0, 600, BOTH(30),
        STORE_U32, TO(max_acknowledgement_delay_s), NULL},
    {"msExchSMTPReceiveDefaultAcceptedDomainLink", "DefaultDomain", TEXT, NO_FIELD, NULL},
    {"msExchSmtpReceiveAdvertisedDomain", "ServiceDiscoveryFqdn", TEXT, NO_FIELD, NULL},
    {"msExchSMTPExtendedProtectionPolicy", "ExtendedProtectionPolicy", ATTRIBUTE_INTEGER, 0, 2, BOTH(0),
        STORE_U32, TO(extended_protection), "auth/gss_acceptor.c"},
    {"msExchSmtpReceiveTlsDomainCapabilities", "TlsDomainCapabilities", LIST, NULL},
    {"msExchSmtpTLSCertificate", "TlsCertificateName", TEXT, STORE_TEXT, TO(tls_certificate_name), "auth/certificate_choice.c"},
    {"msExchSmtpReceiveTlsCertificateName", "TlsCertificateName", TEXT, STORE_TEXT, TO(old_tls_certificate_name), "auth/certificate_choice.c"},
    {"msExchSmtpReceiveRole", "TransportRole", ATTRIBUTE_BITS, 0, ROLES_KNOWN, BOTH(0),
        STORE_U32, TO(role), "organization/connector_conflicts.c"},
    /* In Exchange's schema, but no cmdlet reads them. The descriptor in force is nTSecurityDescriptor (facts 1.3). */
    {"msExchSmtpReceiveMaxMessagesPerConnection", "–", LIST, NULL},
    {"msExchSmtpReceiveMaxConnectionRatePerMinute", "–", LIST, NULL},
    {"msExchSmtpReceivePostmasterAddress", "–", LIST, NULL},
    {"msExchSmtpReceiveExternallySecuredAs", "–", LIST, NULL},
    {"msExchSmtpReceiveSecurityDescriptor", "–", LIST, ATTRIBUTE_COMMENT},
    {"msExchSmtpReceiveType", "–", LIST, ATTRIBUTE_COMMENT},
    {"adminDescription", "Comment", TEXT, NO_FIELD, ATTRIBUTE_COMMENT},
    {"nTSecurityDescriptor", "PermissionGroups", LIST, "source/access_source.c"},
    {"dirrelayAce", "Add-ADPermission", LIST, "source/access_source.c"},
    {"dirrelayPermissionGroups", "PermissionGroups", LIST, "source/access_source.c"},
    {"dirrelayReportOnly", "–", LIST, "policy/report_only.c"},
    {"dirrelayAllowOpenRelay", "–", ATTRIBUTE_BOOLEAN, 0, 1, BOTH(0), STORE_BOOL, TO(allow_open_relay), "source/load_receive.c"},
    {"dirrelayImplicitTls", "–", ATTRIBUTE_BOOLEAN, 0, 1, BOTH(0), STORE_BOOL, TO(implicit_tls), "smtp_server/session_tls.c"},
};
/* clang-format on */

const struct attribute_table receive_attributes = {CONNECTOR_CLASS_RECEIVE, rows,
                                                   sizeof(rows) / sizeof(rows[0])};

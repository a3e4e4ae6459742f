/* Facts 1.5-1.7: accepted domains, transport settings, the server. */
#include "organization/organization.h"
#include "source/attributes.h"

#define BOTH(value) (value), (value)
#define LIST        ATTRIBUTE_LIST, 0, 0, BOTH(0), NO_FIELD
#define TEXT        ATTRIBUTE_TEXT, 0, TEXT_BYTES_MAX, BOTH(0)

/* Facts 2.5: type, default, address book, X.400, federation, pending removal, outbound only, sub-domains. */
#define DOMAIN_FLAGS_KNOWN (3 | 4 | 8 | 16 | 32 | 64 | 256 | 65536)

/* clang-format off */
static const struct attribute_row domain_rows[] = {
    {"msExchAcceptedDomainName", "DomainName", TEXT, STORE_TEXT, FIELD(domain_values, name), "policy/recipient.c"},
    {"msExchAcceptedDomainFlags", "DomainType, Default, MatchSubDomains", ATTRIBUTE_BITS, 0, DOMAIN_FLAGS_KNOWN, BOTH(0),
        STORE_U32, FIELD(domain_values, flags), "policy/recipient.c"},
    {"dirrelayAllowOpenRelay", "–", ATTRIBUTE_BOOLEAN, 0, 1, BOTH(0),
        STORE_BOOL, FIELD(domain_values, allow_open_relay), "source/load_domain.c"},
    {"adminDescription", "Comment", TEXT, NO_FIELD, ATTRIBUTE_COMMENT},
};

static const struct attribute_row settings_rows[] = {
    {"msExchTLSReceiveDomainSecureList", "TLSReceiveDomainSecureList", LIST, NULL},
    {"msExchTLSSendDomainSecureList", "TLSSendDomainSecureList", LIST, NULL},
    {"msExchInternalSMTPServers", "InternalSMTPServers", LIST, NULL},
    {"submissionContLength", "MaxSendSize", ATTRIBUTE_INTEGER, 0, KILOBYTES_MAX, BOTH(0),
        STORE_U64_KB, FIELD(transport_settings, max_send_bytes), NULL},
    {"delivContLength", "MaxReceiveSize", ATTRIBUTE_INTEGER, 0, KILOBYTES_MAX, BOTH(0),
        STORE_U64_KB, FIELD(transport_settings, max_receive_bytes), NULL},
    {"msExchRecipLimit", "MaxRecipientEnvelopeLimit", ATTRIBUTE_INTEGER, 0, INTEGER_MAX, BOTH(0),
        STORE_U32, FIELD(transport_settings, max_recipients), NULL},
    {"msExchTransportSettingsFlags", "VerifySecureSubmitEnabled, …", ATTRIBUTE_INTEGER, INT32_MIN, INTEGER_MAX, BOTH(0), NO_FIELD, NULL},
    {"msExchTransportShadowHeartbeatTimeoutInterval", "ShadowHeartbeatTimeoutInterval", ATTRIBUTE_INTEGER, 0, INTEGER_MAX, BOTH(900), NO_FIELD, NULL},
    {"msExchTransportShadowHeartbeatRetryCount", "ShadowHeartbeatRetryCount", ATTRIBUTE_INTEGER, 0, INTEGER_MAX, BOTH(12), NO_FIELD, NULL},
    {"msExchTransportShadowMessageAutoDiscardInterval", "ShadowMessageAutoDiscardInterval", ATTRIBUTE_INTEGER, 0, INTEGER_MAX, BOTH(2 * DAY_S), NO_FIELD, NULL},
    {"msExchDSNSendCopyToAdmin", "GenerateCopyOfDSNFor", LIST, NULL},
    {"msExchJournalingReportNdrTo", "JournalingReportNdrTo", LIST, NULL},
    {"msExchTransportExternalDSNReportingAuthority", "ExternalDsnReportingAuthority", LIST, NULL},
    {"msExchTransportExternalMaxDSNMessageAttachmentSize", "ExternalDsnMaxMessageAttachSize", LIST, NULL},
    {"msExchTransportExternalPostmasterAddress", "ExternalPostmasterAddress", TEXT,
        STORE_TEXT, FIELD(transport_settings, external_postmaster), "policy/recipient.c"},
    {"adminDescription", "Comment", TEXT, NO_FIELD, ATTRIBUTE_COMMENT},
};

static const struct attribute_row server_rows[] = {
    {"msExchCurrentServerRoles", "ServerRole", ATTRIBUTE_BITS, 0, INT32_MAX, BOTH(0),
        STORE_U32, FIELD(server_values, roles), "organization/validate.c"},
    {"networkAddress", "Fqdn", LIST, "source/load_server.c"},
    {"dirrelayPermissionModel", "–", LIST, "source/load_server.c"},
    {"msExchServerInternalTLSCert", "InternalTransportCertificate", LIST, ATTRIBUTE_COMMENT},
    {"msExchServerSite", "Site", LIST, ATTRIBUTE_COMMENT},
    {"serialNumber", "AdminDisplayVersion", LIST, ATTRIBUTE_COMMENT},
    {"versionNumber", "–", LIST, ATTRIBUTE_COMMENT},
    {"legacyExchangeDN", "ExchangeLegacyDN", LIST, ATTRIBUTE_COMMENT},
    {"msExchVersion", "–", LIST, ATTRIBUTE_COMMENT},
    {"msExchMinAdminVersion", "–", LIST, ATTRIBUTE_COMMENT},
    {"msExchProductID", "ProductID", LIST, ATTRIBUTE_COMMENT},
    {"msExchEdgeSyncCredential", "–", LIST, ATTRIBUTE_COMMENT},
    {"msExchSmtpMaxRecipients", "–", LIST, NULL},
    {"msExchSmtpInboundCommandSupportOptions", "–", LIST, NULL},
    {"dirrelayAce", "Add-ADPermission", LIST, "source/access_source.c"},
};
/* clang-format on */

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

const struct attribute_table domain_attributes = {"msExchAcceptedDomain", domain_rows, COUNT_OF(domain_rows)};
const struct attribute_table settings_attributes = {"msExchTransportSettings", settings_rows,
                                                    COUNT_OF(settings_rows)};
const struct attribute_table server_attributes = {"msExchExchangeServer", server_rows, COUNT_OF(server_rows)};

/* Facts 1.5-1.7: accepted domains, transport settings, the server. */
#include "organization/organization.h"
#include "source/attributes.h"

#define BOTH(value) (value), (value)
#define LIST        ATTRIBUTE_LIST, 0, 0, BOTH(0), NO_FIELD
#define TEXT        ATTRIBUTE_TEXT, 0, TEXT_BYTES_MAX, BOTH(0)

/* Facts 2.5: type, default, address book, X.400, federation, pending removal, outbound only, sub-domains. */
#define DOMAIN_FLAGS_KNOWN (3 | 4 | 8 | 16 | 32 | 64 | 256 | 65536)

/* Facts 1.6: those that are gone by, and switches of what this server has no part in: the mailbox's
 * submission (0x20), voice mail (0x8), address books (0x4), content conversion (0x1 0x100 0x20000 0x40000),
 * the language and form of notices (0x800 0x1000), and one that only widens routing (0x400).
 * Who builds one of these takes its bit away or reads it. */
#define SETTINGS_FLAGS_MOOT (0x1 | 0x4 | 0x8 | 0x20 | 0x100 | 0x400 | 0x800 | 0x1000 | 0x20000 | 0x40000)
#define SETTINGS_FLAGS_KNOWN                                                                                 \
    (SETTING_DISABLE_XEXCH50 | SETTING_INTERNAL_DELAY_DSN_DISABLED | SETTING_EXTERNAL_DELAY_DSN_DISABLED |   \
     SETTINGS_FLAGS_MOOT)

/* clang-format off */
static const struct attribute_row domain_rows[] = {
    {"msExchAcceptedDomainName", "DomainName", TEXT, STORE_TEXT, FIELD(domain_values, name), "policy/recipient.c"},
    {"msExchAcceptedDomainFlags", "DomainType, Default, MatchSubDomains", ATTRIBUTE_BITS, 0, DOMAIN_FLAGS_KNOWN, BOTH(0),
        STORE_U32, FIELD(domain_values, flags), "policy/recipient.c"},
    {"dirrelayAllowOpenRelay", "–", ATTRIBUTE_BOOLEAN, 0, 1, BOTH(0),
        STORE_BOOL, FIELD(domain_values, allow_open_relay), "source/load_domain.c"},
    {"adminDescription", "Comment", TEXT, NO_FIELD, ATTRIBUTE_COMMENT},
};

/* Nothing to enforce: an anti-spam filter's list, shadow redundancy and journaling, which this server does not
 * do. */
static const struct attribute_row settings_rows[] = {
    {"msExchTLSReceiveDomainSecureList", "TLSReceiveDomainSecureList", LIST, "policy/domain_security.c"},
    {"msExchTLSSendDomainSecureList", "TLSSendDomainSecureList", LIST, "delivery/security.c"},
    {"msExchInternalSMTPServers", "InternalSMTPServers", LIST, ATTRIBUTE_COMMENT},
    {"submissionContLength", "MaxSendSize", ATTRIBUTE_INTEGER, 0, KILOBYTES_MAX, BOTH(0),
        STORE_U64_KB, FIELD(transport_settings, max_send_bytes), "policy/limits.c"},
    {"delivContLength", "MaxReceiveSize", ATTRIBUTE_INTEGER, 0, KILOBYTES_MAX, BOTH(0),
        STORE_U64_KB, FIELD(transport_settings, max_receive_bytes), "policy/limits.c"},
    {"msExchRecipLimit", "MaxRecipientEnvelopeLimit", ATTRIBUTE_INTEGER, 0, INTEGER_MAX, BOTH(0),
        STORE_U32, FIELD(transport_settings, max_recipients), "policy/limits.c"},
    {"msExchTransportSettingsFlags", "DisableXexch50, …", ATTRIBUTE_BITS, 0, SETTINGS_FLAGS_KNOWN, BOTH(0),
        STORE_U32, FIELD(transport_settings, flags), "policy/notice.c"},
    {"msExchTransportShadowHeartbeatTimeoutInterval", "ShadowHeartbeatTimeoutInterval", ATTRIBUTE_INTEGER, 0, INTEGER_MAX, BOTH(900), NO_FIELD, ATTRIBUTE_COMMENT},
    {"msExchTransportShadowHeartbeatRetryCount", "ShadowHeartbeatRetryCount", ATTRIBUTE_INTEGER, 0, INTEGER_MAX, BOTH(12), NO_FIELD, ATTRIBUTE_COMMENT},
    {"msExchTransportShadowMessageAutoDiscardInterval", "ShadowMessageAutoDiscardInterval", ATTRIBUTE_INTEGER, 0, INTEGER_MAX, BOTH(2 * DAY_S), NO_FIELD, ATTRIBUTE_COMMENT},
    {"msExchDSNSendCopyToAdmin", "GenerateCopyOfDSNFor", LIST, "policy/notice.c"},
    {"msExchJournalingReportNdrTo", "JournalingReportNdrTo", LIST, ATTRIBUTE_COMMENT},
    {"msExchTransportExternalDSNReportingAuthority", "ExternalDsnReportingAuthority", TEXT,
        STORE_TEXT, FIELD(transport_settings, external_reporting_name), "policy/notice.c"},
    {"msExchTransportExternalMaxDSNMessageAttachmentSize", "ExternalDsnMaxMessageAttachSize", ATTRIBUTE_INTEGER, 1, INTEGER_MAX, BOTH(10485760),
        STORE_U32, FIELD(transport_settings, max_external_notice_bytes), "policy/notice.c"},
    {"msExchTransportExternalPostmasterAddress", "ExternalPostmasterAddress", TEXT,
        STORE_TEXT, FIELD(transport_settings, external_postmaster), "policy/recipient.c"},
    {"adminDescription", "Comment", TEXT, NO_FIELD, ATTRIBUTE_COMMENT},
};

static const struct attribute_row server_rows[] = {
    {"msExchCurrentServerRoles", "ServerRole", ATTRIBUTE_BITS, 0, INT32_MAX, BOTH(0),
        STORE_U32, FIELD(server_values, roles), "organization/validate.c"},
    {"networkAddress", "Fqdn", LIST, "source/load_server.c"},
    {"dirrelayPermissionModel", "–", LIST, "source/load_server.c"},
    {"msExchServerInternalTLSCert", "InternalTransportCertificate", LIST, "source/load_trust.c"},
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

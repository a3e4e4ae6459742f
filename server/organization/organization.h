/* All that the server knows about connectors, domains and servers: one immutable value, replaced whole. */
#ifndef ORGANIZATION_ORGANIZATION_H
#define ORGANIZATION_ORGANIZATION_H

#include "organization/accepted_domain.h"
#include "organization/receive_connector.h"
#include "organization/secure_domain.h"
#include "organization/send_connector.h"
#include "organization/trusted_server.h"

#include <stdatomic.h>

/* Bits of msExchTransportSettingsFlags that this server goes by. */
enum transport_setting {
    SETTING_DISABLE_XEXCH50 = 0x10,
    SETTING_INTERNAL_DELAY_DSN_DISABLED = 0x2000,
    SETTING_EXTERNAL_DELAY_DSN_DISABLED = 0x10000,
};

struct transport_settings {
    const char *dn;
    uint64_t max_send_bytes;             /* submissionContLength, or 0 unlimited */
    uint64_t max_receive_bytes;          /* delivContLength, or 0 */
    uint32_t max_recipients;             /* msExchRecipLimit, or 0 */
    uint32_t flags;                      /* enum transport_setting */
    uint32_t max_external_notice_bytes;  /* ExternalDsnMaxMessageAttachSize, or UNLIMITED */
    const char *external_reporting_name; /* ExternalDsnReportingAuthority, or NULL */
    const char *const *copied_statuses;  /* GenerateCopyOfDSNFor: "5.4.6", … */
    size_t copied_status_count;
    const struct secure_domain *send_secure; /* TLSSendDomainSecureList */
    size_t send_secure_count;
    const struct secure_domain *receive_secure; /* TLSReceiveDomainSecureList */
    size_t receive_secure_count;
    const char *external_postmaster; /* msExchTransportExternalPostmasterAddress, or NULL */
};

struct server {
    const char *dn;
    const char *name; /* cn */
    const char *fqdn; /* networkAddress ncacn_ip_tcp, else the host's name */
    uint32_t roles;   /* enum server_role bits */
    enum permission_model model;
    struct bytes internal_certificate; /* msExchServerInternalTLSCert: DER or thumbprint; empty: none */
};

/* An object, or a part of one, that was not taken, and why. is_kept: its previous good version still serves.
 */
struct refusal {
    const char *dn;
    const char *why;
    bool is_kept;
};

struct connector_index;
struct domain_index;

struct organization {
    atomic_uint references;
    uint64_t generation; /* 1, 2, … as published */
    int64_t loaded_wall_ms;
    const char *name; /* cn of the organization */
    struct server server;
    struct transport_settings settings;
    const struct receive_connector *receive; /* this server's, refused and disabled ones included */
    size_t receive_count;
    const struct send_connector *send; /* all of the organization, cheapest questions first by name */
    size_t send_count;
    const struct accepted_domain *domains;
    size_t domain_count;
    const struct trusted_server *trusted; /* of the whole organization, this server among them */
    size_t trusted_count;
    const struct sid *legacy_interop; /* of the group ExchangeLegacyInterop, or NULL */
    const struct refusal *refused;
    size_t refused_count;
    const struct receive_connector *const *receive_by_id; /* receive_count of them, sorted */
    const struct connector_index *connectors;             /* connector_match's */
    const struct domain_index *domain_index;              /* accepted_domain's */
    struct arena arena;                                   /* holds all of the above */
};

/* An empty one with one reference and an arena of at most 1 GiB; the loader fills it. NULL without memory. */
struct organization *organization_new(void);
/* Builds the indexes once all arrays are in place. ERROR_LIMIT. */
MUST_USE enum error organization_finish(struct organization *organization);
/* References are counted atomically: each loop owns one (design 2). */
const struct organization *organization_ref(const struct organization *organization);
void organization_unref(const struct organization *organization); /* NULL is a no-op */
/* By objectGUID/entryUUID, or NULL. */
const struct receive_connector *organization_receive_by_id(const struct organization *organization,
                                                           const struct guid *id);
/* By cn, or by "SERVER\cn"; any case. */
const struct receive_connector *organization_receive_by_name(const struct organization *organization,
                                                             struct bytes name);

#endif

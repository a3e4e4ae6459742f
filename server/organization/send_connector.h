/* A send connector as a value. Facts 1.4, 2.6, 2.7. */
#ifndef ORGANIZATION_SEND_CONNECTOR_H
#define ORGANIZATION_SEND_CONNECTOR_H

#include "organization/receive_connector.h"

enum outbound_security {
    OUTBOUND_REQUIRE_TLS = 0x4,
    OUTBOUND_FORCE_HELO = 0x400000,
    OUTBOUND_IGNORE_STARTTLS = 0x800000
};

/* Facts 2.7. */
enum send_flag {
    SEND_EXTERNAL_DNS = 0x2,
    SEND_DOMAIN_SECURE = 0x4,
    SEND_REQUIRE_OORG = 0x8,
    SEND_TLS_AUTH_LEVEL_MASK = 0xFF0,
    SEND_FRONTEND_PROXY = 0x2000,
    SEND_CLOUD_SERVICES_MAIL = 0x20000,
};
/* TlsAuthLevel, one value in the bits of its mask; none of them: not set. */
#define SEND_TLS_ENCRYPTION_ONLY        UINT32_C(0x10)
#define SEND_TLS_CERTIFICATE_VALIDATION UINT32_C(0x20)
#define SEND_TLS_DOMAIN_VALIDATION      UINT32_C(0x40)
/* SmartHostAuthMechanism, the bits 20-31 of the same number; none of them: None. */
#define SEND_AUTH_MASK                   UINT32_C(0xFFF00000)
#define SEND_AUTH_BASIC                  (UINT32_C(2) << 20)
#define SEND_AUTH_BASIC_REQUIRE_TLS      (UINT32_C(4) << 20)
#define SEND_AUTH_EXCHANGE_SERVER        (UINT32_C(8) << 20)
#define SEND_AUTH_EXTERNAL_AUTHORITATIVE (UINT32_C(16) << 20)

/* ErrorPolicies. */
enum error_policy {
    ERROR_POLICY_DEFAULT = 0,
    ERROR_POLICY_DOWNGRADE_DNS_FAILURES = 1 /* what the DNS says of a domain returns no mail */
};

/* "SMTP:*.contoso.com;1" */
struct address_space {
    const char *domain;   /* normal form; "*" every domain */
    bool with_subdomains; /* "*.contoso.com": sub-domains, not contoso.com itself */
    uint32_t cost;        /* 1-100 */
};

struct smart_host {
    const char *name; /* FQDN in normal form, or NULL when it is an address */
    struct ip_address address;
};

struct send_connector {
    struct guid id;
    const char *dn;
    const char *name;
    int64_t created;
    bool is_enabled;
    const char *refused; /* why it does not send, or NULL */

    const struct address_space *spaces;
    size_t space_count;
    const struct smart_host *smart_hosts; /* none: DNS routing */
    size_t smart_host_count;
    const char *const *smart_host_names; /* of those given by name */
    size_t smart_host_name_count;
    uint16_t port;
    uint32_t connection_timeout_s;
    uint64_t max_message_bytes;       /* or 0: unlimited */
    const char *fqdn;                 /* HELO name; never NULL */
    struct ip_address source;         /* IP_NONE: any */
    uint32_t outbound_security;       /* enum outbound_security */
    uint32_t send_flags;              /* enum send_flag bits, a SEND_TLS_ and a SEND_AUTH_ value */
    const char *tls_domain;           /* TlsDomain: a name, by ".contoso.com" any below it, or NULL */
    const char *tls_certificate_name; /* TlsCertificateName, "<I>issuer<S>subject", or NULL */
    const char *login_user;           /* AuthenticationCredential, or NULL */
    const char *login_password;       /* secret: never printed; wiped with the organization; or NULL */
    const char *login_password_file;  /* dirrelaySmartHostPasswordFile, or NULL */
    const char *token_endpoint; /* dirrelaySmartHostOAuth…: an access token is the password; or NULL */
    const char *token_client_id;
    const char *token_secret_file;
    const char *token_scope;              /* NULL: none is asked for */
    uint32_t error_policy;                /* ErrorPolicies: enum error_policy */
    uint32_t max_messages_per_connection; /* 0: no limit */
    uint32_t protocol_logging;            /* 1: Verbose */
    bool is_for_this_server;              /* msExchSourceBridgeheadServersDN absent or naming this server */

    struct access_list access;
    bool grants_nothing;
    const char *grants_nothing_why;
    struct access_result fixed[IDENTITY_FIXED_COUNT];
};

/* Value form "TYPE:address;cost", ";cost" optional (1). Text borrowed into the arena. ERROR_SYNTAX with a
 * note; ERROR_NOT_FOUND for the placeholder "SMTP:--". */
MUST_USE enum error address_space_parse(struct bytes text, struct arena *arena, struct address_space *out,
                                        struct note *note);
/* "[10.0.0.1],mail.example" → smart hosts; ERROR_SYNTAX with a note, ERROR_LIMIT past 64 of them. */
MUST_USE enum error smart_hosts_parse(struct bytes text, struct arena *arena, const struct smart_host **out,
                                      size_t *out_count, struct note *note);
/* The names among them; ERROR_LIMIT without memory. */
MUST_USE enum error smart_host_names(const struct smart_host *hosts, size_t count, struct arena *arena,
                                     const char *const **out, size_t *out_count);
/* TlsDomain: "mail.contoso.com", or "*.contoso.com" for any name below. ERROR_SYNTAX with a note. */
MUST_USE enum error tls_domain_parse(struct bytes text, struct arena *arena, const char **out,
                                     struct note *note);
/* Would a connection to this smart host end at one of our own enabled bindings (contract 7)? A wildcard
 * binding counts for loopback addresses; other addresses of this machine are not known here. */
bool smart_host_is_own(const struct ip_address *address, uint16_t port,
                       const struct receive_connector *receive, size_t receive_count);
/* Whom a next hop is taken for that has proved nothing: externally secured by the connector, else nobody;
 * that we log in proves us to it. What leaves is what the DACL grants to the identity of the hop (facts 5.2,
 * 10.5). */
enum identity send_connector_peer(const struct send_connector *connector);
/* Fills fixed[] from access (all zero with grants_nothing). ERROR_TEMPORARY without memory. */
MUST_USE enum error send_connector_compute_rights(struct send_connector *connector);

#endif

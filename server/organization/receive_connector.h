/* A receive connector as a value. Facts 1.3, 2.1-2.4; field names follow the cmdlet parameters. */
#ifndef ORGANIZATION_RECEIVE_CONNECTOR_H
#define ORGANIZATION_RECEIVE_CONNECTOR_H

#include "base/ip.h"
#include "organization/access_list.h"
#include "organization/identity.h"
#include "organization/permission_group.h"

enum auth_mechanism {
    AUTH_TLS = 1,
    AUTH_INTEGRATED = 2,
    AUTH_BASIC = 4,
    AUTH_BASIC_REQUIRE_TLS = 8,
    AUTH_EXCHANGE_SERVER = 16,
    AUTH_EXTERNAL_AUTHORITATIVE = 32,
    AUTH_ALL = 63,
};

enum protocol_option {
    OPTION_SIZE = 0x1,
    OPTION_SIZE_HIDDEN = 0x2,
    OPTION_BINARYMIME = 0x4,
    OPTION_CHUNKING = 0x8,
    OPTION_DSN = 0x10,
    OPTION_ENHANCEDSTATUSCODES = 0x20,
    OPTION_PIPELINING = 0x80,
    OPTION_8BITMIME = 0x100,
    OPTION_DOMAIN_SECURE = 0x200,
    OPTION_LONG_ADDRESSES = 0x400,
    OPTION_ORAR = 0x800,
    OPTION_SUPPRESS_X_ANONYMOUSTLS = 0x1000,
    OPTION_ADVERTISE_CLIENT_SETTINGS = 0x2000,
    OPTION_BARE_LINEFEED_REJECTION = 0x4000,
    OPTION_PROXY = 0x8000,
    OPTION_SMTPUTF8 = 0x10000,
};
#define PROTOCOL_OPTIONS_DEFAULT 0x1BD

enum protocol_restriction {
    RESTRICTION_REQUIRE_EHLO_DOMAIN = 4,
    RESTRICTION_REQUIRE_TLS = 8,
    RESTRICTION_ENABLE_AUTH_GSSAPI = 16,
    RESTRICTION_EXTENDED_PROTECTION_TLS_AT_PROXY = 32,
    RESTRICTION_LIVE_CREDENTIAL = 32768,
};

enum server_role { ROLE_MAILBOX = 2, ROLE_HUB = 32, ROLE_EDGE = 64, ROLE_FRONTEND = 16384 };

/* A header block is held in memory: a connector that asks for more is refused. */
#define RECEIVE_HEADER_BYTES_MAX (16u << 20)

#define UNLIMITED 0 /* in the *_max and *_limit fields below, whose legal values start at 1 */

/* The rights whose want refuses a command or takes headers away: what dirrelayReportOnly may name. */
#define REPORT_ONLY_RIGHTS                                                                                   \
    (RIGHT_BIT(RIGHT_SMTP_SUBMIT) | RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT) |                             \
     RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_SENDER) | RIGHT_BIT(RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER) |    \
     RIGHT_BIT(RIGHT_ACCEPT_HEADERS_ROUTING) | RIGHT_BIT(RIGHT_ACCEPT_HEADERS_FOREST) |                      \
     RIGHT_BIT(RIGHT_ACCEPT_HEADERS_ORGANIZATION))

/* ExtendedProtectionPolicy: must a ticket or an NTLM answer name the TLS channel that it comes through?
 * Allow: where it names one, it must be this. */
enum extended_protection {
    EXTENDED_PROTECTION_NONE = 0,
    EXTENDED_PROTECTION_ALLOW = 1,
    EXTENDED_PROTECTION_REQUIRE = 2,
};

/* Immutable once the organization is published; everything pointed to lives in the organization's arena. */
struct receive_connector {
    struct guid id; /* objectGUID or entryUUID: what a session holds on to across generations */
    const char *dn;
    const char *name;    /* cn */
    const char *display; /* "SERVER\name", as log and tools print it */
    int64_t created;     /* createTimestamp, seconds since 1970; 0 unknown */
    bool is_enabled;
    const char
        *refused; /* why it does not serve (it keeps its place in the match and answers 421), or NULL */

    const struct ip_endpoint *bindings;
    size_t binding_count;
    const struct ip_range *ranges;
    size_t range_count;

    uint32_t auth_mechanism;          /* enum auth_mechanism bits */
    bool lacks_mechanism;             /* the directory has no value for it, which means none (contract 7) */
    uint32_t protocol_options;        /* enum protocol_option bits */
    uint32_t protocol_restrictions;   /* enum protocol_restriction bits */
    uint32_t extended_protection;     /* enum extended_protection */
    uint32_t permission_groups;       /* enum permission_group bits */
    uint32_t role;                    /* enum server_role */
    const char *fqdn;                 /* what the banner, EHLO and Received say; never NULL (server's FQDN) */
    const char *tls_certificate_name; /* TlsCertificateName, "<I>issuer<S>subject", or NULL */
    const char *old_tls_certificate_name; /* the same under its earlier attribute; the loader moves it up */
    const char *banner;                   /* "220 …" or NULL: the built-in one */
    uint32_t connection_timeout_s;
    uint32_t inactivity_timeout_s;
    uint32_t message_rate_limit; /* a minute, or UNLIMITED */
    uint32_t message_rate_source;
    uint32_t max_inbound_connections;            /* or UNLIMITED */
    uint32_t max_inbound_connections_per_source; /* or UNLIMITED */
    uint32_t max_inbound_percent_per_source; /* 1-100, of the free ones; only with max_inbound_connections */
    uint32_t max_header_bytes;               /* at most RECEIVE_HEADER_BYTES_MAX where it serves */
    uint32_t max_hops;
    uint32_t max_local_hops; /* 0: never refused */
    uint32_t max_logon_failures;
    uint32_t max_message_bytes;
    int64_t max_protocol_errors; /* -1 unlimited, else 0 and up */
    uint32_t max_recipients;
    uint32_t tarpit_s;
    uint32_t max_acknowledgement_delay_s;
    uint32_t protocol_logging;
    const char *default_domain; /* name of the accepted domain of DefaultDomain, or NULL */

    uint32_t report_only;  /* of REPORT_ONLY_RIGHTS: their want is reported, not enforced */
    bool allow_open_relay; /* dirrelayAllowOpenRelay */
    bool implicit_tls;     /* dirrelayImplicitTls */

    struct access_list access;
    bool grants_nothing; /* a permission value could not be read, or there is no DACL; reason below */
    const char *grants_nothing_why;
    struct access_result fixed[IDENTITY_FIXED_COUNT]; /* computed when the organization is built */
};

/* Fills fixed[] from access (all zero with grants_nothing). Part of building the organization.
 * ERROR_TEMPORARY without memory. */
MUST_USE enum error receive_connector_compute_rights(struct receive_connector *connector);
/* The identity of a session at connect: externally secured by mechanism, else anonymous. */
enum identity receive_connector_identity(const struct receive_connector *connector);
/* May anonymous clients send to any recipient here? The anonymous token is S-1-5-7 alone; for this question
 * Everyone is put into it as well, so that an ACE for Everyone counts. What a deny takes away is not given.
 * *out_ace (may be NULL): the ACE that gives it;
 * NULL when none does: its want is only reported (dirrelayReportOnly), or memory ran out. */
bool receive_connector_relays_anonymous(const struct receive_connector *connector,
                                        const struct ace_origin **out_ace);
/* Accept-Any-Recipient for anonymous or everyone, or externally secured, over an address that is not private
 * (contract 3), acknowledged by allow_open_relay or not. *out_why names right, ACE and range. */
bool receive_connector_is_open_relay(const struct receive_connector *connector, struct note *out_why);

#endif

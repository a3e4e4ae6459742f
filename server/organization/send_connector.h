/* A send connector as a value. Facts 1.4, 2.6, 2.7. */
#ifndef ORGANIZATION_SEND_CONNECTOR_H
#define ORGANIZATION_SEND_CONNECTOR_H

#include "base/ip.h"
#include "organization/access_list.h"
#include "organization/identity.h"

enum outbound_security { OUTBOUND_REQUIRE_TLS = 0x4, OUTBOUND_FORCE_HELO = 0x400000, OUTBOUND_IGNORE_STARTTLS = 0x800000 };

/* "SMTP:*.contoso.com;1" */
struct address_space {
    const char *domain; /* normal form; "*" every domain */
    bool with_subdomains; /* "*.contoso.com": sub-domains, not contoso.com itself */
    uint32_t cost;      /* 1-100 */
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
    uint16_t port;
    uint32_t connection_timeout_s;
    uint64_t max_message_bytes; /* or 0: unlimited */
    const char *fqdn;           /* HELO name; never NULL */
    struct ip_address source;   /* IP_NONE: any */
    uint32_t outbound_security; /* enum outbound_security */
    uint32_t send_flags;        /* facts 2.7 */
    uint32_t max_messages_per_connection; /* 0: no limit */
    bool is_for_this_server;    /* msExchSourceBridgeheadServersDN absent or naming this server */

    struct access_list access;
    bool grants_nothing;
    const char *grants_nothing_why;
    struct access_result fixed[IDENTITY_FIXED_COUNT];
};

/* Value form "TYPE:address;cost", ";cost" optional (1). Text borrowed into the arena. ERROR_SYNTAX with a note;
 * ERROR_NOT_FOUND for the placeholder "SMTP:--". */
MUST_USE enum error address_space_parse(struct bytes text, struct arena *arena, struct address_space *out,
                                        struct note *note);
/* "[10.0.0.1],mail.example" → smart hosts. */
MUST_USE enum error smart_hosts_parse(struct bytes text, struct arena *arena, const struct smart_host **out,
                                      size_t *out_count, struct note *note);
MUST_USE enum error send_connector_compute_rights(struct send_connector *connector);

#endif

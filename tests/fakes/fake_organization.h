/* Organizations from terse tables, for tests. They are built by the product's own functions in the loader's
 * order: ACE lines and permission groups become access lists, every rule is asked, conflicts and open relays
 * are refused.
 *
 *     struct organization *organization = fake_organization_new(&(struct fake_organization){
 *         .receive = (struct fake_receive[]){
 *             {"Relay", .ranges = "192.168.5.10 192.168.5.11", .groups = GROUP_ANONYMOUS_USERS,
 *              .aces = "allow ms-Exch-SMTP-Accept-Any-Recipient to anonymous"},
 *             {0}},
 *         .domains = (struct fake_domain[]){{"contoso.com", .is_default = true}, {0}},
 *         .send = (struct fake_send[]){
 *             {"Internet", .spaces = "SMTP:*;1", .smart_hosts = "[10.0.0.9]"},
 *             {0}}});
 *     …
 *     organization_unref(organization);
 *
 * Tables end with a row without a name; a NULL table is empty. (Give at least one field by name: a row of
 * positions alone must be complete for the compiler.) A text that does not parse fails the test, but for ACE
 * lines: as in the product, one that cannot be read makes the connector grant nothing. */
#ifndef FAKE_ORGANIZATION_H
#define FAKE_ORGANIZATION_H

#include "organization/connector_match.h"

/* "MX1", so that connectors are displayed as "MX1\name". */
#define FAKE_SERVER      "MX1"
#define FAKE_SERVER_FQDN "mx1.contoso.com"
/* What the directory would name as the two well-known groups. */
#define FAKE_EXCHANGE_SERVERS_SID "S-1-5-21-1-2-3-1101"
#define FAKE_LEGACY_INTEROP_SID   "S-1-5-21-1-2-3-1102"

struct fake_receive {
    const char *name;
    const char *bindings; /* blank separated; NULL: "0.0.0.0:25" */
    const char *ranges;   /* blank separated; NULL: "10.0.0.0/8" */
    uint32_t groups;      /* enum permission_group bits */
    const char *aces;     /* dirrelayAce values, one a line */
    uint32_t auth;        /* enum auth_mechanism bits */
    uint32_t role;        /* enum server_role; 0: none */
    int64_t created;
    bool is_disabled;
    bool allow_open_relay;
    const char *refused; /* refused from the start */
    void (*adjust)(
        struct receive_connector *connector); /* sets what has no column here, before the rules are asked */
};

struct fake_domain {
    const char *name; /* "contoso.com", "*.contoso.com" or "*" */
    enum accepted_domain_type type;
    bool with_subdomains; /* MatchSubDomains */
    bool is_default;
    bool allow_open_relay;
};

struct fake_send {
    const char *name;
    const char *spaces;      /* blank separated: "SMTP:*;1 SMTP:fabrikam.com;5" */
    const char *smart_hosts; /* comma separated, as stored; NULL: none */
    const char *aces;        /* one a line */
    uint16_t port;           /* 0: 25 */
    bool is_disabled;
    bool is_elsewhere; /* for another server */
    const char *refused;
    void (*adjust)(struct send_connector *connector);
};

struct fake_organization {
    enum permission_model model; /* 2010 unless said */
    bool is_edge;
    bool is_unchecked; /* neither validation nor conflicts nor the open relay rule */
    const char
        *container_aces; /* lines on the container of the receive connectors: inherited by all of them */
    const char *external_postmaster;
    const struct fake_receive *receive;
    const struct fake_domain *domains;
    const struct fake_send *send;
};

/* Aborts on bad tables. One reference, finished, generation 1. */
struct organization *fake_organization_new(const struct fake_organization *fake);
/* The SID that a trustee given as DN is resolved to, made from its text. */
struct sid fake_organization_sid(const char *dn);
/* The connector of this name; aborts when there is none. */
const struct receive_connector *fake_organization_receive(const struct organization *organization,
                                                          const char *name);
/* The connector that "1.2.3.4" reaches at "10.0.0.1:25", or NULL. */
const struct receive_connector *fake_organization_match(const struct organization *organization,
                                                        const char *local, const char *remote);

#endif

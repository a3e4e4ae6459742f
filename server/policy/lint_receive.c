/* The rules of lint that look at one receive connector. */
#include "policy/lint_report.h"
#include "policy/report_only.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WIDE_V4 ((ip_number)1 << 16) /* more than a /16 */
#define WIDE_V6 ((ip_number)1 << 80) /* more than a /48 */

#define FRONTEND_ROLE "16384" /* ROLE_FRONTEND, as it is stored */

/* What a connector lets pass to any recipient, worked out once for all rules. */
struct relay {
    const struct receive_connector *connector;
    bool is_anonymous; /* by an ACE for anonymous or everyone */
    const struct ace_origin *ace;
    bool is_secured;  /* as an externally secured server */
    uint32_t granted; /* to the identity its sessions begin with */
};

/* The least a relay host needs (relay document, considerations 3). */
static const enum right NEEDED[] = {
    RIGHT_SMTP_SUBMIT,
    RIGHT_SMTP_ACCEPT_ANY_SENDER,
    RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER,
    RIGHT_ACCEPT_HEADERS_ROUTING,
};

static struct lint_item item_of(enum lint_severity severity, const char *rule, const char *dn,
                                const char *fix)
{
    return (struct lint_item){.finding = {.severity = severity, .rule = rule, .dn = dn, .fix = fix}};
}

/* The LDIF that ends relaying by address: without the mechanism, or without the ACE. */
static const char *fix_of_relay(struct lint_report *report, const struct relay *relay)
{
    const struct receive_connector *connector = relay->connector;
    char flags[16];
    (void)snprintf(flags, sizeof(flags), "%" PRIu32,
                   connector->auth_mechanism & ~(uint32_t)AUTH_EXTERNAL_AUTHORITATIVE);
    if (relay->is_secured) {
        return lint_fix(report, connector->dn, "replace", "msExchSMTPReceiveInboundSecurityFlag", flags);
    }
    return relay->ace != NULL ? lint_fix_ace(report, relay->ace)
                              : lint_fix(report, connector->dn, "replace", "dirrelayReportOnly", NULL);
}

static void check_open(struct lint_report *report, const struct relay *relay)
{
    const struct receive_connector *connector = relay->connector;
    struct note why;
    if (!receive_connector_is_open_relay(connector, &why)) {
        return;
    }
    struct lint_item item =
        connector->allow_open_relay
            ? item_of(LINT_INFO, "open-relay-acknowledged", connector->dn, NULL)
            : item_of(LINT_ERROR, "open-relay", connector->dn, fix_of_relay(report, relay));
    lint_add(report, &item, "%s%s", why.text,
             connector->allow_open_relay ? " (acknowledged by dirrelayAllowOpenRelay)"
                                         : "; it is not started without dirrelayAllowOpenRelay");
}

/* Names that setup gives (facts 5.3); with is_exact the server's name must follow, since people choose such
 * names too. */
static bool is_made_by_setup(const struct receive_connector *connector, const char *server)
{
    static const struct {
        const char *prefix;
        bool is_exact;
    } NAMES[] = {
        {"Default ", false},
        {"Client ", true},
        {"Client Frontend ", true},
        {"Client Proxy ", true},
        {"Outbound Proxy Frontend ", true},
    };
    struct bytes name = bytes_of_text(connector->name);
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        if (bytes_starts_nocase(name, NAMES[i].prefix) &&
            (!NAMES[i].is_exact ||
             bytes_equal_text_nocase(bytes_skip(name, strlen(NAMES[i].prefix)), server))) {
            return true;
        }
    }
    return false;
}

static void check_place(struct lint_report *report, const struct relay *relay)
{
    const struct receive_connector *connector = relay->connector;
    if (!relay->is_anonymous && !relay->is_secured) {
        return;
    }
    if (is_made_by_setup(connector, report->organization->server.name)) {
        struct lint_item item =
            item_of(LINT_ERROR, "relay-on-default-connector", connector->dn, fix_of_relay(report, relay));
        lint_add(report, &item,
                 "a connector that setup made lets hosts relay: make a dedicated one for them");
    } else if (connector->role == ROLE_HUB) {
        struct lint_item item =
            item_of(LINT_WARNING, "relay-on-hub-role", connector->dn,
                    lint_fix(report, connector->dn, "replace", "msExchSmtpReceiveRole", FRONTEND_ROLE));
        lint_add(report, &item,
                 "relay belongs on a connector of the front-end role, this one is of the hub role");
    }
}

static void check_both_methods(struct lint_report *report, const struct relay *relay)
{
    if (relay->is_anonymous && relay->is_secured) {
        struct lint_item item =
            item_of(LINT_ERROR, "both-methods", relay->connector->dn, lint_fix_ace(report, relay->ace));
        lint_add(report, &item,
                 "ExternalAuthoritative and a relay right for anonymous: choose one of the two; every "
                 "session is an externally secured server and the ACE for anonymous is never asked");
    }
}

static void check_incomplete(struct lint_report *report, const struct relay *relay)
{
    char missing[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < sizeof(NEEDED) / sizeof(NEEDED[0]); i++) {
        if (!(relay->granted & RIGHT_BIT(NEEDED[i]))) {
            int written = snprintf(missing + len, sizeof(missing) - len, "%s%s", len > 0 ? "," : "",
                                   right_name(NEEDED[i]));
            len += written > 0 && (size_t)written < sizeof(missing) - len ? (size_t)written : 0;
        }
    }
    if (!(relay->granted & RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT)) || len == 0) {
        return;
    }
    const char *trustee = sid_known_name(identity_sid(receive_connector_identity(relay->connector)));
    const char *line = arena_printf(report->arena, "allow %s to %s", missing, trustee);
    const char *fix =
        line == NULL ? NULL : lint_fix(report, relay->connector->dn, "add", "dirrelayAce", line);
    struct lint_item item = item_of(LINT_WARNING, "relay-incomplete", relay->connector->dn, fix);
    lint_add(report, &item, "%s may send to any recipient, but lacks %s of the relay rights", trustee,
             missing);
}

/* Ranks relay connectors by how many addresses may use them: better too narrow than too broad. */
static void check_width(struct lint_report *report, const struct relay *relay)
{
    const struct receive_connector *connector = relay->connector;
    if ((!relay->is_anonymous && !relay->is_secured) || connector->range_count == 0) {
        return;
    }
    ip_number total = 0;
    const struct ip_range *widest = &connector->ranges[0];
    bool is_wide = false;
    for (size_t i = 0; i < connector->range_count; i++) {
        const struct ip_range *range = &connector->ranges[i];
        ip_number span = ip_number_span(range);
        bool is_too_much = span == ~(ip_number)0 || total > ~span - 1;
        total = is_too_much ? ~(ip_number)0 : total + span + 1;
        widest = span > ip_number_span(widest) ? range : widest;
        is_wide = is_wide || span >= (range->low.family == IP_V4 ? WIDE_V4 : WIDE_V6);
    }
    char text[2 * IP_TEXT_SIZE];
    char number[32] = "more than 18446744073709551615";
    if (total <= UINT64_MAX) {
        (void)snprintf(number, sizeof(number), "%" PRIu64, (uint64_t)total);
    }
    struct lint_item item = item_of(is_wide ? LINT_WARNING : LINT_INFO, "relay-width", connector->dn,
                                    is_wide ? fix_of_relay(report, relay) : NULL);
    item.weight = total;
    lint_add(report, &item, "%s address%s may relay here, the widest range is %s", number,
             total == 1 ? "" : "es", ip_format_range(widest, text));
}

/* The permission group of those whom the connector's mechanisms are for. */
static const char *fix_of_nothing(struct lint_report *report, const struct receive_connector *connector)
{
    static const struct {
        uint32_t mechanisms;
        enum permission_group group;
    } GROUPS[] = {
        {AUTH_EXTERNAL_AUTHORITATIVE, GROUP_EXCHANGE_SERVERS},
        {AUTH_BASIC | AUTH_INTEGRATED, GROUP_EXCHANGE_USERS},
    };
    enum permission_group group = GROUP_ANONYMOUS_USERS;
    for (size_t i = sizeof(GROUPS) / sizeof(GROUPS[0]); i-- > 0;) {
        group = connector->auth_mechanism & GROUPS[i].mechanisms ? GROUPS[i].group : group;
    }
    return lint_fix(report, connector->dn, "add", "dirrelayPermissionGroups", permission_group_name(group));
}

static void check_nothing(struct lint_report *report, const struct receive_connector *connector)
{
    bool is_bare = connector->access.acl.state != ACL_PRESENT;
    if (!connector->grants_nothing && !is_bare) {
        return;
    }
    bool is_absent = is_bare && connector->access.acl.state == ACL_ABSENT;
    struct lint_item item = item_of(is_absent ? LINT_WARNING : LINT_ERROR, "grants-nothing", connector->dn,
                                    is_absent ? fix_of_nothing(report, connector) : NULL);
    lint_add(report, &item, "the connector grants nothing to anybody: %s",
             connector->grants_nothing_why != NULL ? connector->grants_nothing_why : "it has no DACL");
}

static void check_mechanism(struct lint_report *report, const struct receive_connector *connector)
{
    if (!connector->lacks_mechanism) {
        return;
    }
    struct lint_item item =
        item_of(LINT_WARNING, "absent-mechanism", connector->dn,
                lint_fix(report, connector->dn, "add", "msExchSMTPReceiveInboundSecurityFlag", "0"));
    lint_add(
        report, &item,
        "msExchSMTPReceiveInboundSecurityFlag is absent: no mechanism, not even Tls, is offered; in Active "
        "Directory its absence means 29");
}

static void check_report_only(struct lint_report *report, const struct receive_connector *connector)
{
    char named[512] = "";
    size_t len = 0;
    for (int right = 0; right < RIGHT_COUNT; right++) {
        if ((connector->report_only & RIGHT_BIT(right)) && len < sizeof(named)) {
            int written = snprintf(named + len, sizeof(named) - len, "%s%s", len > 0 ? ", " : "",
                                   right_name((enum right)right));
            len += written > 0 ? (size_t)written : 0;
        }
    }
    if (len == 0) {
        return;
    }
    const char *fix = lint_fix(report, connector->dn, "replace", "dirrelayReportOnly", NULL);
    struct lint_item item = item_of(LINT_WARNING, "report-only", connector->dn, fix);
    lint_add(report, &item, "the want of %s is logged and not enforced: it counts as granted", named);
}

static bool is_met_from_outside(const struct receive_connector *connector)
{
    for (size_t i = 0; i < connector->range_count; i++) {
        const struct ip_range *range = &connector->ranges[i];
        if (!ip_is_loopback(&range->low) || !ip_is_loopback(&range->high)) {
            return true;
        }
    }
    return false;
}

static void check_login_in_clear(struct lint_report *report, const struct receive_connector *connector)
{
    bool is_protected = (connector->auth_mechanism & AUTH_BASIC_REQUIRE_TLS) || connector->implicit_tls ||
                        (connector->protocol_restrictions & RESTRICTION_REQUIRE_TLS);
    if (!(connector->auth_mechanism & AUTH_BASIC) || is_protected || !is_met_from_outside(connector)) {
        return;
    }
    char flags[16];
    (void)snprintf(flags, sizeof(flags), "%" PRIu32,
                   connector->auth_mechanism | AUTH_TLS | AUTH_BASIC_REQUIRE_TLS);
    struct lint_item item =
        item_of(LINT_WARNING, "login-in-clear", connector->dn,
                lint_fix(report, connector->dn, "replace", "msExchSMTPReceiveInboundSecurityFlag", flags));
    lint_add(report, &item, "BasicAuth without BasicAuthRequireTLS: passwords may come in clear");
}

/* Whoever ends the client's TLS has the password; ExtendedProtectionPolicy is there for its sake. */
static void check_unbound_login(struct lint_report *report, const struct receive_connector *connector)
{
    const uint32_t passwords = AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS;
    if (connector->extended_protection != EXTENDED_PROTECTION_REQUIRE ||
        !(connector->auth_mechanism & passwords)) {
        return;
    }
    char flags[16];
    (void)snprintf(flags, sizeof(flags), "%" PRIu32, connector->auth_mechanism & ~passwords);
    struct lint_item item =
        item_of(LINT_WARNING, "unbound-login", connector->dn,
                lint_fix(report, connector->dn, "replace", "msExchSMTPReceiveInboundSecurityFlag", flags));
    lint_add(report, &item, "ExtendedProtectionPolicy Require does not bind passwords to their TLS channel");
}

void lint_receive_connectors(struct lint_report *report)
{
    for (size_t i = 0; i < report->organization->receive_count; i++) {
        const struct receive_connector *connector = &report->organization->receive[i];
        if (!connector->is_enabled) {
            continue;
        }
        enum identity identity = receive_connector_identity(connector);
        struct relay relay = {.connector = connector,
                              .is_secured = identity == IDENTITY_EXTERNALLY_SECURED,
                              .granted = connector->fixed[identity].granted};
        struct session_rights begins = {
            .connector = connector, .identity = identity, .result = connector->fixed[identity]};
        relay.granted |= report_only_rights(&begins);
        relay.is_anonymous = receive_connector_relays_anonymous(connector, &relay.ace);
        check_open(report, &relay);
        check_place(report, &relay);
        check_both_methods(report, &relay);
        check_incomplete(report, &relay);
        check_width(report, &relay);
        check_nothing(report, connector);
        check_mechanism(report, connector);
        check_report_only(report, connector);
        check_login_in_clear(report, connector);
        check_unbound_login(report, connector);
    }
}

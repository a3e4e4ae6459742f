/* Findings of lint: what is found, in which order, and the LDIF that mends it. */
/* fakes: organization */
#include "lint_run.h"

static void test_nothing_to_find(void **state)
{
    (void)state;
    struct run run = lint_receive((struct fake_receive[]){
        {"Default Frontend MX1", .ranges = ALL_V4, .groups = GROUP_ANONYMOUS_USERS, .role = ROLE_FRONTEND},
        {0}});
    expect_rules(&run, "");
    done(&run);
}

/* The relay document's connector is worth a line that says how wide it is, no more. */
/* proves: C2 C54 */
static void test_the_recommended_relay(void **state)
{
    (void)state;
    struct run run = lint_receive(
        (struct fake_receive[]){{"Anonymous Relay", .ranges = "192.168.5.10 192.168.5.11",
                                 .groups = GROUP_ANONYMOUS_USERS, .aces = RELAY, .role = ROLE_FRONTEND},
                                {0}});
    expect_rules(&run, "relay-width?");
    assert_string_equal(run.findings[0].why, "2 addresses may relay here, the widest range is 192.168.5.10");
    done(&run);
}

static void report_senders(struct receive_connector *connector)
{
    connector->report_only = RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_SENDER);
}

static void report_recipients(struct receive_connector *connector)
{
    connector->report_only = RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT);
}

/* proves: contract-3 */
static void test_what_is_only_reported_counts_as_granted(void **state)
{
    (void)state;
    struct run run = lint_receive((struct fake_receive[]){
        {"Relay", .ranges = "192.168.5.10",
         .aces = RELAY "\nallow ms-Exch-SMTP-Submit,ms-Exch-SMTP-Accept-Authoritative-Domain-Sender,"
                       "ms-Exch-Accept-Headers-Routing to anonymous",
         .adjust = report_senders},
        {0}});
    expect_rules(&run, "report-only relay-width?");
    assert_string_equal(find(&run, "report-only")->fix,
                        "dn: CN=Relay," CONTAINER "\nchangetype: modify\nreplace: dirrelayReportOnly\n-\n");
    done(&run);
    run =
        lint_receive((struct fake_receive[]){{"Relay", .ranges = "8.0.0.0/8", .groups = GROUP_ANONYMOUS_USERS,
                                              .allow_open_relay = true, .adjust = report_recipients},
                                             {0}});
    expect_rules(&run, "relay-width report-only open-relay-acknowledged?");
    done(&run);
}

/* proves: C1 C5 contract-3 */
static void test_open_relay(void **state)
{
    (void)state;
    struct run run = lint_receive((struct fake_receive[]){
        {"Relay", .ranges = "8.0.0.0/8", .groups = GROUP_ANONYMOUS_USERS, .aces = RELAY}, {0}});
    expect_rules(&run, "open-relay! refused! relay-width");
    const struct lint_finding *open = find(&run, "open-relay");
    assert_string_equal(open->dn, "CN=Relay," CONTAINER);
    assert_non_null(strstr(open->why, RELAY));
    assert_non_null(strstr(open->why, "8.0.0.0-8.255.255.255"));
    assert_string_equal(open->fix, "dn: CN=Relay," CONTAINER "\nchangetype: modify\ndelete: dirrelayAce\n"
                                   "dirrelayAce: " RELAY "\n-\n");
    done(&run);

    run =
        lint_receive((struct fake_receive[]){{"Relay", .ranges = "8.0.0.0/8", .groups = GROUP_ANONYMOUS_USERS,
                                              .aces = RELAY, .allow_open_relay = true},
                                             {0}});
    expect_rules(&run, "relay-width open-relay-acknowledged?");
    done(&run);

    run = lint_receive((struct fake_receive[]){{"Secured", .ranges = ALL_V4, .groups = GROUP_EXCHANGE_SERVERS,
                                                .auth = AUTH_EXTERNAL_AUTHORITATIVE | AUTH_TLS},
                                               {0}});
    expect_rules(&run, "open-relay! refused! relay-width");
    assert_non_null(strstr(find(&run, "open-relay")->fix, "replace: msExchSMTPReceiveInboundSecurityFlag\n"
                                                          "msExchSMTPReceiveInboundSecurityFlag: 1\n"));
    done(&run);
}

/* An inherited line is mended where it stands. */
static void test_fix_of_an_inherited_line(void **state)
{
    (void)state;
    struct run run =
        lint(&(struct fake_organization){.container_aces = "allow * to everyone",
                                         .receive = (struct fake_receive[]){{"C", .ranges = ALL_V4}, {0}},
                                         .domains = DOMAINS,
                                         .send = SEND});
    assert_string_equal(find(&run, "open-relay")->fix,
                        "dn: " CONTAINER "\nchangetype: modify\ndelete: dirrelayAce\ndirrelayAce: allow * to "
                        "everyone\n-\n");
    done(&run);
}

/* proves: C4 C6 contract-7 */
static void test_relay_on_connectors_of_setup(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t role;
        const char *rules;
    } CASES[] = {
        {"Default Frontend MX1", ROLE_FRONTEND, "relay-on-default-connector! relay-width?"},
        {"Default Hub1", ROLE_HUB, "relay-on-default-connector! relay-width?"},
        {"Client Proxy mx1", ROLE_HUB, "relay-on-default-connector! relay-width?"},
        {"Client printers", ROLE_FRONTEND, "relay-width?"},
        {"Relay", ROLE_HUB, "relay-on-hub-role relay-width?"},
        {"Relay", ROLE_FRONTEND, "relay-width?"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct run run = lint_receive(
            (struct fake_receive[]){{CASES[i].name, .ranges = "10.0.0.1", .groups = GROUP_ANONYMOUS_USERS,
                                     .aces = RELAY, .role = CASES[i].role},
                                    {0}});
        expect_rules(&run, CASES[i].rules);
        done(&run);
    }
}

/* proves: C19 contract-7 */
static void test_both_methods(void **state)
{
    (void)state;
    struct run run = lint_receive((struct fake_receive[]){
        {"C", .ranges = "10.0.0.1", .groups = GROUP_ANONYMOUS_USERS | GROUP_EXCHANGE_SERVERS,
         .auth = AUTH_EXTERNAL_AUTHORITATIVE, .aces = RELAY},
        {0}});
    expect_rules(&run, "both-methods! relay-width?");
    assert_int_equal(receive_connector_identity(&run.organization->receive[0]), IDENTITY_EXTERNALLY_SECURED);
    done(&run);
}

/* proves: C14 C16 C17 C18 C252 */
static void test_what_relay_lacks(void **state)
{
    (void)state;
    struct run run = lint(&(struct fake_organization){
        .model = PERMISSION_MODEL_2007,
        .receive =
            (struct fake_receive[]){
                {"C", .ranges = "10.0.0.1", .groups = GROUP_ANONYMOUS_USERS, .aces = RELAY}, {0}},
        .domains = DOMAINS,
        .send = SEND});
    expect_rules(&run, "relay-incomplete relay-width?");
    assert_string_equal(run.findings[0].why,
                        "anonymous may send to any recipient, but lacks "
                        "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender of the relay rights");
    assert_non_null(strstr(run.findings[0].fix,
                           "\nadd: dirrelayAce\ndirrelayAce: allow "
                           "ms-Exch-SMTP-Accept-Authoritative-Domain-Sender to anonymous\n"));
    done(&run);

    run = lint_receive((struct fake_receive[]){{"C", .ranges = "10.0.0.1", .aces = RELAY}, {0}});
    assert_string_equal(run.findings[0].why,
                        "anonymous may send to any recipient, but lacks ms-Exch-SMTP-Submit,"
                        "ms-Exch-SMTP-Accept-Any-Sender,ms-Exch-SMTP-Accept-Authoritative-Domain-Sender,"
                        "ms-Exch-Accept-Headers-Routing of the relay rights");
    done(&run);
}

/* proves: C52 */
static void test_wide_ranges_rank_first(void **state)
{
    (void)state;
    struct run run = lint_receive((struct fake_receive[]){
        {"a narrow", .ranges = "10.1.0.0/30", .groups = GROUP_ANONYMOUS_USERS, .aces = RELAY},
        {"b wide", .ranges = "10.0.0.0/8", .groups = GROUP_ANONYMOUS_USERS, .aces = RELAY},
        {"c wider", .bindings = "0.0.0.0:26", .ranges = "10.0.0.0/8 172.16.0.0/12",
         .groups = GROUP_ANONYMOUS_USERS, .aces = RELAY},
        {"d v6", .bindings = "[::]:25", .ranges = "fc00::/7", .groups = GROUP_ANONYMOUS_USERS, .aces = RELAY},
        {"e v6 net", .bindings = "[::]:25", .ranges = "fd00::/64", .groups = GROUP_ANONYMOUS_USERS,
         .aces = RELAY},
        {0}});
    expect_rules(&run, "relay-width relay-width relay-width relay-width? relay-width?");
    static const char *const ORDER[] = {"CN=d v6", "CN=c wider", "CN=b wide", "CN=e v6 net", "CN=a narrow"};
    for (size_t i = 0; i < 5; i++) {
        assert_true(bytes_starts_nocase(bytes_of_text(run.findings[i].dn), ORDER[i]));
    }
    assert_string_equal(run.findings[2].why,
                        "16777216 addresses may relay here, the widest range is 10.0.0.0-10.255.255.255");
    done(&run);
}

/* proves: D11 D15 contract-3 */
static void test_refused_and_empty_connectors(void **state)
{
    (void)state;
    struct run run = lint_receive((struct fake_receive[]){
        {"bad", .groups = GROUP_ANONYMOUS_USERS, .aces = "allow nonsense to anonymous"},
        {"bare", .ranges = "10.1.0.0/16"},
        {"refused", .ranges = "10.2.0.0/16", .groups = GROUP_PARTNERS, .refused = "a reason"},
        {"off", .ranges = "10.3.0.0/16", .is_disabled = true},
        {0}});
    expect_rules(&run, "grants-nothing! refused! grants-nothing");
    assert_non_null(strstr(run.findings[0].why, "\"nonsense\" is not a right"));
    assert_string_equal(run.findings[1].why, "a reason");
    done(&run);
}

static void lack_mechanism(struct receive_connector *connector)
{
    connector->lacks_mechanism = true;
}

/* proves: contract-4 contract-7 */
static void test_an_absent_mechanism(void **state)
{
    (void)state;
    struct run run = lint_receive((struct fake_receive[]){
        {"C", .ranges = "10.0.0.1", .groups = GROUP_ANONYMOUS_USERS, .adjust = lack_mechanism}, {0}});
    expect_rules(&run, "absent-mechanism");
    assert_string_equal(run.findings[0].fix, "dn: CN=C," CONTAINER
                                             "\nchangetype: modify\nadd: msExchSMTPReceiveInboundSecurityFlag"
                                             "\nmsExchSMTPReceiveInboundSecurityFlag: 0\n-\n");
    done(&run);
}

/* What the loader refused stands once, even when a connector says it too. */
static void test_refusals_of_the_loader(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){{"C", .groups = GROUP_PARTNERS, .refused = "a reason"}, {0}},
        .domains = DOMAINS,
        .send = SEND});
    struct refusal refused[] = {{.dn = "cn=c," CONTAINER, .why = "a reason"},
                                {.dn = "CN=x", .why = "an unreadable range", .is_kept = true}};
    organization->refused = refused;
    organization->refused_count = 2;
    struct run run = {.organization = organization};
    arena_init(&run.arena, 1 << 20);
    assert_int_equal(lint_organization(organization, &facts, &run.arena, &run.findings, &run.count), OK);
    expect_rules(&run, "refused! refused!");
    assert_string_equal(run.findings[1].why, "an unreadable range; its previous good version still serves");
    done(&run);
}

/* proves: D14 */
static void test_ranges_that_shadow_or_tie(void **state)
{
    (void)state;
    struct run run = lint_receive((struct fake_receive[]){
        {"shadowed", .ranges = "10.0.0.0-10.0.0.1", .groups = GROUP_PARTNERS},
        {"one", .ranges = "10.0.0.0", .groups = GROUP_PARTNERS},
        {"two", .ranges = "10.0.0.1", .groups = GROUP_PARTNERS},
        {"bound", .bindings = "10.9.9.9:25", .ranges = "10.0.0.0-10.0.0.1 10.5.0.0/16",
         .groups = GROUP_PARTNERS},
        {"tied", .ranges = "10.5.0.0/16", .groups = GROUP_PARTNERS},
        {"bound in vain", .bindings = "10.9.9.8:25", .ranges = "10.0.0.0-10.0.0.1", .groups = GROUP_PARTNERS},
        {0}});
    expect_rules(&run, "never-matched never-matched range-tie?");
    assert_string_equal(run.findings[0].dn, "CN=bound in vain," CONTAINER);
    assert_string_equal(run.findings[1].dn, "CN=shadowed," CONTAINER);
    assert_string_equal(run.findings[2].dn, "CN=bound," CONTAINER);
    assert_non_null(strstr(run.findings[2].why, "MX1\\tied"));
    done(&run);
}

/* proves: contract-3 */
static void test_domains_and_routes(void **state)
{
    (void)state;
    struct run run = lint(&(struct fake_organization){.domains = (struct fake_domain[]){{.name = "*"}, {0}}});
    expect_rules(&run, "open-domain! no-send-connector no-postmaster");
    done(&run);
    run = lint(&(struct fake_organization){.domains = (struct fake_domain[]){{.name = "*.com"},
                                                                             {.name = "corp"},
                                                                             {"net", .with_subdomains = true},
                                                                             {0}},
                                           .external_postmaster = "help@fabrikam.com"});
    expect_rules(&run, "wide-domain no-send-connector wide-domain");
    done(&run);
    run = lint(&(struct fake_organization){
        .domains = (struct fake_domain[]){{"*", .allow_open_relay = true}, {0}},
        .external_postmaster = "help@fabrikam.com",
        .send = (struct fake_send[]){
            {"plain", .spaces = "SMTP:*", .smart_hosts = "[10.0.0.1]"},
            {"bad", .spaces = "SMTP:a.example", .smart_hosts = "[10.0.0.1]", .aces = "x"},
            {"refused", .spaces = "SMTP:b.example", .smart_hosts = "[169.254.169.254]"},
            {0}}});
    expect_rules(&run, "grants-nothing! refused! smart-host-link-local! open-domain-acknowledged? "
                       "routing-headers-removed?");
    assert_string_equal(run.findings[4].fix,
                        "dn: CN=plain,CN=Connections,CN=Contoso\nchangetype: modify\nadd: dirrelayAce\n"
                        "dirrelayAce: allow ms-Exch-Send-Headers-Routing to anonymous\n-\n");
    done(&run);
}

static void be_secured(struct send_connector *connector)
{
    connector->send_flags = SEND_AUTH_EXTERNAL_AUTHORITATIVE;
}

static char password[] = "secret"; /* wiped with the first organization */

static void log_in(struct send_connector *connector)
{
    connector->send_flags = SEND_AUTH_BASIC;
    connector->login_user = "relay";
    connector->login_password = password;
}

static void log_in_inside_tls(struct send_connector *connector)
{
    log_in(connector);
    connector->outbound_security = OUTBOUND_REQUIRE_TLS;
}

static void log_in_without_tls(struct send_connector *connector)
{
    log_in(connector);
    connector->outbound_security = OUTBOUND_IGNORE_STARTTLS;
}

static struct run lint_send(const char *aces, void (*adjust)(struct send_connector *))
{
    return lint(&(struct fake_organization){
        .domains = DOMAINS,
        .send = (struct fake_send[]){
            {"S", .spaces = "SMTP:*;1", .smart_hosts = "[10.0.0.9]", .aces = aces, .adjust = adjust}, {0}}});
}

/* The identity that the hop has is the one whose rights count. */
static void test_rights_of_a_secured_send_connector(void **state)
{
    (void)state;
    struct run run =
        lint_send("allow ms-Exch-Send-Headers-Routing to externally-secured-servers", be_secured);
    expect_rules(&run, "");
    done(&run);
    run = lint_send("allow ms-Exch-Send-Headers-Routing to anonymous", be_secured);
    expect_rules(&run, "routing-headers-removed?");
    assert_non_null(
        strstr(run.findings[0].fix,
               "dirrelayAce: allow ms-Exch-Send-Headers-Routing to externally-secured-servers\n"));
    done(&run);
}

static void test_a_login_in_clear(void **state)
{
    static const char routing[] = "allow ms-Exch-Send-Headers-Routing to anonymous";
    (void)state;
    struct run run = lint_send(routing, log_in_inside_tls);
    expect_rules(&run, "");
    done(&run);
    run = lint_send(routing, log_in);
    expect_rules(&run, "login-in-clear");
    assert_non_null(strstr(run.findings[0].fix,
                           "replace: msExchSmtpOutboundSecurityFlag\nmsExchSmtpOutboundSecurityFlag: 4\n"));
    done(&run);
    run = lint_send(routing, log_in_without_tls);
    expect_rules(&run, "login-in-clear");
    assert_null(run.findings[0].fix);
    done(&run);
}

static void require_tls(struct receive_connector *connector)
{
    connector->protocol_restrictions |= RESTRICTION_REQUIRE_TLS;
}

static void require_channel(struct receive_connector *connector)
{
    require_tls(connector);
    connector->extended_protection = EXTENDED_PROTECTION_REQUIRE;
}

static void begin_in_tls(struct receive_connector *connector)
{
    connector->implicit_tls = true;
}

static void test_passwords_of_clients_in_clear(void **state)
{
    static const struct {
        const char *ranges;
        uint32_t auth;
        void (*adjust)(struct receive_connector *connector);
        const char *rules;
        const char *fix;
    } cases[] = {
        {"10.0.0.1", AUTH_BASIC, NULL, "login-in-clear", "msExchSMTPReceiveInboundSecurityFlag: 13\n"},
        {"10.0.0.1", AUTH_TLS | AUTH_INTEGRATED | AUTH_BASIC, NULL, "login-in-clear",
         "msExchSMTPReceiveInboundSecurityFlag: 15\n"},
        {"10.0.0.1", AUTH_TLS | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS, NULL, "", NULL},
        {"10.0.0.1", AUTH_INTEGRATED, NULL, "", NULL},
        {"10.0.0.1", AUTH_TLS | AUTH_BASIC, require_tls, "", NULL},
        {"10.0.0.1", AUTH_BASIC, begin_in_tls, "", NULL},
        {"10.0.0.1", AUTH_TLS | AUTH_INTEGRATED | AUTH_BASIC, require_channel, "unbound-login",
         "msExchSMTPReceiveInboundSecurityFlag: 3\n"},
        {"10.0.0.1", AUTH_TLS | AUTH_INTEGRATED, require_channel, "", NULL},
        {"127.0.0.0/8", AUTH_BASIC, NULL, "", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct run run = lint_receive((struct fake_receive[]){
            {"Users", .ranges = cases[i].ranges, .auth = cases[i].auth, .adjust = cases[i].adjust,
             .aces = "allow ms-Exch-SMTP-Submit to authenticated"},
            {0}});
        expect_rules(&run, cases[i].rules);
        assert_true(cases[i].fix == NULL || strstr(run.findings[0].fix, cases[i].fix) != NULL);
        done(&run);
    }
}

/* proves: D13 contract-4 */
static void test_a_gateway_among_the_relay_hosts(void **state)
{
    (void)state;
    struct ip_address gateway;
    assert_int_equal(ip_parse_address(bytes_of_text("172.18.0.1"), &gateway), OK);
    machine_add_gateway(&machine, &gateway);
    struct run run = lint_receive((struct fake_receive[]){
        {"Relay", .ranges = "10.0.0.9 172.18.0.0/30 172.18.0.1", .groups = GROUP_ANONYMOUS_USERS,
         .aces = RELAY},
        {"Elsewhere", .bindings = "0.0.0.0:26", .ranges = "172.18.0.2", .groups = GROUP_ANONYMOUS_USERS,
         .aces = RELAY},
        {"Submission", .bindings = "0.0.0.0:27", .ranges = "172.18.0.1", .groups = GROUP_ANONYMOUS_USERS},
        {0}});
    expect_rules(&run, "gateway-in-range relay-width? relay-width?");
    assert_string_equal(run.findings[0].dn, "CN=Relay," CONTAINER);
    assert_non_null(strstr(run.findings[0].why, "172.18.0.1 may relay here and is a gateway"));
    assert_non_null(strstr(run.findings[0].why, "network_mode: host"));
    assert_string_equal(run.findings[0].fix, "dn: CN=Relay," CONTAINER "\nchangetype: modify\n"
                                             "replace: msExchSmtpReceiveRemoteIPRanges\n"
                                             "msExchSmtpReceiveRemoteIPRanges: 10.0.0.9\n"
                                             "msExchSmtpReceiveRemoteIPRanges: 172.18.0.0\n"
                                             "msExchSmtpReceiveRemoteIPRanges: 172.18.0.2-172.18.0.3\n-\n");
    done(&run);

    run = lint_receive(
        (struct fake_receive[]){{"Only", .ranges = "172.18.0.1", .groups = GROUP_EXCHANGE_SERVERS,
                                 .auth = AUTH_EXTERNAL_AUTHORITATIVE},
                                {0}});
    assert_null(find(&run, "gateway-in-range")->fix);
    done(&run);
    machine = (struct machine){0};
}

/* A DN that LDIF cannot show as it is goes in base64. */
static void test_fix_with_a_strange_name(void **state)
{
    (void)state;
    struct run run =
        lint_receive((struct fake_receive[]){{"B\xc3\xbcro", .ranges = "8.8.8.8", .aces = RELAY}, {0}});
    assert_true(bytes_starts_nocase(bytes_of_text(find(&run, "open-relay")->fix), "dn:: Q049QsO8cm8s"));
    done(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_find),
        cmocka_unit_test(test_rights_of_a_secured_send_connector),
        cmocka_unit_test(test_a_login_in_clear),
        cmocka_unit_test(test_passwords_of_clients_in_clear),
        cmocka_unit_test(test_the_recommended_relay),
        cmocka_unit_test(test_what_is_only_reported_counts_as_granted),
        cmocka_unit_test(test_open_relay),
        cmocka_unit_test(test_fix_of_an_inherited_line),
        cmocka_unit_test(test_relay_on_connectors_of_setup),
        cmocka_unit_test(test_both_methods),
        cmocka_unit_test(test_what_relay_lacks),
        cmocka_unit_test(test_wide_ranges_rank_first),
        cmocka_unit_test(test_refused_and_empty_connectors),
        cmocka_unit_test(test_an_absent_mechanism),
        cmocka_unit_test(test_refusals_of_the_loader),
        cmocka_unit_test(test_ranges_that_shadow_or_tie),
        cmocka_unit_test(test_domains_and_routes),
        cmocka_unit_test(test_a_gateway_among_the_relay_hosts),
        cmocka_unit_test(test_fix_with_a_strange_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

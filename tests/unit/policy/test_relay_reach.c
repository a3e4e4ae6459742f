/* Who may reach any recipient: examples, and the partition against the decisions of sessions. */
/* fakes: organization */
#include "policy/relay_reach.h"

#include "fakes/fake_organization.h"
#include "organization/connector_index.h"
#include "policy/gateway.h"
#include "policy/recipient.h"
#include "policy/report_only.h"
#include "policy/submit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RELAY    "allow ms-Exch-SMTP-Accept-Any-Recipient to anonymous"
#define EVERY_V4 "0.0.0.0-255.255.255.255"
#define ROUNDS   300
#define SAMPLES  200
#define ROWS_MAX 8
#define TEXT_MAX 96

static const struct fake_domain DOMAINS[] = {{"contoso.com", .is_default = true}, {0}};
static const struct fake_domain EVERY_DOMAIN[] = {{"*", .allow_open_relay = true}, {0}};
static const struct fake_send SEND[] = {{"Internet", .spaces = "SMTP:*;1", .smart_hosts = "[10.9.9.9]"}, {0}};

struct run {
    struct organization *organization;
    struct arena arena;
    const struct relay_run *runs;
    size_t count;
};

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    assert_int_equal(ip_parse_address(bytes_of_text(text), &address), OK);
    return address;
}

static struct run reach(const struct fake_receive *receive, const struct fake_domain *domains,
                        const struct machine *machine)
{
    struct run run = {.organization = fake_organization_new(
                          &(struct fake_organization){.receive = receive, .domains = domains, .send = SEND})};
    arena_init(&run.arena, 8 << 20);
    assert_int_equal(relay_reach(run.organization, machine, &run.arena, &run.runs, &run.count), OK);
    return run;
}

static void done(struct run *run)
{
    arena_done(&run->arena);
    organization_unref(run->organization);
}

/* "local clients name identities", one a line. */
static void expect(const struct run *run, const char *lines)
{
    char text[2048] = "";
    for (size_t i = 0; i < run->count; i++) {
        char local[IP_ENDPOINT_TEXT_SIZE];
        char clients[2 * IP_TEXT_SIZE];
        size_t len = strlen(text);
        const struct relay_run *row = &run->runs[i];
        (void)snprintf(text + len, sizeof(text) - len, "%s %s %s %x%s%s\n",
                       ip_format_endpoint(&row->local, local), ip_format_range(&row->clients, clients),
                       row->connector->name, row->identities, row->is_every_account ? " all" : "",
                       row->account_count > 0 ? " some" : "");
    }
    assert_string_equal(text, lines);
}

/* proves: C52 contract-4 */
static void test_runs_of_addresses(void **state)
{
    const struct machine machine = {0};
    (void)state;
    struct run run = reach(
        (struct fake_receive[]){
            {"Relay", .ranges = "10.0.0.0/24", .groups = GROUP_ANONYMOUS_USERS, .aces = RELAY},
            {"Hole", .ranges = "10.0.0.16/28", .groups = GROUP_ANONYMOUS_USERS},
            {"Mute", .ranges = "10.0.0.64", .aces = RELAY},
            {"Secured", .ranges = "10.0.1.1", .groups = GROUP_EXCHANGE_SERVERS,
             .auth = AUTH_EXTERNAL_AUTHORITATIVE},
            {"Bound", .bindings = "192.0.2.1:25", .ranges = "10.0.0.0/25", .groups = GROUP_ANONYMOUS_USERS},
            {"Default", .ranges = EVERY_V4, .groups = GROUP_ANONYMOUS_USERS},
            {0}},
        DOMAINS, &machine);
    expect(&run, "0.0.0.0:25 10.0.0.0-10.0.0.15 Relay 1\n"
                 "0.0.0.0:25 10.0.0.32-10.0.0.63 Relay 1\n"
                 "0.0.0.0:25 10.0.0.65-10.0.0.255 Relay 1\n"
                 "0.0.0.0:25 10.0.1.1 Secured 10\n"
                 "192.0.2.1:25 10.0.0.128-10.0.0.255 Relay 1\n"
                 "192.0.2.1:25 10.0.1.1 Secured 10\n");
    done(&run);
}

/* proves: D13 */
static void test_a_gateway_is_a_run_by_itself(void **state)
{
    struct machine machine = {0};
    struct ip_address gateway = address_of("10.0.0.1");
    (void)state;
    machine_add_gateway(&machine, &gateway);
    struct run run = reach(
        (struct fake_receive[]){
            {"Relay", .ranges = "10.0.0.0/30", .groups = GROUP_ANONYMOUS_USERS, .aces = RELAY}, {0}},
        DOMAINS, &machine);
    expect(&run, "0.0.0.0:25 10.0.0.0 Relay 1\n0.0.0.0:25 10.0.0.2-10.0.0.3 Relay 1\n");
    done(&run);
}

static void be_domain_secure(struct receive_connector *connector)
{
    connector->protocol_options |= OPTION_DOMAIN_SECURE;
}

/* Who proves a partner's domain is one for a message. */
static void test_partners(void **state)
{
    const struct machine machine = {0};
    static const char aces[] =
        "allow ms-Exch-SMTP-Submit,ms-Exch-SMTP-Accept-Any-Recipient to partner-servers";
    (void)state;
    struct run run =
        reach((struct fake_receive[]){{"Secure", .ranges = "10.0.0.1", .auth = AUTH_TLS, .aces = aces,
                                       .adjust = be_domain_secure},
                                      {"Plain", .ranges = "10.0.0.2", .auth = AUTH_TLS, .aces = aces},
                                      {0}},
              DOMAINS, &machine);
    expect(&run, "");
    run.organization->settings.receive_secure_count = 1; /* whose list nobody reads here */
    assert_int_equal(relay_reach(run.organization, &machine, &run.arena, &run.runs, &run.count), OK);
    expect(&run, "0.0.0.0:25 10.0.0.1 Secure 2\n");
    done(&run);
}

static void report_recipients(struct receive_connector *connector)
{
    connector->report_only = RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT);
}

/* proves: contract-3 */
static void test_accounts(void **state)
{
    const struct machine machine = {0};
    (void)state;
    struct run run = reach(
        (struct fake_receive[]){
            {"Some", .ranges = "10.0.0.1", .auth = AUTH_BASIC,
             .aces = "allow ms-Exch-SMTP-Submit to authenticated\n"
                     "allow ms-Exch-SMTP-Accept-Any-Recipient to cn=relay-users,dc=contoso,dc=com\n"
                     "allow ms-Exch-SMTP-Accept-Any-Recipient to cn=others,dc=contoso,dc=com\n"
                     "deny ms-Exch-SMTP-Accept-Any-Recipient to cn=others,dc=contoso,dc=com"},
            {"All", .ranges = "10.0.0.2", .auth = AUTH_INTEGRATED, .groups = GROUP_EXCHANGE_USERS},
            {"Without AUTH", .ranges = "10.0.0.3", .groups = GROUP_EXCHANGE_USERS},
            {"Reported", .ranges = "10.0.0.4", .auth = AUTH_BASIC,
             .aces = "allow ms-Exch-SMTP-Submit to authenticated", .adjust = report_recipients},
            {0}},
        DOMAINS, &machine);
    expect(&run, "0.0.0.0:25 10.0.0.1 Some 0 some\n"
                 "0.0.0.0:25 10.0.0.2 All 0 all some\n"
                 "0.0.0.0:25 10.0.0.4 Reported 0 all\n");
    assert_int_equal(run.runs[0].account_count, 1);
    assert_non_null(strstr(run.runs[0].accounts[0]->text, "cn=relay-users"));
    done(&run);
}

/* proves: contract-3 */
static void test_every_domain_is_ours(void **state)
{
    const struct machine machine = {0};
    (void)state;
    struct run run =
        reach((struct fake_receive[]){{"Default", .ranges = EVERY_V4, .groups = GROUP_ANONYMOUS_USERS},
                                      {"Nothing", .ranges = "10.0.0.0/8", .groups = GROUP_PARTNERS},
                                      {0}},
              EVERY_DOMAIN, &machine);
    expect(&run,
           "0.0.0.0:25 0.0.0.0-9.255.255.255 Default 1\n0.0.0.0:25 11.0.0.0-255.255.255.255 Default 1\n");
    done(&run);
}

static void test_no_connectors(void **state)
{
    const struct machine machine = {0};
    (void)state;
    struct run run = reach(NULL, DOMAINS, &machine);
    assert_int_equal(run.count, 0);
    done(&run);
}

/* -- against the decisions of sessions -- */

static uint32_t seed = 1;

static uint32_t roll(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* What a session of this identity would be told. */
static bool is_let(const struct run *run, const struct machine *machine,
                   const struct receive_connector *connector, const struct ip_address *client,
                   enum identity identity)
{
    struct session_rights rights;
    struct address recipient;
    session_rights_compute(connector, identity, NULL, &rights);
    gateway_withhold(machine, client, &rights);
    const uint32_t lifted = report_only_rights(&rights);
    assert_int_equal(address_parse(BYTES_LITERAL("kate@nowhere.example"), false, &recipient), ADDRESS_OK);
    struct decision submit = submit_check(&rights);
    struct decision relay = recipient_check(run->organization, &rights, &recipient);
    return (submit.verdict == VERDICT_ALLOW || (lifted & RIGHT_BIT(RIGHT_SMTP_SUBMIT))) &&
           (relay.verdict == VERDICT_ALLOW || (lifted & RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT)));
}

static uint32_t identities_in(const struct run *run, const struct ip_endpoint *group,
                              const struct ip_address *client)
{
    uint32_t found = 0;
    for (size_t i = 0; i < run->count; i++) {
        if (run->runs[i].local.port == group->port &&
            ip_compare(&run->runs[i].local.address, &group->address) == 0 &&
            ip_range_contains(&run->runs[i].clients, client)) {
            assert_int_equal(found, 0); /* no address stands in two runs */
            found = run->runs[i].identities;
        }
    }
    return found;
}

static void check_sample(const struct run *run, const struct machine *machine, const char *client_text,
                         bool is_bound)
{
    struct ip_endpoint local = {.address = address_of(is_bound ? "192.0.2.1" : "192.0.2.2"), .port = 25};
    struct ip_endpoint group = {.address = address_of(is_bound ? "192.0.2.1" : "0.0.0.0"), .port = 25};
    struct ip_address client = address_of(client_text);
    if (connector_index_group(run->organization->connectors, &group) == NULL) {
        group.address = address_of("0.0.0.0");
    }
    const struct receive_connector *connector = connector_match(run->organization, &local, &client);
    uint32_t expected = 0;
    if (connector != NULL && connector->refused == NULL) {
        enum identity identity = receive_connector_identity(connector);
        expected = is_let(run, machine, connector, &client, identity) ? 1u << identity : 0;
    }
    if (identities_in(run, &group, &client) != expected) {
        fail_msg("%s bound %d: %x, a session says %x", client_text, is_bound,
                 identities_in(run, &group, &client), expected);
    }
}

static void make_rows(struct fake_receive rows[ROWS_MAX + 1], char texts[ROWS_MAX][2][TEXT_MAX])
{
    static const char *const ACES[] = {NULL, RELAY,
                                       "deny ms-Exch-SMTP-Accept-Any-Recipient to anonymous\n" RELAY,
                                       RELAY "\nallow ms-Exch-SMTP-Submit to anonymous"};
    const size_t count = 1 + roll(ROWS_MAX);
    memset(rows, 0, (ROWS_MAX + 1) * sizeof(*rows));
    for (size_t i = 0; i < count; i++) {
        const uint32_t low = roll(256);
        (void)snprintf(texts[i][0], TEXT_MAX, "row %zu", i);
        (void)snprintf(texts[i][1], TEXT_MAX, "10.0.0.%u-10.0.0.%u 10.0.1.%u/%u", low, low + roll(256 - low),
                       roll(256), 24 + roll(9));
        rows[i] = (struct fake_receive){
            .name = texts[i][0],
            .ranges = texts[i][1],
            .bindings = roll(3) == 0 ? "192.0.2.1:25" : "0.0.0.0:25",
            .groups = roll(2) == 0 ? GROUP_ANONYMOUS_USERS : GROUP_EXCHANGE_SERVERS,
            .auth = roll(4) == 0 ? AUTH_EXTERNAL_AUTHORITATIVE : 0,
            .aces = ACES[roll(4)],
            .is_disabled = roll(8) == 0,
            .refused = roll(8) == 0 ? "for a test" : NULL,
            .allow_open_relay = roll(4) == 0,
            .adjust = roll(4) == 0 ? report_recipients : NULL,
            .created = (int64_t)roll(5),
        };
    }
}

/* proves: C52 contract-4 */
static void test_the_partition_is_what_sessions_decide(void **state)
{
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct fake_receive rows[ROWS_MAX + 1];
        char texts[ROWS_MAX][2][TEXT_MAX];
        char text[32];
        struct machine machine = {0};
        make_rows(rows, texts);
        for (int i = 0; i < 2; i++) {
            (void)snprintf(text, sizeof(text), "10.0.%u.%u", roll(2), roll(256));
            struct ip_address gateway = address_of(text);
            machine_add_gateway(&machine, &gateway);
        }
        struct run run = reach(rows, roll(5) == 0 ? EVERY_DOMAIN : DOMAINS, &machine);
        for (int i = 0; i < SAMPLES; i++) {
            (void)snprintf(text, sizeof(text), "10.0.%u.%u", roll(3), roll(256));
            check_sample(&run, &machine, text, roll(2) == 0);
        }
        for (size_t i = 0; i < machine.gateway_count; i++) {
            char address[IP_TEXT_SIZE];
            check_sample(&run, &machine, ip_format_address(&machine.gateways[i], address), i == 0);
        }
        done(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_of_addresses),
        cmocka_unit_test(test_a_gateway_is_a_run_by_itself),
        cmocka_unit_test(test_partners),
        cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_every_domain_is_ours),
        cmocka_unit_test(test_no_connectors),
        cmocka_unit_test(test_the_partition_is_what_sessions_decide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

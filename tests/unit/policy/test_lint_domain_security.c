/* Listed domains that nothing secures, and servers as next hops. */
/* fakes: organization */
#include "lint_run.h"

#define ROUTING "allow ms-Exch-Send-Headers-Routing to "

static const struct secure_domain FABRIKAM[] = {{"fabrikam.com", false}};

static void secure(struct send_connector *connector)
{
    connector->send_flags = SEND_DOMAIN_SECURE;
}

static void asks_certificates(struct receive_connector *connector)
{
    connector->protocol_options = PROTOCOL_OPTIONS_DEFAULT | OPTION_DOMAIN_SECURE;
}

static struct run lint_lists(void (*receive)(struct receive_connector *connector), uint32_t groups,
                             void (*send)(struct send_connector *connector))
{
    struct run run = {
        .organization = fake_organization_new(&(struct fake_organization){
            .receive = (struct fake_receive[]){{"Internet", .ranges = ALL_V4, .auth = AUTH_TLS,
                                                .groups = GROUP_ANONYMOUS_USERS | groups, .adjust = receive},
                                               {0}},
            .domains = DOMAINS,
            .send = (struct fake_send[]){
                {"Wide", .spaces = "SMTP:*;1", .aces = ROUTING "anonymous", .adjust = send}, {0}}})};
    run.organization->settings.dn = "CN=Transport Settings,CN=Contoso";
    run.organization->settings.send_secure = run.organization->settings.receive_secure = FABRIKAM;
    run.organization->settings.send_secure_count = run.organization->settings.receive_secure_count = 1;
    arena_init(&run.arena, 1 << 20);
    assert_int_equal(lint_organization(run.organization, &facts, &run.arena, &run.findings, &run.count), OK);
    return run;
}

/* proves: C166 C173 facts-10.4 contract-4 */
static void test_lists_that_nothing_secures(void **state)
{
    (void)state;
    struct run run = lint_lists(NULL, 0, NULL);
    assert_non_null(strstr(find(&run, "unsecured-domain")->why, "fabrikam.com: mail for this domain"));
    assert_string_equal(find(&run, "unsecured-domain")->dn, "CN=Wide,CN=Connections,CN=Contoso");
    assert_string_equal(find(&run, "unreachable-partner")->dn, "CN=Transport Settings,CN=Contoso");
    done(&run);
    run = lint_lists(asks_certificates, 0, secure); /* a partner may not submit */
    expect_rules(&run, "unreachable-partner");
    done(&run);
    run = lint_lists(asks_certificates, GROUP_PARTNERS, secure);
    expect_rules(&run, "");
    done(&run);
}

static void by_servers(struct send_connector *connector)
{
    connector->send_flags = SEND_AUTH_EXCHANGE_SERVER;
}

static struct run lint_servers(const char *aces)
{
    return lint(&(struct fake_organization){
        .domains = DOMAINS,
        .send = (struct fake_send[]){
            {"Edges", .spaces = "SMTP:*;1", .smart_hosts = "[10.0.0.9]", .aces = aces, .adjust = by_servers},
            {0}}});
}

/* What anonymous hops would see is of no account where none is anonymous.
 * proves: facts-5.2 facts-10.5 */
static void test_servers_are_next_hops_of_their_own(void **state)
{
    (void)state;
    struct run run = lint_servers(ROUTING "anonymous");
    expect_rules(&run, "routing-headers-removed?");
    assert_non_null(strstr(run.findings[0].fix, ROUTING "hub-servers"));
    done(&run);
    static const char *const enough[] = {ROUTING "hub-servers", ROUTING "edge-servers",
                                         ROUTING "legacy-servers"};
    for (size_t i = 0; i < 3; i++) {
        run = lint_servers(enough[i]);
        expect_rules(&run, "");
        done(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lists_that_nothing_secures),
                                       cmocka_unit_test(test_servers_are_next_hops_of_their_own)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

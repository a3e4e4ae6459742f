/* Fixed rights, the identity at connect, and what counts as an open relay. */
/* fakes: organization */
#include "fakes/fake_organization.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define RELAY  "allow ms-Exch-SMTP-Accept-Any-Recipient to "
#define DENY   "deny ms-Exch-SMTP-Accept-Any-Recipient to "
#define ALL_V4 "0.0.0.0-255.255.255.255"
#define PRIVATE                                                                                              \
    "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 fc00::/7 ::1 "         \
    "fe80::/10"

static const struct {
    const char *ranges;
    const char *aces;
    uint32_t groups;
    uint32_t auth;
    bool is_open;
} CASES[] = {
    {ALL_V4, RELAY "anonymous", GROUP_ANONYMOUS_USERS, 0, true},
    {ALL_V4, RELAY "everyone", 0, 0, true},
    {ALL_V4, "allow * to anonymous", 0, 0, true},
    {ALL_V4, "allow * to everyone", 0, 0, true},
    {"8.8.8.8", RELAY "anonymous", 0, 0, true},
    {"10.0.0.0/8 8.0.0.0/8", RELAY "anonymous", 0, 0, true},
    {"172.16.0.0-172.32.0.0", RELAY "anonymous", 0, 0, true},
    {"9.255.255.255-10.0.0.1", RELAY "anonymous", 0, 0, true},
    {"2001:db8::/32", RELAY "anonymous", 0, 0, true},
    {"::/0", RELAY "anonymous", 0, 0, true},
    {PRIVATE, RELAY "anonymous", GROUP_ANONYMOUS_USERS, 0, false},
    {PRIVATE, NULL, GROUP_EXCHANGE_SERVERS, AUTH_EXTERNAL_AUTHORITATIVE, false},
    {ALL_V4, NULL, GROUP_EXCHANGE_SERVERS, AUTH_EXTERNAL_AUTHORITATIVE, true},
    {ALL_V4, NULL, GROUP_EXCHANGE_SERVERS, AUTH_EXTERNAL_AUTHORITATIVE | AUTH_TLS, true},
    {ALL_V4, NULL, GROUP_ANONYMOUS_USERS | GROUP_EXCHANGE_USERS | GROUP_EXCHANGE_SERVERS, 31, false},
    {ALL_V4, RELAY "authenticated", GROUP_ANONYMOUS_USERS, 0, false},
    {ALL_V4, RELAY "externally-secured-servers", GROUP_ANONYMOUS_USERS, 0, false},
    /* What a deny takes away is not given; a deny for Everyone does not reach the anonymous token. */
    {ALL_V4, RELAY "anonymous\n" DENY "anonymous", 0, 0, false},
    {ALL_V4, RELAY "everyone\n" DENY "anonymous", 0, 0, false},
    {ALL_V4, RELAY "anonymous\n" DENY "everyone", 0, 0, true},
    {ALL_V4, RELAY "everyone\n" DENY "everyone", 0, 0, false},
    {ALL_V4, "allow * to anonymous\n" DENY "anonymous", 0, 0, false},
    /* A line that cannot be read makes the connector grant nothing. */
    {ALL_V4, RELAY "anonymous\nallow nonsense to anonymous", 0, 0, false},
};

/* proves: C1 C5 C50 C182 C253 D11 contract-3 C185 */
static void test_open_relay(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct organization *organization = fake_organization_new(&(struct fake_organization){
            .is_unchecked = true,
            .receive = (struct fake_receive[]){{"C", .ranges = CASES[i].ranges, .aces = CASES[i].aces,
                                                .groups = CASES[i].groups, .auth = CASES[i].auth},
                                               {0}}});
        struct note why = {""};
        bool is_open = receive_connector_is_open_relay(&organization->receive[0], &why);
        assert_int_equal(is_open, CASES[i].is_open);
        assert_int_equal(why.text[0] != '\0', is_open);
        organization_unref(organization);
    }
}

/* proves: C79 contract-3 */
static void test_open_relay_names_right_ace_and_range(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .is_unchecked = true,
        .receive =
            (struct fake_receive[]){{"C", .ranges = "10.0.0.1 8.8.8.0/24", .aces = RELAY "anonymous"}, {0}}});
    struct note why;
    assert_true(receive_connector_is_open_relay(&organization->receive[0], &why));
    assert_string_equal(why.text, "open relay: ms-Exch-SMTP-Accept-Any-Recipient for anonymous by \"" RELAY
                                  "anonymous\" over 8.8.8.0-8.8.8.255");
    organization_unref(organization);
}

/* proves: C28 C29 C63 C110 C126 facts-8.5 */
static void test_identity_at_connect(void **state)
{
    (void)state;
    struct receive_connector connector = {.auth_mechanism = AUTH_TLS | AUTH_BASIC};
    assert_int_equal(receive_connector_identity(&connector), IDENTITY_ANONYMOUS);
    connector.auth_mechanism = AUTH_EXTERNAL_AUTHORITATIVE;
    assert_int_equal(receive_connector_identity(&connector), IDENTITY_EXTERNALLY_SECURED);
    connector.auth_mechanism = AUTH_EXTERNAL_AUTHORITATIVE | AUTH_TLS;
    assert_int_equal(receive_connector_identity(&connector), IDENTITY_EXTERNALLY_SECURED);
    assert_string_equal(identity_name(IDENTITY_EXTERNALLY_SECURED),
                        "MS Exchange\\Externally Secured Servers");
    assert_string_equal(identity_name(IDENTITY_ANONYMOUS), "NT AUTHORITY\\ANONYMOUS LOGON");
}

/* The nine rights of the relay document's second method, each with the ACE that gave it. */
/* proves: C28 C30 C31 C32 C33 C34 C35 C36 C37 C38 C39 C68 facts-8.5 */
static void test_fixed_rights(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){
            {"C", .groups = GROUP_EXCHANGE_SERVERS, .auth = AUTH_EXTERNAL_AUTHORITATIVE}, {0}}});
    const struct receive_connector *connector = fake_organization_receive(organization, "MX1\\C");
    assert_null(connector->refused);
    uint32_t granted = connector->fixed[IDENTITY_EXTERNALLY_SECURED].granted;
    assert_int_equal(__builtin_popcount(granted), 9);
    assert_int_equal(
        granted & (RIGHT_BIT(RIGHT_ACCEPT_HEADERS_FOREST) | RIGHT_BIT(RIGHT_ACCEPT_HEADERS_ORGANIZATION)), 0);
    assert_int_equal(connector->fixed[IDENTITY_ANONYMOUS].granted, 0);
    const struct ace_origin *origin = access_list_origin(
        &connector->access, &connector->fixed[IDENTITY_EXTERNALLY_SECURED], RIGHT_SMTP_ACCEPT_ANY_RECIPIENT);
    assert_string_equal(origin->text, RELAY "externally-secured-servers");
    assert_string_equal(origin->group, "ExchangeServers");
    organization_unref(organization);
}

/* proves: D11 contract-3 */
static void test_bad_line_grants_nothing(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){
            {"bad", .groups = GROUP_ANONYMOUS_USERS, .aces = "allow ms-Exch-SMTP-Submitt to anonymous"},
            {"bare", .bindings = "0.0.0.0:26"},
            {0}}});
    for (int i = 0; i < IDENTITY_FIXED_COUNT; i++) {
        assert_int_equal(organization->receive[0].fixed[i].granted, 0);
        assert_int_equal(organization->receive[1].fixed[i].granted, 0);
    }
    assert_non_null(
        strstr(organization->receive[0].grants_nothing_why, "\"ms-Exch-SMTP-Submitt\" is not a right"));
    organization_unref(organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_relay),
        cmocka_unit_test(test_open_relay_names_right_ace_and_range),
        cmocka_unit_test(test_identity_at_connect),
        cmocka_unit_test(test_fixed_rights),
        cmocka_unit_test(test_bad_line_grants_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

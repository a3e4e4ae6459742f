/* From whom the relay right is withheld because his address may be anybody's. */
/* fakes: organization */
#include "policy/gateway.h"

#include "fakes/fake_organization.h"
#include "policy/report_only.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RELAY "allow ms-Exch-SMTP-Accept-Any-Recipient to anonymous"

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    assert_int_equal(ip_parse_address(bytes_of_text(text), &address), OK);
    return address;
}

static struct machine behind(const char *gateway)
{
    struct machine machine = {0};
    struct ip_address address = address_of(gateway);
    machine_add_gateway(&machine, &address);
    return machine;
}

/* Does a client of the one connector hold the right, and was it withheld? */
static void expect(const struct fake_receive *receive, enum identity identity, const char *client, bool may,
                   bool is_withheld)
{
    struct organization *organization =
        fake_organization_new(&(struct fake_organization){.receive = (struct fake_receive[]){*receive, {0}}});
    const struct machine machine = behind("10.0.0.1");
    struct ip_address address = address_of(client);
    struct session_rights rights;
    session_rights_compute(&organization->receive[0], identity, NULL, &rights);
    gateway_withhold(&machine, &address, &rights);
    assert_int_equal(session_rights_has(&rights, RIGHT_SMTP_ACCEPT_ANY_RECIPIENT), may);
    assert_int_equal(gateway_has_withheld(&rights), is_withheld);
    assert_int_equal(report_only_rights(&rights) & RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT), 0);
    if (is_withheld) {
        assert_string_equal(session_rights_why(&rights, RIGHT_SMTP_ACCEPT_ANY_RECIPIENT),
                            SESSION_RIGHTS_WITHHELD);
    }
    organization_unref(organization);
}

static void report_recipients(struct receive_connector *connector)
{
    connector->report_only = RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT);
}

/* proves: D13 */
static void test_who_loses_the_right(void **state)
{
    (void)state;
    struct fake_receive relay = {"Relay", .groups = GROUP_ANONYMOUS_USERS, .aces = RELAY};
    expect(&relay, IDENTITY_ANONYMOUS, "10.0.0.1", false, true);
    expect(&relay, IDENTITY_ANONYMOUS, "10.0.0.2", true, false);
    relay.adjust = report_recipients;
    expect(&relay, IDENTITY_ANONYMOUS, "10.0.0.1", false, true);
    relay.allow_open_relay = true;
    expect(&relay, IDENTITY_ANONYMOUS, "10.0.0.1", true, false);

    struct fake_receive secured = {"Secured", .groups = GROUP_EXCHANGE_SERVERS,
                                   .auth = AUTH_EXTERNAL_AUTHORITATIVE, .adjust = report_recipients};
    expect(&secured, IDENTITY_EXTERNALLY_SECURED, "10.0.0.1", false, true);
    expect(&secured, IDENTITY_EXTERNALLY_SECURED, "10.0.0.2", true, false);

    struct fake_receive plain = {"Plain", .groups = GROUP_ANONYMOUS_USERS, .adjust = report_recipients};
    expect(&plain, IDENTITY_ANONYMOUS, "10.0.0.1", false, false);
}

/* A certificate says who it is, wherever it comes from. */
static void test_who_proved_himself_keeps_it(void **state)
{
    (void)state;
    struct fake_receive servers = {"Servers", .groups = GROUP_EXCHANGE_SERVERS, .auth = AUTH_EXCHANGE_SERVER};
    expect(&servers, IDENTITY_HUB, "10.0.0.1", true, false);
}

/* proves: D13 */
static void test_what_is_named_before_anybody_comes(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){
            {"in", .ranges = "10.0.0.0/24", .groups = GROUP_ANONYMOUS_USERS, .aces = RELAY},
            {"out", .bindings = "0.0.0.0:26", .ranges = "10.0.1.0/24", .groups = GROUP_ANONYMOUS_USERS,
             .aces = RELAY},
            {"none", .bindings = "0.0.0.0:27", .groups = GROUP_ANONYMOUS_USERS},
            {"off", .bindings = "0.0.0.0:28", .aces = RELAY, .is_disabled = true},
            {"refused", .bindings = "0.0.0.0:29", .aces = RELAY, .refused = "a reason"},
            {"known", .bindings = "0.0.0.0:30", .aces = RELAY, .allow_open_relay = true},
            {0}}});
    const struct machine machine = behind("10.0.0.1");
    const struct machine unknown = {0};
    for (size_t i = 0; i < organization->receive_count; i++) {
        const struct receive_connector *connector = &organization->receive[i];
        const struct ip_address *gateway = gateway_in_range(&machine, connector);
        assert_ptr_equal(gateway, connector->name[0] == 'i' ? &machine.gateways[0] : NULL);
        assert_null(gateway_in_range(&unknown, connector));
    }
    organization_unref(organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_loses_the_right),
        cmocka_unit_test(test_who_proved_himself_keeps_it),
        cmocka_unit_test(test_what_is_named_before_anybody_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

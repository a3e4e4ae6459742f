/* Direct trust: which servers the loader knows by their certificate. */
#include "fixture.h"

/* 20 bytes; 30 bytes that begin as DER does; the other is neither. */
#define THUMBPRINT  "AQIDBAUGBwgJCgsMDQ4PEBESExQ="
#define CERTIFICATE "MBwBAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhsc"
#define NEITHER     "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhc="

#define SERVERS_DN "CN=Servers," GROUP_DN
#define OTHER(name, roles, value)                                                                            \
    "dn: CN=" name "," SERVERS_DN "\nobjectClass: msExchExchangeServer\ncn: " name                           \
    "\nmsExchCurrentServerRoles: " roles "\nmsExchServerInternalTLSCert:: " value "\n\n"

/* proves: C157 C159 C160 facts-10.3 */
static void test_servers(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_init(&fixture, OTHER("EDGE1", "64", THUMBPRINT) OTHER("HUB2", "54", CERTIFICATE)
                               OTHER("FRONT", "16384", CERTIFICATE) OTHER("BAD", "32", NEITHER)
                                   OTHER("BAD2", "edge", CERTIFICATE));
    fixture_load(&fixture);
    const struct organization *organization = fixture.organization;
    assert_int_equal(organization->trusted_count, 2);
    assert_string_equal(organization->trusted[0].name, "EDGE1");
    assert_int_equal(organization->trusted[0].identity, IDENTITY_EDGE);
    assert_int_equal(organization->trusted[0].certificate.len, 20);
    assert_string_equal(organization->trusted[1].name, "HUB2");
    assert_int_equal(organization->trusted[1].identity, IDENTITY_HUB);
    assert_int_equal(organization->trusted[1].certificate.len, 30);
    assert_int_equal(organization->server.internal_certificate.len, 0);
    assert_non_null(
        fixture_refusal(&fixture, "CN=BAD," SERVERS_DN, "neither a certificate nor a thumbprint"));
    fixture_done(&fixture);
}

/* proves: facts-10.2 */
static void test_this_server(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_init(&fixture, OTHER("MX", "16416", CERTIFICATE));
    fixture_load(&fixture);
    assert_int_equal(fixture.organization->server.internal_certificate.len, 30);
    assert_int_equal(fixture.organization->trusted_count, 1);
    assert_string_equal(fixture.organization->trusted[0].name, "MX");
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_this_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

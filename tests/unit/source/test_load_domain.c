/* Accepted domains: facts 1.5, 2.5, contract 3. */
#include "unit/source/fixture.h"

#include "organization/accepted_domain.h"

#define DN(name) "CN=" name "," DOMAINS_DN

static const struct accepted_domain *find(const struct fixture *fixture, const char *name)
{
    return accepted_domain_find(fixture->organization, bytes_of_text(name));
}

/* proves: facts-1.5 facts-2.5 */
static void test_kinds(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, DOMAIN("contoso.com", "msExchAcceptedDomainFlags: 4\n")
                               DOMAIN("relay.example", "msExchAcceptedDomainFlags: 2\n")
                                   DOMAIN("*.below.example", "msExchAcceptedDomainFlags: 1\n")
                                       DOMAIN("deep.example", "msExchAcceptedDomainFlags: 65536\n"));
    fixture_load(&fixture);
    assert_int_equal(fixture.organization->refused_count, 0);
    assert_int_equal(find(&fixture, "contoso.com")->type, DOMAIN_AUTHORITATIVE);
    assert_true(find(&fixture, "contoso.com")->is_default);
    assert_null(find(&fixture, "sub.contoso.com"));
    assert_int_equal(find(&fixture, "relay.example")->type, DOMAIN_INTERNAL_RELAY);
    assert_int_equal(find(&fixture, "a.below.example")->type, DOMAIN_EXTERNAL_RELAY);
    assert_null(find(&fixture, "below.example"));
    assert_non_null(find(&fixture, "deep.example"));
    assert_non_null(find(&fixture, "a.b.deep.example"));
    fixture_done(&fixture);
}

static void check_refused(const char *ldif, const char *dn, const char *part)
{
    struct fixture fixture;
    fixture_init(&fixture, ldif);
    fixture_load(&fixture);
    assert_int_equal(fixture.organization->domain_count, 0);
    const struct refusal *refusal = fixture_refusal(&fixture, dn, part);
    assert_non_null(refusal);
    assert_false(refusal->is_kept);
    fixture_done(&fixture);
}

/* proves: facts-2.5 contract-3 */
static void test_refused(void **state)
{
    (void)state;
    check_refused("dn: " DN("x") "\nobjectClass: msExchAcceptedDomain\ncn: x\n\n", DN("x"), "is missing");
    check_refused(DOMAIN("a b", ""), DN("a b"), "msExchAcceptedDomainName");
    check_refused(DOMAIN("c.example", "msExchAcceptedDomainFlags: 3\n"), DN("c.example"), "no domain type");
    check_refused(DOMAIN("c.example", "msExchAcceptedDomainFlags: 1024\n"), DN("c.example"),
                  "without a meaning");
    check_refused(DOMAIN("c.example", "msExchAcceptedDomainFlags: x\n"), DN("c.example"), "whole number");
    check_refused(DOMAIN("c.example", "msExchAcceptedDomainFlags: 16\n"), DN("c.example"), "X.400");
    check_refused(DOMAIN("c.example", "msExchAcceptedDomainFlags: 64\n"), DN("c.example"), "pending removal");
    check_refused(DOMAIN("c.example", "msExchAcceptedDomainFlags: 256\n"), DN("c.example"), "outbound-only");
}

/* proves: C1 contract-3 */
static void test_every_domain_needs_an_acknowledgement(void **state)
{
    (void)state;
    check_refused(DOMAIN("*", ""), DN("*"), "would be an open relay");
    struct fixture fixture;
    fixture_init(&fixture, DOMAIN("*", "dirrelayAllowOpenRelay: TRUE\n"));
    fixture_load(&fixture);
    assert_non_null(find(&fixture, "any.example"));
    /* The acknowledgement is never taken from an earlier version. */
    fixture_put(&fixture, DOMAIN("*", "msExchAcceptedDomainFlags: x\n"));
    fixture_load(&fixture);
    assert_null(find(&fixture, "any.example"));
    fixture_done(&fixture);
}

/* proves: D15 contract-3 */
static void test_the_previous_version_stays(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, DOMAIN("contoso.com", "msExchAcceptedDomainFlags: 2\n"));
    fixture_load(&fixture);
    fixture_put(&fixture, "dn: " DN("contoso.com") "\nobjectClass: msExchAcceptedDomain\n"
                                                   "msExchAcceptedDomainName: a..b\n\n");
    fixture_load(&fixture);
    assert_int_equal(find(&fixture, "contoso.com")->type, DOMAIN_INTERNAL_RELAY);
    const struct refusal *refusal = fixture_refusal(&fixture, DN("contoso.com"), "a..b");
    assert_non_null(refusal);
    assert_true(refusal->is_kept);
    fixture_done(&fixture);
}

static void test_doubles(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture,
                 DOMAIN("contoso.com", "createTimestamp: "
                                       "20260102000000Z\nmsExchAcceptedDomainFlags: 6\n")
                     DOMAIN("z.example", "createTimestamp: 20260101000000Z\nmsExchAcceptedDomainFlags: "
                                         "4\n") "dn: CN=Again," DOMAINS_DN
                                                "\nobjectClass: msExchAcceptedDomain\n"
                                                "msExchAcceptedDomainName: CONTOSO.com\ncreateTimestamp: "
                                                "20250101000000Z\n\n");
    fixture_load(&fixture);
    assert_int_equal(fixture.organization->domain_count, 2);
    assert_string_equal(find(&fixture, "contoso.com")->dn, "CN=Again," DOMAINS_DN);
    assert_non_null(fixture_refusal(&fixture, DN("contoso.com"), "already accepted"));
    fixture_put(&fixture,
                DOMAIN("y.example", "createTimestamp: 20260103000000Z\nmsExchAcceptedDomainFlags: 4\n"));
    fixture_load(&fixture);
    assert_true(find(&fixture, "z.example")->is_default);
    assert_false(find(&fixture, "y.example")->is_default);
    assert_non_null(fixture_refusal(&fixture, DN("y.example"), "the default domain is already z.example"));
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_domain_needs_an_acknowledgement),
        cmocka_unit_test(test_the_previous_version_stays),
        cmocka_unit_test(test_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

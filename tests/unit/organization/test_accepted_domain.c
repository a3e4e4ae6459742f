/* Which accepted domain holds a name. */
/* fakes: organization */
#include "fakes/fake_organization.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect(const struct organization *organization, const char *name, const char *domain,
                   enum accepted_domain_type type)
{
    const struct accepted_domain *found = accepted_domain_find(organization, bytes_of_text(name));
    if (domain == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found->name, domain);
        assert_int_equal(found->type, type);
    }
}

/* proves: A6 facts-1.5 facts-2.5 */
static void test_names_and_subdomains(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .domains =
            (struct fake_domain[]){{"contoso.com", .is_default = true},
                                   {"*.fabrikam.com", .type = DOMAIN_INTERNAL_RELAY},
                                   {"adatum.com", .type = DOMAIN_EXTERNAL_RELAY, .with_subdomains = true},
                                   {"deep.adatum.com", .type = DOMAIN_AUTHORITATIVE},
                                   {"*.deep.adatum.com", .type = DOMAIN_INTERNAL_RELAY},
                                   {0}}});
    expect(organization, "contoso.com", "contoso.com", DOMAIN_AUTHORITATIVE);
    expect(organization, "www.contoso.com", NULL, 0);
    expect(organization, "xcontoso.com", NULL, 0);
    expect(organization, "contoso.co", NULL, 0);
    expect(organization, "contoso.com.evil", NULL, 0);
    expect(organization, "com", NULL, 0);
    expect(organization, "", NULL, 0);
    expect(organization, "fabrikam.com", NULL, 0);
    expect(organization, "a.fabrikam.com", "fabrikam.com", DOMAIN_INTERNAL_RELAY);
    expect(organization, "a.b.fabrikam.com", "fabrikam.com", DOMAIN_INTERNAL_RELAY);
    expect(organization, "afabrikam.com", NULL, 0);
    expect(organization, "adatum.com", "adatum.com", DOMAIN_EXTERNAL_RELAY);
    expect(organization, "x.adatum.com", "adatum.com", DOMAIN_EXTERNAL_RELAY);
    expect(organization, "deep.adatum.com", "deep.adatum.com", DOMAIN_AUTHORITATIVE);
    expect(organization, "x.deep.adatum.com", "deep.adatum.com", DOMAIN_INTERNAL_RELAY);
    organization_unref(organization);
}

/* proves: contract-3 */
static void test_star_needs_the_acknowledgement(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .domains = (struct fake_domain[]){{.name = "*"}, {.name = "contoso.com"}, {0}}});
    expect(organization, "fabrikam.com", NULL, 0);
    expect(organization, "contoso.com", "contoso.com", DOMAIN_AUTHORITATIVE);
    organization_unref(organization);

    organization = fake_organization_new(&(struct fake_organization){
        .domains = (struct fake_domain[]){
            {"*", .type = DOMAIN_EXTERNAL_RELAY, .allow_open_relay = true}, {.name = "contoso.com"}, {0}}});
    expect(organization, "fabrikam.com", "*", DOMAIN_EXTERNAL_RELAY);
    expect(organization, "com", "*", DOMAIN_EXTERNAL_RELAY);
    expect(organization, "contoso.com", "contoso.com", DOMAIN_AUTHORITATIVE);
    expect(organization, "", NULL, 0);
    organization_unref(organization);
}

static void test_no_domains(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){.domains = NULL});
    expect(organization, "contoso.com", NULL, 0);
    organization_unref(organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_subdomains),
        cmocka_unit_test(test_star_needs_the_acknowledgement),
        cmocka_unit_test(test_no_domains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

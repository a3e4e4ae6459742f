/* fakes: organization */
/* Whose mail is refused first. */
#include "fakes/fake_organization.h"
#include "policy/back_pressure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct organization *organization;

static int set_up(void **state)
{
    (void)state;
    organization = fake_organization_new(&(struct fake_organization){
        .domains = (struct fake_domain[]){{"contoso.com", .is_default = true},
                                          {"inside.example", .type = DOMAIN_INTERNAL_RELAY},
                                          {"outside.example", .type = DOMAIN_EXTERNAL_RELAY},
                                          {0}}});
    return organization == NULL;
}

static int tear_down(void **state)
{
    (void)state;
    organization_unref(organization);
    return 0;
}

static bool refuses(enum pressure_level level, enum identity identity, const char *path)
{
    struct address sender;
    struct bytes rest;
    assert_int_equal(address_parse_path(bytes_of_text(path), false, &sender, &rest), ADDRESS_OK);
    return back_pressure_refuses(level, organization, identity, &sender);
}

/* proves: facts-10.7 R5 */
static void medium_refuses_what_comes_from_outside(void **state)
{
    (void)state;
    assert_true(refuses(PRESSURE_MEDIUM, IDENTITY_ANONYMOUS, "<a@fabrikam.com>"));
    assert_true(refuses(PRESSURE_MEDIUM, IDENTITY_ANONYMOUS, "<>"));
    assert_true(refuses(PRESSURE_MEDIUM, IDENTITY_ANONYMOUS, "<a@outside.example>"));
    assert_true(refuses(PRESSURE_MEDIUM, IDENTITY_ANONYMOUS, "<a@[10.0.0.1]>"));
    assert_true(refuses(PRESSURE_MEDIUM, IDENTITY_PARTNER, "<a@fabrikam.com>"));
    assert_false(refuses(PRESSURE_MEDIUM, IDENTITY_ANONYMOUS, "<chris@Contoso.com>"));
    assert_false(refuses(PRESSURE_MEDIUM, IDENTITY_ANONYMOUS, "<chris@inside.example>"));
    static const enum identity ours[] = {IDENTITY_HUB, IDENTITY_EDGE, IDENTITY_EXTERNALLY_SECURED,
                                         IDENTITY_LEGACY, IDENTITY_ACCOUNT};
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        assert_false(refuses(PRESSURE_MEDIUM, ours[i], "<a@fabrikam.com>"));
        assert_false(refuses(PRESSURE_MEDIUM, ours[i], "<>"));
    }
}

/* proves: facts-10.7 R5 */
static void low_refuses_nobody_and_high_all(void **state)
{
    (void)state;
    for (int identity = IDENTITY_ANONYMOUS; identity <= IDENTITY_ACCOUNT; identity++) {
        assert_false(refuses(PRESSURE_LOW, (enum identity)identity, "<a@fabrikam.com>"));
        assert_true(refuses(PRESSURE_HIGH, (enum identity)identity, "<chris@contoso.com>"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medium_refuses_what_comes_from_outside),
        cmocka_unit_test(low_refuses_nobody_and_high_all),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

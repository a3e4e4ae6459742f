/* fakes: organization */
/* Who is told what, and how. */
#include "policy/notice.h"

#include "fakes/fake_organization.h"

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

static struct notice_rules rules_for(const char *sender)
{
    return notice_rules_for(organization, bytes_of_text(sender));
}

/* proves: facts-1.6 */
static void without_settings_all_are_told_by_the_server(void **state)
{
    (void)state;
    static const char *const senders[] = {"chris@contoso.com", "a@fabrikam.com"};
    for (size_t i = 0; i < 2; i++) {
        struct notice_rules rules = rules_for(senders[i]);
        assert_true(rules.may_warn);
        assert_string_equal(rules.reporting_name, organization->server.fqdn);
        assert_true(rules.body_bytes_max == SIZE_MAX);
    }
}

/* proves: facts-1.6 */
static void external_senders_have_rules_of_their_own(void **state)
{
    (void)state;
    organization->settings.flags = SETTING_EXTERNAL_DELAY_DSN_DISABLED;
    organization->settings.external_reporting_name = "mail.contoso.com";
    organization->settings.max_external_notice_bytes = 1000;
    static const char *const outside[] = {"a@fabrikam.com", "a@outside.example", "a@[10.0.0.1]"};
    for (size_t i = 0; i < 3; i++) {
        struct notice_rules rules = rules_for(outside[i]);
        assert_false(rules.may_warn);
        assert_string_equal(rules.reporting_name, "mail.contoso.com");
        assert_int_equal(rules.body_bytes_max, 1000);
    }
    static const char *const inside[] = {"chris@Contoso.com", "a@inside.example"};
    for (size_t i = 0; i < 2; i++) {
        struct notice_rules rules = rules_for(inside[i]);
        assert_true(rules.may_warn);
        assert_string_equal(rules.reporting_name, organization->server.fqdn);
        assert_true(rules.body_bytes_max == SIZE_MAX);
    }
    organization->settings.flags = SETTING_INTERNAL_DELAY_DSN_DISABLED;
    assert_true(rules_for("a@fabrikam.com").may_warn);
    assert_false(rules_for("chris@contoso.com").may_warn);
}

/* proves: facts-1.6 */
static void named_failures_are_copied(void **state)
{
    static const char *const statuses[] = {"5.4.6", "5.1.1"};
    (void)state;
    assert_false(notice_is_copied(organization, BYTES_LITERAL("5.1.1")));
    organization->settings.copied_statuses = statuses;
    organization->settings.copied_status_count = 2;
    assert_true(notice_is_copied(organization, BYTES_LITERAL("5.1.1")));
    assert_false(notice_is_copied(organization, BYTES_LITERAL("5.1.10")));
    assert_false(notice_is_copied(organization, BYTES_LITERAL("5.1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_settings_all_are_told_by_the_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(external_senders_have_rules_of_their_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(named_failures_are_copied, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Which send connectors a domain goes through, in which order. */
/* fakes: organization */
#include "fakes/fake_organization.h"
#include "policy/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HOP .smart_hosts = "[10.0.0.9]"

/* The names of the connectors found, blank separated. */
static void expect(const struct organization *organization, const char *domain, const char *names)
{
    const struct send_connector *found[8];
    char text[256] = "";
    size_t count = route_find(organization, bytes_of_text(domain), found, 8);
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof(text) - len, "%s%s", i > 0 ? " " : "", found[i]->name);
    }
    assert_string_equal(text, names);
    for (size_t capacity = 1; capacity < count; capacity++) {
        const struct send_connector *fewer[8];
        assert_int_equal(route_find(organization, bytes_of_text(domain), fewer, capacity), capacity);
        assert_memory_equal(fewer, found, capacity * sizeof(fewer[0]));
    }
}

/* proves: facts-1.4 contract-3 */
static void test_order(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .send = (struct fake_send[]){
            {"backup", .spaces = "SMTP:*;10", HOP},
            {"default", .spaces = "SMTP:*;1", HOP},
            {"also default", .spaces = "SMTP:*;1", HOP},
            {"below", .spaces = "SMTP:*.contoso.com;50", HOP},
            {"deeper", .spaces = "SMTP:*.corp.contoso.com;90 SMTP:*.contoso.com;2", HOP},
            {"exact", .spaces = "SMTP:mail.corp.contoso.com;100", HOP},
            {"off", .spaces = "SMTP:*;1 SMTP:contoso.com", HOP, .is_disabled = true},
            {"elsewhere", .spaces = "SMTP:*;1 SMTP:contoso.com", HOP, .is_elsewhere = true},
            {0}}});
    expect(organization, "fabrikam.com", "also default default backup");
    expect(organization, "contoso.com", "also default default backup");
    expect(organization, "www.contoso.com", "deeper below also default default backup");
    expect(organization, "a.corp.contoso.com", "deeper below also default default backup");
    expect(organization, "mail.corp.contoso.com", "exact deeper below also default default backup");
    expect(organization, "", "");
    expect(organization, "[10.0.0.1]", "");
    organization_unref(organization);
}

static void collect_story(const struct send_connector *connector, bool is_chosen, const char *why,
                          void *owner)
{
    char *text = owner;
    size_t len = strlen(text);
    (void)snprintf(text + len, 4096 - len, "%s%s: %s\n", is_chosen ? "* " : "", connector->name, why);
}

static void expect_story(const struct organization *organization, const char *domain, const char *story)
{
    char text[4096] = "";
    route_explain(organization, bytes_of_text(domain), collect_story, text);
    assert_string_equal(text, story);
}

/* proves: facts-1.4 contract-4 */
static void test_every_connector_has_a_story(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .send =
            (struct fake_send[]){{"a", .spaces = "SMTP:*;1", HOP},
                                 {"b", .spaces = "SMTP:*.contoso.com;5 SMTP:contoso.com;7", HOP},
                                 {"c", .spaces = "SMTP:*.contoso.com;6", HOP},
                                 {"d", .spaces = "SMTP:*.contoso.com;5", HOP},
                                 {"off", .spaces = "SMTP:*.contoso.com;1", HOP, .is_disabled = true},
                                 {"away", .spaces = "SMTP:www.contoso.com;1", HOP, .is_elsewhere = true},
                                 {"partner", .spaces = "SMTP:partner.example;1", HOP, .refused = "needs TLS"},
                                 {0}}});
    expect_story(
        organization, "www.contoso.com",
        "a: SMTP:*;1 is wider than SMTP:*.contoso.com;5\n"
        "* b: SMTP:*.contoso.com;5 is the most specific, then the cheapest that fits\n"
        "c: SMTP:*.contoso.com;6 costs more than SMTP:*.contoso.com;5; stands in while that is away\n"
        "d: SMTP:*.contoso.com;5 is as good as b, its name comes later; stands in while that is away\n"
        "off: SMTP:*.contoso.com;1 fits, but the connector is disabled\n"
        "away: SMTP:www.contoso.com;1 fits, but its source servers do not name this server\n"
        "partner: no address space holds the domain\n");
    expect_story(organization, "partner.example",
                 "a: SMTP:*;1 is wider than the space of a refused connector, which keeps its place\n"
                 "b: no address space holds the domain\n"
                 "c: no address space holds the domain\n"
                 "d: no address space holds the domain\n"
                 "off: no address space holds the domain\n"
                 "away: no address space holds the domain\n"
                 "partner: SMTP:partner.example;1 fits, but the connector is refused: needs TLS\n");
    const struct send_connector *found[8];
    assert_int_equal(route_alternatives(organization, BYTES_LITERAL("www.contoso.com"), found, 8), 3);
    assert_string_equal(found[2]->name, "c");
    assert_int_equal(route_alternatives(organization, BYTES_LITERAL("x.example"), found, 8), 1);
    assert_int_equal(route_alternatives(organization, BYTES_LITERAL("partner.example"), found, 8), 0);
    organization_unref(organization);
}

/* A refused connector's mail waits; it does not go out through a wider one, which may be less protected. */
/* proves: D15 contract-1 */
static void test_refused_keeps_its_place(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .send = (struct fake_send[]){
            {"internet", .spaces = "SMTP:*;1", HOP},
            {"partner", .spaces = "SMTP:partner.example;1", HOP, .refused = "needs TLS"},
            {"pair a", .spaces = "SMTP:pair.example;1", HOP, .refused = "a reason"},
            {"pair b", .spaces = "SMTP:pair.example;2", HOP},
            {"all refused", .spaces = "SMTP:*;2", HOP, .refused = "a reason"},
            {"off", .spaces = "SMTP:off.example", HOP, .is_disabled = true, .refused = "x"},
            {0}}});
    expect(organization, "partner.example", "");
    expect(organization, "pair.example", "pair b");
    expect(organization, "other.example", "internet");
    expect(organization, "off.example", "internet");
    organization_unref(organization);
}

static void test_no_send_connector(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){.send = NULL});
    expect(organization, "contoso.com", "");
    organization_unref(organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_every_connector_has_a_story),
        cmocka_unit_test(test_refused_keeps_its_place),
        cmocka_unit_test(test_no_send_connector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

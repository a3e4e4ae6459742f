/* Address spaces, smart hosts, and the rights towards the next hop. */
/* fakes: organization */
#include "fakes/fake_organization.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* proves: facts-1.4 */
static void test_address_spaces(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *domain; /* NULL: refused */
        bool with_subdomains;
        uint32_t cost;
    } CASES[] = {
        {"SMTP:*;1", "*", false, 1},
        {"smtp:*", "*", false, 1},
        {" SMTP: Contoso.COM. ; 100 ", "contoso.com", false, 100},
        {"SMTP:*.contoso.com;10", "contoso.com", true, 10},
        {"SMTP:contoso.com;0", NULL, false, 0},
        {"SMTP:contoso.com;101", NULL, false, 0},
        {"SMTP:contoso.com;", NULL, false, 0},
        {"SMTP:contoso.com;1;1", NULL, false, 0},
        {"SMTP:;1", NULL, false, 0},
        {"SMTP:", NULL, false, 0},
        {"SMTP:*.*;1", NULL, false, 0},
        {"SMTP:a b;1", NULL, false, 0},
        {"X400:c=us;1", NULL, false, 0},
        {"contoso.com;1", NULL, false, 0},
        {"", NULL, false, 0},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct address_space space;
        struct note note = {""};
        enum error error = address_space_parse(bytes_of_text(CASES[i].text), &arena, &space, &note);
        assert_int_equal(error, CASES[i].domain != NULL ? OK : ERROR_SYNTAX);
        assert_int_equal(note.text[0] != '\0', CASES[i].domain == NULL);
        if (CASES[i].domain != NULL) {
            assert_string_equal(space.domain, CASES[i].domain);
            assert_int_equal(space.with_subdomains, CASES[i].with_subdomains);
            assert_int_equal(space.cost, CASES[i].cost);
        }
    }
    struct address_space space;
    assert_int_equal(address_space_parse(BYTES_LITERAL("SMTP:--"), &arena, &space, NULL), ERROR_NOT_FOUND);
}

/* proves: facts-1.4 */
static void test_smart_hosts(void **state)
{
    (void)state;
    const struct smart_host *hosts;
    size_t count;
    char text[IP_TEXT_SIZE];
    struct bytes list = BYTES_LITERAL("[10.0.0.1], Mail.Example ,10.0.0.2,[IPv6:2001:db8::1],[::1]");
    assert_int_equal(smart_hosts_parse(list, &arena, &hosts, &count, NULL), OK);
    assert_int_equal(count, 5);
    assert_null(hosts[0].name);
    assert_string_equal(ip_format_address(&hosts[0].address, text), "10.0.0.1");
    assert_string_equal(hosts[1].name, "mail.example");
    assert_int_equal(hosts[1].address.family, IP_NONE);
    assert_string_equal(ip_format_address(&hosts[2].address, text), "10.0.0.2");
    assert_string_equal(ip_format_address(&hosts[3].address, text), "2001:db8::1");
    assert_string_equal(ip_format_address(&hosts[4].address, text), "::1");

    static const char *const BAD[] = {"",     ",",         "a,",      "a,,b", "[10.0.0]", "[mail.example]",
                                      "[::1", "mail host", "0.0.0.0", "[::]", "--",       "10.0.0.1:25"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct note note = {""};
        assert_int_equal(smart_hosts_parse(bytes_of_text(BAD[i]), &arena, &hosts, &count, &note),
                         ERROR_SYNTAX);
        assert_string_not_equal(note.text, "");
    }
    char many[4 * 65] = "";
    for (int i = 0; i < 65; i++) {
        memcpy(many + 2 * i, "a,", 2);
    }
    assert_int_equal(smart_hosts_parse((struct bytes){many, 2 * 64 - 1}, &arena, &hosts, &count, NULL), OK);
    assert_int_equal(smart_hosts_parse((struct bytes){many, 2 * 65 - 1}, &arena, &hosts, &count, NULL),
                     ERROR_LIMIT);
}

/* proves: R21 contract-7 */
static void test_own_bindings_are_no_smart_hosts(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .receive = (struct fake_receive[]){{"C", .bindings = "0.0.0.0:25 10.1.1.1:2525"},
                                           {"off", .bindings = "0.0.0.0:27", .is_disabled = true},
                                           {0}}});
    static const struct {
        const char *endpoint;
        bool is_own;
    } CASES[] = {
        {"127.0.0.1:25", true},  {"127.0.0.2:25", true}, {"127.0.0.1:26", false},  {"127.0.0.1:27", false},
        {"10.1.1.1:2525", true}, {"10.1.1.1:25", false}, {"10.1.1.2:2525", false}, {"[::1]:25", false},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct ip_endpoint host;
        assert_int_equal(ip_parse_endpoint(bytes_of_text(CASES[i].endpoint), &host), OK);
        assert_int_equal(
            smart_host_is_own(&host.address, host.port, organization->receive, organization->receive_count),
            CASES[i].is_own);
    }
    organization_unref(organization);
}

/* proves: C108 C242 C244 contract-7 */
static void test_rights(void **state)
{
    (void)state;
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .send = (struct fake_send[]){{"bare", .spaces = "SMTP:*", .smart_hosts = "[10.0.0.1]"},
                                     {"routing", .spaces = "SMTP:*", .smart_hosts = "[10.0.0.1]",
                                      .aces = "allow ms-Exch-Send-Headers-Routing to anonymous"},
                                     {0}}});
    assert_int_equal(organization->send[0].fixed[IDENTITY_ANONYMOUS].granted, 0);
    assert_int_equal(organization->send[1].fixed[IDENTITY_ANONYMOUS].granted,
                     RIGHT_BIT(RIGHT_SEND_HEADERS_ROUTING));
    assert_int_equal(organization->send[1].fixed[IDENTITY_HUB].granted, 0);
    organization_unref(organization);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_address_spaces, setup, teardown),
        cmocka_unit_test_setup_teardown(test_smart_hosts, setup, teardown),
        cmocka_unit_test(test_own_bindings_are_no_smart_hosts),
        cmocka_unit_test(test_rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

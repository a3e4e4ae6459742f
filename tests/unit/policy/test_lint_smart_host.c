/* Smart hosts that lead back to us, or to the link. */
/* fakes: organization */
#include "lint_run.h"

#define ROUTING "allow ms-Exch-Send-Headers-Routing to anonymous"
#define DN      "dn: CN=S,CN=Connections,CN=Contoso\nchangetype: modify\nreplace: "

static struct run lint_hosts(const char *hosts, uint16_t port)
{
    return lint(&(struct fake_organization){
        .receive = (struct fake_receive[]){{"Everybody", .ranges = ALL_V4, .groups = GROUP_ANONYMOUS_USERS},
                                           {"Bound", .bindings = "192.0.2.7:2525", .ranges = "10.0.0.1",
                                            .groups = GROUP_ANONYMOUS_USERS},
                                           {0}},
        .domains = DOMAINS,
        .send = (struct fake_send[]){
            {"S", .spaces = "SMTP:*;1", .smart_hosts = hosts, .port = port, .aces = ROUTING}, {0}}});
}

/* proves: R21 contract-4 contract-7 */
static void test_smart_hosts(void **state)
{
    static const struct {
        const char *hosts;
        uint16_t port;
        const char *rule; /* or NULL */
        const char *fix;
    } CASES[] = {
        {"[10.0.0.9],mail.example", 25, NULL, NULL},
        {"[192.0.2.5]", 25, "smart-host-is-self",
         DN "msExchSmtpSendEnabled\nmsExchSmtpSendEnabled: FALSE\n-\n"},
        {"[10.0.0.9],[192.0.2.5],mail.example", 25, "smart-host-is-self",
         DN "msExchSmtpSmartHost\nmsExchSmtpSmartHost: [10.0.0.9],mail.example\n-\n"},
        {"[192.0.2.5]", 26, NULL, NULL},   /* somebody else's port */
        {"[192.0.2.5]", 2525, NULL, NULL}, /* bound to another address of ours */
        {"[192.0.2.7]", 2525, "smart-host-is-self", NULL},
        {"[127.0.0.1]", 25, "smart-host-is-self", NULL},
        {"MX1.contoso.com", 25, "smart-host-is-self", NULL},
        {"mx1.contoso.com", 26, NULL, NULL},
        {"[169.254.169.254]", 25, "smart-host-link-local", NULL},
        {"[fe80::1]", 25, "smart-host-link-local", NULL},
    };
    struct ip_address own;
    (void)state;
    assert_int_equal(ip_parse_address(bytes_of_text("192.0.2.5"), &own), OK);
    machine.own[machine.own_count++] = own;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct run run = lint_hosts(CASES[i].hosts, CASES[i].port);
        const struct lint_finding *finding = CASES[i].rule == NULL ? NULL : find(&run, CASES[i].rule);
        for (size_t j = 0; CASES[i].rule == NULL && j < run.count; j++) {
            assert_null(strstr(run.findings[j].rule, "smart-host"));
        }
        if (finding != NULL) {
            assert_int_equal(finding->severity, LINT_ERROR);
        }
        if (finding != NULL && CASES[i].fix != NULL) {
            assert_string_equal(finding->fix, CASES[i].fix);
        }
        done(&run);
    }
    machine = (struct machine){0};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_smart_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Who may write connectors, by their descriptors and by what was tried. */
/* fakes: organization */
#include "lint_run.h"

#define DOMAIN_SID "S-1-5-21-1-2-3"

static struct ace ace_of(const char *sid, uint8_t type, uint32_t mask)
{
    struct ace ace = {.type = type, .mask = mask};
    assert_int_equal(sid_parse(bytes_of_text(sid), &ace.sid), OK);
    return ace;
}

/* One connector with this descriptor's DACL. */
static struct run lint_descriptor(struct ace *aces, size_t count)
{
    struct run run = {.organization = fake_organization_new(&(struct fake_organization){
                          .receive = (struct fake_receive[]){{"C", .ranges = "10.0.0.1"}, {0}},
                          .domains = DOMAINS,
                          .send = SEND})};
    struct receive_connector *connector = (struct receive_connector *)(uintptr_t)run.organization->receive;
    connector->grants_nothing = false;
    connector->access.acl = (struct acl){.state = ACL_PRESENT, .aces = aces, .count = count};
    arena_init(&run.arena, 1 << 20);
    assert_int_equal(lint_organization(run.organization, &facts, &run.arena, &run.findings, &run.count), OK);
    return run;
}

/* proves: contract-4 */
static void test_descriptors(void **state)
{
    enum { WRITE = 0x20, ALL = 0x10000000, DACL = 0x40000, READ = 0x10, CONTROL = 0x100 };
    (void)state;
    struct ace harmless[] = {
        ace_of("S-1-5-18", ACE_ALLOW, ALL),
        ace_of("S-1-5-32-544", ACE_ALLOW, ALL),
        ace_of(DOMAIN_SID "-512", ACE_ALLOW, WRITE),
        ace_of(DOMAIN_SID "-519", ACE_ALLOW, ALL),
        ace_of("S-1-5-11", ACE_ALLOW, READ | CONTROL),
        ace_of("S-1-1-0", ACE_DENY, ALL),
        {.type = ACE_ALLOW, .flags = ACE_FLAG_INHERIT_ONLY, .mask = ALL, .sid = *sid_known(SID_EVERYONE)},
    };
    struct run run = lint_descriptor(harmless, sizeof(harmless) / sizeof(harmless[0]));
    expect_rules(&run, "");
    done(&run);

    struct ace open[] = {
        ace_of("S-1-5-11", ACE_ALLOW_OBJECT, WRITE), ace_of(DOMAIN_SID "-1105", ACE_ALLOW, DACL),
        ace_of(DOMAIN_SID "-110", ACE_ALLOW, WRITE), ace_of(DOMAIN_SID "-1105", ACE_ALLOW, WRITE),
        ace_of(DOMAIN_SID "-513", ACE_ALLOW, WRITE),
    };
    run = lint_descriptor(open, sizeof(open) / sizeof(open[0]));
    expect_rules(&run, "writable-by-many! writable-by?");
    assert_non_null(strstr(run.findings[0].why, "by NT AUTHORITY\\Authenticated Users, " DOMAIN_SID "-513:"));
    assert_string_equal(run.findings[1].why,
                        "may be written, beside administrators, by " DOMAIN_SID "-1105, " DOMAIN_SID "-110");
    done(&run);
}

/* proves: contract-4 */
static void test_what_was_tried(void **state)
{
    const struct lint_write writes[] = {{"CN=a", .is_anonymous = false}, {"CN=b", .is_anonymous = true}};
    (void)state;
    facts.writes = writes;
    facts.write_count = 2;
    facts.are_other_writers_unseen = true;
    struct run run = lint_receive(NULL);
    expect_rules(&run, "writable-by-many! writable-by-relay writers-unseen?");
    assert_string_equal(run.findings[0].dn, "CN=b");
    assert_string_equal(run.findings[1].dn, "CN=a");
    done(&run);
    facts = (struct lint_facts){.machine = &machine};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_what_was_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Where a connection can go, and what becomes of mail where there is nowhere. */
/* fakes: delivery name_server smart_host organization */
#include "delivery/destination.h"
#include "fakes/delivery_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"

#include <cmocka.h>

static const struct fake_record RECORDS[] = {
    {"contoso.com", "MX", "20 backup.contoso.com"},
    {"contoso.com", "MX", "10 mx.contoso.com"},
    {"mx.contoso.com", "A", "203.0.113.1"},
    {"mx.contoso.com", "AAAA", "2001:db8:77::1"},
    {"backup.contoso.com", "CNAME", "host.contoso.com"},
    {"host.contoso.com", "A", "203.0.113.2"},
    {"alias.example", "CNAME", "contoso.com"},
    {"plain.example", "A", "203.0.113.3"},
    {"both.example", "MX", "10 six.example"},
    {"both.example", "A", "203.0.113.3"},
    {"six.example", "AAAA", "2001:db8:77::3"},
    {"null.example", "MX", "0 ."},
    {"nothing.example", "TXT", "text"},
    {"dangling.example", "MX", "10 gone.example"},
    {"broken.example", "SERVFAIL", ""},
    {"half.example", "MX", "10 broken.example"},
    {"second.example", "MX", "10 broken.example"},
    {"second.example", "MX", "20 plain.example"},
    {"ours.example", "MX", "10 mx1.contoso.com"},
    {"back.example", "MX", "10 plain.example"},
    {"back.example", "MX", "20 mx1.contoso.com"},
    {"back.example", "MX", "30 six.example"},
    {"local.example", "MX", "10 loop.example"},
    {"loop.example", "A", "127.0.0.1"},
    {"slow.example", "SILENT", ""},
    {"*.silent.example", "SILENT", ""},
    {0},
};

static int open_named_world(void **state)
{
    (void)state;
    fake_delivery_open_empty(&world);
    fake_delivery_set_dns(&world, RECORDS);
    return 0;
}

/* -- the question alone -- */

struct probe {
    struct destination destination;
    size_t done_count;
};

static void on_done(struct destination *destination)
{
    list_entry(destination, struct probe, destination)->done_count++;
}

static const struct organization *own_organization(void)
{
    static struct organization *organization;
    if (!organization)
        organization = fake_organization_new(&(struct fake_organization){
            .receive = (struct fake_receive[]){{"Default", .bindings = "0.0.0.0:25"}, {0}}});
    return organization;
}

/* "name=address …" of the targets, or the reply. */
static const char *find(const char *domain, bool is_smart_host, bool *out_is_permanent)
{
    static char text[2048];
    char address[IP_TEXT_SIZE];
    struct probe probe = {.destination.on_done = on_done};
    struct resolver *resolver;
    struct note note = {""};
    const struct resolver_config config = {.server = &world.names.endpoint};
    assert_int_equal(resolver_new(world.loop, &config, &resolver, &note), OK);
    const struct destination_question question = {domain, own_organization(), .port = 25};
    const struct smart_host host = {.name = domain};
    if (is_smart_host)
        assert_false(destination_find_host(&probe.destination, resolver, &host, &question));
    else
        destination_find_domain(&probe.destination, resolver, &question);
    assert_int_equal(probe.done_count, 0);
    fake_delivery_wait(&world, &probe.done_count, 1);
    text[0] = '\0';
    for (size_t i = 0; i < probe.destination.count; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, "%s%s=%s", i ? " " : "",
                       probe.destination.targets[i].name,
                       ip_format_address(&probe.destination.targets[i].address, address));
    }
    if (probe.destination.count == 0)
        (void)snprintf(text, sizeof text, "%.*s", BYTES_ARG(probe.destination.reply));
    *out_is_permanent = probe.destination.is_permanent;
    destination_done(&probe.destination);
    resolver_free(resolver);
    fake_delivery_settle(&world);
    return text;
}

static const char *look_up(const char *domain, bool *out_is_permanent)
{
    return find(domain, false, out_is_permanent);
}

/* proves: R14 */
static void test_what_the_dns_says(void **state)
{
    (void)state;
    static const struct {
        const char *domain;
        const char *targets;
        bool is_permanent;
    } ROWS[] = {
        {"contoso.com",
         "mx.contoso.com=2001:db8:77::1 mx.contoso.com=203.0.113.1 backup.contoso.com=203.0.113.2", false},
        {"alias.example",
         "mx.contoso.com=2001:db8:77::1 mx.contoso.com=203.0.113.1 backup.contoso.com=203.0.113.2", false},
        {"plain.example", "plain.example=203.0.113.3", false},
        {"six.example", "six.example=2001:db8:77::3", false},
        {"second.example", "plain.example=203.0.113.3", false},
        {"back.example", "plain.example=203.0.113.3", false},
        {"null.example", "556 5.1.10 The domain does not accept mail (null MX)", true},
        {"missing.example", "550 5.1.2 The domain does not exist", true},
        {"nothing.example", "550 5.4.4 The domain's mail exchangers have no usable address", true},
        {"dangling.example", "550 5.4.4 The domain's mail exchangers have no usable address", true},
        {"broken.example", "451 4.4.3 The domain cannot be looked up now", false},
        {"half.example", "451 4.4.3 The domain's mail exchangers cannot be looked up now", false},
        {"ours.example", "550 5.4.6 Routing loop: the domain's mail exchanger is this server", true},
        {"local.example", "550 5.4.6 Routing loop: the domain's mail exchanger is this server", true},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        bool is_permanent;
        assert_string_equal(look_up(ROWS[i].domain, &is_permanent), ROWS[i].targets);
        assert_int_equal(is_permanent, ROWS[i].is_permanent);
    }
}

/* Its own addresses, else its exchangers'; never permanent: the administrator may mend it. */
/* proves: C140 R14 */
static void test_the_name_of_a_smart_host(void **state)
{
    (void)state;
    static const char *const ROWS[][2] = {
        {"plain.example", "plain.example=203.0.113.3"},
        {"both.example", "both.example=203.0.113.3"},
        {"contoso.com",
         "mx.contoso.com=2001:db8:77::1 mx.contoso.com=203.0.113.1 backup.contoso.com=203.0.113.2"},
        {"missing.example", "451 4.4.4 The smart host has no address"},
        {"nothing.example", "451 4.4.4 The smart host has no address"},
        {"null.example", "451 4.4.3 The domain does not accept mail (null MX)"},
        {"ours.example", "451 4.4.3 Routing loop: the domain's mail exchanger is this server"},
        {"broken.example", "451 4.4.3 The smart host's name cannot be resolved"},
    };
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        bool is_permanent;
        assert_string_equal(find(ROWS[i][0], true, &is_permanent), ROWS[i][1]);
        assert_false(is_permanent);
    }
}

static void test_a_question_is_taken_back(void **state)
{
    (void)state;
    struct probe probe = {.destination.on_done = on_done};
    struct resolver *resolver;
    struct note note = {""};
    const struct resolver_config config = {.server = &world.names.endpoint};
    assert_int_equal(resolver_new(world.loop, &config, &resolver, &note), OK);
    const struct destination_question question = {"slow.example", own_organization(), .port = 25};
    destination_find_domain(&probe.destination, resolver, &question);
    destination_cancel(&probe.destination);
    fake_delivery_wait(&world, &probe.done_count, 1);
    assert_int_equal(probe.destination.count, 0);
    assert_false(probe.destination.is_permanent);
    destination_done(&probe.destination);
    resolver_free(resolver);
}

/* -- what becomes of the mail -- */

static void wait_for_report(const char *domain, const char *reply)
{
    char recipient[100];
    (void)snprintf(recipient, sizeof recipient, "kate@%s", domain);
    uint64_t id = fake_delivery_put_small(&world, "", recipient); /* nobody to be told: it ends here */
    fake_delivery_wait_queue(&world, 0);
    (void)id;
    id = fake_delivery_put_small(&world, "chris@broken.example", recipient);
    fake_delivery_wait_queue(&world, 1); /* the report, which waits for the DNS */
    char part[200];
    (void)snprintf(part, sizeof part, "Diagnostic-Code: smtp; %s", reply);
    char report[8192];
    size_t len;
    assert_int_equal(world.spool->ops->read(world.spool, id + 1, 0, report, sizeof report, &len), OK);
    assert_true(bytes_find_text((struct bytes){report, len}, part) < len);
    fake_delivery_act(&world, id + 1, DELIVERY_REMOVE);
    fake_delivery_wait_queue(&world, 0);
}

/* proves: R14 C81 */
static void test_permanent_answers_bounce_at_once(void **state)
{
    (void)state;
    wait_for_report("null.example", "556 5.1.10 The domain does not accept mail (null MX)");
    wait_for_report("missing.example", "550 5.1.2 The domain does not exist");
    wait_for_report("ours.example", "550 5.4.6 Routing loop: the domain's mail exchanger is this server");
    wait_for_report("local.example", "550 5.4.6 Routing loop: the domain's mail exchanger is this server");
}

/* proves: R14 */
static void test_temporary_answers_wait(void **state)
{
    (void)state;
    uint64_t id = fake_delivery_put_small(&world, "a@b.example", "c@broken.example");
    fake_delivery_wait_attempts(&world, id, 1);
    assert_string_equal(fake_delivery_reply(&world, id), "451 4.4.3 The domain cannot be looked up now");
    fake_delivery_pass(&world, MINUTE_MS);
    fake_delivery_wait_attempts(&world, id, 2);
}

static void be_patient(struct send_connector *connector)
{
    connector->error_policy = ERROR_POLICY_DOWNGRADE_DNS_FAILURES;
}

/* ErrorPolicies: what the DNS says of a domain may be mended, and its mail waits for that. */
/* proves: facts-1.4 R14 */
static void test_a_patient_connector_returns_nothing(void **state)
{
    (void)state;
    static const char *const ROWS[][2] = {
        {"a@missing.example", "451 4.4.3 The domain does not exist"},
        {"a@null.example", "451 4.4.3 The domain does not accept mail (null MX)"},
        {"a@ours.example", "451 4.4.3 Routing loop: the domain's mail exchanger is this server"},
        {"a@dangling.example", "451 4.4.3 The domain's mail exchangers have no usable address"},
        {"a@broken.example", "451 4.4.3 The domain cannot be looked up now"},
    };
    fake_delivery_set(&world,
                      (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1", .adjust = be_patient}, {0}});
    for (size_t i = 0; i < sizeof ROWS / sizeof ROWS[0]; i++) {
        uint64_t id = fake_delivery_put_small(&world, "a@b.example", ROWS[i][0]);
        fake_delivery_wait_attempts(&world, id, 1);
        assert_string_equal(fake_delivery_reply(&world, id), ROWS[i][1]);
    }
    fake_delivery_wait_queue(&world, sizeof ROWS / sizeof ROWS[0]);
}

/* A hop for each domain, named by it; those of one message do not hold each other up. */
static void test_each_domain_is_a_hop(void **state)
{
    (void)state;
    uint64_t id = fake_delivery_put_small(&world, "", "a@null.example b@broken.example c@missing.example");
    fake_delivery_wait_attempts(&world, id, 1);
    struct arena arena;
    struct envelope envelope;
    fake_delivery_read(&world, id, &arena, &envelope);
    assert_int_equal(envelope.recipients[0].state, RECIPIENT_FAILED);
    assert_int_equal(envelope.recipients[1].state, RECIPIENT_PENDING);
    assert_int_equal(envelope.recipients[2].state, RECIPIENT_FAILED);
    assert_true(bytes_ends_nocase(envelope.hop, ".example"));
    arena_done(&arena);
}

/* Thousands of domains that do not exist come and go, and nothing of them stays. */
/* proves: R22 */
static void test_many_domains(void **state)
{
    (void)state;
    for (size_t i = 0; i < 1500; i++) {
        char recipient[64];
        (void)snprintf(recipient, sizeof recipient, "kate@d%zu.missing.example", i);
        fake_delivery_put_small(&world, "", recipient);
    }
    fake_delivery_wait_queue(&world, 0);
}

/* 1,000 destinations that do not answer, three messages each, and one that does: it is served as if it were
 * alone, before they are found dead and while they are. */
static void test_dead_destinations_hold_nobody_up(void **state)
{
    (void)state;
    fake_delivery_set(
        &world, (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1"},
                                     {"Live", .spaces = "SMTP:live.example;1", .smart_hosts = "[127.77.0.1]"},
                                     {0}});
    for (size_t i = 0; i < 3000; i++) {
        char recipient[64];
        (void)snprintf(recipient, sizeof recipient, "kate@d%zu.silent.example", i % 1000);
        fake_delivery_put_small(&world, "a@b.example", recipient);
    }
    for (size_t i = 0; i < 300; i++)
        fake_delivery_put_small(&world, "a@b.example", "kate@live.example");
    fake_delivery_wait(&world, &world.host.message_count, 300);
    fake_delivery_wait_queue(&world, 3000);

    clock_fake_advance(&world.clock, RESOLVER_TIMEOUT_MS); /* the questions are given up */
    for (size_t i = 0; i < 300; i++)
        fake_delivery_put_small(&world, "a@b.example", "kate@live.example");
    fake_delivery_wait(&world, &world.host.message_count, 600);
    fake_delivery_wait_queue(&world, 3000);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_named_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_the_dns_says),
        TEST(test_the_name_of_a_smart_host),
        TEST(test_a_question_is_taken_back),
        TEST(test_permanent_answers_bounce_at_once),
        TEST(test_temporary_answers_wait),
        TEST(test_a_patient_connector_returns_nothing),
        TEST(test_each_domain_is_a_hop),
        TEST(test_many_domains),
        TEST(test_dead_destinations_hold_nobody_up),
    };
    event_set_level(EVENT_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

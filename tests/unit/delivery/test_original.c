/* The header as it leaves: the firewall of the send connector. */
/* fakes: delivery name_server smart_host organization */
#include "fakes/fake_delivery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/event.h"

#include <cmocka.h>

#define ROUTING      "Received: from a by b; Sat, 1 Jan 2028 00:00:00 +0000\r\nResent-From: <x@y.example>\r\n"
#define ORGANIZATION "X-MS-Exchange-Organization-SCL: 7\r\nx-ms-exchange-organization-authas: Internal\r\n"
#define FOREST       "X-MS-Exchange-Forest-Rules: yes\r\n"
#define PLAIN        "From: <a@b.example>\r\nSubject: =?utf-8?q?x?=\r\n\tfolded  \r\nX-Odd :value\r\n"
#define HOPS         "X-Dirrelay-Hops: 1\r\n" /* the Received field that is gone */
#define BODY         "\r\nReceived: in the body\r\n.\r\nend\r\n"

static void be_secured(struct send_connector *connector)
{
    connector->send_flags = SEND_AUTH_EXTERNAL_AUTHORITATIVE;
}

/* What arrives over a connector with these ACEs. */
static void check(const char *aces, void (*adjust)(struct send_connector *), const char *expected)
{
    struct fake_delivery world;
    fake_delivery_open_empty(&world);
    fake_delivery_set(&world,
                      (struct fake_send[]){{"Internet", .spaces = "SMTP:*;1", .smart_hosts = "[127.77.0.1]",
                                            .aces = aces, .adjust = adjust},
                                           {0}});
    fake_delivery_put(&world, "a@b.example", "c@d.example", ROUTING ORGANIZATION PLAIN FOREST BODY);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);
    struct bytes content = buffer_bytes(&world.host.content);
    if (!bytes_equal(content, bytes_of_text(expected)))
        print_message("%.*s\n", BYTES_ARG(content));
    assert_true(bytes_equal(content, bytes_of_text(expected)));
    char size[64];
    snprintf(size, sizeof size, "SIZE=%zu\r\n", strlen(expected)); /* what leaves, not what came */
    assert_true(fake_delivery_host_saw(&world.host, size));
    fake_delivery_close(&world);
}

/* proves: C215 C242 */
static void test_without_rights_all_three_classes_go(void **state)
{
    (void)state;
    check(NULL, NULL, PLAIN HOPS BODY);
}

/* proves: C218 C244 */
static void test_the_routing_right_keeps_received(void **state)
{
    (void)state;
    check("allow ms-Exch-Send-Headers-Routing to anonymous", NULL, ROUTING PLAIN BODY);
}

/* proves: C219 */
static void test_the_organization_right_keeps_its_class(void **state)
{
    (void)state;
    check("allow ms-Exch-Send-Headers-Organization to anonymous", NULL, ORGANIZATION PLAIN HOPS BODY);
}

/* proves: C220 */
static void test_the_forest_right_keeps_its_class(void **state)
{
    (void)state;
    check("allow ms-Exch-Send-Headers-Forest to anonymous", NULL, PLAIN FOREST HOPS BODY);
}

/* proves: C214 C246 */
static void test_with_all_rights_every_byte_stays(void **state)
{
    (void)state;
    check("allow ms-Exch-Send-Headers-Routing to anonymous\n"
          "allow ms-Exch-Send-Headers-Organization to anonymous\n"
          "allow ms-Exch-Send-Headers-Forest to anonymous",
          NULL, ROUTING ORGANIZATION PLAIN FOREST BODY);
}

/* A deny wins, and another peer's rights are not the peer's. */
/* proves: C213 C215 */
static void test_another_peers_rights_do_not_count(void **state)
{
    (void)state;
    check("allow * to externally-secured-servers", NULL, PLAIN HOPS BODY);
    check("allow * to anonymous\ndeny ms-Exch-Send-Headers-Routing to anonymous", NULL,
          ORGANIZATION PLAIN FOREST HOPS BODY);
}

/* proves: C214 C243 */
static void test_a_secured_peer_has_its_own_rights(void **state)
{
    (void)state;
    check("allow ms-Exch-Send-Headers-Organization to externally-secured-servers\n"
          "allow ms-Exch-Send-Headers-Routing to anonymous",
          be_secured, ORGANIZATION PLAIN HOPS BODY);
    check("allow * to externally-secured-servers", be_secured, ROUTING ORGANIZATION PLAIN FOREST BODY);
}

/* An ACE that cannot be read takes every right away. */
static void test_an_unreadable_ace_keeps_nothing(void **state)
{
    (void)state;
    check("allow * to anonymous\nallow ms-Exch-Nonsense to anonymous", NULL, PLAIN HOPS BODY);
}

/* proves: C215 facts-6.1 */
static void test_a_report_shows_no_inner_headers(void **state)
{
    (void)state;
    struct fake_delivery world;
    fake_delivery_open_empty(&world);
    fake_delivery_set_hosts(&world, NULL, "allow * to anonymous");
    world.host.rules = (struct smart_host_rule[]){{"c@d.example", "550 5.1.1 No such user"}, {0}};
    fake_delivery_put(&world, "a@b.example", "c@d.example", ROUTING ORGANIZATION PLAIN FOREST BODY);
    fake_delivery_wait_queue(&world, 0);
    assert_int_equal(world.host.message_count, 1);
    assert_true(fake_delivery_host_saw(&world.host, "X-Odd :value"));
    assert_false(fake_delivery_host_saw(&world.host, "X-MS-Exchange-"));
    assert_false(fake_delivery_host_saw(&world.host, "Received: in the body"));
    fake_delivery_close(&world);
}

static void test_no_body_and_no_header(void **state)
{
    (void)state;
    static const char *const CONTENTS[] = {"Subject: x\r\n\r\n", "\r\nbody\r\n", "\r\n"};
    for (size_t i = 0; i < sizeof CONTENTS / sizeof CONTENTS[0]; i++) {
        struct fake_delivery world;
        fake_delivery_open(&world);
        uint64_t header_bytes = i == 0 ? 14 : 2;
        fake_delivery_put_split(&world, CONTENTS[i], header_bytes);
        fake_delivery_wait_queue(&world, 0);
        assert_int_equal(world.host.message_count, 1);
        assert_true(bytes_equal(buffer_bytes(&world.host.content), bytes_of_text(CONTENTS[i])));
        fake_delivery_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_rights_all_three_classes_go),
        cmocka_unit_test(test_the_routing_right_keeps_received),
        cmocka_unit_test(test_the_organization_right_keeps_its_class),
        cmocka_unit_test(test_the_forest_right_keeps_its_class),
        cmocka_unit_test(test_with_all_rights_every_byte_stays),
        cmocka_unit_test(test_another_peers_rights_do_not_count),
        cmocka_unit_test(test_a_secured_peer_has_its_own_rights),
        cmocka_unit_test(test_an_unreadable_ace_keeps_nothing),
        cmocka_unit_test(test_a_report_shows_no_inner_headers),
        cmocka_unit_test(test_no_body_and_no_header),
    };
    event_set_level(EVENT_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

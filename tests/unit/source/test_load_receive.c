/* Receive connectors: the two rules for bad values, validation, conflicts, open relay. */
#include "unit/source/fixture.h"

#include "organization/ip_number.h"

#define DN(name) "CN=" name "," RECEIVE_DN

/* proves: C59 D15 */
static void test_unreadable_range_or_binding_refuses_and_keeps_the_place(void **state)
{
    (void)state;
    static const char *const bad[] = {"msExchSmtpReceiveRemoteIPRanges: 10.0.0.9-10.0.0.1\n",
                                      "msExchSmtpReceiveRemoteIPRanges: 10.0.0.1,10.0.0.2\n",
                                      "msExchSmtpReceiveBindings: 10.0.0.1\n",
                                      "msExchSmtpReceiveBindings: 0.0.0.0:70000\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct fixture fixture;
        char ldif[2048];
        (void)snprintf(ldif, sizeof(ldif),
                       "dn: " DN("A") "\nobjectClass: msExchSmtpReceiveConnector\ncn: A\n" BASICS "%s\n%s",
                       bad[i],
                       RECEIVE("B", "msExchSmtpReceiveBindings: 0.0.0.0:27\n"
                                    "msExchSmtpReceiveRemoteIPRanges: 10.0.0.1\n"
                                    "dirrelayPermissionGroups: AnonymousUsers\n"));
        fixture_init(&fixture, ldif);
        fixture_load(&fixture);
        const struct receive_connector *a = fixture_receive(&fixture, "A");
        assert_non_null(a->refused);
        assert_int_equal(a->binding_count, 1);
        assert_int_equal(a->range_count, 1);
        assert_null(fixture_receive(&fixture, "B")->refused);
        fixture_done(&fixture);
    }
}

/* proves: D15 contract-3 */
static void test_the_previous_good_version_stays(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, RECEIVE("A", BASICS "msExchSmtpReceiveTarpitInterval: 7\n"));
    fixture_load(&fixture);
    fixture_put(&fixture, RECEIVE("A", BASICS "msExchSmtpReceiveRemoteIPRanges: 10.0.0.2\n"
                                              "msExchSmtpReceiveTarpitInterval: soon\n"));
    fixture_load(&fixture);
    const struct receive_connector *a = fixture_receive(&fixture, "A");
    assert_null(a->refused);
    assert_int_equal(a->tarpit_s, 7);
    assert_int_equal(a->range_count, 1); /* the version as a whole, not the parts that can be read */
    const struct refusal *refusal = fixture_refusal(&fixture, DN("A"), "\"soon\"");
    assert_non_null(refusal);
    assert_true(refusal->is_kept);
    /* Disabling is always heard, and an acknowledgement never outlives its value. */
    fixture_put(
        &fixture,
        RECEIVE("A", BASICS "msExchSmtpReceiveTarpitInterval: soon\nmsExchSmtpReceiveEnabled: FALSE\n"));
    fixture_load(&fixture);
    assert_false(fixture_receive(&fixture, "A")->is_enabled);
    /* Mended, the new values are in force. */
    fixture_put(&fixture, RECEIVE("A", BASICS "msExchSmtpReceiveTarpitInterval: 8\n"));
    fixture_load(&fixture);
    assert_int_equal(fixture_receive(&fixture, "A")->tarpit_s, 8);
    assert_int_equal(fixture.organization->refused_count, 0);
    fixture_done(&fixture);
}

/* proves: contract-3 */
static void test_permissions_never_come_from_an_earlier_version(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture,
                 RECEIVE("A", BASICS "dirrelayAce: allow ms-Exch-SMTP-Accept-Any-Recipient to anonymous\n"));
    fixture_load(&fixture);
    assert_true(anonymous_rights(fixture_receive(&fixture, "A")) &
                RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT));
    fixture_put(&fixture, RECEIVE("A", BASICS "msExchSmtpReceiveTarpitInterval: soon\n"));
    fixture_load(&fixture);
    const struct receive_connector *a = fixture_receive(&fixture, "A");
    assert_null(a->refused);
    assert_false(anonymous_rights(a) & RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT));
    fixture_done(&fixture);
}

/* proves: contract-3 D15 */
static void test_new_rights_do_not_meet_the_ranges_of_an_earlier_version(void **state)
{
    (void)state;
    static const char wide[] =
        "msExchSmtpReceiveBindings: 0.0.0.0:25\ndirrelayPermissionGroups: AnonymousUsers\n"
        "msExchSmtpReceiveRemoteIPRanges: 10.0.0.0/8\n";
    static const char narrow[] =
        "msExchSmtpReceiveBindings: 0.0.0.0:25\ndirrelayPermissionGroups: AnonymousUsers\n"
        "msExchSmtpReceiveRemoteIPRanges: 10.0.0.5x\n";
    const uint32_t relay = RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT);
    struct fixture fixture;
    char ldif[2048];
    (void)snprintf(ldif, sizeof(ldif),
                   "dn: " DN("A") "\nobjectClass: msExchSmtpReceiveConnector\ncn: A\n%s\n", wide);
    fixture_init(&fixture, ldif);
    fixture_load(&fixture);
    /* One host was to relay; its address is mistyped, and the whole of 10/8 must not. */
    (void)snprintf(ldif, sizeof(ldif),
                   "dn: " DN("A") "\nobjectClass: msExchSmtpReceiveConnector\ncn: A\n"
                                  "dirrelayAce: allow ms-Exch-SMTP-Accept-Any-Recipient to anonymous\n%s\n",
                   narrow);
    fixture_put(&fixture, ldif);
    fixture_load(&fixture);
    const struct receive_connector *a = fixture_receive(&fixture, "A");
    assert_null(a->refused);
    assert_int_equal(a->range_count, 1);
    assert_int_equal(anonymous_rights(a), 0);
    assert_has_text(a->grants_nothing_why, "10.0.0.5x");
    /* A right taken away is gone, and the others stay. */
    (void)snprintf(ldif, sizeof(ldif),
                   "dn: " DN("A") "\nobjectClass: msExchSmtpReceiveConnector\ncn: A\n"
                                  "dirrelayAce: deny ms-Exch-SMTP-Accept-Any-Sender to anonymous\n%s\n",
                   narrow);
    fixture_put(&fixture, ldif);
    fixture_load(&fixture);
    a = fixture_receive(&fixture, "A");
    assert_true(anonymous_rights(a) & RIGHT_BIT(RIGHT_SMTP_SUBMIT));
    assert_false(anonymous_rights(a) & RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_SENDER));
    /* Where the earlier version reaches nobody else, new rights count at once. */
    (void)snprintf(ldif, sizeof(ldif),
                   "dn: " DN("A") "\nobjectClass: msExchSmtpReceiveConnector\ncn: A\n"
                                  "dirrelayAce: allow ms-Exch-SMTP-Accept-Any-Recipient to anonymous\n"
                                  "msExchSmtpReceiveTarpitInterval: soon\n%s\n",
                   wide);
    fixture_put(&fixture, ldif);
    fixture_load(&fixture);
    assert_true(anonymous_rights(fixture_receive(&fixture, "A")) & relay);
    fixture_done(&fixture);
}

/* proves: contract-3 D15 */
static void test_a_refused_connector_keeps_the_place_it_had(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, RECEIVE("A", BASICS));
    fixture_load(&fixture);
    fixture_put(&fixture, RECEIVE("A", "msExchSmtpReceiveBindings: 0.0.0.0:25\n"
                                       "msExchSmtpReceiveRemoteIPRanges: 10.0.0.1x\n"
                                       "msExchSmtpReceiveMaxMessagesPerConnection: 5\n"));
    fixture_load(&fixture);
    const struct receive_connector *a = fixture_receive(&fixture, "A");
    assert_has_text(a->refused, "msExchSmtpReceiveMaxMessagesPerConnection");
    assert_int_equal(a->range_count, 1);
    assert_int_equal(ip_number_span(&a->ranges[0]), 0);
    fixture_done(&fixture);
}

/* proves: contract-1 */
static void test_what_a_rule_forbids_is_refused_whatever_was_before(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, RECEIVE("A", BASICS));
    fixture_load(&fixture);
    fixture_put(&fixture, RECEIVE("A", BASICS "msExchSMTPReceiveInboundSecurityFlag: 0\n"
                                              "msExchSmtpReceiveProtocolRestrictions: 8\n"));
    fixture_load(&fixture);
    assert_non_null(fixture_receive(&fixture, "A")->refused);
    fixture_put(&fixture, RECEIVE("A", BASICS "msExchSmtpReceiveConnectionInactivityTimeout: 601\n"));
    fixture_load(&fixture);
    assert_non_null(fixture_receive(&fixture, "A")->refused);
    fixture_done(&fixture);
}

/* proves: C1 C4 contract-3 */
static void test_an_open_relay_is_not_started(void **state)
{
    (void)state;
    static const char *const open[] = {
        "dirrelayAce: allow ms-Exch-SMTP-Accept-Any-Recipient to anonymous\n",
        "dirrelayAce: allow * to everyone\n",
    };
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        char ldif[2048];
        const char *head = "dn: " DN("A") "\nobjectClass: msExchSmtpReceiveConnector\ncn: A\n"
                                          "msExchSmtpReceiveBindings: 0.0.0.0:25\n"
                                          "msExchSmtpReceiveRemoteIPRanges: 0.0.0.0-255.255.255.255\n"
                                          "dirrelayPermissionGroups: AnonymousUsers\n";
        (void)snprintf(ldif, sizeof(ldif), "%s%s\n", head, open[i]);
        fixture_init(&fixture, ldif);
        fixture_load(&fixture);
        assert_has_text(fixture_receive(&fixture, "A")->refused, "would be an open relay");
        (void)snprintf(ldif, sizeof(ldif), "%s%sdirrelayAllowOpenRelay: TRUE\n\n", head, open[i]);
        fixture_put(&fixture, ldif);
        fixture_load(&fixture);
        assert_null(fixture_receive(&fixture, "A")->refused);
        fixture_done(&fixture);
    }
}

/* proves: facts-7 contract-3 */
static void test_conflicts(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, RECEIVE("Young", BASICS "createTimestamp: 20260202000000Z\n")
                               RECEIVE("Old", BASICS "createTimestamp: 20260101000000Z\n"));
    fixture_load(&fixture);
    assert_null(fixture_receive(&fixture, "Old")->refused);
    assert_has_text(fixture_receive(&fixture, "Young")->refused, "Old");
    fixture_done(&fixture);
    /* The one already serving stays, however old the other. */
    fixture_init(&fixture, RECEIVE("Young", BASICS "createTimestamp: 20260202000000Z\n"));
    fixture_load(&fixture);
    fixture_put(&fixture, RECEIVE("Old", BASICS "createTimestamp: 20260101000000Z\n"));
    fixture_load(&fixture);
    assert_null(fixture_receive(&fixture, "Young")->refused);
    assert_non_null(fixture_receive(&fixture, "Old")->refused);
    /* One that serves and is changed into a conflict loses too. */
    fixture_put(&fixture,
                RECEIVE("Old", "createTimestamp: 20260101000000Z\ndirrelayPermissionGroups: AnonymousUsers\n"
                               "msExchSmtpReceiveBindings: 0.0.0.0:26\n"
                               "msExchSmtpReceiveRemoteIPRanges: 10.0.0.1\n"));
    fixture_load(&fixture);
    assert_null(fixture_receive(&fixture, "Old")->refused);
    fixture_put(&fixture, RECEIVE("Old", BASICS "createTimestamp: 20260101000000Z\n"));
    fixture_load(&fixture);
    assert_null(fixture_receive(&fixture, "Young")->refused);
    assert_non_null(fixture_receive(&fixture, "Old")->refused);
    fixture_done(&fixture);
}

static void test_name(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture, "dn: CN=a\\5Cb," RECEIVE_DN
                           "\nobjectClass: msExchSmtpReceiveConnector\ncn: a\\b\n" BASICS "\n");
    fixture_load(&fixture);
    assert_has_text(fixture.organization->receive[0].refused, "backslash");
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unreadable_range_or_binding_refuses_and_keeps_the_place),
        cmocka_unit_test(test_the_previous_good_version_stays),
        cmocka_unit_test(test_permissions_never_come_from_an_earlier_version),
        cmocka_unit_test(test_a_refused_connector_keeps_the_place_it_had),
        cmocka_unit_test(test_new_rights_do_not_meet_the_ranges_of_an_earlier_version),
        cmocka_unit_test(test_what_a_rule_forbids_is_refused_whatever_was_before),
        cmocka_unit_test(test_an_open_relay_is_not_started),
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Receive connectors: every attribute of facts 1.3 with its default and range. */
#include "unit/source/fixture.h"

#define DN(name) "CN=" name "," RECEIVE_DN

struct number {
    const char *name;
    size_t offset;
    int64_t minimum;
    int64_t maximum;
    int64_t fallback;
    bool is_closed; /* nothing enforces it yet: only the default is taken */
};

#define FIELD(name) offsetof(struct receive_connector, name)

/* Facts 1.3 by hand, apart from the loader's table; -1 and 0 are what an absent limit means. */
static const struct number numbers[] = {
    {"msExchSmtpReceiveConnectionTimeout", FIELD(connection_timeout_s), 1, 86400, 600, false},
    {"msExchSmtpReceiveConnectionInactivityTimeout", FIELD(inactivity_timeout_s), 1, 86400, 300, false},
    {"msExchSMTPReceiveRelayControl", FIELD(message_rate_limit), 1, 2147483647, 0, false},
    {"msExchSMTPReceiveMessageRateSource", FIELD(message_rate_source), 0, 3, 1, false},
    {"msExchSmtpReceiveMaxInboundConnections", FIELD(max_inbound_connections), 1, 2147483647, 0, false},
    {"msExchSmtpReceiveMaxInboundConnectionsPerSource", FIELD(max_inbound_connections_per_source), 1, 10000,
     0, false},
    {"msExchSMTPReceiveMaxInboundConnectionsPercPerSource", FIELD(max_inbound_percent_per_source), 1, 100, 2,
     false},
    {"msExchSmtpReceiveMaxHeaderSize", FIELD(max_header_bytes), 32768, 2147483647, 262144, false},
    {"msExchSmtpReceiveMaxHopCount", FIELD(max_hops), 1, 500, 30, false},
    {"msExchSmtpReceiveMaxLocalHopCount", FIELD(max_local_hops), 0, 50, 8, false},
    {"msExchSmtpReceiveMaxLogonFailures", FIELD(max_logon_failures), 0, 10, 3, false},
    {"msExchSmtpReceiveMaxMessageSize", FIELD(max_message_bytes), 65536, 2147483647, 37748736, false},
    {"msExchSmtpReceiveMaxRecipientsPerMessage", FIELD(max_recipients), 1, 512000, 200, false},
    {"msExchSmtpReceiveProtocolLoggingLevel", FIELD(protocol_logging), 0, 1, 0, false},
    {"msExchSmtpReceiveTarpitInterval", FIELD(tarpit_s), 0, 600, 5, false},
    {"msExchSmtpReceiveMaxAcknowledgementDelay", FIELD(max_acknowledgement_delay_s), 0, 600, 30, true},
};

/* Loads connector A with one more line; the fixture is the caller's to end. */
static const struct receive_connector *load_with(struct fixture *fixture, const char *attribute,
                                                 const char *value)
{
    char ldif[4096];
    /* Both time-outs at once, so that the rule between them is not what is tested. */
    bool is_inactivity = strcmp(attribute, "msExchSmtpReceiveConnectionInactivityTimeout") == 0;
    bool is_timeout = strcmp(attribute, "msExchSmtpReceiveConnectionTimeout") == 0;
    const char *other = is_inactivity && value[0] ? "msExchSmtpReceiveConnectionTimeout: 86400\n"
                        : is_timeout && value[0]  ? "msExchSmtpReceiveConnectionInactivityTimeout: 1\n"
                                                  : "";
    (void)snprintf(ldif, sizeof(ldif), "%s%s%s%s%s\n", RECEIVE("A", BASICS), other, value[0] ? attribute : "",
                   value[0] ? ": " : "", value);
    /* RECEIVE ends with an empty line: take it away, the lines belong to the record. */
    char *end = strstr(ldif, "\n\n");
    memmove(end + 1, end + 2, strlen(end + 2) + 1);
    fixture_init(fixture, ldif);
    fixture_load(fixture);
    return fixture_receive(fixture, "A");
}

static int64_t field_of(const struct receive_connector *connector, const struct number *number)
{
    return *(const uint32_t *)(const void *)((const char *)connector + number->offset);
}

static void check_value(const struct number *number, int64_t value, bool is_legal)
{
    struct fixture fixture;
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    const struct receive_connector *connector = load_with(&fixture, number->name, text);
    bool is_too_large = number->offset == FIELD(max_header_bytes) && value > RECEIVE_HEADER_BYTES_MAX;
    if (is_legal && is_too_large) {
        assert_has_text(connector->refused, "MaxHeaderSize above");
    } else if (is_legal && (!number->is_closed || value == number->fallback)) {
        if (connector->refused)
            fail_msg("%s %s: %s", number->name, text, connector->refused);
        assert_int_equal(field_of(connector, number), value);
    } else {
        assert_has_text(connector->refused, number->name);
        assert_has_text(connector->refused, is_legal ? "not supported yet" : "is not within");
        assert_non_null(fixture_refusal(&fixture, DN("A"), number->name));
    }
    fixture_done(&fixture);
}

/* proves: facts-1.3 contract-3 */
static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        const struct number *number = &numbers[i];
        struct fixture fixture;
        assert_int_equal(field_of(load_with(&fixture, number->name, ""), number), number->fallback);
        fixture_done(&fixture);
        check_value(number, number->minimum, true);
        check_value(number, number->maximum, true);
        check_value(number, number->minimum - 1, false);
        check_value(number, number->maximum + 1, false);
        static const char *const garbage[] = {"abc", "1 2", "0x10", "1.5", "99999999999999999999"};
        for (size_t j = 0; j < sizeof(garbage) / sizeof(garbage[0]); j++) {
            assert_has_text(load_with(&fixture, number->name, garbage[j])->refused, number->name);
            fixture_done(&fixture);
        }
    }
}

/* proves: facts-1.3 */
static void test_protocol_errors_absent_are_unlimited(void **state)
{
    (void)state;
    struct fixture fixture;
    const char *name = "msExchSmtpReceiveMaxProtocolErrors";
    assert_int_equal(load_with(&fixture, name, "")->max_protocol_errors, -1);
    fixture_done(&fixture);
    assert_int_equal(load_with(&fixture, name, "0")->max_protocol_errors, 0);
    fixture_done(&fixture);
    assert_has_text(load_with(&fixture, name, "-1")->refused, name);
    fixture_done(&fixture);
}

/* proves: facts-1.3 facts-2.1 facts-2.3 facts-2.4 contract-7 */
static void test_bits(void **state)
{
    (void)state;
    struct fixture fixture;
    const struct receive_connector *connector = load_with(&fixture, "", "");
    assert_int_equal(connector->auth_mechanism, 0);
    assert_int_equal(connector->protocol_options, 0x1BD);
    assert_int_equal(connector->protocol_restrictions, 0);
    assert_int_equal(connector->role, 0);
    fixture_done(&fixture);
    static const char *const unknown[][2] = {
        {"msExchSMTPReceiveInboundSecurityFlag", "64"},
        {"msExchSmtpReceiveProtocolOptions", "64"},
        {"msExchSmtpReceiveProtocolRestrictions", "1"},
        {"msExchSmtpReceiveRole", "1"},
        {"msExchSmtpReceiveRole", "96"},
        {"msExchSMTPReceiveInboundSecurityFlag", "-1"},
    };
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        assert_has_text(load_with(&fixture, unknown[i][0], unknown[i][1])->refused, unknown[i][0]);
        fixture_done(&fixture);
    }
    /* Mechanisms that are not built are not offered; they do not keep a connector from serving. */
    assert_null(load_with(&fixture, "msExchSMTPReceiveInboundSecurityFlag", "31")->refused);
    fixture_done(&fixture);
    /* RequireTLS without Tls. */
    assert_non_null(load_with(&fixture, "msExchSmtpReceiveProtocolRestrictions", "8")->refused);
    fixture_done(&fixture);
    fixture_init(&fixture, RECEIVE("A", BASICS));
    fixture.request.flavor = FLAVOR_AD;
    fixture_load(&fixture);
    assert_int_equal(fixture_receive(&fixture, "A")->auth_mechanism, 29);
    fixture_done(&fixture);
}

/* proves: facts-1.3 contract-1 */
static void test_what_nothing_enforces_refuses_by_name(void **state)
{
    (void)state;
    static const char *const closed[][2] = {
        {"msExchSmtpReceiveAdvertisedDomain", "x.example"},
        {"msExchSmtpReceiveTlsDomainCapabilities", "contoso.com:AcceptOrgHeaders"},
        {"msExchSMTPReceiveDefaultAcceptedDomainLink", "CN=contoso.com," DOMAINS_DN},
        {"msExchSmtpReceiveMaxMessagesPerConnection", "20"},
        {"msExchSmtpReceiveMaxConnectionRatePerMinute", "1200"},
        {"msExchSmtpReceivePostmasterAddress", "postmaster@contoso.com"},
        {"msExchSmtpReceiveExternallySecuredAs", "1"},
    };
    for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
        struct fixture fixture;
        const struct receive_connector *connector = load_with(&fixture, closed[i][0], closed[i][1]);
        assert_has_text(connector->refused, closed[i][0]);
        assert_has_text(connector->refused, "not supported yet");
        /* It keeps its place: the hosts do not fall to a wider connector. */
        assert_int_equal(connector->binding_count, 1);
        assert_int_equal(connector->range_count, 1);
        fixture_done(&fixture);
    }
    struct fixture fixture;
    assert_null(load_with(&fixture, "adminDescription", "for the printers")->refused);
    fixture_done(&fixture);
}

/* proves: contract-3 */
static void test_report_only(void **state)
{
    (void)state;
    struct fixture fixture;
    assert_int_equal(load_with(&fixture, "dirrelayReportOnly", "MS-Exch-SMTP-Accept-Any-Sender")->report_only,
                     RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_SENDER));
    fixture_done(&fixture);
    assert_has_text(load_with(&fixture, "dirrelayReportOnly", "ms-Exch-Bypass-Anti-Spam")->refused,
                    "a right whose want refuses nothing");
    fixture_done(&fixture);
    assert_has_text(load_with(&fixture, "dirrelayReportOnly", "everything")->refused,
                    "not the name of a right");
    fixture_done(&fixture);
}

/* proves: facts-1.3 facts-10.1 */
static void test_values_of_tls(void **state)
{
    (void)state;
    static const char *const names[] = {"msExchSmtpTLSCertificate", "msExchSmtpReceiveTlsCertificateName"};
    struct fixture fixture;
    assert_true(load_with(&fixture, "dirrelayImplicitTls", "TRUE")->implicit_tls);
    fixture_done(&fixture);
    assert_false(load_with(&fixture, "dirrelayImplicitTls", "FALSE")->implicit_tls);
    fixture_done(&fixture);
    for (size_t i = 0; i < 2; i++) {
        const struct receive_connector *connector = load_with(&fixture, names[i], "<I>CN=a<S>CN=b");
        assert_null(connector->refused);
        assert_string_equal(connector->tls_certificate_name, "<I>CN=a<S>CN=b");
        fixture_done(&fixture);
    }
    assert_has_text(load_with(&fixture, "msExchSmtpTLSCertificate", "mail.contoso.com")->refused,
                    "not <I>issuer<S>subject");
    fixture_done(&fixture);
}

/* proves: C50 C49 facts-1.3 */
static void test_bindings_and_ranges(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_init(&fixture,
                 RECEIVE("A", "dirrelayPermissionGroups: AnonymousUsers\n") RECEIVE(
                     "B", "msExchSmtpReceiveBindings: [::]:26\nmsExchSmtpReceiveBindings: 10.0.0.1:26\n"
                          "msExchSmtpReceiveBindings: 10.0.0.1:26\n"
                          "msExchSmtpReceiveRemoteIPRanges: 192.168.5.1/24\n"
                          "msExchSmtpReceiveRemoteIPRanges: 192.168.6.10-192.168.6.20\n"
                          "msExchSmtpReceiveRemoteIPRanges: fd00::1\n"));
    fixture_load(&fixture);
    char text[2 * IP_TEXT_SIZE];
    const struct receive_connector *a = fixture_receive(&fixture, "A");
    assert_int_equal(a->bindings[0].port, 25);
    assert_true(ip_is_any(&a->bindings[0].address));
    assert_string_equal(ip_format_range(&a->ranges[0], text), "0.0.0.0-255.255.255.255");
    const struct receive_connector *b = fixture_receive(&fixture, "B");
    assert_int_equal(b->binding_count, 2);
    assert_int_equal(b->range_count, 3);
    assert_string_equal(ip_format_range(&b->ranges[0], text), "192.168.5.0-192.168.5.255");
    fixture_done(&fixture);
}

/* proves: facts-1.3 facts-8.1 */
static void test_names(void **state)
{
    (void)state;
    struct fixture fixture;
    assert_string_equal(load_with(&fixture, "", "")->fqdn, "mx.contoso.com");
    fixture_done(&fixture);
    assert_string_equal(load_with(&fixture, "msExchSMTPReceiveConnectorFQDN", "Relay.Contoso.com")->fqdn,
                        "Relay.Contoso.com");
    fixture_done(&fixture);
    assert_has_text(load_with(&fixture, "msExchSMTPReceiveConnectorFQDN", "a b")->refused, "FQDN");
    fixture_done(&fixture);
    assert_string_equal(load_with(&fixture, "msExchSmtpReceiveBanner", "220 hello")->banner, "220 hello");
    fixture_done(&fixture);
    const struct receive_connector *odd = load_with(&fixture, "msExchSmtpReceiveBanner", "hello");
    assert_null(odd->banner);
    assert_null(odd->refused);
    assert_non_null(fixture_refusal(&fixture, DN("A"), "msExchSmtpReceiveBanner"));
    fixture_done(&fixture);
    /* "220 a\r\n250 b" in base64: a reply of two lines may not be smuggled in. */
    fixture_init(&fixture, RECEIVE("A", BASICS "msExchSmtpReceiveBanner:: MjIwIGENCjI1MCBi\n"));
    fixture_load(&fixture);
    assert_has_text(fixture_receive(&fixture, "A")->refused, "msExchSmtpReceiveBanner");
    fixture_done(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_protocol_errors_absent_are_unlimited),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_what_nothing_enforces_refuses_by_name),
        cmocka_unit_test(test_report_only),
        cmocka_unit_test(test_values_of_tls),
        cmocka_unit_test(test_bindings_and_ranges),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

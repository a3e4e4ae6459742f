/* What connectors are given by their usage. */
#include "organization/usage_type.h"

#include "organization/ace_text.h"
#include "organization/send_connector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const enum permission_model OLD = PERMISSION_MODEL_2007;
static const enum permission_model NEW = PERMISSION_MODEL_2010;

static void expect(const char *name, enum permission_model model, bool is_edge, uint32_t mechanism,
                   uint32_t groups, uint32_t more_options)
{
    enum usage_type usage;
    struct receive_usage made;
    assert_true(usage_type_by_name(bytes_of_text(name), &usage));
    usage_type_receive(usage, model, is_edge, &made);
    assert_int_equal(made.auth_mechanism, mechanism);
    assert_int_equal(made.groups, groups);
    assert_int_equal(made.protocol_options, PROTOCOL_OPTIONS_DEFAULT | more_options);
}

/* proves: C236 C237 C238 C239 C240 C241 contract-7 facts-2.1 */
static void test_receive(void **state)
{
    (void)state;
    expect("client", OLD, false, 13, GROUP_EXCHANGE_USERS, 0);
    expect("Client", NEW, false, 15, GROUP_EXCHANGE_USERS, 0);
    expect("Custom", OLD, false, 0, 0, 0);
    expect("Custom", NEW, false, 0, 0, 0);
    expect("Internal", OLD, false, 16, GROUP_EXCHANGE_SERVERS | GROUP_EXCHANGE_LEGACY_SERVERS, 0);
    expect("Internal", OLD, true, 16, GROUP_EXCHANGE_SERVERS, 0);
    expect("Internal", NEW, false, 17, GROUP_EXCHANGE_SERVERS | GROUP_EXCHANGE_LEGACY_SERVERS,
           OPTION_SIZE_HIDDEN);
    expect("Internal", NEW, true, 17, GROUP_EXCHANGE_SERVERS, 0);
    expect("Internet", OLD, false, 0, GROUP_ANONYMOUS_USERS | GROUP_PARTNERS, 0);
    expect("INTERNET", NEW, false, 1, GROUP_ANONYMOUS_USERS | GROUP_PARTNERS, 0);
    expect("Partner", NEW, false, 1, GROUP_PARTNERS, OPTION_DOMAIN_SECURE);
}

static void test_no_such_usage(void **state)
{
    enum usage_type usage;
    (void)state;
    assert_false(usage_type_by_name(BYTES_LITERAL("Partners"), &usage));
}

static bool has_line(const struct send_usage *made, const char *line)
{
    for (size_t i = 0; made->aces[i] != NULL; i++) {
        if (strcmp(made->aces[i], line) == 0) {
            return true;
        }
    }
    return false;
}

/* proves: C242 C243 C244 C245 contract-7 facts-5.2 */
static void test_send(void **state)
{
    struct send_usage made;
    (void)state;
    assert_false(usage_type_send(USAGE_CLIENT, OLD, &made));
    assert_false(usage_type_send(USAGE_CLIENT, NEW, &made));
    for (int model = 0; model < 2; model++) {
        assert_true(usage_type_send(USAGE_CUSTOM, (enum permission_model)model, &made));
        assert_null(made.aces[0]);
    }
    assert_true(usage_type_send(USAGE_INTERNET, OLD, &made));
    assert_true(has_line(&made, "allow ms-Exch-Send-Headers-Routing to anonymous"));
    assert_null(made.aces[1]);
    assert_true(usage_type_send(USAGE_PARTNER, OLD, &made));
    assert_string_equal(made.aces[0], "allow ms-Exch-Send-Headers-Routing to partner-servers");
    assert_null(made.aces[1]);
    assert_true(usage_type_send(USAGE_INTERNAL, OLD, &made));
    assert_int_equal(made.flags, SEND_AUTH_EXCHANGE_SERVER);
    assert_non_null(strstr(made.aces[3], "ms-Exch-Send-Headers-Organization to legacy-servers"));
    assert_true(usage_type_send(USAGE_INTERNET, NEW, &made));
    assert_true(
        has_line(&made, "allow ms-Exch-SMTP-Send-Exch50,ms-Exch-Send-Headers-Routing to legacy-servers"));
}

static void test_every_line_can_be_read(void **state)
{
    (void)state;
    for (int usage = USAGE_CUSTOM; usage <= USAGE_PARTNER; usage++) {
        for (int model = 0; model < 2; model++) {
            struct send_usage made;
            bool is_one = usage_type_send((enum usage_type)usage, (enum permission_model)model, &made);
            for (size_t i = 0; is_one && made.aces[i] != NULL; i++) {
                struct ace_text line;
                struct note note = {{0}};
                assert_int_equal(ace_text_parse(bytes_of_text(made.aces[i]), &line, &note), OK);
                assert_false(line.has_unknown_guid);
                assert_int_equal(line.trustee_kind, ACE_TRUSTEE_SID);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receive),
        cmocka_unit_test(test_no_such_usage),
        cmocka_unit_test(test_send),
        cmocka_unit_test(test_every_line_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

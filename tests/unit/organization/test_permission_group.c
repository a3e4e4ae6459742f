/* fakes: organization */
#include "fakes/fake_organization.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define BIT(name)      RIGHT_BIT(RIGHT_##name)
#define ANONYMOUS_2007 (BIT(SMTP_SUBMIT) | BIT(SMTP_ACCEPT_ANY_SENDER) | BIT(ACCEPT_HEADERS_ROUTING))
#define ANONYMOUS_2010 (ANONYMOUS_2007 | BIT(SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER))
#define USERS_2007     (BIT(SMTP_SUBMIT) | BIT(SMTP_ACCEPT_ANY_RECIPIENT) | BIT(BYPASS_ANTI_SPAM))
#define NINE                                                                                                 \
    (BIT(ACCEPT_HEADERS_ROUTING) | BIT(BYPASS_ANTI_SPAM) | BIT(BYPASS_MESSAGE_SIZE_LIMIT) |                  \
     BIT(SMTP_ACCEPT_ANY_RECIPIENT) | BIT(SMTP_ACCEPT_ANY_SENDER) | BIT(SMTP_ACCEPT_AUTHENTICATION_FLAG) |   \
     BIT(SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER) | BIT(SMTP_ACCEPT_EXCH50) | BIT(SMTP_SUBMIT))
#define ELEVEN (NINE | BIT(ACCEPT_HEADERS_ORGANIZATION) | BIT(ACCEPT_HEADERS_FOREST))
#define NEWER                                                                                                \
    (BIT(SMTP_ACCEPT_XSHADOW) | BIT(SMTP_ACCEPT_XPROXYFROM) | BIT(SMTP_ACCEPT_XSESSIONPARAMS) |              \
     BIT(SMTP_ACCEPT_XATTR) | BIT(SMTP_ACCEPT_XSYSPROBE) |                                                   \
     BIT(SMTP_ACCEPT_XMESSAGECONTEXT_ADRECIPIENTCACHE) |                                                     \
     BIT(SMTP_ACCEPT_XMESSAGECONTEXT_EXTENDEDPROPERTIES) | BIT(SMTP_ACCEPT_XMESSAGECONTEXT_FASTINDEX))
#define PARTNER       (BIT(SMTP_SUBMIT) | BIT(ACCEPT_HEADERS_ROUTING))
#define ANONYMOUS_SID "S-1-5-7"
#define USERS_SID     "S-1-5-11"
#define TRANSPORT_SID "S-1-9-1419165041-1139599005-3936102811-1022490595-"

/* One cell of table 6: what a lone SID holds on a connector that carries one group. */
struct cell {
    enum permission_group group;
    const char *sid;
    uint32_t hub_2007;
    uint32_t hub_2010;
    uint32_t edge_2007;
    uint32_t edge_2010;
};

static const struct cell TABLE_6[] = {
    {GROUP_ANONYMOUS_USERS, ANONYMOUS_SID, ANONYMOUS_2007, ANONYMOUS_2010, ANONYMOUS_2007, ANONYMOUS_2010},
    {GROUP_ANONYMOUS_USERS, USERS_SID, 0, 0, 0, 0},
    {GROUP_EXCHANGE_USERS, USERS_SID, USERS_2007, USERS_2007 | BIT(ACCEPT_HEADERS_ROUTING), 0,
     BIT(SMTP_SUBMIT) | BIT(SMTP_ACCEPT_ANY_RECIPIENT) | BIT(ACCEPT_HEADERS_ROUTING)},
    {GROUP_EXCHANGE_USERS, ANONYMOUS_SID, 0, 0, 0, 0},
    {GROUP_EXCHANGE_USERS, TRANSPORT_SID "10", 0, 0, 0, 0},
    {GROUP_EXCHANGE_USERS, TRANSPORT_SID "21", 0, 0, 0, 0},
    {GROUP_EXCHANGE_USERS, TRANSPORT_SID "23", 0, 0, 0, 0},
    {GROUP_EXCHANGE_SERVERS, FAKE_EXCHANGE_SERVERS_SID, ELEVEN, ELEVEN | NEWER, 0, 0},
    {GROUP_EXCHANGE_SERVERS, TRANSPORT_SID "21", ELEVEN, ELEVEN | NEWER, ELEVEN, ELEVEN | NEWER},
    {GROUP_EXCHANGE_SERVERS, TRANSPORT_SID "22", ELEVEN, ELEVEN | NEWER, ELEVEN, ELEVEN | NEWER},
    {GROUP_EXCHANGE_SERVERS, TRANSPORT_SID "23", NINE, NINE, NINE, NINE},
    {GROUP_EXCHANGE_SERVERS, TRANSPORT_SID "24", 0, 0, 0, 0},
    {GROUP_EXCHANGE_SERVERS, ANONYMOUS_SID, 0, 0, 0, 0},
    {GROUP_EXCHANGE_LEGACY_SERVERS, FAKE_LEGACY_INTEROP_SID, NINE, NINE, 0, 0},
    {GROUP_EXCHANGE_LEGACY_SERVERS, TRANSPORT_SID "24", NINE, NINE, 0, 0},
    {GROUP_PARTNERS, TRANSPORT_SID "10", PARTNER, PARTNER, PARTNER, PARTNER},
    {GROUP_PARTNERS, TRANSPORT_SID "23", 0, 0, 0, 0},
};

static uint32_t granted_to(const char *sid_text, uint32_t groups, const char *aces,
                           enum permission_model model, bool is_edge)
{
    struct organization *organization = fake_organization_new(&(struct fake_organization){
        .model = model,
        .is_edge = is_edge,
        .is_unchecked = true,
        .receive = (struct fake_receive[]){{"C", .groups = groups, .aces = aces}, {0}}});
    struct sid sid;
    assert_int_equal(sid_parse(bytes_of_text(sid_text), &sid), OK);
    struct token *token = token_new(&sid, NULL, 1);
    struct access_result result;
    const struct receive_connector *connector = &organization->receive[0];
    access_list_check(&connector->access, connector->grants_nothing, token, &result);
    token_unref(token);
    organization_unref(organization);
    return result.granted;
}

/* proves: C222 C224 C225 C226 C227 C228 C229 C230 C231 C232 C233 C234 C21 C22 C39 C93 facts-5.1 contract-7 */
static void test_table_6(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(TABLE_6) / sizeof(TABLE_6[0]); i++) {
        const struct cell *cell = &TABLE_6[i];
        assert_int_equal(granted_to(cell->sid, cell->group, NULL, PERMISSION_MODEL_2007, false),
                         cell->hub_2007);
        assert_int_equal(granted_to(cell->sid, cell->group, NULL, PERMISSION_MODEL_2010, false),
                         cell->hub_2010);
        assert_int_equal(granted_to(cell->sid, cell->group, NULL, PERMISSION_MODEL_2007, true),
                         cell->edge_2007);
        assert_int_equal(granted_to(cell->sid, cell->group, NULL, PERMISSION_MODEL_2010, true),
                         cell->edge_2010);
    }
}

/* The relay document's five rights, and four in the older model. */
/* proves: C20 C21 C67 C225 contract-7 */
static void test_method_1_gives_exactly_five_rights(void **state)
{
    (void)state;
    const char *ace = "allow Ms-Exch-SMTP-Accept-Any-Recipient to NT AUTHORITY\\ANONYMOUS LOGON";
    assert_int_equal(granted_to(ANONYMOUS_SID, GROUP_ANONYMOUS_USERS, ace, PERMISSION_MODEL_2010, false),
                     ANONYMOUS_2010 | BIT(SMTP_ACCEPT_ANY_RECIPIENT));
    assert_int_equal(granted_to(ANONYMOUS_SID, GROUP_ANONYMOUS_USERS, ace, PERMISSION_MODEL_2007, false),
                     ANONYMOUS_2007 | BIT(SMTP_ACCEPT_ANY_RECIPIENT));
}

/* The two deny ACEs of the legacy group win over an allow for the same principal. */
/* proves: facts-5.1 */
static void test_legacy_group_denies_forest_and_organization(void **state)
{
    (void)state;
    const char *ace = "allow * to legacy-servers";
    uint32_t old =
        granted_to(TRANSPORT_SID "24", GROUP_EXCHANGE_LEGACY_SERVERS, ace, PERMISSION_MODEL_2007, false);
    uint32_t new =
        granted_to(TRANSPORT_SID "24", GROUP_EXCHANGE_LEGACY_SERVERS, ace, PERMISSION_MODEL_2010, false);
    assert_int_equal(old, RIGHTS_ALL);
    assert_int_equal(new, RIGHTS_ALL & ~(BIT(ACCEPT_HEADERS_FOREST) | BIT(ACCEPT_HEADERS_ORGANIZATION)));
}

/* proves: C223 contract-3 */
static void test_names(void **state)
{
    (void)state;
    enum permission_group group;
    assert_true(permission_group_by_name(BYTES_LITERAL("anonymoususers"), &group));
    assert_int_equal(group, GROUP_ANONYMOUS_USERS);
    assert_true(permission_group_by_name(BYTES_LITERAL("Partner"), &group));
    assert_int_equal(group, GROUP_PARTNERS);
    assert_true(permission_group_by_name(BYTES_LITERAL("ExchangeLegacyServers"), &group));
    assert_int_equal(group, GROUP_EXCHANGE_LEGACY_SERVERS);
    assert_false(permission_group_by_name(BYTES_LITERAL("Custom"), &group));
    assert_false(permission_group_by_name(BYTES_LITERAL("SuperUsers"), &group));
    assert_false(permission_group_by_name(BYTES_LITERAL(""), &group));
    assert_string_equal(permission_group_name(GROUP_PARTNERS), "Partners");
}

/* proves: C226 C231 contract-7 */
static void test_availability(void **state)
{
    (void)state;
    assert_false(permission_group_is_available(GROUP_EXCHANGE_USERS, PERMISSION_MODEL_2007, true));
    assert_true(permission_group_is_available(GROUP_EXCHANGE_USERS, PERMISSION_MODEL_2010, true));
    assert_false(permission_group_is_available(GROUP_EXCHANGE_LEGACY_SERVERS, PERMISSION_MODEL_2007, true));
    assert_false(permission_group_is_available(GROUP_EXCHANGE_LEGACY_SERVERS, PERMISSION_MODEL_2010, true));
    assert_true(permission_group_is_available(GROUP_EXCHANGE_LEGACY_SERVERS, PERMISSION_MODEL_2007, false));
    assert_false(permission_group_is_available(GROUP_CUSTOM, PERMISSION_MODEL_2010, false));
}

/* A directory that does not name the two groups leaves their rows out and keeps the others. */
static void test_groups_the_directory_does_not_name(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct access_list_builder builder;
    access_list_builder_init(&builder, &arena);
    struct access_list list;
    assert_int_equal(permission_group_add(&builder, GROUP_EXCHANGE_SERVERS, PERMISSION_MODEL_2007, false,
                                          &(struct group_sids){NULL, NULL}, "CN=C"),
                     OK);
    assert_int_equal(access_list_finish(&builder, &list), OK);
    assert_int_equal(list.acl.count, 11 + 11 + 9);
    assert_string_equal(list.origins[0].group, "ExchangeServers");
    assert_string_equal(list.origins[0].text, "allow ms-Exch-SMTP-Submit to hub-servers");
    assert_string_equal(list.origins[0].from, "CN=C");
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_6),
        cmocka_unit_test(test_method_1_gives_exactly_five_rights),
        cmocka_unit_test(test_legacy_group_denies_forest_and_organization),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_availability),
        cmocka_unit_test(test_groups_the_directory_does_not_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

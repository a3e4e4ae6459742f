/* SIDs: text, binary, comparing, and the well-known ones by name. */
#include "security/sid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TRANSPORT "S-1-9-1419165041-1139599005-3936102811-1022490595-"

static struct sid sid_of(const char *text)
{
    struct sid sid;

    assert_int_equal(sid_parse(bytes_of_text(text), &sid), OK);
    return sid;
}

static void text_and_binary_are_the_same_sid(void **state)
{
    static const uint8_t wire[] = {1,    5,    0,    0,    0,    0,    0,    9,    0x71, 0xbd,
                                   0x96, 0x54, 0x9d, 0xe6, 0xec, 0x43, 0x9b, 0x29, 0x9c, 0xea,
                                   0xe3, 0xf7, 0xf1, 0x3c, 23,   0,    0,    0};
    struct sid parsed = sid_of(TRANSPORT "23"), decoded;
    char text[SID_TEXT_SIZE];
    uint8_t encoded[68];

    (void)state;
    assert_int_equal(sid_decode((struct bytes){(const char *)wire, sizeof(wire)}, &decoded), OK);
    assert_true(sid_equal(&parsed, &decoded));
    assert_int_equal(sid_compare(&parsed, &decoded), 0);
    assert_int_equal(sid_hash(&parsed), sid_hash(&decoded));
    assert_int_equal(sid_encode(&parsed, encoded), sizeof(wire));
    assert_memory_equal(encoded, wire, sizeof(wire));
    assert_string_equal(sid_format(&decoded, text), TRANSPORT "23");
}

static void authorities_past_32_bits_are_hexadecimal(void **state)
{
    struct sid sid = sid_of("s-1-0X1238C32726cb-3204531043");
    char text[SID_TEXT_SIZE];

    (void)state;
    assert_string_equal(sid_format(&sid, text), "S-1-0x1238c32726cb-3204531043");
    sid = sid_of("S-1-0x5-7");
    assert_string_equal(sid_format(&sid, text), "S-1-5-7");
}

static void the_longest_sid_fits_its_text(void **state)
{
    struct sid sid = {.count = SID_SUB_AUTHORITY_MAX, .authority = UINT64_C(0xffffffffffff)};
    struct sid again;
    char text[SID_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < SID_SUB_AUTHORITY_MAX; i++)
        sid.sub_authorities[i] = UINT32_MAX;
    again = sid_of(sid_format(&sid, text));
    assert_true(sid_equal(&sid, &again));
    assert_false(sid_append(&sid, 1, &again));
}

/* proves: D10 */
static void malformed_text_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "S",
        "S-",
        "S-1",
        "S-1-",
        "S-1-5",
        "S-1-5-",
        "S-1-5-7-",
        "S-1-5--7",
        "S-1--5-7",
        "S-1-5-+7",
        "S-1-5- 7",
        "S1-5-7",
        "S-2-5-7",
        "S-1-5-7a",
        "S-1-5-0x7",
        "S-1-4294967296-1",
        "S-1-0x-1",
        " S-1-5-7",
        "S-1-5-7 ",
        "S-1-5-4294967296",
        "S-1-0x1234567890123-1",
        "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
    };
    struct sid sid;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(sid_parse(bytes_of_text(texts[i]), &sid), ERROR_SYNTAX);
    assert_int_equal(sid_parse((struct bytes){"S-1-5-7\0", 8}, &sid), ERROR_SYNTAX);
}

/* proves: D10 */
static void malformed_binary_is_refused(void **state)
{
    uint8_t wire[80] = {1, 1, 0, 0, 0, 0, 0, 5, 7, 0, 0, 0};
    struct bytes binary = {(const char *)wire, 12};
    struct sid sid;

    (void)state;
    for (size_t len = 0; len < 12; len++)
        assert_int_equal(sid_decode(bytes_first(binary, len), &sid), ERROR_SYNTAX);
    assert_int_equal(sid_decode(binary, &sid), OK);
    assert_int_equal(sid_decode((struct bytes){(const char *)wire, 13}, &sid), ERROR_SYNTAX);
    wire[0] = 2;
    assert_int_equal(sid_decode(binary, &sid), ERROR_SYNTAX);
    wire[0] = 1;
    wire[1] = 16;
    assert_int_equal(sid_decode((struct bytes){(const char *)wire, 8 + 4 * 16}, &sid), ERROR_SYNTAX);
    wire[1] = 0;
    assert_int_equal(sid_decode((struct bytes){(const char *)wire, 8}, &sid), ERROR_SYNTAX);
}

static void the_order_is_total(void **state)
{
    static const char *const ascending[] = {"S-1-1-0",   "S-1-5-2",  "S-1-5-7",
                                            "S-1-5-7-1", "S-1-5-11", "S-1-9-0"};

    (void)state;
    for (size_t a = 0; a < 6; a++) {
        for (size_t b = 0; b < 6; b++) {
            struct sid left = sid_of(ascending[a]), right = sid_of(ascending[b]);
            int order = sid_compare(&left, &right);

            assert_int_equal((order > 0) - (order < 0), (a > b) - (a < b));
            assert_int_equal(sid_equal(&left, &right), a == b);
        }
    }
}

static void check_known(enum sid_known known, const char *text, const char *name, const char *windows_name)
{
    char formatted[SID_TEXT_SIZE];
    enum sid_known found = SID_KNOWN_COUNT;

    assert_string_equal(sid_format(sid_known(known), formatted), text);
    assert_string_equal(sid_known_name(known), name);
    assert_string_equal(sid_known_windows_name(known), windows_name);
    assert_string_equal(sid_display_name(sid_known(known)), windows_name);
    assert_true(sid_known_by_name(bytes_of_text(name), &found) && found == known);
    found = SID_KNOWN_COUNT;
    assert_true(sid_known_by_name(bytes_of_text(windows_name), &found) && found == known);
}

/* proves: facts-4 contract-3 */
static void windows_identities_have_their_sids(void **state)
{
    (void)state;
    check_known(SID_ANONYMOUS, "S-1-5-7", "anonymous", "NT AUTHORITY\\ANONYMOUS LOGON");
    check_known(SID_AUTHENTICATED, "S-1-5-11", "authenticated", "NT AUTHORITY\\Authenticated Users");
    check_known(SID_EVERYONE, "S-1-1-0", "everyone", "Everyone");
    check_known(SID_NETWORK, "S-1-5-2", "network", "NT AUTHORITY\\NETWORK");
}

/* proves: C195 facts-4 contract-3 */
static void partner_servers_have_their_sid(void **state)
{
    (void)state;
    check_known(SID_PARTNER_SERVERS, TRANSPORT "10", "partner-servers", "MS Exchange\\Partner Servers");
}

/* proves: C196 facts-4 contract-3 */
static void hub_servers_have_their_sid(void **state)
{
    (void)state;
    check_known(SID_HUB_SERVERS, TRANSPORT "21", "hub-servers", "MS Exchange\\Hub Transport Servers");
}

/* proves: C197 facts-4 contract-3 */
static void edge_servers_have_their_sid(void **state)
{
    (void)state;
    check_known(SID_EDGE_SERVERS, TRANSPORT "22", "edge-servers", "MS Exchange\\Edge Transport Servers");
}

/* proves: C198 facts-4 contract-3 */
static void externally_secured_servers_have_their_sid(void **state)
{
    (void)state;
    check_known(SID_EXTERNALLY_SECURED, TRANSPORT "23", "externally-secured-servers",
                "MS Exchange\\Externally Secured Servers");
}

/* proves: C199 facts-4 contract-3 */
static void legacy_servers_have_their_sid(void **state)
{
    (void)state;
    check_known(SID_LEGACY_SERVERS, TRANSPORT "24", "legacy-servers", "MS Exchange\\Legacy Exchange Servers");
}

/* proves: C194 contract-3 */
static void names_are_found_in_any_case_with_blanks_folded(void **state)
{
    enum sid_known found;

    (void)state;
    assert_true(sid_known_by_name(bytes_of_text("  Hub-SERVERS "), &found) && found == SID_HUB_SERVERS);
    assert_true(sid_known_by_name(bytes_of_text("nt authority\\anonymous   logon"), &found));
    assert_int_equal(found, SID_ANONYMOUS);
    assert_false(sid_known_by_name(bytes_of_text("nt authority\\anonymouslogon"), &found));
    assert_false(sid_known_by_name(bytes_of_text("hub-server"), &found));
    assert_false(sid_known_by_name(bytes_of_text("hub-servers2"), &found));
    assert_false(sid_known_by_name(bytes_of_text(""), &found));
}

/* proves: contract-3 */
static void transport_identities_are_told_from_others(void **state)
{
    struct sid sid = sid_of(TRANSPORT "99");

    (void)state;
    assert_true(sid_is_transport(sid_known(SID_EXTERNALLY_SECURED)));
    assert_true(sid_is_transport(&sid));
    assert_false(sid_is_transport(sid_known(SID_ANONYMOUS)));
    sid = sid_of("S-1-9-1419165041-1139599005-3936102811-1022490595");
    assert_false(sid_is_transport(&sid));
    sid = sid_of("S-1-9-1419165041-1139599005-3936102811-1022490596-23");
    assert_false(sid_is_transport(&sid));
    assert_null(sid_display_name(&sid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_binary_are_the_same_sid),
        cmocka_unit_test(authorities_past_32_bits_are_hexadecimal),
        cmocka_unit_test(the_longest_sid_fits_its_text),
        cmocka_unit_test(malformed_text_is_refused),
        cmocka_unit_test(malformed_binary_is_refused),
        cmocka_unit_test(the_order_is_total),
        cmocka_unit_test(windows_identities_have_their_sids),
        cmocka_unit_test(partner_servers_have_their_sid),
        cmocka_unit_test(hub_servers_have_their_sid),
        cmocka_unit_test(edge_servers_have_their_sid),
        cmocka_unit_test(externally_secured_servers_have_their_sid),
        cmocka_unit_test(legacy_servers_have_their_sid),
        cmocka_unit_test(names_are_found_in_any_case_with_blanks_folded),
        cmocka_unit_test(transport_identities_are_told_from_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

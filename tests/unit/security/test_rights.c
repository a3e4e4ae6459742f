/* The table of extended rights, row by row as facts 3 prints it, and its look-ups. */
#include "security/rights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* clang-format off */
static const struct {
    const char *name;
    const char *guid;
    const char *display_name;
    uint32_t bit;
    const char *log_name; /* NULL: the facts print none */
} printed[] = {
    {"ms-Exch-SMTP-Submit", "a18293f1-0685-4540-aa63-e32df421b3a2", "Submit Messages to Server", 0x1, "SMTPSubmit"},
    {"ms-Exch-SMTP-Submit-For-MLS", "8fc01282-006d-42b1-81e3-c0b46bed3754", "Submit Messages for MLS", 0x2, "SMTPSubmitForMLS"},
    {"ms-Exch-SMTP-Accept-Any-Recipient", "5c82f031-4e4c-4326-88e1-8c4f0cad9de5", "Submit Messages to any Recipient", 0x4, "SMTPAcceptAnyRecipient"},
    {"ms-Exch-SMTP-Accept-Authentication-Flag", "1c75aca8-b56b-48b3-a021-858a29fa877b", "Accept Authentication Flag", 0x8, "SMTPAcceptAuthenticationFlag"},
    {"ms-Exch-SMTP-Accept-Any-Sender", "b857b50b-94a2-4b53-93f6-41cebd2fced0", "Accept Any Sender", 0x10, "SMTPAcceptAnySender"},
    {"ms-Exch-SMTP-Accept-Authoritative-Domain-Sender", "c22841f4-96cb-498a-ac02-f9a87c74eb14", "Accept Authoritative Domain Sender", 0x20, "SMTPAcceptAuthoritativeDomainSender"},
    {"ms-Exch-Bypass-Anti-Spam", "d19299b4-86c2-4c9a-8fa7-acb70c63023a", "Bypass Anti-Spam", 0x40, "BypassAntiSpam"},
    {"ms-Exch-Bypass-Message-Size-Limit", "6760cfc5-70f4-4ae8-bc39-9522d86ac69b", "Bypass Message Size Limit", 0x80, "BypassMessageSizeLimit"},
    {"ms-Exch-SMTP-Send-Exch50", "11716db4-9647-4bce-8922-1f99e526cb41", "Send Exch50", 0x100, "SMTPSendEXCH50"},
    {"ms-Exch-SMTP-Accept-Exch50", "e373fb21-d851-4d15-af23-982f09f2400b", "Accept Exch50", 0x200, "SMTPAcceptEXCH50"},
    {"ms-Exch-Accept-Headers-Routing", "04031f4f-7c36-43ea-9b49-4bd0f5f1e6af", "Accept Routing Headers", 0x400, "AcceptRoutingHeaders"},
    {"ms-Exch-Accept-Headers-Forest", "a7a9ea66-e08c-4e23-8fe7-68c40e49c6c0", "Accept Forest Headers", 0x800, "AcceptForestHeaders"},
    {"ms-Exch-Accept-Headers-Organization", "c307dccd-6676-4d19-95c8-d1567fab9820", "Accept Organization Headers", 0x1000, "AcceptOrganizationHeaders"},
    {"ms-Exch-Send-Headers-Routing", "eb8c07ad-b5ad-49c3-831e-bc439cca4c2a", "Send Routing Headers", 0x2000, "SendRoutingHeaders"},
    {"ms-Exch-Send-Headers-Forest", "b3f9f977-552c-4ee6-9781-59280a81417b", "Send Forest Headers", 0x4000, "SendForestHeaders"},
    {"ms-Exch-Send-Headers-Organization", "2f7d0e23-f951-4ed0-8e71-39b6a22fa298", "Send Organization Headers", 0x8000, "SendOrganizationHeaders"},
    {"Send-As", "ab721a54-1e2f-11d0-9819-00aa0040529b", "Send As", 0x10000, "SendAs"},
    {"ms-Exch-SMTP-Send-XShadow", "5bc2acab-ad7d-4878-b6cd-3122a47c6a1c", "Send XShadow", 0x20000, "SMTPSendXShadow"},
    {"ms-Exch-SMTP-Accept-XShadow", "811d004b-e2ed-4024-8953-0f0fb0612e47", "Accept XShadow", 0x40000, "SMTPAcceptXShadow"},
    {"ms-Exch-SMTP-Accept-XProxyFrom", "5bee2b72-50d7-49c7-ba66-39a25daa1e92", "Accept XProxyFrom", 0x80000, "SMTPAcceptXProxyFrom"},
    {"ms-Exch-SMTP-Accept-XSessionParams", "c08e6405-fccb-4c21-9985-2e865bcf15d5", "Accept XSessionParams", 0x100000, "SMTPAcceptXSessionParams"},
    {"ms-Exch-SMTP-Accept-XMessageContext-ADRecipientCache", "b938d9df-1f37-41d3-8cdc-f4148f20076d", "XMessageContext AD Recipient Cache", 0x200000, NULL},
    {"ms-Exch-SMTP-Accept-XMessageContext-ExtendedProperties", "e1f584b5-11c8-451b-91e8-045c75973912", "XMessageContext Extended Properties", 0x400000, NULL},
    {"ms-Exch-SMTP-Accept-XMessageContext-FastIndex", "5669b1b6-dca0-429b-8fdb-fc5b07c0f73f", "XMessageContext Fast Index", 0x800000, NULL},
    {"ms-Exch-SMTP-Accept-XAttr", "c62e96a4-6f25-497b-8d41-70cbd25eaa99", "Accept XAttr", 0x1000000, "SMTPAcceptXAttr"},
    {"ms-Exch-SMTP-Accept-XSysProbe", "5db60ab1-1ad4-4863-b9be-fbc5b00691a3", "Accept XSysProbe", 0x2000000, "SMTPAcceptXSysProbe"},
};
/* clang-format on */

#define PRINTED_COUNT (sizeof(printed) / sizeof(printed[0]))

/* proves: facts-3 */
static void every_right_is_as_printed(void **state)
{
    (void)state;
    assert_int_equal(PRINTED_COUNT, RIGHT_COUNT);
    for (size_t i = 0; i < PRINTED_COUNT; i++) {
        const struct right_row *row = right_row((enum right)i);
        char guid[GUID_TEXT_SIZE];

        assert_string_equal(row->name, printed[i].name);
        assert_string_equal(right_name((enum right)i), printed[i].name);
        assert_string_equal(row->display_name, printed[i].display_name);
        assert_string_equal(guid_format(&row->guid, guid), printed[i].guid);
        assert_int_equal(RIGHT_BIT(i), printed[i].bit);
        if (printed[i].log_name)
            assert_string_equal(row->log_name, printed[i].log_name);
        assert_non_null(row->log_name);
    }
}

/* proves: facts-3 */
static void every_right_is_found_by_its_guid(void **state)
{
    (void)state;
    for (size_t i = 0; i < PRINTED_COUNT; i++) {
        enum right found = RIGHT_COUNT;
        struct guid guid;

        assert_int_equal(guid_parse(bytes_of_text(printed[i].guid), &guid), OK);
        assert_true(right_by_guid(&guid, &found));
        assert_int_equal(found, i);
        guid.octets[15] ^= 1;
        assert_false(right_by_guid(&guid, &found));
    }
}

/* proves: facts-3 */
static void other_guids_are_no_right_of_ours(void **state)
{
    static const char *const others[] = {
        "ab721a56-1e2f-11d0-9819-00aa0040529b", /* Receive-As, one bit from Send-As */
        "06386f89-befb-4e48-baa1-559fd9221f78", "d74a8762-22b9-11d3-aa62-00c04f8eedd8",
        "9fbec2a2-f761-11d9-963d-00065bbd3175", "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    };
    enum right found;

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct guid guid;

        assert_int_equal(guid_parse(bytes_of_text(others[i]), &guid), OK);
        assert_false(right_by_guid(&guid, &found));
    }
}

/* proves: facts-3 contract-3 */
static void names_are_found_in_any_case_and_both_spellings(void **state)
{
    enum right found;

    (void)state;
    for (size_t i = 0; i < PRINTED_COUNT; i++) {
        assert_true(right_by_name(bytes_of_text(printed[i].name), &found));
        assert_int_equal(found, i);
    }
    assert_true(right_by_name(bytes_of_text("Ms-Exch-SMTP-submit"), &found) && found == RIGHT_SMTP_SUBMIT);
    assert_true(right_by_name(bytes_of_text("ms-Exch-Send-Exch50"), &found));
    assert_int_equal(found, RIGHT_SMTP_SEND_EXCH50);
    assert_true(right_by_name(bytes_of_text("MS-EXCH-ACCEPT-EXCH50"), &found));
    assert_int_equal(found, RIGHT_SMTP_ACCEPT_EXCH50);
    assert_false(right_by_name(bytes_of_text("ms-Exch-SMTP-Submi"), &found));
    assert_false(right_by_name(bytes_of_text("ms-Exch-SMTP-Submit2"), &found));
    assert_false(right_by_name(bytes_of_text(""), &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_right_is_as_printed),
        cmocka_unit_test(every_right_is_found_by_its_guid),
        cmocka_unit_test(other_guids_are_no_right_of_ours),
        cmocka_unit_test(names_are_found_in_any_case_and_both_spellings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

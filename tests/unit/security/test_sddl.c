/* SDDL beyond the vectors: aliases of a domain, numbers, notes, ceilings, single ACEs. */
#include "security/sddl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct arena arena;
static struct buffer text;
static struct note note;

static enum error parse(const char *sddl, const struct sid *domain_sid, struct descriptor *out)
{
    arena_done(&arena);
    arena_init(&arena, DESCRIPTOR_ARENA_BYTES);
    return sddl_parse(bytes_of_text(sddl), domain_sid, &arena, out, &note);
}

static const char *format(const struct descriptor *descriptor)
{
    buffer_clear(&text);
    assert_int_equal(sddl_format(descriptor, &text, NULL), OK);
    assert_int_equal(buffer_append_byte(&text, '\0'), OK);
    return text.ptr;
}

static void check(const char *sddl, const struct sid *domain_sid, const char *canonical)
{
    struct descriptor descriptor;

    assert_int_equal(parse(sddl, domain_sid, &descriptor), OK);
    assert_string_equal(format(&descriptor), canonical);
}

/* proves: facts-9.5 contract-4 */
static void aliases_of_a_domain_need_its_sid(void **state)
{
    static const char *const aliases[] = {"DA", "DG", "DU", "DC", "DD", "CA", "SA", "EA", "PA",
                                          "LA", "LG", "RO", "RS", "CN", "AP", "KA", "EK"};
    static const unsigned rids[] = {512, 514, 513, 515, 516, 517, 518, 519, 520,
                                    500, 501, 498, 553, 522, 525, 526, 527};
    static const struct sid domain = {4, 5, {21, 1, 2, 3}};
    struct descriptor descriptor;

    (void)state;
    for (size_t i = 0; i < sizeof(rids) / sizeof(rids[0]); i++) {
        char sddl[] = "G:XX";

        memcpy(sddl + 2, aliases[i], 2);
        assert_int_equal(parse(sddl, NULL, &descriptor), ERROR_SYNTAX);
        assert_int_equal(parse(sddl, &domain, &descriptor), OK);
        assert_int_equal(descriptor.group.count, 5);
        assert_int_equal(descriptor.group.sub_authorities[4], rids[i]);
    }
    check("O:DAD:(A;;CR;;;DA)", &domain, "O:S-1-5-21-1-2-3-512D:(A;;CR;;;S-1-5-21-1-2-3-512)");
}

/* proves: facts-9.5 */
static void the_place_decides_what_two_letters_mean(void **state)
{
    static const struct sid domain = {4, 5, {21, 1, 2, 3}};

    (void)state;
    check("D:(A;;WD;;;WD)(A;;DC;;;DC)S:(AU;SAFA;FA;;;SA)", &domain,
          "D:(A;;WD;;;WD)(A;;DC;;;S-1-5-21-1-2-3-515)S:(AU;SAFA;0x1f01ff;;;S-1-5-21-1-2-3-518)");
}

static void masks_are_letters_or_numbers(void **state)
{
    (void)state;
    check("D:(A;;0x100;;;AN)", NULL, "D:(A;;CR;;;AN)");
    check("D:(A;;256;;;AN)", NULL, "D:(A;;CR;;;AN)");
    check("D:(A;;0400;;;AN)", NULL, "D:(A;;CR;;;AN)");
    check("D:(A;;037777777777;;;AN)", NULL, "D:(A;;0xffffffff;;;AN)");
    check("D:(A;;;;;AN)", NULL, "D:(A;;0x0;;;AN)");
    check("D:(A;;0;;;AN)", NULL, "D:(A;;0x0;;;AN)");
    check("D:(A;;RCCR;;;AN)", NULL, "D:(A;;CRRC;;;AN)");
}

static void numbers_past_32_bits_are_refused(void **state)
{
    static const char *const masks[] = {"4294967296", "040000000000", "0x100000000", "08", "0x", "1O"};
    struct descriptor descriptor;

    (void)state;
    for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
        char sddl[64] = "D:(A;;";

        strncat(sddl, masks[i], 20);
        strncat(sddl, ";;;AN)", 10);
        assert_int_equal(parse(sddl, NULL, &descriptor), ERROR_SYNTAX);
    }
}

static void letters_are_read_in_any_case_and_sections_in_any_order(void **state)
{
    (void)state;
    check("s:ai(au;fa;cr;;;wd)d:p(oa;ciio;cr;A18293F1-0685-4540-AA63-E32DF421B3A2;;an)g:syo:ba", NULL,
          "O:BAG:SYD:P(OA;CIIO;CR;a18293f1-0685-4540-aa63-e32df421b3a2;;AN)S:AI(AU;FA;CR;;;WD)");
}

/* proves: D11 facts-9.5 */
static void null_and_empty_dacls_are_written_apart(void **state)
{
    struct descriptor descriptor;

    (void)state;
    check("D:NO_ACCESS_CONTROL", NULL, "D:NO_ACCESS_CONTROL");
    check("D:PNO_ACCESS_CONTROLS:NO_ACCESS_CONTROL", NULL, "D:PNO_ACCESS_CONTROLS:NO_ACCESS_CONTROL");
    check("D:", NULL, "D:");
    check("O:BA", NULL, "O:BA");
    assert_int_equal(parse("", NULL, &descriptor), ERROR_SYNTAX);
}

static void a_note_names_the_place(void **state)
{
    struct descriptor descriptor;

    (void)state;
    assert_int_equal(parse("O:BAD:(A;;CR;;;AN)(OX;;CR;;;AN)", NULL, &descriptor), ERROR_SYNTAX);
    assert_string_equal(note.text, "unknown ACE type 'OX' at character 20");
    assert_int_equal(parse("O:BAD:(A;;CR;;;AN", NULL, &descriptor), ERROR_SYNTAX);
    assert_string_equal(note.text, "the ACE does not end behind its SID at character 18");
}

/* proves: D10 */
static void ten_thousand_aces_are_the_most(void **state)
{
    static const char ace[] = "(A;;CR;;;AN)";
    struct descriptor descriptor;
    struct buffer sddl;

    (void)state;
    buffer_init(&sddl, 1 << 20);
    for (size_t section = 0; section < 2; section++) {
        assert_int_equal(buffer_append_text(&sddl, section == 0 ? "D:" : "S:"), OK);
        for (size_t i = 0; i < DESCRIPTOR_ACE_MAX; i++)
            assert_int_equal(buffer_append_text(&sddl, ace), OK);
    }
    arena_done(&arena);
    arena_init(&arena, DESCRIPTOR_ARENA_BYTES);
    assert_int_equal(sddl_parse(buffer_bytes(&sddl), NULL, &arena, &descriptor, &note), OK);
    assert_int_equal(descriptor.dacl.count, DESCRIPTOR_ACE_MAX);
    assert_int_equal(descriptor.sacl.count, DESCRIPTOR_ACE_MAX);
    assert_int_equal(buffer_append_text(&sddl, ace), OK);
    assert_int_equal(sddl_parse(buffer_bytes(&sddl), NULL, &arena, &descriptor, &note), ERROR_LIMIT);
    buffer_done(&sddl);
}

static void check_ace(const struct ace *ace, const char *expected)
{
    buffer_clear(&text);
    assert_int_equal(sddl_format_ace(ace, &text), OK);
    assert_true(bytes_equal(buffer_bytes(&text), bytes_of_text(expected)));
}

static void single_aces_are_shown_whatever_their_type(void **state)
{
    struct ace ace = {.type = ACE_DENY, .flags = ACE_FLAG_INHERITED, .mask = 0x100, .sid = {1, 5, {7}}};

    (void)state;
    check_ace(&ace, "(D;ID;CR;;;AN)");
    ace.type = ACE_DENY_CALLBACK;
    check_ace(&ace, "(0x0a;ID;CR;;;AN)");
    ace = (struct ace){.type = 0x13, .flags = ACE_FLAG_CONTAINER_INHERIT, .is_opaque = true};
    check_ace(&ace, "(0x13;CI)");
}

static void types_without_letters_are_left_out_and_counted(void **state)
{
    struct ace aces[] = {
        {.type = ACE_ALLOW_CALLBACK, .mask = 0x100, .sid = {1, 5, {7}}},
        {.type = ACE_ALLOW, .mask = 0x100, .sid = {1, 5, {7}}},
        {.type = 0x13, .is_opaque = true},
    };
    struct descriptor descriptor = {.dacl = {.state = ACL_PRESENT, .count = 3, .aces = aces}};
    size_t left_out;

    (void)state;
    buffer_clear(&text);
    assert_int_equal(sddl_format(&descriptor, &text, &left_out), OK);
    assert_true(bytes_equal(buffer_bytes(&text), BYTES_LITERAL("D:(A;;CR;;;AN)")));
    assert_int_equal(left_out, 2);
}

static int start(void **state)
{
    (void)state;
    buffer_init(&text, 1 << 16);
    return 0;
}

static int end(void **state)
{
    (void)state;
    buffer_done(&text);
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aliases_of_a_domain_need_its_sid),
        cmocka_unit_test(the_place_decides_what_two_letters_mean),
        cmocka_unit_test(masks_are_letters_or_numbers),
        cmocka_unit_test(numbers_past_32_bits_are_refused),
        cmocka_unit_test(letters_are_read_in_any_case_and_sections_in_any_order),
        cmocka_unit_test(null_and_empty_dacls_are_written_apart),
        cmocka_unit_test(a_note_names_the_place),
        cmocka_unit_test(ten_thousand_aces_are_the_most),
        cmocka_unit_test(single_aces_are_shown_whatever_their_type),
        cmocka_unit_test(types_without_letters_are_left_out_and_counted),
    };

    return cmocka_run_group_tests(tests, start, end);
}

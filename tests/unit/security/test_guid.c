/* GUIDs: text and wire form. */
#include "security/guid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SUBMIT_TEXT "a18293f1-0685-4540-aa63-e32df421b3a2"

static const uint8_t submit_wire[16] = {0xf1, 0x93, 0x82, 0xa1, 0x85, 0x06, 0x40, 0x45,
                                        0xaa, 0x63, 0xe3, 0x2d, 0xf4, 0x21, 0xb3, 0xa2};

/* proves: facts-9.2 */
static void the_wire_form_swaps_the_first_three_fields(void **state)
{
    struct guid parsed, decoded = guid_decode(submit_wire);
    uint8_t wire[16];
    char text[GUID_TEXT_SIZE];

    (void)state;
    assert_int_equal(guid_parse(BYTES_LITERAL("A18293F1-0685-4540-aa63-E32df421B3A2"), &parsed), OK);
    assert_true(guid_equal(&parsed, &decoded));
    assert_string_equal(guid_format(&decoded, text), SUBMIT_TEXT);
    guid_encode(&parsed, wire);
    assert_memory_equal(wire, submit_wire, sizeof(wire));
}

/* proves: D10 */
static void malformed_text_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "a18293f1-0685-4540-aa63-e32df421b3a",
        SUBMIT_TEXT "0",
        "{a18293f1-0685-4540-aa63-e32df421b3}",
        "a18293f1_0685_4540_aa63_e32df421b3a2",
        "a18293f10-685-4540-aa63-e32df421b3a2",
        "a18293g1-0685-4540-aa63-e32df421b3a2",
        "a18293f106854540aa63e32df421b3a2",
        "a18293f1-0685-4540-aa63-e32df421b3a-",
    };
    struct guid guid;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(guid_parse(bytes_of_text(texts[i]), &guid), ERROR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wire_form_swaps_the_first_three_fields),
        cmocka_unit_test(malformed_text_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

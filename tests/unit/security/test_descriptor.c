/* The binary form beyond the vectors: states of a DACL, ceilings, unknown types kept byte for byte. */
#include "lib/descriptor_equal.h"
#include "security/access_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEADER(control, dacl)                                                                                \
    1, 0, (control)&0xff, (control) >> 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, dacl, 0, 0, 0
#define BINARY(array) ((struct bytes){(const char *)(array), sizeof(array)})

static struct arena arena;

static enum error decode(struct bytes binary, struct descriptor *out)
{
    struct note note = {0};
    enum error error;

    arena_done(&arena);
    arena_init(&arena, DESCRIPTOR_ARENA_BYTES);
    error = descriptor_decode(binary, &arena, out, &note);
    assert_int_equal(error == OK, note.text[0] == '\0');
    return error;
}

/* proves: D11 facts-9.2 facts-9.4 */
static void absent_null_and_empty_dacls_differ(void **state)
{
    static const uint8_t absent[] = {HEADER(0x8000, 0)};
    static const uint8_t absent_by_bit[] = {HEADER(0x8000, 20), 2, 0, 8, 0, 0, 0, 0, 0};
    static const uint8_t null[] = {HEADER(0x8004, 0)};
    static const uint8_t empty[] = {HEADER(0x8004, 20), 2, 0, 8, 0, 0, 0, 0, 0};
    static const uint8_t unreadable[] = {HEADER(0x8004, 20), 2, 0, 9, 0, 0, 0, 0, 0};
    struct descriptor descriptor;

    (void)state;
    assert_int_equal(decode(BINARY(absent), &descriptor), OK);
    assert_int_equal(descriptor.dacl.state, ACL_ABSENT);
    assert_int_equal(decode(BINARY(absent_by_bit), &descriptor), OK);
    assert_int_equal(descriptor.dacl.state, ACL_ABSENT);
    assert_int_equal(decode(BINARY(null), &descriptor), OK);
    assert_int_equal(descriptor.dacl.state, ACL_NULL);
    assert_int_equal(decode(BINARY(empty), &descriptor), OK);
    assert_int_equal(descriptor.dacl.state, ACL_PRESENT);
    assert_int_equal(descriptor.dacl.count, 0);
    assert_int_equal(decode(BINARY(unreadable), &descriptor), ERROR_SYNTAX);
}

/* proves: D10 */
static void revisions_nobody_knows_are_refused(void **state)
{
    uint8_t binary[] = {HEADER(0x8004, 20), 2, 0, 8, 0, 0, 0, 0, 0};
    struct descriptor descriptor;

    (void)state;
    for (unsigned revision = 0; revision < 256; revision++) {
        binary[0] = (uint8_t)revision;
        assert_int_equal(decode(BINARY(binary), &descriptor), revision == 1 ? OK : ERROR_SYNTAX);
    }
    binary[0] = 1;
    for (unsigned revision = 0; revision < 256; revision++) {
        binary[20] = (uint8_t)revision;
        assert_int_equal(decode(BINARY(binary), &descriptor),
                         revision == 2 || revision == 4 ? OK : ERROR_SYNTAX);
    }
}

/* proves: D10 */
static void a_descriptor_that_is_not_self_relative_is_refused(void **state)
{
    static const uint8_t binary[] = {HEADER(0x0004, 20), 2, 0, 8, 0, 0, 0, 0, 0};
    struct descriptor descriptor;

    (void)state;
    assert_int_equal(decode(BINARY(binary), &descriptor), ERROR_SYNTAX);
}

/* proves: D10 */
static void object_flags_nobody_knows_are_refused(void **state)
{
    uint8_t binary[] = {HEADER(0x8004, 20),
                        4,
                        0,
                        32,
                        0,
                        1,
                        0,
                        0,
                        0,
                        5,
                        0,
                        24,
                        0,
                        0,
                        1,
                        0,
                        0,
                        0,
                        0,
                        0,
                        0,
                        1,
                        1,
                        0,
                        0,
                        0,
                        0,
                        0,
                        5,
                        7,
                        0,
                        0,
                        0};
    struct descriptor descriptor;

    (void)state;
    assert_int_equal(decode(BINARY(binary), &descriptor), OK);
    binary[36] = 4;
    assert_int_equal(decode(BINARY(binary), &descriptor), ERROR_SYNTAX);
}

/* proves: D10 */
static void more_than_64_kib_is_refused(void **state)
{
    char *binary = calloc(1, DESCRIPTOR_BYTES_MAX + 1);
    static const uint8_t header[] = {HEADER(0x8000, 0)};
    struct descriptor descriptor;

    (void)state;
    assert_non_null(binary);
    memcpy(binary, header, sizeof(header));
    assert_int_equal(decode((struct bytes){binary, DESCRIPTOR_BYTES_MAX}, &descriptor), OK);
    assert_int_equal(decode((struct bytes){binary, DESCRIPTOR_BYTES_MAX + 1}, &descriptor), ERROR_LIMIT);
    free(binary);
}

/* An ACL of the smallest ACEs there are: header alone, type unknown. */
static enum error decode_opaque_aces(size_t count, struct descriptor *out)
{
    static const uint8_t header[] = {HEADER(0x8004, 20)};
    size_t size = 8 + 4 * count;
    char *binary = calloc(1, 20 + size);
    enum error error;

    assert_non_null(binary);
    memcpy(binary, header, sizeof(header));
    binary[20] = 2;
    binary[22] = (char)size;
    binary[23] = (char)(size >> 8);
    binary[24] = (char)count;
    binary[25] = (char)(count >> 8);
    for (size_t i = 0; i < count; i++) {
        binary[28 + 4 * i] = 0x40;
        binary[30 + 4 * i] = 4;
    }
    error = decode((struct bytes){binary, 20 + size}, out);
    free(binary);
    return error;
}

/* proves: D10 */
static void ten_thousand_aces_are_the_most(void **state)
{
    struct descriptor descriptor;
    struct access_result result;
    struct token *token = token_new(sid_known(SID_ANONYMOUS), NULL, 1);

    (void)state;
    assert_int_equal(decode_opaque_aces(DESCRIPTOR_ACE_MAX, &descriptor), OK);
    assert_int_equal(descriptor.dacl.count, DESCRIPTOR_ACE_MAX);
    access_check(&descriptor.dacl, token, &result);
    assert_int_equal(result.granted, 0);
    assert_int_equal(decode_opaque_aces(DESCRIPTOR_ACE_MAX + 1, &descriptor), ERROR_LIMIT);
    token_unref(token);
}

/* proves: D10 */
static void types_we_do_not_evaluate_are_kept_byte_for_byte(void **state)
{
    static const uint8_t binary[] = {
        HEADER(0x8004, 20), /* */
        2,
        0,
        64,
        0,
        3,
        0,
        0,
        0, /* ACL of three */
        0x13,
        0x12,
        12,
        0,
        'a',
        0,
        'b',
        0,
        0xff,
        0xfe,
        0xfd,
        0xfc, /* scoped policy */
        0x0a,
        0,
        24,
        0,
        0,
        1,
        0,
        0,
        1,
        1,
        0,
        0,
        0,
        0,
        0,
        5,
        7,
        0,
        0,
        0,
        'a',
        'r',
        't',
        'x', /* callback deny */
        0,
        0,
        20,
        0,
        0,
        1,
        0,
        0,
        1,
        1,
        0,
        0,
        0,
        0,
        0,
        5,
        7,
        0,
        0,
        0, /* allow */
    };
    struct descriptor descriptor;
    struct buffer again;

    (void)state;
    assert_int_equal(decode(BINARY(binary), &descriptor), OK);
    assert_true(descriptor.dacl.aces[0].is_opaque);
    assert_true(bytes_equal(descriptor.dacl.aces[1].body, BYTES_LITERAL("artx")));
    buffer_init(&again, DESCRIPTOR_BYTES_MAX);
    assert_int_equal(descriptor_encode(&descriptor, &again), OK);
    assert_true(bytes_equal(buffer_bytes(&again), BINARY(binary)));
    buffer_done(&again);
}

static void nothing_borrows_the_binary(void **state)
{
    uint8_t binary[] = {HEADER(0x8004, 20), 2, 0, 16, 0, 1, 0, 0, 0, 0x13, 0, 8, 0, 'k', 'e', 'e', 'p'};
    struct descriptor descriptor;

    (void)state;
    assert_int_equal(decode(BINARY(binary), &descriptor), OK);
    memset(binary, 0, sizeof(binary));
    assert_true(bytes_equal(descriptor.dacl.aces[0].body, BYTES_LITERAL("keep")));
}

static void what_can_not_be_encoded_leaves_the_buffer_alone(void **state)
{
    static struct ace aces[5000];
    struct descriptor descriptor = {
        .dacl = {.state = ACL_PRESENT, .revision = ACL_REVISION, .count = 5000, .aces = aces}};
    struct buffer out;

    (void)state;
    for (size_t i = 0; i < 5000; i++)
        aces[i] = (struct ace){.mask = 1, .sid = {1, 5, {7}}};
    buffer_init(&out, 1 << 20);
    assert_int_equal(buffer_append_text(&out, "before"), OK);
    assert_int_equal(descriptor_encode(&descriptor, &out), ERROR_LIMIT);
    assert_true(bytes_equal(buffer_bytes(&out), BYTES_LITERAL("before")));
    aces[0].body = BYTES_LITERAL("odd");
    descriptor.dacl.count = 1;
    assert_int_equal(descriptor_encode(&descriptor, &out), ERROR_SYNTAX);
    assert_true(bytes_equal(buffer_bytes(&out), BYTES_LITERAL("before")));
    buffer_done(&out);
}

static int end(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_null_and_empty_dacls_differ),
        cmocka_unit_test(revisions_nobody_knows_are_refused),
        cmocka_unit_test(a_descriptor_that_is_not_self_relative_is_refused),
        cmocka_unit_test(object_flags_nobody_knows_are_refused),
        cmocka_unit_test(more_than_64_kib_is_refused),
        cmocka_unit_test(ten_thousand_aces_are_the_most),
        cmocka_unit_test(types_we_do_not_evaluate_are_kept_byte_for_byte),
        cmocka_unit_test(nothing_borrows_the_binary),
        cmocka_unit_test(what_can_not_be_encoded_leaves_the_buffer_alone),
    };

    return cmocka_run_group_tests(tests, NULL, end);
}

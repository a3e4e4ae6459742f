/* The shared vectors, every case of all four files: tests/vectors/README.md says what an answer means. */
#include "lib/descriptor_equal.h"
#include "security/access_check.h"
#include "security/sddl.h"

#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS TEST_SOURCE_DIR "/tests/vectors/"

/* What a case is worked on with; emptied between cases. */
struct bench {
    struct arena arena;
    struct buffer text;
    struct buffer binary;
    const char *id;
};

typedef void (*case_fn)(struct bench *bench, const json_t *row);

static const char *text_of(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

static void fail_case(const struct bench *bench, const char *what, const struct note *note)
{
    fail_msg("%s: %s%s%s", bench->id, what, note ? ": " : "", note ? note->text : "");
}

/* Runs all lines of a file; the count guards against a file cut short. */
static void each_case(const char *path, size_t expected, case_fn run)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t capacity = 0, count = 0;
    struct bench bench = {0};

    assert_non_null(file);
    arena_init(&bench.arena, DESCRIPTOR_ARENA_BYTES);
    buffer_init(&bench.text, 1 << 20);
    buffer_init(&bench.binary, 1 << 20);
    while (getline(&line, &capacity, file) > 0) {
        json_t *row = json_loads(line, 0, NULL);

        assert_non_null(row);
        bench.id = text_of(row, "id");
        run(&bench, row);
        arena_done(&bench.arena);
        buffer_clear(&bench.text);
        buffer_clear(&bench.binary);
        json_decref(row);
        count++;
    }
    assert_int_equal(count, expected);
    buffer_done(&bench.text);
    buffer_done(&bench.binary);
    free(line);
    fclose(file);
}

static struct bytes binary_of(struct bench *bench, const json_t *row)
{
    struct bytes text = bytes_of_text(text_of(row, "b64"));
    char *binary = arena_alloc(&bench->arena, text.len + 1);
    size_t len;

    assert_non_null(binary);
    if (bytes_from_base64(text, binary, &len) != OK)
        fail_case(bench, "bad base64", NULL);
    return (struct bytes){binary, len};
}

static struct descriptor decode(struct bench *bench, struct bytes binary)
{
    struct descriptor descriptor;
    struct note note = {0};

    if (descriptor_decode(binary, &bench->arena, &descriptor, &note) != OK)
        fail_case(bench, "not decoded", &note);
    return descriptor;
}

static struct descriptor parse(struct bench *bench, const char *sddl)
{
    struct descriptor descriptor;
    struct note note = {0};

    if (sddl_parse(bytes_of_text(sddl), NULL, &bench->arena, &descriptor, &note) != OK)
        fail_case(bench, "not parsed", &note);
    return descriptor;
}

/* Through the binary form, which must not lose anything. */
static struct descriptor encode_and_decode(struct bench *bench, const struct descriptor *descriptor)
{
    struct descriptor again;

    buffer_clear(&bench->binary);
    if (descriptor_encode(descriptor, &bench->binary) != OK)
        fail_case(bench, "not encoded", NULL);
    again = decode(bench, buffer_bytes(&bench->binary));
    if (!descriptor_equals(descriptor, &again, true))
        fail_case(bench, "encoding changed it", NULL);
    return again;
}

static void check_text(struct bench *bench, const struct descriptor *descriptor, const json_t *row)
{
    json_int_t opaque = json_integer_value(json_object_get(row, "opaque"));
    size_t left_out;

    assert_int_equal(sddl_format(descriptor, &bench->text, &left_out), OK);
    if (!bytes_equal(buffer_bytes(&bench->text), bytes_of_text(text_of(row, "sddl"))))
        fail_case(bench, "another SDDL text", NULL);
    assert_int_equal(left_out, opaque);
}

static void check_descriptor(struct bench *bench, const json_t *row)
{
    struct descriptor decoded = decode(bench, binary_of(bench, row));
    const json_t *alternatives = json_object_get(row, "alt");
    struct descriptor parsed;

    encode_and_decode(bench, &decoded);
    check_text(bench, &decoded, row);
    if (json_object_get(row, "opaque"))
        return;
    parsed = parse(bench, text_of(row, "sddl"));
    parsed = encode_and_decode(bench, &parsed);
    if (!descriptor_equals(&parsed, &decoded, false))
        fail_case(bench, "SDDL says something else", NULL);
    for (size_t i = 0; i < json_array_size(alternatives); i++) {
        parsed = parse(bench, json_string_value(json_array_get(alternatives, i)));
        if (!descriptor_equals(&parsed, &decoded, false))
            fail_case(bench, "another spelling says something else", NULL);
    }
}

/* proves: facts-9.2 facts-9.3 facts-9.5 */
static void every_descriptor_reads_as_its_text(void **state)
{
    (void)state;
    each_case(VECTORS "sd.jsonl", 1500, check_descriptor);
}

static struct token *token_of(struct bench *bench, const json_t *row)
{
    const json_t *texts = json_object_get(row, "sids");
    size_t count = json_array_size(texts);
    struct sid *sids = arena_array(&bench->arena, count, sizeof(*sids));
    struct token *token;

    assert_non_null(sids);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(sid_parse(bytes_of_text(json_string_value(json_array_get(texts, i))), &sids[i]), OK);
    token = token_new(sids, NULL, count);
    assert_non_null(token);
    return token;
}

static uint32_t granted_of(const json_t *row)
{
    const json_t *names = json_object_get(row, "granted");
    uint32_t granted = 0;

    for (size_t i = 0; i < json_array_size(names); i++) {
        enum right right;

        assert_true(right_by_name(bytes_of_text(json_string_value(json_array_get(names, i))), &right));
        granted |= RIGHT_BIT(right);
    }
    return granted;
}

static void check_access(struct bench *bench, const json_t *row)
{
    struct descriptor decoded = decode(bench, binary_of(bench, row));
    struct token *token = token_of(bench, row);
    uint32_t expected = granted_of(row);
    struct access_result result;

    access_check(&decoded.dacl, token, &result);
    if (result.granted != expected)
        fail_msg("%s: granted %x instead of %x", bench->id, (unsigned)result.granted, (unsigned)expected);
    if (text_of(row, "sddl")) {
        struct descriptor parsed = parse(bench, text_of(row, "sddl"));

        access_check(&parsed.dacl, token, &result);
        if (result.granted != expected)
            fail_case(bench, "the SDDL text grants something else", NULL);
    }
    token_unref(token);
}

/* proves: C192 C191 facts-9.4 D12 */
static void every_check_grants_what_is_expected(void **state)
{
    (void)state;
    each_case(VECTORS "access.jsonl", 3000, check_access);
}

static void check_malformed(struct bench *bench, const json_t *row)
{
    struct bytes binary = binary_of(bench, row);
    /* A copy of exactly its size, so that the sanitizer sees any read past the end. */
    char *exact = malloc(binary.len ? binary.len : 1);
    struct descriptor descriptor;
    struct note note = {0};

    assert_non_null(exact);
    memcpy(exact, binary.ptr, binary.len);
    if (descriptor_decode((struct bytes){exact, binary.len}, &bench->arena, &descriptor, &note) == OK)
        fail_case(bench, text_of(row, "why"), NULL);
    if (note.text[0] == '\0')
        fail_case(bench, "refused without a reason", NULL);
    free(exact);
}

/* proves: D10 */
static void every_malformed_descriptor_is_refused(void **state)
{
    (void)state;
    each_case(VECTORS "malformed.jsonl", 400, check_malformed);
}

static void check_bad_text(struct bench *bench, const json_t *row)
{
    struct descriptor descriptor;
    struct note note = {0};

    if (sddl_parse(bytes_of_text(text_of(row, "sddl")), NULL, &bench->arena, &descriptor, &note) !=
        ERROR_SYNTAX)
        fail_case(bench, text_of(row, "why"), NULL);
    if (note.text[0] == '\0')
        fail_case(bench, "refused without a reason", NULL);
}

/* proves: facts-9.5 D10 */
static void every_bad_text_is_refused(void **state)
{
    (void)state;
    each_case(VECTORS "sddl_bad.jsonl", 150, check_bad_text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_descriptor_reads_as_its_text),
        cmocka_unit_test(every_check_grants_what_is_expected),
        cmocka_unit_test(every_malformed_descriptor_is_refused),
        cmocka_unit_test(every_bad_text_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

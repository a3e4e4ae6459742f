/* The header block: cutting, names as later parsers may read them, removal. */
#include "mail/header_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define ORGANIZATION "X-MS-Exchange-Organization-"

static bool is_organization(const struct header_field *field, void *owner)
{
    (void)owner;
    return header_name_starts(field, ORGANIZATION);
}

/* Removes the organization headers and compares what is left. */
static void assert_left(struct bytes block, struct bytes left, size_t removed_count)
{
    struct buffer out;
    enum error error = ERROR_IO;
    size_t count;

    buffer_init(&out, 1 << 20);
    count = header_remove(block, is_organization, NULL, &out, &error);
    assert_int_equal(error, OK);
    if (!bytes_equal(buffer_bytes(&out), left) || count != removed_count)
        fail_msg("%zu removed from '%.*s', left '%.*s'", count, BYTES_ARG(block),
                 BYTES_ARG(buffer_bytes(&out)));
    buffer_done(&out);
}

static void fields_are_cut_at_unfolded_line_ends(void **state)
{
    struct bytes rest =
        BYTES_LITERAL("Subject: Test\r\nTo: a,\r\n\tb\r\nno colon\r\nEmpty:\r\nSpaced \t: x\r\n");
    struct header_field field;

    (void)state;
    assert_true(header_next(&rest, &field));
    assert_true(bytes_equal(field.name, BYTES_LITERAL("Subject")));
    assert_true(bytes_equal(field.body, BYTES_LITERAL(" Test\r\n")));
    assert_true(bytes_equal(field.whole, BYTES_LITERAL("Subject: Test\r\n")));
    assert_true(header_next(&rest, &field));
    assert_true(bytes_equal(field.body, BYTES_LITERAL(" a,\r\n\tb\r\n")));
    assert_true(header_next(&rest, &field));
    assert_int_equal(field.name.len, 0);
    assert_int_equal(field.body.len, 0);
    assert_true(bytes_equal(field.whole, BYTES_LITERAL("no colon\r\n")));
    assert_true(header_next(&rest, &field));
    assert_true(bytes_equal(field.body, BYTES_LITERAL("\r\n")));
    assert_true(header_next(&rest, &field));
    assert_true(bytes_equal(field.name, BYTES_LITERAL("Spaced")));
    assert_false(header_next(&rest, &field));
    assert_false(header_next(&(struct bytes){NULL, 0}, &field));
}

static void fields_are_found_and_counted(void **state)
{
    struct bytes block = BYTES_LITERAL("Received: 1\r\nFROM: a\r\nreceived : 2\r\nReceived-SPF: x\r\n");
    struct header_field field;

    (void)state;
    assert_int_equal(header_count(block, "Received"), 2);
    assert_int_equal(header_count(block, "Date"), 0);
    assert_true(header_find(block, "from", &field));
    assert_true(bytes_equal(field.body, BYTES_LITERAL(" a\r\n")));
    assert_false(header_find(block, "Sender", &field));
}

/* proves: F15 */
static void every_spelling_of_a_removed_name_is_removed(void **state)
{
    static const char *const spellings[] = {
        "X-MS-Exchange-Organization-SCL: -1\r\n",
        "x-ms-EXCHANGE-organization-scl:-1\r\n",
        "X-MS-Exchange-Organization-SCL : -1\r\n",
        "X-MS-Exchange-Organization-SCL\t \t: -1\r\n",
        "X-MS-Exchange-Organization-SCL\r: -1\r\n",
        "X-MS-Exchange-\r\n Organization-SCL: -1\r\n",
        "X-MS-Exchange-Organization-SCL\r\n : -1\r\n",
        "X-MS-Exchange-Organization-\r\n\tSCL: -1\r\n\tmore\r\n",
        " X-MS-Exchange-Organization-SCL: -1\r\n",
        "\tX-MS-Exchange-Organization-SCL: -1\r\n",
        "garbage\r\n X-MS-Exchange-Organization-SCL: -1\r\n",
        "garbage\r\n \r\n\tX-MS-Exchange-Organization-SCL: -1\r\n",
        "X-MS-Exchange-\x80Organization-SCL: -1\r\n",
        "X-M\x01\x7fS-Exchange-Organization-SCL: -1\r\n",
        "\xef\xbb\xbfX-MS-Exchange-Organization-SCL: -1\r\n",
        "X-MS-\rExchange-Organization-SCL: -1\r\n",
        "Subject: x\rX-MS-Exchange-Organization-SCL: -1\r\n",
        "X-MS-Exchange-Organization-: \r\n",
    };
    static const char before[] = "Subject: a\r\n", after[] = "To: b\r\n";

    (void)state;
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        char block[200];
        size_t len = strlen(spellings[i]);
        /* At the very beginning a leading blank is no fold; elsewhere the line would belong to the field
         * before. */
        bool is_first_only = spellings[i][0] == ' ' || spellings[i][0] == '\t';
        size_t start = is_first_only ? 0 : sizeof(before) - 1;
        char left[40] = "";
        memcpy(block, before, start);
        memcpy(block + start, spellings[i], len);
        memcpy(block + start + len, after, sizeof(after) - 1);
        memcpy(left, before, start);
        memcpy(left + start, after, sizeof(after));
        assert_left((struct bytes){block, start + len + sizeof(after) - 1}, bytes_of_text(left), 1);
    }
    assert_left(BYTES_LITERAL("X-MS-Exchange-Organiz\0ation-SCL: -1\r\nA: b\r\n"), BYTES_LITERAL("A: b\r\n"),
                1);
    assert_left(BYTES_LITERAL("\0X-MS-Exchange-Organization-SCL: -1\r\n"), BYTES_LITERAL(""), 1);
}

/* proves: F15 */
static void other_fields_stay_byte_for_byte(void **state)
{
    static const char *const untouched[] = {
        "",
        "Subject: X-MS-Exchange-Organization-SCL: -1\r\n",
        "Subject: a\r\n X-MS-Exchange-Organization-SCL: -1\r\n",
        "Subject:\r\n\tX-MS-Exchange-Organization-SCL: -1\r\n",
        "X-MS-Exchange-OrganizationSCL: -1\r\n",
        "AX-MS-Exchange-Organization-SCL: -1\r\n",
        "X-MS-Exchange-Organization-SCL\r\n",
        "X-MS-Exchange-Forest-X: 1\r\nfrom :  x \t\r\n no colon\r\nbad \xff name: y\r\n",
        "\r\n",
        ":\r\n",
        "a: b",
        "a",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(untouched) / sizeof(untouched[0]); i++)
        assert_left(bytes_of_text(untouched[i]), bytes_of_text(untouched[i]), 0);
}

/* proves: F15 */
static void hidden_senders_are_counted(void **state)
{
    (void)state;
    assert_int_equal(
        header_count(BYTES_LITERAL("From: a\r\nfrom: b\r\nFr\r\n om: c\r\nx\r\n From: d\r\n"), "From"), 4);
    assert_int_equal(header_count(BYTES_LITERAL("Fromage: a\r\nX-From: b\r\n\xd0\xa4rom: c\r\n"), "From"), 0);
}

static void a_full_buffer_ends_the_removal(void **state)
{
    struct buffer out;
    enum error error = OK;

    (void)state;
    buffer_init(&out, 5);
    header_remove(BYTES_LITERAL("Subject: a\r\n"), is_organization, NULL, &out, &error);
    assert_int_equal(error, ERROR_LIMIT);
    error = OK;
    header_remove(BYTES_LITERAL("Subject: a\r\nX-MS-Exchange-Organization-A: 1\r\nTo: b\r\n"),
                  is_organization, NULL, &out, &error);
    assert_int_equal(error, ERROR_LIMIT);
    buffer_done(&out);
}

/* Walks, counts and removes; every byte must be in exactly one field. */
static void walk(struct bytes block, size_t expected_count)
{
    struct bytes rest = block;
    struct header_field field;
    size_t covered = 0, count = 0;

    while (header_next(&rest, &field)) {
        assert_ptr_equal(field.whole.ptr, block.ptr + covered);
        covered += field.whole.len;
        count++;
    }
    assert_int_equal(covered, block.len);
    assert_int_equal(count, expected_count);
    (void)header_count(block, "Received");
    (void)header_count(block, ORGANIZATION);
}

/* Fills a block of len bytes by repeating the text. */
static struct bytes repeat(const char *text, size_t len)
{
    char *block = malloc(len);
    size_t text_len = strlen(text);

    assert_non_null(block);
    for (size_t i = 0; i < len; i++)
        block[i] = text[i % text_len];
    return (struct bytes){block, len};
}

/* proves: F7 F15 */
static void header_bombs_are_walked_in_linear_time(void **state)
{
    static const struct {
        const char *text;
        size_t repeat_count;
        bool is_one_field;
    } bombs[] = {
        {"Received: x\r\n", 100000, false},
        {"A:\r\n", 250000, false},
        {" x\r\n", 1000000, true}, /* folds before any colon */
        {" \r\n", 1000000, true},  /* blank lines */
        {" :\r\n", 1000000, true},
        {"\r\r\r\r", 1000000, true}, /* bare CRs without a colon */
        {"X-MS-Exchange-\r", 100000, true},
        {" X\r\n", 1000000, true},
        {"\t\x80\x80\x80\r", 1000000, true},
        {" X-MS-Exchange-Organization\r", 100000, true},
        {"a\r:", 1000000, true},
    };
    clock_t start = clock();

    (void)state;
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        struct bytes block = repeat(bombs[i].text, strlen(bombs[i].text) * bombs[i].repeat_count);
        walk(block, bombs[i].is_one_field ? 1 : bombs[i].repeat_count);
        free((char *)(uintptr_t)block.ptr);
    }
    /* Generous for sanitizers on a busy machine; anything quadratic takes hours. */
    assert_true((clock() - start) / CLOCKS_PER_SEC < 60);
}

static void the_first_letter_says_who_cannot_fit(void **state)
{
    static const struct {
        const char *field;
        char letter;
    } rows[] = {
        {"From: a\r\n", 'f'},
        {"from : a\r\n b\r\n", 'f'},
        {" \tX-A: b\r\n", 'x'},
        {"no colon\r\n", HEADER_ANY},
        {": none\r\n", ':'},
        {"\x01"
         "From: a\r\n",
         HEADER_ANY},
        {"\x80"
         "From: a\r\n",
         HEADER_ANY},
        {"From: a\rX: b\r\n", HEADER_ANY},
        {"Fr\r\n om: a\r\n", HEADER_ANY},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes rest = bytes_of_text(rows[i].field);
        struct header_field field;
        assert_true(header_next(&rest, &field));
        assert_int_equal(header_first_letter(&field), rows[i].letter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_cut_at_unfolded_line_ends),
        cmocka_unit_test(fields_are_found_and_counted),
        cmocka_unit_test(every_spelling_of_a_removed_name_is_removed),
        cmocka_unit_test(other_fields_stay_byte_for_byte),
        cmocka_unit_test(hidden_senders_are_counted),
        cmocka_unit_test(a_full_buffer_ends_the_removal),
        cmocka_unit_test(the_first_letter_says_who_cannot_fit),
        cmocka_unit_test(header_bombs_are_walked_in_linear_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

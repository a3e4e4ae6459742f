/* The sender's name in From: when one is missing, and how it is written. */
#include "mail/display_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BEFORE "Received: from a\r\n by b\r\nX-From: boss@contoso.com\r\n"
#define AFTER  "Subject:  odd\tblanks \r\nTo: kate@fabrikam.com\r\n"

static const struct {
    const char *from;
    const char *address; /* NULL: nothing is missing */
} FIELDS[] = {
    {"From: chris@contoso.com\r\n", "chris@contoso.com"},
    {"From: <chris@contoso.com>\r\n", "chris@contoso.com"},
    {"from:\t<Chris@CONTOSO.com> \r\n", "Chris@contoso.com"},
    {"From:\r\n <chris@contoso.com>\r\n", "chris@contoso.com"},
    {"From : chris@contoso.com\r\n", "chris@contoso.com"},
    {"From: \"a b\"@contoso.com\r\n", "\"a b\"@contoso.com"},
    {"From: Chris <chris@contoso.com>\r\n", NULL},
    {"From: \"\" <chris@contoso.com>\r\n", NULL},
    {"From: chris@contoso.com (Chris)\r\n", NULL},
    {"From: (Chris) chris@contoso.com\r\n", NULL},
    {"From: =?utf-8?q?Chris?= <chris@contoso.com>\r\n", NULL},
    {"From: chris@contoso.com, kate@contoso.com\r\n", NULL},
    {"From: us: chris@contoso.com;\r\n", NULL},
    {"From: < chris@contoso.com >\r\n", NULL},
    {"From: <@a.example:chris@contoso.com>\r\n", NULL},
    {"From: <chris@contoso.com>>\r\n", NULL},
    {"From: chris@con\r\n toso.com\r\n", NULL},
    {"From: chris@contoso.com.\r\n", NULL},
    {"From: chris\r\n", NULL},
    {"From: <>\r\n", NULL},
    {"From:\r\n", NULL},
    {"From: chris@contoso.com\r\nFrom: chris@contoso.com\r\n", NULL},
    {"From: chris@contoso.com\r\nF rom: kate@contoso.com\r\n", NULL},
    {"F\r\n rom: chris@contoso.com\r\n", NULL},
    {"From: chris@contoso.com\r\nDKIM-Signature: v=1; d=contoso.com\r\n", NULL},
    {"Sender: chris@contoso.com\r\n", NULL},
    {"", NULL},
};

/* proves: C43 F15 */
static void test_what_lacks_a_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        char block[512] = BEFORE;
        struct bare_from from;
        strncat(block, FIELDS[i].from, 200);
        strncat(block, AFTER, 200);
        bool is_missing = display_name_is_missing(bytes_of_text(block), &from);
        if (is_missing != (FIELDS[i].address != NULL)) {
            print_error("%s", FIELDS[i].from);
        }
        assert_int_equal(is_missing, FIELDS[i].address != NULL);
        if (is_missing) {
            assert_string_equal(from.address.text, FIELDS[i].address);
        }
    }
}

#define BASE64_42 "w6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOk"

static const struct {
    const char *name;
    const char *written; /* NULL: it is not fit */
} NAMES[] = {
    {"Chris Green", "\"Chris Green\""},
    {"Green, Chris (Sales)", "\"Green, Chris (Sales)\""},
    {"a \"b\" \\c", "\"a \\\"b\\\" \\\\c\""},
    {"boss@contoso.com> <x", "\"boss@contoso.com> <x\""},
    {"\xc3\x84nne", "=?utf-8?B?w4RubmU=?="},
    {"=?utf-8?q?boss?=", "=?utf-8?B?PT91dGYtOD9xP2Jvc3M/PQ==?="},
    {"\xe6\x9d\xb1\xe4\xba\xac", "=?utf-8?B?5p2x5Lqs?="},
    {"\xf0\x9f\x93\xa7 x", "=?utf-8?B?8J+TpyB4?="},
    /* 23 letters of two octets are two more than a word takes; none is cut in two */
    {"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
     "\xa4\xc3\xa4\xc3\xa4"
     "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4",
     "=?utf-8?B?" BASE64_42 "?=\r\n =?utf-8?B?w6TDpA==?="},
    {"", NULL},
    {"a\r\nBcc: x@example.com", NULL},
    {"a\nb", NULL},
    {"a\rb", NULL},
    {"a\tb", NULL},
    {"a\x7f", NULL},
    {"\xc2\x85", NULL}, /* next line */
    {"\xe2\x80\xae"
     "evil",
     NULL},                 /* right to left */
    {"\xe2\x80\xa8", NULL}, /* line separator */
    {"\xff", NULL},
    {"\xc0\x8a", NULL}, /* an overlong line feed */
    {"\xed\xa0\x80", NULL},
};

static enum error insert(const char *block, struct bytes name, struct buffer *out)
{
    struct bare_from from;
    assert_true(display_name_is_missing(bytes_of_text(block), &from));
    return display_name_insert(bytes_of_text(block), &from, name, out);
}

/* proves: C43 F15 */
static void test_how_a_name_is_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        char wanted[1024] = "";
        struct buffer out;
        buffer_init(&out, 4096);
        enum error error =
            insert(BEFORE "From: <chris@contoso.com>\r\n" AFTER, bytes_of_text(NAMES[i].name), &out);
        if (NAMES[i].written != NULL) {
            strncat(wanted, BEFORE "From: ", 200);
            strncat(wanted, NAMES[i].written, 400);
            strncat(wanted, "\r\n <chris@contoso.com>\r\n" AFTER, 200);
        }
        assert_int_equal(error, NAMES[i].written != NULL ? OK : ERROR_SYNTAX);
        assert_true(bytes_equal(buffer_bytes(&out), bytes_of_text(wanted)));
        buffer_done(&out);
    }
}

static void test_the_address_stays_as_it_is_written(void **state)
{
    struct buffer out;
    (void)state;
    buffer_init(&out, 4096);
    assert_int_equal(insert("FROM: Chris@CONTOSO.com \r\n", BYTES_LITERAL("C"), &out), OK);
    assert_true(bytes_equal(buffer_bytes(&out), BYTES_LITERAL("FROM: \"C\"\r\n <Chris@CONTOSO.com>\r\n")));
    buffer_done(&out);
}

static void test_ceilings(void **state)
{
    char name[DISPLAY_NAME_MAX + 1];
    struct buffer out;
    (void)state;
    memset(name, '"', sizeof name);
    buffer_init(&out, 4096);
    assert_int_equal(insert("From: c@contoso.com\r\n", (struct bytes){name, sizeof name}, &out),
                     ERROR_SYNTAX);
    assert_int_equal(insert("From: c@contoso.com\r\n", (struct bytes){name, sizeof name - 1}, &out), OK);
    assert_true(out.len < 998);
    assert_int_equal(insert("From: c@contoso.com\r\n", (struct bytes){"a\0b", 3}, &out), ERROR_SYNTAX);
    buffer_done(&out);
    buffer_init(&out, 30);
    assert_int_equal(insert("From: c@contoso.com\r\n", BYTES_LITERAL("Chris Green"), &out), ERROR_LIMIT);
    assert_int_equal(out.len, 0);
    buffer_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_lacks_a_name),
        cmocka_unit_test(test_how_a_name_is_written),
        cmocka_unit_test(test_the_address_stays_as_it_is_written),
        cmocka_unit_test(test_ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* From and Sender fields: the mailboxes in them, or the refusal to guess. */
#include "mail/header_block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The mailboxes told, joined by '|'. */
struct told {
    char text[4096];
    size_t count;
};

static void tell(struct bytes address, void *owner)
{
    struct told *told = owner;
    size_t used = strlen(told->text);

    snprintf(told->text + used, sizeof(told->text) - used, "%s%.*s", told->count++ ? "|" : "",
             BYTES_ARG(address));
}

static void assert_mailboxes(const char *body, const char *expected)
{
    struct told told = {.count = 0};

    if (!header_each_address(bytes_of_text(body), tell, &told))
        fail_msg("'%s' was not parsed", body);
    if (strcmp(told.text, expected) != 0)
        fail_msg("'%s' gave '%s'", body, told.text);
}

static void assert_unparsable(const char *body)
{
    struct told told = {.count = 0};

    if (header_each_address(bytes_of_text(body), tell, &told))
        fail_msg("'%s' gave '%s'", body, told.text);
}

static void plain_mailboxes_are_told(void **state)
{
    (void)state;
    assert_mailboxes(" chris@contoso.com\r\n", "chris@contoso.com");
    assert_mailboxes("<chris@contoso.com>", "chris@contoso.com");
    assert_mailboxes(" Chris Smith <chris@contoso.com>\r\n", "chris@contoso.com");
    assert_mailboxes(" \"Smith, Chris\" <chris@contoso.com>", "chris@contoso.com");
    assert_mailboxes(" \"a\\\" <evil@x>\" <chris@contoso.com>", "chris@contoso.com");
    assert_mailboxes(" =?utf-8?q?Chris_=3Cevil=40x=3E?= <chris@contoso.com>", "chris@contoso.com");
    assert_mailboxes(" J. R. Smith <chris@contoso.com>", "chris@contoso.com");
    assert_mailboxes(" Chris [IT] <chris@contoso.com>", "chris@contoso.com");
    assert_mailboxes(" Chr\xc3\xafs <chris@contoso.com>", "chris@contoso.com");
    assert_mailboxes(" a@[127.0.0.1]", "a@[127.0.0.1]");
    assert_mailboxes(" \"a b\"@c", "\"a b\"@c");
}

static void several_mailboxes_and_groups_are_told(void **state)
{
    (void)state;
    assert_mailboxes(" a@b, C <c@d>,e@f\r\n", "a@b|c@d|e@f");
    assert_mailboxes(" ,a@b,,c@d,", "a@b|c@d");
    assert_mailboxes(" team: a@b, C <c@d>;", "a@b|c@d");
    assert_mailboxes(" x@y, team: a@b;, z@z", "x@y|a@b|z@z");
    assert_mailboxes(" \"the team\": a@b,;", "a@b");
    assert_mailboxes(" undisclosed-recipients:;\r\n", "");
    assert_mailboxes(" a:;, b:;", "");
}

static void folding_comments_and_obsolete_forms_are_read(void **state)
{
    (void)state;
    assert_mailboxes("\r\n Chris\r\n\t<chris@contoso.com>\r\n", "chris@contoso.com");
    assert_mailboxes(" (a (nested \\) one) <evil@x>) chris@contoso.com (b)\r\n", "chris@contoso.com");
    assert_mailboxes(" chris (x) . smith\r\n @ (y) contoso . com", "chris.smith@contoso.com");
    assert_mailboxes(" < (x) chris@contoso.com (y) > (z)", "chris@contoso.com");
    assert_mailboxes(" <@a,@b:chris@contoso.com>", "chris@contoso.com");
    assert_mailboxes(" <@[1.2.3.4]:chris@contoso.com>", "chris@contoso.com");
    assert_mailboxes(" \"a\r\n b\"@c", "\"a b\"@c");
}

/* proves: F15 */
static void what_parsers_disagree_about_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        " \r\n",
        " ,",
        " (only a comment)",
        " root\r\n",
        " <root>",
        " <>",
        " a@b <c@d>",
        " <a@b> <c@d>",
        " <a@b><c@d>",
        " <a@b>, <c@d> e@f",
        " a@b c@d",
        " a@b;c@d",
        " Smith, Chris <chris@contoso.com>",
        " <a@b",
        " a@b>",
        " <<a@b>>",
        " <a@b> x",
        " x (unclosed <a@b>",
        " \"unclosed <a@b>",
        " a@b\" <c@d>",
        " a@b@c",
        " a@",
        " @b",
        " a..b@c",
        " .a@b",
        " a@b.",
        " a@b..c",
        " a@[1.2.3.4",
        " a@[1.2.3.4]x",
        " x\\y <a@b>",
        " team: a@b",
        " team: inner: a@b;;",
        " : a@b;",
        " team: a@b; c@d",
        " a@b;",
        " ;",
        " <@a,b@c>",
        " <@a:>",
        " a\x01@b",
        " x\x7fy <a@b>",
        " \"x\x01y\" <a@b>",
        " \"x\\\r\n y\"@b",
        " \"x\\\n\"@b",
        " (x\x01y) a@b",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_unparsable(bad[i]);
    {
        struct told told = {.count = 0};
        assert_false(header_each_address(BYTES_LITERAL(" a\0b@c"), tell, &told));
        assert_false(header_each_address(BYTES_LITERAL(" a@b\0"), tell, &told));
        assert_false(header_each_address(BYTES_LITERAL(" \"x\0\" <a@b>"), tell, &told));
    }
}

static void count_only(struct bytes address, void *owner)
{
    (void)address;
    ++*(size_t *)owner;
}

/* proves: F7 F15 */
static void bombs_end_soon(void **state)
{
    static const struct {
        const char *text;
        bool is_parsed;
    } bombs[] = {{"(", false},  {"()", false},  {"a@b,", true},  {",", false},
                 {"\"", false}, {"<", false},   {"a:", false},   {"a:;,", true},
                 {"a.", false}, {"@a,", false}, {"(x) ", false}, {"\\", false}};
    size_t len = 1200000;
    char *body = malloc(len);

    (void)state;
    for (size_t i = 0; i < sizeof(bombs) / sizeof(bombs[0]); i++) {
        size_t count = 0;
        for (size_t at = 0; at < len; at++)
            body[at] = bombs[i].text[at % strlen(bombs[i].text)];
        if (header_each_address((struct bytes){body, len}, count_only, &count) != bombs[i].is_parsed)
            fail_msg("'%s'", bombs[i].text);
    }
    memset(body, 'a', len);
    body[len - 2] = '@';
    {
        size_t count = 0;
        assert_false(header_each_address((struct bytes){body, len}, count_only, &count));
        assert_int_equal(count, 0);
    }
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_mailboxes_are_told),
        cmocka_unit_test(several_mailboxes_and_groups_are_told),
        cmocka_unit_test(folding_comments_and_obsolete_forms_are_read),
        cmocka_unit_test(what_parsers_disagree_about_is_refused),
        cmocka_unit_test(bombs_end_soon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

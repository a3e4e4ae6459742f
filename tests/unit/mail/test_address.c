/* Envelope addresses: what is read, what is refused, and the one canonical form. */
#include "mail/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *path;
    const char *address; /* NULL: ADDRESS_INVALID */
};

static void check_rows(const struct row *rows, size_t count, bool allow_utf8)
{
    for (size_t i = 0; i < count; i++) {
        struct address address = {0};
        struct bytes rest = {0};
        enum address_flaw flaw = address_parse_path(bytes_of_text(rows[i].path), allow_utf8, &address, &rest);

        if (rows[i].address && (flaw || strcmp(address.text, rows[i].address) != 0))
            fail_msg("'%s': flaw %d, '%s'", rows[i].path, flaw, address.text);
        if (!rows[i].address && flaw != ADDRESS_INVALID)
            fail_msg("'%s': flaw %d, '%s'", rows[i].path, flaw, address.text);
    }
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]), false)

static struct address address_of(const char *text)
{
    struct address address = {0};

    if (address_parse(bytes_of_text(text), true, &address))
        fail_msg("'%s' was refused", text);
    return address;
}

/* proves: C75 C76 */
static void a_bare_address_ends_at_the_first_blank(void **state)
{
    struct address address;
    struct bytes rest;

    (void)state;
    assert_int_equal(address_parse_path(BYTES_LITERAL("chris@contoso.com"), false, &address, &rest),
                     ADDRESS_OK);
    assert_string_equal(address.text, "chris@contoso.com");
    assert_int_equal(rest.len, 0);
    assert_int_equal(address_parse_path(BYTES_LITERAL(" kate@fabrikam.com SIZE=1 X"), false, &address, &rest),
                     ADDRESS_OK);
    assert_string_equal(address.text, "kate@fabrikam.com");
    assert_true(bytes_equal(rest, BYTES_LITERAL(" SIZE=1 X")));
}

static void what_follows_the_path_is_left(void **state)
{
    struct address address;
    struct bytes rest;

    (void)state;
    assert_int_equal(address_parse_path(BYTES_LITERAL(" <\"a> b\"@c> SIZE=5"), false, &address, &rest),
                     ADDRESS_OK);
    assert_string_equal(address.text, "\"a> b\"@c");
    assert_true(bytes_equal(rest, BYTES_LITERAL(" SIZE=5")));
    assert_int_equal(address_parse_path(BYTES_LITERAL("<>"), false, &address, &rest), ADDRESS_OK);
    assert_int_equal(rest.len, 0);
    assert_int_equal(address_parse_path(BYTES_LITERAL("<a@b>SIZE=5"), false, &address, &rest),
                     ADDRESS_INVALID);
}

/* proves: A1 */
static void source_routes_are_dropped(void **state)
{
    static const struct row rows[] = {
        {"<@a,@b:user@c>", "user@c"},
        {"<@relay.example:user@c.example>", "user@c.example"},
        {"<@[1.2.3.4],@[IPv6:::1]:user@c>", "user@c"},
        {"<@a,@b,user@c>", NULL},
        {"<@a,:user@c>", NULL},
        {"<@a,,@b:user@c>", NULL},
        {"<@:user@c>", NULL},
        {"<@a:>", NULL},
        {"<@a>", NULL},
        {"<a:user@c>", NULL},
        {"<@a,b:user@c>", NULL},
        {"<@a b:user@c>", NULL},
        {"<@[:user@c>", NULL},
        {"@a,@b:user@c", NULL},
    };

    (void)state;
    CHECK(rows);
}

/* proves: A2 */
static void percent_and_bang_are_opaque(void **state)
{
    static const struct row rows[] = {
        {"<user%foreign@local>", "user%foreign@local"},
        {"<foreign!user@local>", "foreign!user@local"},
        {"<\"user@foreign\"@local>", "\"user@foreign\"@local"},
        {"<user@foreign@local>", NULL},
        {"<user@foreign%local>", NULL},
        {"<local!foreign!user>", NULL},
        {"<user@local(comment)@foreign>", NULL},
        {"<user(comment)@local>", NULL},
        {"<user@local(comment)>", NULL},
        {"<(comment)user@local>", NULL},
        {"user@foreign@local", NULL},
        {"user@local(comment)", NULL},
    };
    struct address percent = address_of("user%foreign@local");
    struct address quoted = address_of("\"user@foreign\"@local");

    (void)state;
    CHECK(rows);
    assert_true(bytes_equal(address_local(&percent), BYTES_LITERAL("user%foreign")));
    assert_true(bytes_equal(address_domain(&percent), BYTES_LITERAL("local")));
    assert_true(bytes_equal(address_domain(&quoted), BYTES_LITERAL("local")));
}

/* proves: A3 */
static void encoded_words_are_plain_characters(void **state)
{
    static const struct row rows[] = {
        {"<=?utf-8?q?a=40foreign=3e=00?=@local>", "=?utf-8?q?a=40foreign=3e=00?=@local"},
        {"<+AGE-@local>", "+AGE-@local"},
        {"<=?utf-8?q?a=40b?= <x@y>@local>", NULL},
    };

    (void)state;
    CHECK(rows);
}

/* proves: A4 */
static void quoted_local_parts_have_one_form(void **state)
{
    static const struct row rows[] = {
        {"<\"john\"@c>", "john@c"},
        {"<\"a\\b\"@c>", "ab@c"},
        {"<\"a.b\"@c>", "a.b@c"},
        {"<\"a..b\"@c>", "\"a..b\"@c"},
        {"<\".a\"@c>", "\".a\"@c"},
        {"<\"a.\"@c>", "\"a.\"@c"},
        {"<\"a b\"@c>", "\"a b\"@c"},
        {"<\"\\a\\ \\b\"@c>", "\"a b\"@c"},
        {"<\"a\\\"@b\"@c>", "\"a\\\"@b\"@c"},
        {"<\"a\\\\\"@c>", "\"a\\\\\"@c"},
        {"<\"\"@c>", "\"\"@c"},
        {"<\"\\\"\"@c>", "\"\\\"\"@c"},
        {"<\"a\"b@c>", NULL},
        {"<a\"b\"@c>", NULL},
        {"<\"a\".b@c>", NULL},
        {"<\"a\"b\"@c>", NULL},
        {"<\"a@c>", NULL},
        {"<\"a\\\"@c>", NULL},
        {"<\"a\tb\"@c>", NULL},
        {"<a\\b@c>", NULL},
        {"<a b@c>", NULL},
        {"<.a@c>", NULL},
        {"<a.@c>", NULL},
        {"<a..b@c>", NULL},
        {"<@c>", NULL},
        {"<a@>", NULL},
        {"<a@ >", NULL},
        {"<a@b >", NULL},
        {"< a@b>", NULL},
        {"< >", NULL},
        {"<a@b", NULL},
        {"a@b>", NULL},
        {"<<a@b>>", NULL},
        {"<a@b>>", NULL},
        {"<a>", NULL},
        {"", NULL},
        {"  ", NULL},
    };

    (void)state;
    CHECK(rows);
}

/* before, count times 'x', after */
static void assert_filled_flaw(const char *before, size_t count, const char *after,
                               enum address_flaw expected)
{
    char filler[400], text[800];
    struct address address;
    struct bytes rest;

    memset(filler, 'x', sizeof(filler));
    snprintf(text, sizeof(text), "%s%.*s%s", before, (int)count, filler, after);
    if (address_parse_path(bytes_of_text(text), false, &address, &rest) != expected)
        fail_msg("%s%zu%s", before, count, after);
}

/* proves: A4 F7 */
static void long_addresses_are_too_long(void **state)
{
    char domain[300] = "", text[2000];
    struct address address;
    struct bytes rest;

    (void)state;
    assert_filled_flaw("<", 64, "@c>", ADDRESS_OK);
    assert_filled_flaw("<", 65, "@c>", ADDRESS_TOO_LONG);
    assert_filled_flaw("<\"", 62, "\"@c>", ADDRESS_OK);
    assert_filled_flaw("<\"", 63, "\"@c>", ADDRESS_TOO_LONG);
    assert_filled_flaw("<a@", 63, ">", ADDRESS_OK);
    assert_filled_flaw("<a@", 64, ">", ADDRESS_INVALID);
    assert_filled_flaw("<a@", 256, ">", ADDRESS_INVALID);
    assert_filled_flaw("<a@", 257, ">", ADDRESS_TOO_LONG);

    /* 252 octets of domain and "a@" are the 254 of a mailbox; one more is too long. */
    for (size_t i = 0; i < 252; i++)
        domain[i] = i % 50 == 49 ? '.' : 'd';
    snprintf(text, sizeof(text), "<a@%s>", domain);
    assert_int_equal(address_parse_path(bytes_of_text(text), false, &address, &rest), ADDRESS_OK);
    assert_int_equal(address_text(&address).len, 254);
    snprintf(text, sizeof(text), "<ab@%s>", domain);
    assert_int_equal(address_parse_path(bytes_of_text(text), false, &address, &rest), ADDRESS_TOO_LONG);
    snprintf(text, sizeof(text), "<a@%s.>", domain);
    assert_int_equal(address_parse_path(bytes_of_text(text), false, &address, &rest), ADDRESS_OK);

    memset(text, '@', sizeof(text));
    text[0] = '<';
    text[sizeof(text) - 1] = '>';
    assert_int_equal(address_parse_path((struct bytes){text, sizeof(text)}, false, &address, &rest),
                     ADDRESS_TOO_LONG);
}

/* proves: A5 */
static void literals_are_checked_and_kept(void **state)
{
    static const struct row rows[] = {
        {"<a@[127.0.0.1]>", "a@[127.0.0.1]"},
        {"<a@[IPv6:::1]>", "a@[IPv6:::1]"},
        {"<a@[IPv6:::ffff:10.0.0.1]>", "a@[IPv6:::ffff:10.0.0.1]"},
        {"<a@[::ffff:10.0.0.1]>", NULL},
        {"<a@[1.2.3.4].>", NULL},
        {"<a@[1.2.3.4>", NULL},
        {"<a@1.2.3.4]>", NULL},
        {"<a@[]>", NULL},
        {"<a@[1.2.3.256]>", NULL},
        {"<a@[IPv6:1.2.3.4]>", NULL},
        {"<a@[x:y]>", NULL},
        {"<a@#123>", NULL},
    };
    struct address literal = address_of("a@[127.0.0.1]"), bare = address_of("a@127.0.0.1");

    (void)state;
    CHECK(rows);
    assert_true(literal.is_literal);
    assert_false(bare.is_literal);
}

/* proves: A6 */
static void equal_domains_give_equal_addresses(void **state)
{
    struct address plain = address_of("A@xn--bcher-kva.example");
    struct address others[] = {address_of("A@B\xc3\xbc"
                                          "cher.Example"),
                               address_of("A@XN--BCHER-KVA.EXAMPLE."),
                               address_of("\"A\"@b\xc3\xbc"
                                          "cher\xe3\x80\x82"
                                          "example")};
    struct address lower = address_of("a@xn--bcher-kva.example");

    (void)state;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_true(address_equal(&plain, &others[i]));
    assert_false(address_equal(&plain, &lower));
}

/* proves: A8 */
static void the_null_path_and_postmaster_need_no_domain(void **state)
{
    struct address address;
    struct bytes rest;

    (void)state;
    assert_int_equal(address_parse_path(BYTES_LITERAL("<> X=1"), false, &address, &rest), ADDRESS_OK);
    assert_true(address_is_null(&address));
    assert_int_equal(address_text(&address).len, 0);
    assert_int_equal(address_parse_path(BYTES_LITERAL("<PostMaster>"), false, &address, &rest), ADDRESS_OK);
    assert_true(address_is_postmaster(&address) && !address_is_null(&address));
    assert_int_equal(address_domain(&address).len, 0);
    assert_true(bytes_equal(address_text(&address), BYTES_LITERAL("PostMaster")));
    assert_int_equal(address_parse_path(BYTES_LITERAL("<\"postmaster\">"), false, &address, &rest),
                     ADDRESS_OK);
    assert_int_equal(address_parse_path(BYTES_LITERAL("postmaster"), false, &address, &rest), ADDRESS_OK);
    assert_int_equal(address_parse_path(BYTES_LITERAL("<postmaster@c>"), false, &address, &rest), ADDRESS_OK);
    assert_true(address_is_postmaster(&address));
    assert_int_equal(address_parse_path(BYTES_LITERAL("<postmasters>"), false, &address, &rest),
                     ADDRESS_INVALID);
    assert_int_equal(address_parse(BYTES_LITERAL("postmaster"), false, &address), ADDRESS_INVALID);
    assert_int_equal(address_parse(BYTES_LITERAL(""), false, &address), ADDRESS_INVALID);
    assert_int_equal(address_parse(BYTES_LITERAL("<a@b>"), false, &address), ADDRESS_INVALID);
    assert_int_equal(address_parse(BYTES_LITERAL("a@b "), false, &address), ADDRESS_INVALID);
}

/* proves: A10 */
static void metacharacters_stay_what_they_are(void **state)
{
    static const struct row rows[] = {
        {"<${run{x}}@local>", "${run{x}}@local"},
        {"<|x@local>", "|x@local"},
        {"<%n%s@local>", "%n%s@local"},
        {"<`id`@local>", "`id`@local"},
        {"<'/etc/x'@local>", "'/etc/x'@local"},
        {"<'/../../x'@local>", NULL},
        {"<;id;@local>", NULL},
        {"<\";id;\"@local>", "\";id;\"@local"},
    };

    (void)state;
    CHECK(rows);
}

/* proves: F11 */
static void control_characters_are_refused_everywhere(void **state)
{
    static const char *const paths[] = {"<a?b@c>", "<\"a?b\"@c>", "<\"a\\?b\"@c>", "<a@c?d>",
                                        "<?@c>",   "a?b@c",       "<@a?:b@c>",     "<a@[1.2.3.?4]>"};
    struct address address;
    struct bytes rest;

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        for (int c = 0; c <= 0x7f; c = c == 0x1f ? 0x7f : c + 1) {
            char text[32];
            size_t len = strlen(paths[i]);
            memcpy(text, paths[i], len);
            *(char *)memchr(text, '?', len) = (char)c;
            if (address_parse_path((struct bytes){text, len}, true, &address, &rest) != ADDRESS_INVALID)
                fail_msg("%s with %d", paths[i], c);
        }
    }
}

/* proves: F11 A7 */
static void octets_above_127_need_smtputf8_and_utf8(void **state)
{
    static const char *const malformed[] = {
        "<\xff@c>",     "<\xc3@c>",          "<\xc0\xaf@c>",         "<\xe0\x80\xaf@c>",
        "<\x80@c>",     "<\xed\xa0\x80@c>",  "<\xf4\x90\x80\x80@c>", "<a@\xc3(>",
        "<\xc2\x9b@c>", "<\"\\\xc3\xbc\"@c>"};
    struct address address;
    struct bytes rest;

    (void)state;
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        assert_int_equal(address_parse_path(bytes_of_text(malformed[i]), false, &address, &rest),
                         ADDRESS_NOT_ASCII);
        if (address_parse_path(bytes_of_text(malformed[i]), true, &address, &rest) != ADDRESS_INVALID)
            fail_msg("row %zu", i);
    }
    assert_int_equal(address_parse_path(BYTES_LITERAL("<\xc3\xbc@c>"), true, &address, &rest), ADDRESS_OK);
    assert_true(address.needs_utf8);
    assert_int_equal(address_parse_path(BYTES_LITERAL("<u@b\xc3\xbc"
                                                      "cher.example>"),
                                        true, &address, &rest),
                     ADDRESS_OK);
    assert_false(address.needs_utf8);
    assert_string_equal(address.text, "u@xn--bcher-kva.example");
}

/* proves: A4 F12 */
static void a_canonical_address_parses_to_itself(void **state)
{
    static const char alphabet[] = "ab.\"\\@ <>[]%!(),:;-_\x01\xc3\xbc";
    unsigned seed = 1;
    size_t accepted_count = 0;

    (void)state;
    for (size_t round = 0; round < 200000; round++) {
        char text[16];
        size_t len = 1;
        struct address address, again;
        struct bytes rest;
        text[0] = round % 4 ? '"' : 'a';
        while (len < 4 + round % 9) {
            seed = seed * 1103515245 + 12345;
            text[len++] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
        }
        if (round % 4)
            text[len++] = '"';
        text[len++] = '@';
        text[len++] = 'c';
        if (address_parse((struct bytes){text, len}, true, &address))
            continue;
        accepted_count++;
        assert_int_equal(address_parse(address_text(&address), true, &again), ADDRESS_OK);
        assert_true(address_equal(&address, &again));
        assert_true(address_text(&again).len <= len);
        {
            char path[32];
            int path_len = snprintf(path, sizeof(path), "<%s>", address.text);
            assert_int_equal(address_parse_path((struct bytes){path, (size_t)path_len}, true, &again, &rest),
                             ADDRESS_OK);
            assert_true(address_equal(&address, &again));
        }
    }
    assert_true(accepted_count > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bare_address_ends_at_the_first_blank),
        cmocka_unit_test(what_follows_the_path_is_left),
        cmocka_unit_test(source_routes_are_dropped),
        cmocka_unit_test(percent_and_bang_are_opaque),
        cmocka_unit_test(encoded_words_are_plain_characters),
        cmocka_unit_test(quoted_local_parts_have_one_form),
        cmocka_unit_test(long_addresses_are_too_long),
        cmocka_unit_test(literals_are_checked_and_kept),
        cmocka_unit_test(equal_domains_give_equal_addresses),
        cmocka_unit_test(the_null_path_and_postmaster_need_no_domain),
        cmocka_unit_test(metacharacters_stay_what_they_are),
        cmocka_unit_test(control_characters_are_refused_everywhere),
        cmocka_unit_test(octets_above_127_need_smtputf8_and_utf8),
        cmocka_unit_test(a_canonical_address_parses_to_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

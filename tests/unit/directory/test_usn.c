#include "directory/usn.h"

#include "directory/entry_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct pair {
    const char *name;
    struct bytes value;
};

static struct entry *make_entry(const struct pair *pairs, size_t count)
{
    struct entry_builder builder;
    assert_int_equal(entry_builder_begin(&builder, BYTES_LITERAL("")), OK);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(entry_builder_add(&builder, bytes_of_text(pairs[i].name), pairs[i].value), OK);
    return entry_builder_finish(&builder);
}

static void test_root(void **state)
{
    (void)state;
    const struct pair pairs[] = {{"dsServiceName", BYTES_LITERAL("CN=NTDS Settings,CN=DC1")},
                                 {"highestCommittedUSN", BYTES_LITERAL("4078")}};
    uint64_t highest = 0;
    struct bytes dn = {0};
    struct entry *root = make_entry(pairs, 2);
    assert_int_equal(usn_read_root(root, &highest, &dn), OK);
    assert_int_equal(highest, 4078);
    assert_true(bytes_equal_text_nocase(dn, "cn=ntds settings,cn=dc1"));
    entry_free(root);
    root = make_entry(pairs, 1);
    assert_int_equal(usn_read_root(root, &highest, &dn), ERROR_PROTOCOL);
    entry_free(root);
    const struct pair bad[] = {pairs[0], {"highestCommittedUSN", BYTES_LITERAL("-1")}};
    root = make_entry(bad, 2);
    assert_int_equal(usn_read_root(root, &highest, &dn), ERROR_PROTOCOL);
    entry_free(root);
}

static void test_invocation(void **state)
{
    (void)state;
    uint8_t invocation[16] = {0};
    const struct pair good = {"invocationId", BYTES_LITERAL("0123456789abcde\0")};
    struct entry *server = make_entry(&good, 1);
    assert_true(usn_read_invocation(server, invocation));
    assert_memory_equal(invocation, "0123456789abcde\0", 16);
    entry_free(server);
    const struct pair bad = {"invocationId", BYTES_LITERAL("short")};
    server = make_entry(&bad, 1);
    assert_false(usn_read_invocation(server, invocation));
    entry_free(server);
    server = make_entry(NULL, 0);
    assert_false(usn_read_invocation(server, invocation));
    entry_free(server);
}

/* A number of another DC, of a restored one or of an unnamed one is never continued from. */
static void test_continue(void **state)
{
    (void)state;
    struct usn_watermark mark = {0};
    struct usn_state here = {.has_invocation = true, .invocation = {1}, .highest = 100};
    assert_false(usn_may_continue(&mark, &here));
    usn_advance(&mark, &here);
    assert_true(usn_may_continue(&mark, &here));
    here.highest = 250;
    assert_true(usn_may_continue(&mark, &here));
    struct usn_state other = {.has_invocation = true, .invocation = {2}, .highest = 250};
    assert_false(usn_may_continue(&mark, &other));
    struct usn_state gone_back = {.has_invocation = true, .invocation = {1}, .highest = 99};
    assert_false(usn_may_continue(&mark, &gone_back));
    struct usn_state unnamed = {.highest = 250};
    assert_false(usn_may_continue(&mark, &unnamed));
    usn_advance(&mark, &unnamed);
    assert_false(usn_may_continue(&mark, &unnamed));
    assert_false(usn_may_continue(&mark, &here));
}

static void test_filter(void **state)
{
    (void)state;
    struct usn_watermark mark = {.is_set = true, .usn = UINT32_MAX};
    struct buffer text;
    buffer_init(&text, 64);
    assert_int_equal(usn_write_filter(&mark, "(objectClass=*)", &text), OK);
    assert_string_equal(text.ptr, "(&(uSNChanged>=4294967296)(objectClass=*))");
    buffer_clear(&text);
    assert_int_equal(usn_write_filter(&mark, "(|(cn=aaaaaaaaaaaaaaaaaaaaaaaaa)(cn=bbbbbbbbbbbb))", &text),
                     ERROR_LIMIT);
    buffer_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_root),
        cmocka_unit_test(test_invocation),
        cmocka_unit_test(test_continue),
        cmocka_unit_test(test_filter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "directory/filter_match.h"
#include "directory/filter_text.h"

#include "directory/entry_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *filter_of(struct buffer *buffer, struct bytes value)
{
    buffer_clear(buffer);
    assert_int_equal(filter_append_equal(buffer, "uid", value), OK);
    assert_int_equal(buffer_append_byte(buffer, '\0'), OK);
    return buffer->ptr;
}

/* proves: D3 */
static void a_value_never_ends_its_filter(void **state)
{
    (void)state;
    static const struct {
        struct bytes value;
        const char *filter;
    } rows[] = {
        {{"alice", 5}, "(uid=alice)"},
        {{"*", 1}, "(uid=\\2a)"},
        {{"*)(uid=*", 8}, "(uid=\\2a\\29\\28uid=\\2a)"},
        {{")(|(a=*", 7}, "(uid=\\29\\28|\\28a=\\2a)"},
        {{"\0", 1}, "(uid=\\00)"},
        {{"\\00", 3}, "(uid=\\5c00)"},
        {{"a,dc=x", 6}, "(uid=a,dc=x)"},
        {{"cn=a+uid=b", 10}, "(uid=cn=a+uid=b)"},
        {{" #x ", 4}, "(uid= #x )"},
        {{"\xc3\xbc", 2}, "(uid=\\c3\\bc)"},
        {{"\xff\xfe", 2}, "(uid=\\ff\\fe)"},
        {{"\n", 1}, "(uid=\\0a)"},
        {{NULL, 0}, "(uid=)"},
    };
    struct buffer buffer;
    buffer_init(&buffer, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(filter_of(&buffer, rows[i].value), rows[i].filter);
    buffer_done(&buffer);
}

/* proves: D3 */
static void ten_kib_of_stars_stay_one_value(void **state)
{
    (void)state;
    static char stars[10240];
    memset(stars, '*', sizeof stars);
    struct buffer buffer;
    buffer_init(&buffer, 65536);
    const char *filter = filter_of(&buffer, (struct bytes){stars, sizeof stars});
    assert_null(strchr(filter, '*'));
    buffer_done(&buffer);
    buffer_init(&buffer, 64);
    assert_int_equal(filter_append_equal(&buffer, "uid", (struct bytes){stars, sizeof stars}), ERROR_LIMIT);
    assert_int_equal(buffer.len, 0);
    buffer_done(&buffer);
}

/* proves: D3 */
static void a_value_never_ends_its_rdn(void **state)
{
    (void)state;
    static const char *values[] = {"a,dc=x",  "cn=a+uid=b",  "#begin",     " lead",   "trail ",
                                   "q\"uote", "back\\slash", "semi;colon", "<angle>", "Grüße",
                                   "\xff",    "a\nb",        "plain"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct buffer dn, key;
        buffer_init(&dn, 4096);
        buffer_init(&key, 4096);
        assert_int_equal(buffer_append_text(&dn, "cn="), OK);
        assert_int_equal(dn_append_value(&dn, bytes_of_text(values[i])), OK);
        assert_int_equal(buffer_append_text(&dn, ",dc=org"), OK);
        assert_int_equal(dn_normalize(buffer_bytes(&dn), &key), OK);
        struct bytes parent = dn_parent(buffer_bytes(&dn));
        assert_true(bytes_equal(parent, BYTES_LITERAL("dc=org")));
        assert_true(bytes_equal(dn_parent(buffer_bytes(&key)), BYTES_LITERAL("dc=org")));
        buffer_done(&dn);
        buffer_done(&key);
    }
}

static void dns_have_one_normal_form(void **state)
{
    (void)state;
    static const struct {
        const char *dn;
        const char *key; /* NULL: not a DN */
    } rows[] = {
        {"", ""},
        {"CN=Foo,DC=Example", "cn=foo,dc=example"},
        {" CN = Foo  Bar , DC=Example ", "cn=foo bar,dc=example"},
        {"cn=a\\,b,dc=x", "cn=a\\2cb,dc=x"},
        {"cn=a\\2Cb,dc=x", "cn=a\\2cb,dc=x"},
        {"cn=\\c3\\bc", "cn=\xc3\xbc"},
        {"cn=\xc3\xbc", "cn=\xc3\xbc"},
        {"cn=\\ a\\ ", "cn=a"},
        {"cn=\\#1", "cn=\\231"},
        {"cn=#04024869", "cn=#04024869"},
        {"uid=b+cn=a,dc=x", "cn=a+uid=b,dc=x"},
        {"cn=a=b", "cn=a\\3db"},
        {"2.5.4.3=x", "2.5.4.3=x"},
        {"cn=", "cn="},
        {"CN=Exchange Administrative Group (FYDIBOHF23SPDLT)",
         "cn=exchange administrative group (fydibohf23spdlt)"},
        {"cn", NULL},
        {"=x", NULL},
        {"cn=a,", NULL},
        {",cn=a", NULL},
        {"cn=a,,cn=b", NULL},
        {"cn=a+", NULL},
        {"cn=a;dc=x", NULL},
        {"cn=\"a\"", NULL},
        {"cn=<a>", NULL},
        {"cn=a\\", NULL},
        {"cn=a\\4", NULL},
        {"cn=a\\zz", NULL},
        {"cn=#0", NULL},
        {"cn=#zz", NULL},
        {"c n=a", NULL},
        {"cn=a b\tc", "cn=a b\\09c"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buffer key;
        buffer_init(&key, 4096);
        enum error error = dn_normalize(bytes_of_text(rows[i].dn), &key);
        if (rows[i].key) {
            assert_int_equal(error, OK);
            assert_int_equal(buffer_append_byte(&key, '\0'), OK);
            assert_string_equal(key.ptr, rows[i].key);
        } else {
            assert_int_equal(error, ERROR_SYNTAX);
            assert_int_equal(key.len, 0);
        }
        buffer_done(&key);
    }
}

static void an_escaped_comma_is_no_level(void **state)
{
    (void)state;
    struct bytes ancestor = BYTES_LITERAL("cn=x,dc=org");
    assert_true(dn_is_within(BYTES_LITERAL("cn=x,dc=org"), ancestor));
    assert_true(dn_is_within(BYTES_LITERAL("cn=a,cn=x,dc=org"), ancestor));
    assert_true(dn_is_within(BYTES_LITERAL("cn=a"), BYTES_LITERAL("")));
    assert_false(dn_is_within(BYTES_LITERAL("cn=a\\2ccn=x,dc=org"), ancestor));
    assert_false(dn_is_within(BYTES_LITERAL("cn=ax,dc=org"), BYTES_LITERAL("x,dc=org")));
    assert_false(dn_is_within(BYTES_LITERAL("dc=org"), ancestor));
    assert_true(bytes_equal(dn_parent(BYTES_LITERAL("cn=a\\,b, dc=org")), BYTES_LITERAL("dc=org")));
    assert_int_equal(dn_parent(BYTES_LITERAL("cn=a")).len, 0);
    assert_int_equal(dn_parent(BYTES_LITERAL("cn=a\\")).len, 0);
}

static struct entry *sample(void)
{
    struct entry_builder builder;
    assert_int_equal(entry_builder_begin(&builder, BYTES_LITERAL("uid=alice,dc=org")), OK);
    static const char *pairs[][2] = {{"objectClass", "person"},
                                     {"objectClass", "inetOrgPerson"},
                                     {"uid", "alice"},
                                     {"mail", "Alice@Example.com"},
                                     {"age", "30"},
                                     {"odd", "a*b(c)"},
                                     {"member", "CN=Foo,DC=Org"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        assert_int_equal(entry_builder_add(&builder, bytes_of_text(pairs[i][0]), bytes_of_text(pairs[i][1])),
                         OK);
    return entry_builder_finish(&builder);
}

static void filters_match_entries(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        int answer; /* 1 yes, 0 no, -1 not a filter */
    } rows[] = {
        {"", 1},
        {"(objectClass=*)", 1},
        {"(objectclass=INETORGPERSON)", 1},
        {"(objectClass=group)", 0},
        {"(&(uid=alice)(mail=alice@example.com))", 1},
        {"(&)", 1},
        {"(|)", 0},
        {"(!(uid=bob))", 1},
        {"(!(none=x))", 1},
        {"(|(uid=bob)(uid=alice))", 1},
        {"(&(uid=alice)(uid=bob))", 0},
        {"(mail=*@example.com)", 1},
        {"(mail=alice*)", 1},
        {"(mail=a*ce@*.com)", 1},
        {"(mail=*z*)", 0},
        {"(mail=b*)", 0},
        {"(mail=*@example.co)", 0},
        {"(uid=alice*alice)", 0},
        {"(age>=9)", 1},
        {"(age<=9)", 0},
        {"(age>=31)", 0},
        {"(odd=a\\2ab\\28c\\29)", 1},
        {"(odd=a\\2a*)", 1},
        {"(odd=\\2a*)", 0},
        {"(member=cn=foo, dc=org)", 1},
        {"(none=*)", 0},
        {"(uid~=ALICE)", 1},
        {"uid=alice", -1},
        {"(uid=alice", -1},
        {"(uid)", -1},
        {"(=x)", -1},
        {"(uid=alice))", -1},
        {"(uid=a\\2)", -1},
        {"(uid=\\zz)", -1},
        {"(cn:caseExactMatch:=x)", -1},
        {"(!(a=b)(c=d))", -1},
        {"(uid=(x))", -1},
        {"()", -1},
    };
    struct entry *entry = sample();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool matches = false;
        enum error error = filter_match(rows[i].filter, entry, &matches);
        int answer = error == OK ? matches : -1;
        if (answer != rows[i].answer)
            fail_msg("%s: %d", rows[i].filter, answer);
    }
    entry_free(entry);
}

static void nesting_has_a_ceiling(void **state)
{
    (void)state;
    char filter[512] = {0};
    for (int i = 0; i < 100; i++) {
        filter[2 * i] = '(';
        filter[2 * i + 1] = '!';
    }
    struct entry *entry = sample();
    bool matches;
    assert_int_equal(filter_match(filter, entry, &matches), ERROR_SYNTAX);
    entry_free(entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_never_ends_its_filter), cmocka_unit_test(ten_kib_of_stars_stay_one_value),
        cmocka_unit_test(a_value_never_ends_its_rdn),    cmocka_unit_test(dns_have_one_normal_form),
        cmocka_unit_test(an_escaped_comma_is_no_level),  cmocka_unit_test(filters_match_entries),
        cmocka_unit_test(nesting_has_a_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

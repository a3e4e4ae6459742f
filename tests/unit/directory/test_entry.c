#include "directory/entry_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct entry_builder begin(const char *dn)
{
    struct entry_builder builder;
    assert_int_equal(entry_builder_begin(&builder, bytes_of_text(dn)), OK);
    return builder;
}

static void add(struct entry_builder *builder, const char *name, const char *value)
{
    assert_int_equal(entry_builder_add(builder, bytes_of_text(name), bytes_of_text(value)), OK);
}

static void values_carry_their_length(void **state)
{
    (void)state;
    struct entry_builder builder = begin("CN=Relay, DC=Example");
    assert_int_equal(
        entry_builder_add(&builder, BYTES_LITERAL("nTSecurityDescriptor"), (struct bytes){"\1\0\4\0", 4}),
        OK);
    struct entry *entry = entry_builder_finish(&builder);
    const struct attribute *attribute = entry_find(entry, "NTSECURITYDESCRIPTOR");
    assert_non_null(attribute);
    assert_int_equal(attribute->values[0].len, 4);
    assert_memory_equal(attribute->values[0].ptr, "\1\0\4\0", 4);
    assert_string_equal(entry->dn, "CN=Relay, DC=Example");
    assert_string_equal(entry->dn_key, "cn=relay,dc=example");
    assert_false(entry->has_id);
    entry_free(entry);
}

static void options_are_no_part_of_the_name(void **state)
{
    (void)state;
    struct entry_builder builder = begin("cn=a");
    add(&builder, "userCertificate;binary", "x");
    add(&builder, "USERCERTIFICATE", "y");
    assert_int_equal(entry_builder_add(&builder, BYTES_LITERAL("bad name"), BYTES_LITERAL("z")),
                     ERROR_SYNTAX);
    assert_int_equal(entry_builder_add(&builder, BYTES_LITERAL(";binary"), BYTES_LITERAL("z")), ERROR_SYNTAX);
    struct entry *entry = entry_builder_finish(&builder);
    assert_int_equal(entry->attribute_count, 1);
    assert_int_equal(entry_find(entry, "userCertificate")->value_count, 2);
    entry_free(entry);
}

static void the_id_is_in_text_order(void **state)
{
    (void)state;
    static const uint8_t wanted[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                       0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    static const char guid[16] = {0x33,       0x22,       0x11,       0x00,       0x55,       0x44,
                                  0x77,       0x66,       (char)0x88, (char)0x99, (char)0xaa, (char)0xbb,
                                  (char)0xcc, (char)0xdd, (char)0xee, (char)0xff};
    struct entry_builder builder = begin("cn=a");
    add(&builder, "entryUUID", "00112233-4455-6677-8899-AABBccddeeff");
    struct entry *uuid = entry_builder_finish(&builder);
    builder = begin("cn=a");
    assert_int_equal(entry_builder_add(&builder, BYTES_LITERAL("objectGUID"), (struct bytes){guid, 16}), OK);
    struct entry *ad = entry_builder_finish(&builder);
    assert_true(uuid->has_id && ad->has_id);
    assert_memory_equal(uuid->id, wanted, 16);
    assert_memory_equal(ad->id, wanted, 16);
    entry_free(uuid);
    entry_free(ad);
}

static void a_bad_id_is_no_id(void **state)
{
    (void)state;
    const char *bad[] = {"", "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeefg",
                         "001122334455-6677-8899-aabbccddeeff--"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct entry_builder builder = begin("cn=a");
        add(&builder, "entryUUID", bad[i]);
        struct entry *entry = entry_builder_finish(&builder);
        assert_false(entry->has_id);
        entry_free(entry);
    }
}

/* proves: D15 */
static void typed_reads_tell_absent_from_bad(void **state)
{
    (void)state;
    struct entry_builder builder = begin("cn=a");
    add(&builder, "one", "17");
    add(&builder, "two", "1");
    add(&builder, "two", "2");
    add(&builder, "big", "99999999999999999999");
    add(&builder, "word", "Grüße");
    add(&builder, "yes", "TRUE");
    add(&builder, "maybe", "1");
    add(&builder, "latin",
        "Gr\xfc\xdf"
        "e");
    add(&builder, "overlong", "\xc0\xaf");
    add(&builder, "surrogate", "\xed\xa0\x80");
    assert_int_equal(entry_builder_add(&builder, BYTES_LITERAL("zero"), (struct bytes){"a\0b", 3}), OK);
    struct entry *entry = entry_builder_finish(&builder);
    struct bytes text;
    int64_t number;
    bool flag;
    assert_int_equal(entry_integer(entry, "one", 0, 100, &number), OK);
    assert_int_equal(number, 17);
    assert_int_equal(entry_integer(entry, "one", 0, 16, &number), ERROR_LIMIT);
    assert_int_equal(entry_integer(entry, "two", 0, 100, &number), ERROR_SYNTAX);
    assert_int_not_equal(entry_integer(entry, "big", INT64_MIN, INT64_MAX, &number), OK);
    assert_int_equal(entry_integer(entry, "word", 0, 100, &number), ERROR_SYNTAX);
    assert_int_equal(entry_integer(entry, "none", 0, 100, &number), ERROR_NOT_FOUND);
    assert_int_equal(entry_boolean(entry, "yes", &flag), OK);
    assert_true(flag);
    assert_int_equal(entry_boolean(entry, "maybe", &flag), ERROR_SYNTAX);
    assert_int_equal(entry_text(entry, "word", &text), OK);
    assert_int_equal(entry_text(entry, "latin", &text), ERROR_SYNTAX);
    assert_int_equal(entry_text(entry, "overlong", &text), ERROR_SYNTAX);
    assert_int_equal(entry_text(entry, "surrogate", &text), ERROR_SYNTAX);
    assert_int_equal(entry_text(entry, "zero", &text), ERROR_SYNTAX);
    entry_free(entry);
}

static void a_group_of_fifty_thousand_fits(void **state)
{
    (void)state;
    struct entry_builder builder = begin("cn=everyone");
    char member[64];
    for (unsigned i = 0; i < 50000; i++) {
        int len = snprintf(member, sizeof member, "uid=user%06u,ou=people,dc=example,dc=com", i);
        struct bytes value = {member, (size_t)len};
        assert_int_equal(entry_builder_add(&builder, BYTES_LITERAL("member"), value), OK);
    }
    struct entry *entry = entry_builder_finish(&builder);
    assert_int_equal(entry_find(entry, "member")->value_count, 50000);
    entry_free(entry);
}

static void an_entry_has_a_ceiling(void **state)
{
    (void)state;
    static char megabyte[1 << 20];
    struct entry_builder builder = begin("cn=a");
    enum error error = OK;
    for (int i = 0; i < 32 && error == OK; i++)
        error = entry_builder_add(&builder, BYTES_LITERAL("blob"), (struct bytes){megabyte, sizeof megabyte});
    assert_int_equal(error, ERROR_LIMIT);
    entry_builder_drop(&builder);
}

static void a_copy_is_deep_and_a_digest_tells(void **state)
{
    (void)state;
    struct entry_builder builder = begin("cn=a");
    add(&builder, "objectClass", "container");
    add(&builder, "cn", "a");
    struct entry *entry = entry_builder_finish(&builder);
    entry_make_id(entry);
    struct entry *copy = entry_copy(entry);
    const char *only_cn[] = {"CN", NULL};
    struct entry *part = entry_select(entry, only_cn);
    assert_true(entry_digest(entry) == entry_digest(copy));
    assert_true(entry_digest(entry) != entry_digest(part));
    entry_free(entry);
    assert_true(entry_has_class(copy, "Container"));
    assert_false(entry_has_class(part, "container"));
    assert_true(part->has_id);
    entry_free(copy);
    entry_free(part);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_carry_their_length),
        cmocka_unit_test(options_are_no_part_of_the_name),
        cmocka_unit_test(the_id_is_in_text_order),
        cmocka_unit_test(a_bad_id_is_no_id),
        cmocka_unit_test(typed_reads_tell_absent_from_bad),
        cmocka_unit_test(a_group_of_fifty_thousand_fits),
        cmocka_unit_test(an_entry_has_a_ceiling),
        cmocka_unit_test(a_copy_is_deep_and_a_digest_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "directory/ldif.h"

#include "directory/entry_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct records {
    struct entry *entries[16];
    size_t count;
};

static void keep(struct entry *entry, void *owner)
{
    struct records *records = owner;
    assert_in_range(records->count, 0, 15);
    records->entries[records->count++] = entry;
}

static void records_done(struct records *records)
{
    for (size_t i = 0; i < records->count; i++)
        entry_free(records->entries[i]);
    records->count = 0;
}

static enum error parse(const char *text, struct records *records, struct note *note)
{
    return ldif_parse(bytes_of_text(text), keep, records, note);
}

static void records_are_read(void **state)
{
    (void)state;
    struct records records = {0};
    struct note note = {{0}};
    enum error error =
        parse("# a comment\n that goes on\nversion: 1\n\n"
              "dn: CN=Configuration,\n DC=example\r\nobjectClass: container\r\ncn:Configur\n ation\n"
              "blob:: AAEC\nempty:\ndescription:   three blanks go\n\n\n"
              "# between\ndn:: Y249dw==\ncn: w\nentryUUID: 00112233-4455-6677-8899-aabbccddeeff",
              &records, &note);
    assert_string_equal(note.text, "");
    assert_int_equal(error, OK);
    assert_int_equal(records.count, 2);
    const struct entry *first = records.entries[0], *second = records.entries[1];
    assert_string_equal(first->dn, "CN=Configuration,DC=example");
    assert_true(bytes_equal(entry_find(first, "cn")->values[0], BYTES_LITERAL("Configuration")));
    assert_true(bytes_equal(entry_find(first, "blob")->values[0], (struct bytes){"\0\1\2", 3}));
    assert_int_equal(entry_find(first, "empty")->values[0].len, 0);
    assert_true(bytes_equal(entry_find(first, "description")->values[0], BYTES_LITERAL("three blanks go")));
    assert_string_equal(second->dn, "cn=w");
    assert_int_equal(second->id[1], 0x11);
    records_done(&records);
}

static void ids_are_stable(void **state)
{
    (void)state;
    struct records records = {0};
    assert_int_equal(
        parse("dn: cn=A,dc=x\ncn: A\n\ndn: CN=a, DC=X\ncn: other\n\ndn: cn=b,dc=x\ncn: b\n", &records, NULL),
        OK);
    assert_true(records.entries[0]->has_id);
    assert_memory_equal(records.entries[0]->id, records.entries[1]->id, 16);
    assert_memory_not_equal(records.entries[0]->id, records.entries[2]->id, 16);
    records_done(&records);
}

/* proves: D15 */
static void bad_text_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *note;
    } rows[] = {
        {"cn: x\n", "line 1: a record does not begin with \"dn:\""},
        {"version: 2\n", "line 1: not LDIF version 1"},
        {"dn: cn=a\ncn: a\n\nversion: 1\n", "line 4: a record does not begin with \"dn:\""},
        {"dn: nonsense\n", "line 1: not a DN"},
        {"dn: cn=a\nchangetype: add\n", "line 2: a change record, not content"},
        {"dn: cn=a\nchangetype;x: add\n", "line 2: a change record, not content"},
        {"dn: cn=a\ncontrol;x: 1.2.3\n", "line 2: a change record, not content"},
        {"dn: cn=a\ncontrol: 1.2 true\n", "line 2: a change record, not content"},
        {"dn: cn=a\nphoto:< file:///etc/passwd\n", "line 2: a value from an URL is not read"},
        {"dn: cn=a\nno colon\n", "line 2: not \"attribute: value\""},
        {"dn: cn=a\n: x\n", "line 2: not \"attribute: value\""},
        {"dn: cn=a\ncn:: ###\n", "line 2: bad base64"},
        {"dn: cn=a\nb ad: x\n", "line 2: not an attribute name"},
        {"dn: cn=a\ncn: a\rb\n", "line 2: a control character in a plain value"},
        {"dn: cn=a\ndn: cn=b\n", "line 2: a second \"dn:\" in one record"},
        {" dn: cn=a\n", "line 1: a continuation of nothing"},
        {"dn: cn=a\ncn: a\n\n folded\n", "line 3: not \"attribute: value\""},
        {"dn:: Y249YQBi\n", "line 1: not a DN"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct records records = {0};
        struct note note = {{0}};
        assert_int_equal(parse(rows[i].text, &records, &note), ERROR_SYNTAX);
        assert_string_equal(note.text, rows[i].note);
        records_done(&records);
    }
    struct records records = {0};
    struct note note = {{0}};
    const char zero[] = "dn: cn=a\ncn: a\0b\n";
    assert_int_equal(ldif_parse((struct bytes){zero, sizeof zero - 1}, keep, &records, &note), ERROR_SYNTAX);
}

static void what_is_written_reads_the_same(void **state)
{
    (void)state;
    struct entry_builder builder;
    assert_int_equal(entry_builder_begin(&builder, bytes_of_text("cn=Grüße,dc=x")), OK);
    static const struct bytes values[] = {{"plain", 5},  {" lead", 5},      {"trail ", 6},
                                          {":colon", 6}, {"<less", 5},      {"", 0},
                                          {"a\nb", 3},   {"\0\1\2\xff", 4}, {"Grüße", 7}};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        assert_int_equal(entry_builder_add(&builder, BYTES_LITERAL("description"), values[i]), OK);
    static char wide[1000];
    memset(wide, 'w', sizeof wide);
    assert_int_equal(entry_builder_add(&builder, BYTES_LITERAL("wide"), (struct bytes){wide, sizeof wide}),
                     OK);
    struct entry *entry = entry_builder_finish(&builder);
    entry_make_id(entry);
    struct buffer text;
    buffer_init(&text, 65536);
    assert_int_equal(ldif_append(&text, entry), OK);
    for (struct bytes rest = buffer_bytes(&text), line; bytes_next(&rest, '\n', &line);)
        assert_in_range(line.len, 0, 76);
    struct records records = {0};
    assert_int_equal(ldif_parse(buffer_bytes(&text), keep, &records, NULL), OK);
    assert_int_equal(records.count, 1);
    assert_true(entry_digest(entry) == entry_digest(records.entries[0]));
    assert_memory_equal(entry->id, records.entries[0]->id, 16);
    records_done(&records);
    buffer_done(&text);
    entry_free(entry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_read),
        cmocka_unit_test(ids_are_stable),
        cmocka_unit_test(bad_text_is_refused_with_its_line),
        cmocka_unit_test(what_is_written_reads_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

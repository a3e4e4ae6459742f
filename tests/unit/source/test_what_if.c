/* A change that is made in the image alone. */
#include "source/what_if.h"

#include "directory/entry.h"
#include "source/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DN  "CN=Relay,CN=Connectors,DC=contoso"
#define KEY "cn=relay,cn=connectors,dc=contoso"

static const char PRESENT[] =
    "dn: cn=Connectors,dc=contoso\nobjectClass: container\n\n"
    "dn: " KEY "\nentryUUID: 11111111-2222-3333-4444-555555555555\nobjectClass: x\n"
    "createTimestamp: 20260101000000Z\nbindings: 0.0.0.0:25\nranges: 10.0.0.1\nranges: 10.0.0.2\n"
    "binary:: AAEC\n";

static struct image *image_of(const char *text)
{
    struct image *image = image_new();
    struct note note = {{0}};
    assert_non_null(image);
    assert_int_equal(image_read(bytes_of_text(text), image, &note), OK);
    return image;
}

static enum error apply(struct image *image, enum directory_change change, const struct directory_edit *edits,
                        size_t count)
{
    struct note note = {{0}};
    const struct what_if what_if = {.dn = DN, .change = change, .edits = edits, .edit_count = count};
    enum error error = what_if_apply(&what_if, image, &note);
    assert_int_equal(error == OK, note.text[0] == '\0');
    return error;
}

/* The attribute's values, blank separated. */
static void expect(const struct image *image, const char *name, const char *values)
{
    char text[256] = "";
    const struct entry *entry = image_by_dn(image, KEY);
    assert_non_null(entry);
    const struct attribute *attribute = entry_find(entry, name);
    for (size_t i = 0; attribute != NULL && i < attribute->value_count; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof(text) - len, "%s%.*s", i > 0 ? " " : "",
                       BYTES_ARG(attribute->values[i]));
    }
    assert_string_equal(text, values);
}

static void test_an_edit_replaces_and_keeps_the_rest(void **state)
{
    const struct bytes ranges[] = {BYTES_LITERAL("192.0.2.1"), BYTES_LITERAL("192.0.2.2")};
    const struct directory_edit edits[] = {
        {.kind = EDIT_REPLACE, .attribute = "RANGES", .values = ranges, .value_count = 2},
        {.kind = EDIT_REPLACE, .attribute = "bindings"},
    };
    struct image *image = image_of(PRESENT);
    (void)state;
    assert_int_equal(apply(image, CHANGE_EDIT, edits, 2), OK);
    assert_int_equal(image_count(image), 2);
    expect(image, "ranges", "192.0.2.1 192.0.2.2");
    expect(image, "bindings", "");
    expect(image, "createTimestamp", "20260101000000Z");
    const struct attribute *binary = entry_find(image_by_dn(image, KEY), "binary");
    assert_true(bytes_equal(binary->values[0], (struct bytes){"\x00\x01\x02", 3}));
    image_free(image);
}

static void test_a_new_object(void **state)
{
    const struct bytes value = BYTES_LITERAL("0.0.0.0:26");
    const struct directory_edit edit = {
        .kind = EDIT_ADD, .attribute = "bindings", .values = &value, .value_count = 1};
    struct image *image = image_of("dn: cn=Connectors,dc=contoso\nobjectClass: container\n");
    (void)state;
    assert_int_equal(apply(image, CHANGE_ADD, &edit, 1), OK);
    assert_int_equal(image_count(image), 2);
    expect(image, "bindings", "0.0.0.0:26");
    image_free(image);
}

static void test_an_object_goes(void **state)
{
    struct image *image = image_of(PRESENT);
    (void)state;
    assert_int_equal(apply(image, CHANGE_DELETE, NULL, 0), OK);
    assert_null(image_by_dn(image, KEY));
    assert_int_equal(apply(image, CHANGE_DELETE, NULL, 0), ERROR_NOT_FOUND);
    assert_int_equal(apply(image, CHANGE_EDIT, NULL, 0), ERROR_NOT_FOUND);
    image_free(image);
}

static void test_no_dn(void **state)
{
    struct image *image = image_of(PRESENT);
    struct note note = {{0}};
    const struct what_if what_if = {.dn = "no name", .change = CHANGE_ADD};
    (void)state;
    assert_int_equal(what_if_apply(&what_if, image, &note), ERROR_SYNTAX);
    assert_non_null(strstr(note.text, "no name"));
    image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_edit_replaces_and_keeps_the_rest),
        cmocka_unit_test(test_a_new_object),
        cmocka_unit_test(test_an_object_goes),
        cmocka_unit_test(test_no_dn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "unit/source/fixture.h"

#include "source/organization_file.h"

#include <unistd.h>

#define A "dn: cn=a,dc=x\nobjectClass: person\nentryUUID: 00000000-0000-0000-0000-00000000000a\n"

static const uint8_t id_a[16] = {[15] = 0x0a};

static void put(struct image *image, const char *ldif)
{
    struct fixture fixture = {.image = image};
    fixture_put(&fixture, ldif);
}

static const char *description_of(const struct entry *entry)
{
    static char text[64];
    struct bytes value;
    assert_non_null(entry);
    assert_int_equal(entry_text(entry, "description", &value), OK);
    (void)snprintf(text, sizeof(text), "%.*s", BYTES_ARG(value));
    return text;
}

static void test_rename_and_replace(void **state)
{
    (void)state;
    struct image *image = image_new();
    put(image, A "description: one\n\n");
    assert_non_null(image_by_dn(image, "cn=a,dc=x"));
    put(image, "dn: CN=B,dc=x\nobjectClass: person\nentryUUID: 00000000-0000-0000-0000-00000000000a\n\n");
    assert_null(image_by_dn(image, "cn=a,dc=x"));
    assert_ptr_equal(image_by_dn(image, "cn=b,dc=x"), image_by_id(image, id_a));
    assert_int_equal(image_count(image), 1);
    /* Deleted and made anew under the same name: the older id is gone. */
    put(image, "dn: cn=b,dc=x\nobjectClass: person\nentryUUID: 00000000-0000-0000-0000-00000000000b\n\n");
    assert_int_equal(image_count(image), 1);
    assert_null(image_by_id(image, id_a));
    image_delete(image, id_a);
    image_free(image);
}

static void test_last_good(void **state)
{
    (void)state;
    struct image *image = image_new();
    put(image, A "description: one\n\n");
    assert_null(image_last_good(image, id_a));
    image_mark_good(image, id_a);
    put(image, A "description: two\n\n");
    put(image, A "description: three\n\n");
    assert_string_equal(description_of(image_last_good(image, id_a)), "one");
    assert_string_equal(description_of(image_by_id(image, id_a)), "three");
    image_mark_good(image, id_a);
    assert_ptr_equal(image_last_good(image, id_a), image_by_id(image, id_a));
    struct image *later = image_new();
    put(later, A "description: four\n\n");
    image_take_good(later, image);
    assert_string_equal(description_of(image_last_good(later, id_a)), "three");
    image_free(image);
    image_delete(later, id_a);
    assert_null(image_last_good(later, id_a));
    image_free(later);
    image_free(NULL);
}

/* proves: contract-3 */
static void test_text_and_back(void **state)
{
    (void)state;
    struct image *image = image_new();
    put(image,
        A "description: one\n\n"
          "dn: cn=b,dc=x\nobjectClass: person\ndescription:: AAEC/w==\ndescription: " /* binary and long */
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\n");
    image_mark_good(image, id_a);
    put(image, A "description: two\n\n");
    struct buffer text;
    struct note note = {0};
    buffer_init(&text, 1 << 20);
    assert_int_equal(image_write(image, &text), OK);
    struct image *copy = image_new();
    assert_int_equal(image_read(buffer_bytes(&text), copy, &note), OK);
    assert_int_equal(image_count(copy), 2);
    assert_string_equal(description_of(image_by_id(copy, id_a)), "two");
    assert_string_equal(description_of(image_last_good(copy, id_a)), "one");
    const struct entry *b = image_by_dn(copy, "cn=b,dc=x");
    assert_non_null(b);
    assert_null(image_last_good(copy, b->id));
    assert_int_equal(entry_find(b, "description")->value_count, 2);
    assert_null(entry_find(b, "dirrelayImage"));
    struct buffer again;
    buffer_init(&again, 1 << 20);
    assert_int_equal(image_write(copy, &again), OK);
    assert_true(bytes_equal(buffer_bytes(&text), buffer_bytes(&again)));
    assert_int_equal(image_read(BYTES_LITERAL("no ldif"), copy, &note), ERROR_SYNTAX);
    buffer_done(&text);
    buffer_done(&again);
    image_free(image);
    image_free(copy);
}

/* A file that lost its end may have lost a deny with it. */
/* proves: contract-3 D7 */
static void test_a_file_that_was_cut_is_not_read(void **state)
{
    (void)state;
    char folder[] = "/tmp/dr-image-XXXXXX";
    char path[64];
    struct note note = {0};
    struct image *image = image_new();
    struct image *copy = NULL;
    put(image, A "description: one\n\n");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/organization.ldif", folder);
    assert_int_equal(organization_file_write(folder, image, &note), OK);
    assert_int_equal(organization_file_read(folder, &copy, &note), OK);
    assert_int_equal(image_count(copy), 1);
    image_free(copy);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    for (long length = ftell(file) - 1; length >= 0; length--) {
        assert_int_equal(truncate(path, length), 0);
        assert_int_equal(organization_file_read(folder, &copy, &note), ERROR_SYNTAX);
    }
    fclose(file);
    (void)unlink(path);
    (void)rmdir(folder);
    image_free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rename_and_replace),
        cmocka_unit_test(test_last_good),
        cmocka_unit_test(test_text_and_back),
        cmocka_unit_test(test_a_file_that_was_cut_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

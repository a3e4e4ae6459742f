/* Contract 3: the SID of a principal. */
#include "directory/principal_sid.h"

#include "directory/ldif.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define assert_has_text(text, part) assert_non_null(strstr(text, part))

static struct entry *taken;

static void take(struct entry *entry, void *owner)
{
    (void)owner;
    entry_free(taken);
    taken = entry;
}

/* The SID of "dn: cn=x" with these lines as text, or "error: reason". */
static const char *sid_of(const char *lines)
{
    static char text[512];
    char ldif[1024];
    struct note note = {0};
    struct sid sid;
    enum principal_source source;
    (void)snprintf(ldif, sizeof(ldif), "dn: cn=x\n%s\n", lines);
    assert_int_equal(ldif_parse(bytes_of_text(ldif), take, NULL, &note), OK);
    if (principal_sid(taken, &sid, &source, &note) == OK)
        (void)sid_format(&sid, text);
    else
        (void)snprintf(text, sizeof(text), "error: %s", note.text);
    entry_free(taken);
    taken = NULL;
    return text;
}

/* proves: contract-3 */
static void test_first_that_exists(void **state)
{
    (void)state;
    assert_string_equal(
        sid_of("objectClass: person\nobjectSid: S-1-5-21-1-2-3-1000\nsambaSID: S-1-5-21-1-2-3-4\n"),
        "S-1-5-21-1-2-3-1000");
    /* The binary form of S-1-5-21-1-2-3-1000. */
    assert_string_equal(sid_of("objectClass: user\nobjectSid:: AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAA6AMAAA==\n"),
                        "S-1-5-21-1-2-3-1000");
    assert_string_equal(sid_of("objectClass: person\nsambaSID: S-1-5-21-1-2-3-4\nuidNumber: 7\n"),
                        "S-1-5-21-1-2-3-4");
    assert_string_equal(sid_of("objectClass: posixAccount\nuidNumber: 1000\ngidNumber: 100\n"),
                        "S-1-22-1-1000");
    assert_string_equal(sid_of("objectClass: posixGroup\ngidNumber: 100\n"), "S-1-22-2-100");
    assert_string_equal(
        sid_of("objectClass: groupOfNames\nentryUUID: 00000001-0002-0003-0004-00000000ffff\n"),
        "S-1-9-1-131075-262144-65535");
    assert_string_equal(sid_of("objectClass: person\nentryUUID: a18293f1-0685-4540-aa63-e32df421b3a2\n"),
                        "S-1-9-2709689329-109397312-2858672941-4095849378");
}

/* proves: contract-3 */
static void test_nobody_writes_himself_a_sid(void **state)
{
    (void)state;
    static const char *const forged[] = {
        "S-1-9-1419165041-1139599005-3936102811-1022490595-23",
        "S-1-5-11",
        "S-1-1-0",
        "S-1-5-18",
        "S-1-22-1-0",
        "S-1-5-32-544",
        "S-1-9-1-2-3-4",
        "S-1-5-21",
        "nonsense",
    };
    for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
        char lines[512];
        (void)snprintf(lines, sizeof(lines), "objectClass: person\nuidNumber: 5\nobjectSid: %s\n", forged[i]);
        assert_int_equal(strncmp(sid_of(lines), "error: ", 7), 0);
        (void)snprintf(lines, sizeof(lines), "objectClass: person\nuidNumber: 5\nsambaSID: %s\n", forged[i]);
        assert_int_equal(strncmp(sid_of(lines), "error: ", 7), 0);
    }
    assert_string_equal(sid_of("objectClass: group\nobjectSid: S-1-5-32-544\n"), "S-1-5-32-544");
    assert_has_text(sid_of("objectClass: person\nobjectSid: S-1-5-21-1\nobjectSid: S-1-5-21-2\n"),
                    "not one SID");
}

static void test_numbers_out_of_range(void **state)
{
    (void)state;
    assert_string_equal(sid_of("objectClass: posixAccount\nuidNumber: 4294967295\n"), "S-1-22-1-4294967295");
    assert_has_text(sid_of("objectClass: posixAccount\nuidNumber: 4294967296\n"), "uidNumber");
    assert_has_text(sid_of("objectClass: posixAccount\nuidNumber: -1\n"), "uidNumber");
    assert_has_text(sid_of("objectClass: posixAccount\nuidNumber: 1\nuidNumber: 2\n"), "uidNumber");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_that_exists),
        cmocka_unit_test(test_nobody_writes_himself_a_sid),
        cmocka_unit_test(test_numbers_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

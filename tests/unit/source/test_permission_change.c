/* What is to be written for a right more or less. Contract 4. */
#include "source/permission_change.h"

#include "directory/ldif.h"
#include "security/sddl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ANY_RECIPIENT "ms-Exch-SMTP-Accept-Any-Recipient"
#define SUBMIT_GUID   "a18293f1-0685-4540-aa63-e32df421b3a2"
#define DN            "cn=a,dc=contoso,dc=com"
#define USER_SID      "S-1-5-21-1-2-3-1001"

struct scene {
    struct arena arena;
    struct entry *entry;
    struct permission_request request;
    struct permission_change change;
    struct note note;
    enum error error;
};

static void take(struct entry *entry, void *owner)
{
    struct scene *scene = owner;
    entry_free(scene->entry);
    scene->entry = entry;
}

static void begin(struct scene *scene, const char *attributes, const char *line)
{
    char ldif[8192];
    *scene = (struct scene){0};
    arena_init(&scene->arena, 16 << 20);
    (void)snprintf(ldif, sizeof ldif, "dn: " DN "\ncn: a\n%s\n", attributes);
    assert_int_equal(ldif_parse(bytes_of_text(ldif), take, scene, &scene->note), OK);
    assert_int_equal(ace_text_parse(bytes_of_text(line), &scene->request.ace, &scene->note), OK);
    scene->request.trustee = bytes_of_text(strstr(line, " to ") + 4);
    assert_int_equal(sid_parse(BYTES_LITERAL(USER_SID), &scene->request.sid), OK);
    scene->request.has_sid = true;
}

static void plan(struct scene *scene, enum directory_flavor flavor, bool is_remove)
{
    scene->request.is_remove = is_remove;
    scene->error = permission_change_plan(&scene->request, flavor, scene->entry, &scene->arena,
                                          &scene->change, &scene->note);
}

static void end(struct scene *scene)
{
    entry_free(scene->entry);
    arena_done(&scene->arena);
}

static void unfold(char *text)
{
    for (char *at = text; (at = strstr(at, "\n "));)
        memmove(at, at + 2, strlen(at + 2) + 1);
}

/* The plan as LDIF behind its dn and changetype lines. */
static void check_lines(const char *attributes, const char *line, bool is_remove, const char *expected)
{
    struct scene scene;
    struct buffer ldif;
    buffer_init(&ldif, 65536);
    begin(&scene, attributes, line);
    plan(&scene, FLAVOR_OPENLDAP, is_remove);
    assert_int_equal(scene.error, OK);
    assert_int_equal(
        ldif_append_change(&ldif, FLAVOR_OPENLDAP, DN, scene.change.edits, scene.change.edit_count), OK);
    assert_int_equal(buffer_append_byte(&ldif, '\0'), OK);
    unfold(ldif.ptr);
    assert_string_equal(ldif.ptr + strlen("dn: " DN "\nchangetype: modify\n"), expected);
    buffer_done(&ldif);
    end(&scene);
}

/* proves: contract-4 */
static void test_lines(void **state)
{
    (void)state;
    check_lines("", "allow " ANY_RECIPIENT " to anonymous", false,
                "add: dirrelayAce\ndirrelayAce: allow " ANY_RECIPIENT " to anonymous\n-\n\n");
    check_lines("dirrelayAce: allow " ANY_RECIPIENT " to anonymous\n",
                "allow " ANY_RECIPIENT ",ms-Exch-SMTP-Submit to anonymous", false,
                "add: dirrelayAce\ndirrelayAce: allow ms-Exch-SMTP-Submit to anonymous\n-\n\n");
    check_lines("dirrelayAce: allow " SUBMIT_GUID " to S-1-5-7\n", "allow ms-Exch-SMTP-Submit to anonymous",
                false, "\n");
    check_lines("dirrelayAce: deny " ANY_RECIPIENT " to anonymous\n", "allow " ANY_RECIPIENT " to anonymous",
                true, "\n");
    check_lines("dirrelayAce: allow * to anonymous\n", "allow " ANY_RECIPIENT " to anonymous", true, "\n");
    check_lines("dirrelayAce: allow " ANY_RECIPIENT "  to  UID=Chris, DC=contoso,dc=com\n",
                "allow " ANY_RECIPIENT " to uid=chris,dc=contoso,dc=com", true,
                "delete: dirrelayAce\ndirrelayAce: allow " ANY_RECIPIENT
                "  to  UID=Chris, DC=contoso,dc=com\n-\n\n");
    check_lines("dirrelayAce: ALLOW Send-As ,\n  " ANY_RECIPIENT
                ",12345678-0000-4000-8000-0000000000aa to anonymous\n",
                "allow " ANY_RECIPIENT " to anonymous", true,
                "delete: dirrelayAce\ndirrelayAce: ALLOW Send-As , " ANY_RECIPIENT
                ",12345678-0000-4000-8000-0000000000aa to anonymous\n-\nadd: dirrelayAce\ndirrelayAce: "
                "ALLOW Send-As,12345678-0000-4000-8000-0000000000aa to anonymous\n-\n\n");
    /* A value that cannot be read is nobody's to touch. */
    check_lines("dirrelayAce: allow nonsense\n", "allow " ANY_RECIPIENT " to anonymous", true, "\n");
}

/* proves: contract-7 */
static void test_a_descriptor_makes_lines_pointless(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "nTSecurityDescriptor:: AAAA\n", "allow " ANY_RECIPIENT " to anonymous");
    plan(&scene, FLAVOR_OPENLDAP, false);
    assert_int_equal(scene.error, ERROR_SYNTAX);
    assert_non_null(strstr(scene.note.text, "nTSecurityDescriptor"));
    end(&scene);
}

static void put_descriptor(struct scene *scene, const char *sddl, const char *line)
{
    struct descriptor descriptor;
    struct arena arena;
    struct buffer binary;
    char text[4096], attribute[4200];
    arena_init(&arena, DESCRIPTOR_ARENA_BYTES);
    buffer_init(&binary, DESCRIPTOR_BYTES_MAX);
    assert_int_equal(sddl_parse(bytes_of_text(sddl), NULL, &arena, &descriptor, NULL), OK);
    assert_int_equal(descriptor_encode(&descriptor, &binary), OK);
    bytes_to_base64(buffer_bytes(&binary), text);
    (void)snprintf(attribute, sizeof attribute, "nTSecurityDescriptor:: %s\n", text);
    begin(scene, attribute, line);
    buffer_done(&binary);
    arena_done(&arena);
}

/* Plans and gives what is written as SDDL; "" when nothing is. */
static void check_descriptor(const char *sddl, const char *line, bool is_remove, const char *expected)
{
    struct scene scene;
    struct descriptor written;
    struct buffer text;
    buffer_init(&text, 65536);
    put_descriptor(&scene, sddl, line);
    plan(&scene, FLAVOR_AD, is_remove);
    assert_int_equal(scene.error, OK);
    if (scene.change.edit_count > 0) {
        const struct directory_edit *edit = &scene.change.edits[0];
        assert_int_equal(edit->kind, EDIT_REPLACE);
        assert_string_equal(edit->attribute, "nTSecurityDescriptor");
        assert_int_equal(descriptor_decode(edit->values[0], &scene.arena, &written, &scene.note), OK);
        assert_int_equal(sddl_format(&written, &text, NULL), OK);
    }
    assert_int_equal(buffer_append_byte(&text, '\0'), OK);
    assert_string_equal(text.ptr, expected);
    buffer_done(&text);
    end(&scene);
}

/* Owner, group and SACL are not written back; the inherited ACEs and the flags are. */
/* proves: contract-4 */
static void test_dacl(void **state)
{
    (void)state;
    const char *old = "O:BAG:BAD:AI(A;;RC;;;AU)(A;CIID;GA;;;BA)S:(AU;SA;CR;;;WD)";
    check_descriptor(old, "allow ms-Exch-SMTP-Submit to cn=u,dc=contoso,dc=com", false,
                     "D:AI(A;;RC;;;AU)(OA;CI;CR;" SUBMIT_GUID ";;" USER_SID ")(A;CIID;GA;;;BA)");
    check_descriptor(old, "deny ms-Exch-SMTP-Submit to anonymous", false,
                     "D:AI(OD;CI;CR;" SUBMIT_GUID ";;AN)(A;;RC;;;AU)(A;CIID;GA;;;BA)");
    check_descriptor("D:P(OA;CI;CR;" SUBMIT_GUID ";;AN)(A;;RC;;;AU)",
                     "allow ms-Exch-SMTP-Submit to anonymous", true, "D:P(A;;RC;;;AU)");
    check_descriptor(old, "allow ms-Exch-SMTP-Submit to anonymous", true, "");
}

static void test_dacl_that_cannot_be_edited(void **state)
{
    (void)state;
    struct scene scene;
    begin(&scene, "", "allow ms-Exch-SMTP-Submit to anonymous");
    plan(&scene, FLAVOR_AD, false);
    assert_int_equal(scene.error, ERROR_DENIED_CREDENTIALS);
    end(&scene);
    begin(&scene, "nTSecurityDescriptor:: AAAA\n", "allow ms-Exch-SMTP-Submit to anonymous");
    plan(&scene, FLAVOR_AD, false);
    assert_int_equal(scene.error, ERROR_SYNTAX);
    end(&scene);
    put_descriptor(&scene, "O:BAG:BAD:NO_ACCESS_CONTROL", "allow ms-Exch-SMTP-Submit to anonymous");
    plan(&scene, FLAVOR_AD, false);
    assert_int_equal(scene.error, ERROR_SYNTAX);
    end(&scene);
}

/* proves: contract-4 */
static void test_ldif_of_a_descriptor_carries_the_control(void **state)
{
    (void)state;
    const struct bytes value = BYTES_LITERAL("\x01\x00");
    const struct directory_edit edit = {EDIT_REPLACE, "nTSecurityDescriptor", &value, 1};
    struct buffer ldif;
    buffer_init(&ldif, 4096);
    assert_int_equal(ldif_append_change(&ldif, FLAVOR_AD, DN, &edit, 1), OK);
    assert_int_equal(buffer_append_byte(&ldif, '\0'), OK);
    assert_string_equal(ldif.ptr, "dn: " DN "\ncontrol: 1.2.840.113556.1.4.801 true:: MAMCAQQ=\n"
                                  "changetype: modify\nreplace: nTSecurityDescriptor\n"
                                  "nTSecurityDescriptor:: AQA=\n-\n\n");
    buffer_done(&ldif);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_a_descriptor_makes_lines_pointless),
        cmocka_unit_test(test_dacl),
        cmocka_unit_test(test_dacl_that_cannot_be_edited),
        cmocka_unit_test(test_ldif_of_a_descriptor_carries_the_control),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

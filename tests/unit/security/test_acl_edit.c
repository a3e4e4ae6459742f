/* Edits of DACLs written as SDDL. */
#include "security/acl_edit.h"
#include "security/sddl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SUBMIT    "a18293f1-0685-4540-aa63-e32df421b3a2"
#define RECIPIENT "5c82f031-4e4c-4326-88e1-8c4f0cad9de5"
#define OTHER     "12345678-0000-4000-8000-0000000000aa"
#define USER      "S-1-5-21-1-2-3-1001"

static const struct sid user = {5, 5, {21, 1, 2, 3, 1001}};

struct expectation {
    const char *before;
    struct acl_edit edit;
    const char *after;
    uint32_t changed, inherited, covered;
};

static enum error run_edit(bool is_remove, const char *sddl, const struct acl_edit *edit, char after[2048],
                           struct acl_edit_outcome *out)
{
    struct arena arena;
    struct descriptor descriptor;
    struct note note = {{0}};
    struct buffer text;
    arena_init(&arena, 2 * DESCRIPTOR_ARENA_BYTES);
    buffer_init(&text, 2047);
    assert_int_equal(sddl_parse(bytes_of_text(sddl), NULL, &arena, &descriptor, &note), OK);
    struct acl_edit with_user = *edit;
    with_user.sid = user;
    enum error error =
        (is_remove ? acl_edit_remove : acl_edit_add)(&descriptor.dacl, &with_user, &arena, out, &note);
    if (error == OK) {
        descriptor.dacl = out->acl;
        assert_int_equal(sddl_format(&descriptor, &text, NULL), OK);
        memcpy(after, text.ptr, text.len);
        after[text.len] = '\0';
    } else {
        assert_true(note.text[0]);
    }
    buffer_done(&text);
    arena_done(&arena);
    return error;
}

static void check_all(bool is_remove, const struct expectation *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char after[2048];
        struct acl_edit_outcome outcome;
        assert_int_equal(run_edit(is_remove, rows[i].before, &rows[i].edit, after, &outcome), OK);
        assert_string_equal(after, rows[i].after);
        assert_int_equal(outcome.changed, rows[i].changed);
        assert_int_equal(outcome.inherited, rows[i].inherited);
        assert_int_equal(outcome.covered, rows[i].covered);
    }
}

#define BIT_SUBMIT       RIGHT_BIT(RIGHT_SMTP_SUBMIT)
#define BIT_RECIPIENT    RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT)
#define ALLOW_USER(guid) "(OA;CI;CR;" guid ";;" USER ")"
#define DENY_USER(guid)  "(OD;CI;CR;" guid ";;" USER ")"
#define INHERITED        "(OD;CIID;CR;" RECIPIENT ";;WD)(A;CIID;GA;;;BA)"

/* proves: facts-5.1 contract-4 */
static void adding_keeps_the_canonical_order(void **state)
{
    (void)state;
    const struct acl_edit allow = {.rights = BIT_SUBMIT}, deny = {.is_deny = true, .rights = BIT_SUBMIT};
    const struct acl_edit both = {.rights = BIT_SUBMIT | BIT_RECIPIENT};
    const struct acl_edit all = {.is_all_rights = true}, deny_all = {.is_deny = true, .is_all_rights = true};
    const struct expectation rows[] = {
        {"D:", allow, "D:" ALLOW_USER(SUBMIT), BIT_SUBMIT, 0, 0},
        {"D:AI(D;;WD;;;AN)(A;;RC;;;AU)" INHERITED, allow,
         "D:AI(D;;WD;;;AN)(A;;RC;;;AU)" ALLOW_USER(SUBMIT) INHERITED, BIT_SUBMIT, 0, 0},
        {"D:AI(D;;WD;;;AN)(A;;RC;;;AU)" INHERITED, deny,
         "D:AI(D;;WD;;;AN)" DENY_USER(SUBMIT) "(A;;RC;;;AU)" INHERITED, BIT_SUBMIT, 0, 0},
        {"D:P(A;;RC;;;AU)", both, "D:P(A;;RC;;;AU)" ALLOW_USER(SUBMIT) ALLOW_USER(RECIPIENT),
         BIT_SUBMIT | BIT_RECIPIENT, 0, 0},
        {"D:" ALLOW_USER(SUBMIT), all, "D:" ALLOW_USER(SUBMIT) "(A;CI;CR;;;" USER ")", RIGHTS_ALL, 0, 0},
        {"D:(A;;RC;;;AU)", deny_all, "D:(D;CI;CR;;;" USER ")(A;;RC;;;AU)", RIGHTS_ALL, 0, 0},
        /* A list in no order keeps it: the deny goes to the head all the same. */
        {"D:(A;;RC;;;AU)(D;;WD;;;AN)", deny, "D:" DENY_USER(SUBMIT) "(A;;RC;;;AU)(D;;WD;;;AN)", BIT_SUBMIT, 0,
         0},
    };
    check_all(false, rows, sizeof(rows) / sizeof(rows[0]));
}

static void what_is_there_is_not_added_again(void **state)
{
    (void)state;
    const struct acl_edit allow = {.rights = BIT_SUBMIT};
    const struct expectation rows[] = {
        {"D:" ALLOW_USER(SUBMIT), allow, "D:" ALLOW_USER(SUBMIT), 0, 0, 0},
        /* Inherited, for children only, conditional or of another trustee: not the same. */
        {"D:(OA;CIID;CR;" SUBMIT ";;" USER ")", allow,
         "D:" ALLOW_USER(SUBMIT) "(OA;CIID;CR;" SUBMIT ";;" USER ")", BIT_SUBMIT, 0, 0},
        {"D:(OA;CIIO;CR;" SUBMIT ";;" USER ")", allow,
         "D:(OA;CIIO;CR;" SUBMIT ";;" USER ")" ALLOW_USER(SUBMIT), BIT_SUBMIT, 0, 0},
        {"D:(OA;CI;CR;" SUBMIT ";;AN)", allow, "D:(OA;CI;CR;" SUBMIT ";;AN)" ALLOW_USER(SUBMIT), BIT_SUBMIT,
         0, 0},
    };
    check_all(false, rows, sizeof(rows) / sizeof(rows[0]));
}

/* proves: contract-4 */
static void removing_touches_only_what_was_named(void **state)
{
    (void)state;
    const struct acl_edit allow = {.rights = BIT_SUBMIT}, deny = {.is_deny = true, .rights = BIT_SUBMIT};
    const struct acl_edit all = {.is_all_rights = true};
    const struct expectation rows[] = {
        {"D:" ALLOW_USER(SUBMIT) ALLOW_USER(RECIPIENT) ALLOW_USER(OTHER), allow,
         "D:" ALLOW_USER(RECIPIENT) ALLOW_USER(OTHER), BIT_SUBMIT, 0, 0},
        {"D:" DENY_USER(SUBMIT) ALLOW_USER(SUBMIT), deny, "D:" ALLOW_USER(SUBMIT), BIT_SUBMIT, 0, 0},
        {"D:(OA;CI;CR;" SUBMIT ";;AN)", allow, "D:(OA;CI;CR;" SUBMIT ";;AN)", 0, 0, 0},
        /* Other bits of the same ACE stay. */
        {"D:(OA;CI;RPCR;" SUBMIT ";;" USER ")", allow, "D:(OA;CI;RP;" SUBMIT ";;" USER ")", BIT_SUBMIT, 0, 0},
        {"D:(A;;RCCR;;;" USER ")" ALLOW_USER(SUBMIT), all, "D:(A;;RC;;;" USER ")" ALLOW_USER(SUBMIT),
         RIGHTS_ALL, 0, 0},
        /* Not to be had here, and said so. */
        {"D:(OA;CIID;CR;" SUBMIT ";;" USER ")(A;CI;CR;;;" USER ")", allow,
         "D:(OA;CIID;CR;" SUBMIT ";;" USER ")(A;CI;CR;;;" USER ")", 0, BIT_SUBMIT, BIT_SUBMIT},
        {"D:(OA;CIIO;CR;" SUBMIT ";;" USER ")(OA;CI;CR;" SUBMIT ";" OTHER ";" USER ")", allow,
         "D:(OA;CIIO;CR;" SUBMIT ";;" USER ")(OA;CI;CR;" SUBMIT ";" OTHER ";" USER ")", 0, 0, 0},
    };
    check_all(true, rows, sizeof(rows) / sizeof(rows[0]));
}

/* proves: D11 */
static void no_list_is_not_edited(void **state)
{
    (void)state;
    const struct acl_edit edit = {.rights = BIT_SUBMIT};
    struct acl_edit_outcome outcome;
    char after[2048];
    const char *const lists[] = {"O:BA", "D:NO_ACCESS_CONTROL"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(run_edit(false, lists[i], &edit, after, &outcome), ERROR_SYNTAX);
        assert_int_equal(run_edit(true, lists[i], &edit, after, &outcome), ERROR_SYNTAX);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adding_keeps_the_canonical_order),
        cmocka_unit_test(what_is_there_is_not_added_again),
        cmocka_unit_test(removing_touches_only_what_was_named),
        cmocka_unit_test(no_list_is_not_edited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

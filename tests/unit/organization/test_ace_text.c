/* ACE lines: every form of contract 3, and what is refused with which words. */
#include "organization/ace_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BIT(name) RIGHT_BIT(RIGHT_##name)
#define TRANSPORT "S-1-9-1419165041-1139599005-3936102811-1022490595-"

struct good {
    const char *line;
    bool is_deny;
    uint32_t rights;
    const char *sid; /* NULL: a DN */
    const char *dn;
};

static const struct good GOOD[] = {
    {"allow ms-Exch-SMTP-Submit to anonymous", false, BIT(SMTP_SUBMIT), "S-1-5-7", NULL},
    {"allow Ms-Exch-SMTP-Accept-Any-Recipient to NT AUTHORITY\\ANONYMOUS LOGON", false,
     BIT(SMTP_ACCEPT_ANY_RECIPIENT), "S-1-5-7", NULL},
    {"DENY MS-EXCH-BYPASS-ANTI-SPAM TO EVERYONE", true, BIT(BYPASS_ANTI_SPAM), "S-1-1-0", NULL},
    {"  allow \t ms-Exch-SMTP-Submit ,\tms-exch-accept-headers-routing   to\tauthenticated  ", false,
     BIT(SMTP_SUBMIT) | BIT(ACCEPT_HEADERS_ROUTING), "S-1-5-11", NULL},
    {"allow ms-Exch-SMTP-Submit,ms-Exch-SMTP-Accept-Any-Recipient,ms-Exch-Bypass-Anti-Spam to "
     "NT  AUTHORITY\\anonymous  logon",
     false, BIT(SMTP_SUBMIT) | BIT(SMTP_ACCEPT_ANY_RECIPIENT) | BIT(BYPASS_ANTI_SPAM), "S-1-5-7", NULL},
    {"allow ms-Exch-SMTP-Accept-Exch50,ms-Exch-Accept-Exch50 to legacy-servers", false,
     BIT(SMTP_ACCEPT_EXCH50), TRANSPORT "24", NULL},
    {"allow ms-Exch-Send-Exch50 to hub-servers", false, BIT(SMTP_SEND_EXCH50), TRANSPORT "21", NULL},
    {"allow a18293f1-0685-4540-aa63-e32df421b3a2 to partner-servers", false, BIT(SMTP_SUBMIT), TRANSPORT "10",
     NULL},
    {"allow A18293F1-0685-4540-AA63-E32DF421B3A2 to edge-servers", false, BIT(SMTP_SUBMIT), TRANSPORT "22",
     NULL},
    {"allow * to externally-secured-servers", false, RIGHTS_ALL, TRANSPORT "23", NULL},
    {"allow ms-Exch-SMTP-Submit to MS Exchange\\Externally Secured Servers", false, BIT(SMTP_SUBMIT),
     TRANSPORT "23", NULL},
    {"allow Send-As to S-1-5-10", false, BIT(SEND_AS), "S-1-5-10", NULL},
    {"allow ms-Exch-SMTP-Submit to S-1-5-21-1-2-3-1104", false, BIT(SMTP_SUBMIT), "S-1-5-21-1-2-3-1104",
     NULL},
    {"deny ms-Exch-SMTP-Submit to uid=chris,ou=people,dc=contoso,dc=com", true, BIT(SMTP_SUBMIT), NULL,
     "uid=chris,ou=people,dc=contoso,dc=com"},
    {"allow ms-Exch-SMTP-Submit to CN = Smith\\, to be sure,OU=A to B,DC=x ", false, BIT(SMTP_SUBMIT), NULL,
     "CN = Smith\\, to be sure,OU=A to B,DC=x"},
    {"allow ms-Exch-SMTP-Submit to 2.5.4.3=x", false, BIT(SMTP_SUBMIT), NULL, "2.5.4.3=x"},
};

/* proves: C62 C191 C195 C196 C197 C198 C199 C253 contract-3 */
static void test_good_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        struct ace_text text;
        struct note note = {""};
        enum error error = ace_text_parse(bytes_of_text(GOOD[i].line), &text, &note);
        if (error != OK) {
            fail_msg("%s: %s", GOOD[i].line, note.text);
        }
        assert_int_equal(text.is_deny, GOOD[i].is_deny);
        assert_int_equal(text.rights, GOOD[i].rights);
        assert_int_equal(text.is_all_rights, GOOD[i].rights == RIGHTS_ALL);
        assert_false(text.has_unknown_guid);
        if (GOOD[i].sid != NULL) {
            char sid[SID_TEXT_SIZE];
            assert_int_equal(text.trustee_kind, ACE_TRUSTEE_SID);
            assert_string_equal(sid_format(&text.sid, sid), GOOD[i].sid);
        } else {
            assert_int_equal(text.trustee_kind, ACE_TRUSTEE_DN);
            assert_true(bytes_equal(text.dn, bytes_of_text(GOOD[i].dn)));
        }
    }
}

/* A GUID that names no known right is kept and grants nothing of ours. */
/* proves: contract-3 */
static void test_unknown_guid(void **state)
{
    (void)state;
    struct ace_text text;
    const char *line = "allow 00000000-0000-0000-0000-000000000001,ms-Exch-SMTP-Submit to anonymous";
    assert_int_equal(ace_text_parse(bytes_of_text(line), &text, NULL), OK);
    assert_true(text.has_unknown_guid);
    assert_int_equal(text.rights, BIT(SMTP_SUBMIT));
}

static const struct {
    const char *line;
    const char *note; /* part of what the administrator reads */
} BAD[] = {
    {"", "\"\" stands where \"allow\" or \"deny\" is expected"},
    {"   ", "\"allow\" or \"deny\""},
    {"permit ms-Exch-SMTP-Submit to anonymous", "\"permit\" stands where"},
    {"allowms-Exch-SMTP-Submit to anonymous", "\"allowms-Exch-SMTP-Submit\""},
    {"allow", "\"\" is not a right"},
    {"allow to anonymous", "\"to\" is not a right"},
    {"allow ms-Exch-SMTP-Submitt to anonymous", "\"ms-Exch-SMTP-Submitt\" is not a right"},
    {"allow ms-Exch-SMTP-Submit, to anonymous", "\"to\" is not a right"},
    {"allow ,ms-Exch-SMTP-Submit to anonymous", "\"\" is not a right"},
    {"allow ms-Exch-SMTP-Submit,,Send-As to anonymous", "\"\" is not a right"},
    {"allow ms-Exch-SMTP-Submit Send-As to anonymous", "\"Send-As\" stands where \"to\""},
    {"allow ms-Exch-SMTP-Submit", "\"\" stands where \"to\""},
    {"allow ms-Exch-SMTP-Submit anonymous", "\"anonymous\" stands where \"to\""},
    {"allow ms-Exch-SMTP-Submit to", "no trustee"},
    {"allow ms-Exch-SMTP-Submit to ", "no trustee"},
    {"allow ms-Exch-SMTP-Submit to anonymus", "\"anonymus\" is neither"},
    {"allow ms-Exch-SMTP-Submit to anonymous everyone", "\"anonymous everyone\" is neither"},
    {"allow ms-Exch-SMTP-Submit to S-1-5-7x", "\"S-1-5-7x\" is not a SID"},
    {"allow ms-Exch-SMTP-Submit to S-1-", "is not a SID"},
    {"allow ms-Exch-SMTP-Submit to =x", "is neither"},
    {"allow ms-Exch-SMTP-Submit to uid=", "is neither"},
    {"allow {a18293f1-0685-4540-aa63-e32df421b3a2} to anonymous", "is not a right"},
    {"allow ms-Exch-SMTP-Submit to anonymous\n", "control character at byte 39"},
    {"allow ms-Exch-SMTP-Submit\r\nto anonymous", "control character"},
};

/* proves: contract-3 */
static void test_bad_lines_name_the_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct ace_text text = {.rights = 77};
        struct note note = {""};
        assert_int_equal(ace_text_parse(bytes_of_text(BAD[i].line), &text, &note), ERROR_SYNTAX);
        assert_int_equal(text.rights, 77); /* written only on success */
        if (strstr(note.text, BAD[i].note) == NULL) {
            fail_msg("%s: \"%s\" does not say %s", BAD[i].line, note.text, BAD[i].note);
        }
    }
}

/* Values of the directory hold any bytes, and may be long. */
/* proves: D15 */
static void test_hostile_values(void **state)
{
    (void)state;
    struct ace_text text;
    struct bytes with_zero = BYTES_LITERAL("allow ms-Exch-SMTP-Submit to uid=a\0b,dc=x");
    assert_int_equal(ace_text_parse(with_zero, &text, NULL), ERROR_SYNTAX);
    assert_int_equal(ace_text_parse((struct bytes){NULL, 0}, &text, NULL), ERROR_SYNTAX);

    size_t len = ACE_TEXT_MAX + 1;
    char *line = malloc(len);
    assert_non_null(line);
    memset(line, 'x', len);
    static const char START[] = "allow Send-As to cn=";
    memcpy(line, START, sizeof(START) - 1);
    assert_int_equal(ace_text_parse((struct bytes){line, len}, &text, NULL), ERROR_SYNTAX);
    assert_int_equal(ace_text_parse((struct bytes){line, len - 1}, &text, NULL), OK);
    free(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_lines),
        cmocka_unit_test(test_unknown_guid),
        cmocka_unit_test(test_bad_lines_name_the_word),
        cmocka_unit_test(test_hostile_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

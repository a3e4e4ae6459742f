/* Facts 6.3 as a table: what a session holds and what stood in the header give what stands there afterwards.
 */
#include "policy/auth_stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BIT(name)    RIGHT_BIT(RIGHT_##name)
#define FLAG         BIT(SMTP_ACCEPT_AUTHENTICATION_FLAG)
#define ANY_SENDER   BIT(SMTP_ACCEPT_ANY_SENDER)
#define OWN_SENDER   BIT(SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER)
#define ORGANIZATION BIT(ACCEPT_HEADERS_ORGANIZATION)
#define P            "X-MS-Exchange-Organization-"

static const struct {
    enum identity identity;
    uint32_t rights;
    bool is_declared_anonymous;
    enum auth_as as;
} DECISIONS[] = {
    {IDENTITY_ANONYMOUS, 0, false, AUTH_AS_ANONYMOUS},
    {IDENTITY_ANONYMOUS, FLAG, false, AUTH_AS_ANONYMOUS},
    {IDENTITY_ACCOUNT, 0, false, AUTH_AS_INTERNAL},
    {IDENTITY_ACCOUNT, ANY_SENDER, false, AUTH_AS_ANONYMOUS},
    {IDENTITY_ACCOUNT, OWN_SENDER, false, AUTH_AS_ANONYMOUS},
    {IDENTITY_ACCOUNT, ANY_SENDER | FLAG, false, AUTH_AS_INTERNAL},
    {IDENTITY_ACCOUNT, OWN_SENDER | FLAG, false, AUTH_AS_INTERNAL},
    {IDENTITY_ACCOUNT, 0, true, AUTH_AS_INTERNAL}, /* without the flag AUTH= is ignored */
    {IDENTITY_ACCOUNT, FLAG, true, AUTH_AS_ANONYMOUS},
    {IDENTITY_EXTERNALLY_SECURED, ANY_SENDER | OWN_SENDER | FLAG, false, AUTH_AS_INTERNAL},
    {IDENTITY_EXTERNALLY_SECURED, ANY_SENDER | OWN_SENDER, false, AUTH_AS_ANONYMOUS},
    {IDENTITY_HUB, ANY_SENDER | OWN_SENDER | FLAG, false, AUTH_AS_INTERNAL},
    {IDENTITY_HUB, ANY_SENDER | OWN_SENDER | FLAG, true, AUTH_AS_ANONYMOUS},
    {IDENTITY_PARTNER, ANY_SENDER, false, AUTH_AS_PARTNER},
    {IDENTITY_PARTNER, 0, true, AUTH_AS_PARTNER},
    {IDENTITY_PARTNER, FLAG, true, AUTH_AS_ANONYMOUS},
};

/* proves: C24 C41 C92 C205 facts-6.3 */
static void test_decisions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof DECISIONS / sizeof DECISIONS[0]; i++) {
        struct auth_evidence evidence = {.identity = DECISIONS[i].identity,
                                         .rights = DECISIONS[i].rights,
                                         .is_declared_anonymous = DECISIONS[i].is_declared_anonymous};
        if (auth_stamp_decide(&evidence) != DECISIONS[i].as) {
            fail_msg("row %zu", i);
        }
    }
}

#define OLD_INTERNAL                                                                                         \
    P "AuthSource: old.example\r\n" P "AuthAs: Internal\r\n" P "AuthMechanism: 04\r\n" P "AuthDomain: x\r\n"
#define OLD_ANONYMOUS P "AuthSource: old.example\r\n" P "AuthAs: Anonymous\r\n" P "AuthMechanism: 00\r\n"
#define NEW_ANONYMOUS P "AuthSource: hub.example\r\n" P "AuthAs: Anonymous\r\n"
#define SUBJECT       "Subject: x\r\n" P "SCL: 1\r\n"

static const struct {
    const char *before;
    enum identity identity;
    enum auth_stamp_mechanism mechanism;
    uint32_t rights;
    const char *after;
} STAMPS[] = {
    {SUBJECT, IDENTITY_ANONYMOUS, STAMP_NONE, 0, SUBJECT NEW_ANONYMOUS},
    {SUBJECT P "AuthMechanism: 04\r\n", IDENTITY_ANONYMOUS, STAMP_NONE, 0, SUBJECT NEW_ANONYMOUS},
    {SUBJECT, IDENTITY_ACCOUNT, STAMP_LOGIN_TLS, 0,
     SUBJECT P "AuthSource: hub.example\r\n" P "AuthAs: Internal\r\n" P "AuthMechanism: 06\r\n"},
    {SUBJECT, IDENTITY_ACCOUNT, STAMP_MUTUAL_GSSAPI, 0,
     SUBJECT P "AuthSource: hub.example\r\n" P "AuthAs: Internal\r\n" P "AuthMechanism: 0c\r\n"},
    {SUBJECT, IDENTITY_EXTERNALLY_SECURED, STAMP_NONE, FLAG,
     SUBJECT P "AuthSource: hub.example\r\n" P "AuthAs: Internal\r\n" P "AuthMechanism: 10\r\n"},
    {SUBJECT, IDENTITY_EDGE, STAMP_NONE, FLAG,
     SUBJECT P "AuthSource: hub.example\r\n" P "AuthAs: Internal\r\n" P "AuthMechanism: 11\r\n"},
    {SUBJECT, IDENTITY_PARTNER, STAMP_NONE, 0,
     SUBJECT P "AuthSource: hub.example\r\n" P "AuthAs: Partner\r\n" P "AuthMechanism: 02\r\n" P
               "AuthDomain: contoso.com\r\n" P "Classification: 030e9e2f-134b-4020-861c-5bfc616f113d\r\n"},
    {OLD_INTERNAL SUBJECT, IDENTITY_HUB, STAMP_NONE, FLAG | ORGANIZATION, OLD_INTERNAL SUBJECT},
    {OLD_ANONYMOUS SUBJECT, IDENTITY_HUB, STAMP_NONE, FLAG | ORGANIZATION, OLD_ANONYMOUS SUBJECT},
    /* Kept by dirrelayReportOnly alone: nobody may lend himself another server's word. */
    {OLD_INTERNAL SUBJECT, IDENTITY_ACCOUNT, STAMP_LOGIN, 0,
     SUBJECT P "AuthSource: hub.example\r\n" P "AuthAs: Internal\r\n" P "AuthMechanism: 07\r\n"},
    {OLD_ANONYMOUS SUBJECT, IDENTITY_ANONYMOUS, STAMP_NONE, 0, SUBJECT NEW_ANONYMOUS},
    {OLD_INTERNAL SUBJECT, IDENTITY_ANONYMOUS, STAMP_NONE, ORGANIZATION, SUBJECT NEW_ANONYMOUS},
    {OLD_ANONYMOUS SUBJECT, IDENTITY_ANONYMOUS, STAMP_NONE, ORGANIZATION,
     P "AuthSource: old.example\r\n" SUBJECT P "AuthAs: Anonymous\r\n"},
    /* Two stamps: nobody knows which one a later reader takes. */
    {OLD_ANONYMOUS OLD_INTERNAL SUBJECT, IDENTITY_ANONYMOUS, STAMP_NONE, ORGANIZATION, SUBJECT NEW_ANONYMOUS},
};

static bool is_removed(const struct header_field *field, void *owner)
{
    return auth_stamp_removes(owner, field);
}

/* proves: C96 C98 C99 C101 C164 C175 facts-6.2 facts-6.3 */
static void test_stamps(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof STAMPS / sizeof STAMPS[0]; i++) {
        struct auth_evidence evidence = {.identity = STAMPS[i].identity,
                                         .mechanism = STAMPS[i].mechanism,
                                         .rights = STAMPS[i].rights,
                                         .server = BYTES_LITERAL("hub.example"),
                                         .partner_domain = BYTES_LITERAL("contoso.com")};
        struct bytes block = bytes_of_text(STAMPS[i].before);
        struct auth_stamp stamp = auth_stamp_plan(&evidence, block);
        struct buffer out;
        enum error error = OK;
        buffer_init(&out, 4096);
        header_remove(block, is_removed, &stamp, &out, &error);
        assert_int_equal(error, OK);
        assert_int_equal(auth_stamp_append(&stamp, &evidence, &out), OK);
        if (!bytes_equal(buffer_bytes(&out), bytes_of_text(STAMPS[i].after))) {
            fail_msg("row %zu: %.*s", i, BYTES_ARG(buffer_bytes(&out)));
        }
        buffer_done(&out);
    }
}

/* proves: C99 facts-6.3 */
static void test_internal_is_said_once(void **state)
{
    (void)state;
    assert_true(auth_stamp_is_internal(BYTES_LITERAL(OLD_INTERNAL SUBJECT)));
    assert_false(auth_stamp_is_internal(BYTES_LITERAL(SUBJECT)));
    assert_false(auth_stamp_is_internal(BYTES_LITERAL(OLD_ANONYMOUS)));
    assert_false(auth_stamp_is_internal(BYTES_LITERAL(OLD_INTERNAL OLD_INTERNAL)));
    assert_false(auth_stamp_is_internal(BYTES_LITERAL(OLD_INTERNAL OLD_ANONYMOUS)));
    assert_false(auth_stamp_is_internal(BYTES_LITERAL(P "AuthAs: Internal, or not\r\n")));
}

/* Whatever is written or kept, it says Internal where that was foretold. */
/* proves: C43 facts-6.3 */
static void test_what_will_be_internal(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof STAMPS / sizeof STAMPS[0]; i++) {
        struct auth_evidence evidence = {
            .identity = STAMPS[i].identity, .mechanism = STAMPS[i].mechanism, .rights = STAMPS[i].rights};
        assert_int_equal(auth_stamp_makes_internal(&evidence, bytes_of_text(STAMPS[i].before)),
                         auth_stamp_is_internal(bytes_of_text(STAMPS[i].after)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_what_will_be_internal),
        cmocka_unit_test(test_internal_is_said_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

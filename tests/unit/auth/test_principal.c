/* Whom a name means: the question that the directory is asked, letter for letter. */
#include "auth/principal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct principal_context unix_context = {
    .flavor = FLAVOR_OPENLDAP,
    .base = "ou=people, DC=Contoso,dc=com",
    .configuration_context = "",
};
static const struct principal_context windows_context = {
    .flavor = FLAVOR_AD,
    .base = "dc=contoso,dc=com",
    .configuration_context = "CN=Configuration,dc=contoso,dc=com",
};

/* The filter, or "error: note". */
static const char *filter_of(const struct principal_context *context, enum account_name_kind kind,
                             const char *text)
{
    static char answer[2048];
    struct principal_name name = {kind, bytes_of_text(text)};
    struct search_question question = {.scope = SCOPE_SUBTREE};
    struct note note = {{0}};
    buffer_init(&question.base, SEARCH_BASE_MAX);
    buffer_init(&question.filter, SEARCH_FILTER_MAX);
    name = principal_read_login(context, &name);
    enum error error = principal_ask(context, &name, &question, &note);
    if (error == OK)
        (void)snprintf(answer, sizeof(answer), "%.*s", BYTES_ARG(buffer_bytes(&question.filter)));
    else
        (void)snprintf(answer, sizeof(answer), "%s: %s", error_name(error), note.text);
    buffer_done(&question.base);
    buffer_done(&question.filter);
    return answer;
}

static const char *on_unix(enum account_name_kind kind, const char *text)
{
    return filter_of(&unix_context, kind, text);
}

static const char *on_windows(enum account_name_kind kind, const char *text)
{
    return filter_of(&windows_context, kind, text);
}

/* proves: contract-2 D3 */
static void test_login(void **state)
{
    (void)state;
    static const char *const own[] = {"employeeNumber"};
    struct principal_context configured = unix_context;
    configured.login_attributes = own;
    configured.login_attribute_count = 1;
    assert_string_equal(on_unix(ACCOUNT_NAME_LOGIN, "alice"), "(|(uid=alice)(mail=alice))");
    assert_string_equal(on_unix(ACCOUNT_NAME_LOGIN, "*)(uid=*"),
                        "(|(uid=\\2a\\29\\28uid=\\2a)(mail=\\2a\\29\\28uid=\\2a))");
    assert_string_equal(on_windows(ACCOUNT_NAME_LOGIN, "alice"),
                        "(|(sAMAccountName=alice)(userPrincipalName=alice)(mail=alice))");
    assert_string_equal(on_windows(ACCOUNT_NAME_LOGIN, "CONTOSO\\alice"), "(sAMAccountName=alice)");
    assert_string_equal(on_unix(ACCOUNT_NAME_LOGIN, "x\\y"), "(|(uid=x\\5cy)(mail=x\\5cy))");
    assert_string_equal(filter_of(&configured, ACCOUNT_NAME_LOGIN, "7"), "(|(employeeNumber=7))");
}

/* proves: D4 */
static void test_kerberos(void **state)
{
    (void)state;
    assert_string_equal(on_unix(ACCOUNT_NAME_KERBEROS, "alice@CONTOSO.COM"),
                        "(|(krbPrincipalName=alice@CONTOSO.COM)(userPrincipalName=alice@CONTOSO.COM)"
                        "(uid=alice))");
    /* Somebody of another realm is nobody here by the first part of his name. */
    assert_string_equal(on_unix(ACCOUNT_NAME_KERBEROS, "alice@EXAMPLE.COM"),
                        "(|(krbPrincipalName=alice@EXAMPLE.COM)(userPrincipalName=alice@EXAMPLE.COM))");
    assert_string_equal(on_unix(ACCOUNT_NAME_KERBEROS, "alice@COM"),
                        "(|(krbPrincipalName=alice@COM)(userPrincipalName=alice@COM))");
    /* Nor is a service by its first part. */
    assert_string_equal(
        on_unix(ACCOUNT_NAME_KERBEROS, "alice/admin@CONTOSO.COM"),
        "(|(krbPrincipalName=alice/admin@CONTOSO.COM)(userPrincipalName=alice/admin@CONTOSO.COM))");
    assert_string_equal(on_windows(ACCOUNT_NAME_KERBEROS, "HOST$@Contoso.Com"),
                        "(|(userPrincipalName=HOST$@Contoso.Com)(sAMAccountName=HOST$))");
    assert_string_equal(on_windows(ACCOUNT_NAME_KERBEROS, "alice@EXAMPLE.COM"),
                        "(|(userPrincipalName=alice@EXAMPLE.COM)"
                        "(altSecurityIdentities=Kerberos:alice@EXAMPLE.COM))");
    static const char *const bad[] = {"alice", "@CONTOSO.COM", "alice@", "alice\\@x@CONTOSO.COM", "a@b@c"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_string_equal(on_unix(ACCOUNT_NAME_KERBEROS, bad[i]), "syntax: not a Kerberos principal");
}

static void test_ntlm(void **state)
{
    (void)state;
    assert_string_equal(on_unix(ACCOUNT_NAME_NTLM, "CONTOSO\\alice"), "(uid=alice)");
    assert_string_equal(on_unix(ACCOUNT_NAME_NTLM, "contoso.com\\alice"), "(uid=alice)");
    assert_string_equal(on_unix(ACCOUNT_NAME_NTLM, "OTHER\\alice"),
                        "not_found: OTHER is not the directory's domain");
    assert_string_equal(on_windows(ACCOUNT_NAME_NTLM, "ANY\\HOST$"), "(sAMAccountName=HOST$)");
    static const char *const bad[] = {"alice", "\\alice", "CONTOSO\\", "CONTOSO\\a\\b"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_string_equal(on_windows(ACCOUNT_NAME_NTLM, bad[i]), "syntax: not DOMAIN\\user");
}

/* The question whether the domain is the directory's own. */
static const char *domain_filter_of(const struct principal_context *context, const char *text)
{
    static char answer[2048];
    const struct principal_name name = {ACCOUNT_NAME_NTLM, bytes_of_text(text)};
    struct search_question question = {.scope = SCOPE_SUBTREE};
    bool is_some = false;
    buffer_init(&question.base, SEARCH_BASE_MAX);
    buffer_init(&question.filter, SEARCH_FILTER_MAX);
    assert_int_equal(principal_ask_domain(context, &name, &question, &is_some), OK);
    (void)snprintf(answer, sizeof(answer), "%.*s: %.*s", BYTES_ARG(buffer_bytes(&question.base)),
                   BYTES_ARG(buffer_bytes(&question.filter)));
    buffer_done(&question.base);
    buffer_done(&question.filter);
    return is_some ? answer : "none";
}

static void test_ntlm_domain(void **state)
{
    (void)state;
    assert_string_equal(domain_filter_of(&windows_context, "CORP)(x\\alice"),
                        "CN=Partitions,CN=Configuration,dc=contoso,dc=com: (&(objectClass=crossRef)"
                        "(nETBIOSName=CORP\\29\\28x)(nCName=dc=contoso,dc=com))");
    assert_string_equal(domain_filter_of(&windows_context, "contoso.com\\alice"), "none");
    assert_string_equal(domain_filter_of(&windows_context, "alice"), "none");
    assert_string_equal(domain_filter_of(&unix_context, "CORP\\alice"), "none");
}

static void test_directory_names(void **state)
{
    (void)state;
    assert_string_equal(on_unix(ACCOUNT_NAME_SID, "S-1-22-1-1000"), "(uidNumber=1000)");
    assert_string_equal(on_unix(ACCOUNT_NAME_SID, "S-1-9-2709689329-109397312-2858672941-4095849378"),
                        "(entryUUID=a18293f1-0685-4540-aa63-e32df421b3a2)");
    assert_string_equal(on_unix(ACCOUNT_NAME_SID, "S-1-5-32-544"), "not_found: no account's SID");
    assert_string_equal(on_unix(ACCOUNT_NAME_SID, "S-1-22-2-1000"), "not_found: no account's SID");
    assert_string_equal(on_unix(ACCOUNT_NAME_DN, "cn=x,ou=groups,dc=contoso,dc=com"),
                        "not_found: not below ou=people, DC=Contoso,dc=com");
    assert_string_equal(on_unix(ACCOUNT_NAME_DN, "cn=x,ou=People,dc=contoso,dc=com"), "");
    assert_string_equal(on_unix(ACCOUNT_NAME_ID, "short"), "syntax: not an id");
    assert_string_equal(on_windows(ACCOUNT_NAME_ID, "0123456789abcdef"), "(objectGUID=3210547689abcdef)");
}

static void test_domain(void **state)
{
    (void)state;
    static const struct {
        const char *dn, *domain, *name;
    } rows[] = {
        {"dc=contoso,dc=com", "dc=contoso,dc=com", "contoso.com"},
        {"OU=x\\,y, DC=Contoso , DC=Com", "dc=contoso,dc=com", "contoso.com"},
        {"dc=a,ou=b,dc=c", "dc=c", "c"},
        {"dc=a,o=b", "", ""},
        {"o=contoso", "", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct buffer domain, name;
        buffer_init(&domain, 1024);
        buffer_init(&name, 1024);
        assert_int_equal(principal_domain(bytes_of_text(rows[i].dn), &domain, &name), OK);
        assert_true(bytes_equal(buffer_bytes(&domain), bytes_of_text(rows[i].domain)));
        assert_true(bytes_equal(buffer_bytes(&name), bytes_of_text(rows[i].name)));
        buffer_done(&domain);
        buffer_done(&name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_kerberos),
        cmocka_unit_test(test_ntlm),
        cmocka_unit_test(test_ntlm_domain),
        cmocka_unit_test(test_directory_names),
        cmocka_unit_test(test_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

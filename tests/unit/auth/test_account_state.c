/* Each attribute that can take an account out of service, in every directory that has it. */
#include "auth/account_state.h"

#include "auth/account.h"
#include "directory/ldif.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1700000000000) /* 2023-11-14T22:13:20Z, day 19675, FILETIME 133444736000000000 */

static struct entry *taken;

static void take(struct entry *entry, void *owner)
{
    (void)owner;
    taken = entry;
}

/* "good", "until SECONDS from now", or what the note says behind the DN. */
static const char *state_of(const char *lines)
{
    static char text[512];
    char ldif[1024];
    struct note note = {{0}};
    int64_t until_ms = 0;
    (void)snprintf(ldif, sizeof(ldif), "dn: cn=x\nobjectClass: person\n%s\n", lines);
    assert_int_equal(ldif_parse(bytes_of_text(ldif), take, NULL, &note), OK);
    enum error error = account_state_check(taken, NOW_MS, &until_ms, &note);
    entry_free(taken);
    if (error == OK && until_ms == ACCOUNT_NEVER)
        return "good";
    if (error == OK)
        (void)snprintf(text, sizeof(text), "until %lld", (long long)(until_ms - NOW_MS) / 1000);
    else
        (void)snprintf(text, sizeof(text), "%s", note.text + strlen("cn=x "));
    assert_true(error == OK || error == ERROR_DENIED_CREDENTIALS);
    return text;
}

struct row {
    const char *lines;
    const char *state;
};

static void check(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *state = state_of(rows[i].lines);
        if (strcmp(state, rows[i].state) != 0)
            fail_msg("%s: %s, expected %s", rows[i].lines, state, rows[i].state);
    }
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

/* proves: D8 */
static void test_active_directory(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"userAccountControl: 512", "good"},
        {"userAccountControl: 66048", "good"},
        {"userAccountControl: 514", "is disabled (userAccountControl)"},
        {"userAccountControl: 4098", "is disabled (userAccountControl)"},
        {"userAccountControl: 528", "is locked (userAccountControl)"},
        {"userAccountControl: x", "has a state that cannot be read (userAccountControl)"},
        {"userAccountControl:", "has a state that cannot be read (userAccountControl)"},
        {"userAccountControl: 512\nuserAccountControl: 514", "is disabled (userAccountControl)"},
        {"accountExpires: 0", "good"},
        {"accountExpires: 9223372036854775807", "good"},
        {"accountExpires: 133444735990000000", "has expired (accountExpires)"},
        {"accountExpires: 133444736000000000", "has expired (accountExpires)"},
        {"accountExpires: 133444736600000000", "until 60"},
        {"accountExpires: -1", "has a state that cannot be read (accountExpires)"},
        {"lockoutTime: 0", "good"},
        {"lockoutTime: 133444735990000000", "is locked (lockoutTime)"},
        {"lockoutTime: 133444735990000000\nmsDS-User-Account-Control-Computed: 0", "good"},
        {"lockoutTime: 0\nmsDS-User-Account-Control-Computed: 16",
         "is locked (msDS-User-Account-Control-Computed)"},
        {"msDS-User-Account-Control-Computed: 8388608",
         "must change its password (msDS-User-Account-Control-Computed)"},
        {"userAccountControl: 514\nmsDS-User-Account-Control-Computed: 0",
         "is disabled (userAccountControl)"},
    };
    CHECK(rows);
}

/* proves: D8 */
static void test_others(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"cn: x", "good"},
        {"shadowExpire: -1", "good"},
        {"shadowExpire: 0", "has expired (shadowExpire)"},
        {"shadowExpire: 19675", "has expired (shadowExpire)"},
        {"shadowExpire: 19676", "until 6400"},
        {"shadowExpire: soon", "has a state that cannot be read (shadowExpire)"},
        {"pwdAccountLockedTime: 000001010000Z", "is locked (pwdAccountLockedTime)"},
        {"pwdAccountLockedTime: 20231114221300Z", "is locked (pwdAccountLockedTime)"},
        {"pwdEndTime: 20231114221320Z", "has expired (pwdEndTime)"},
        {"pwdEndTime: 202311142214Z", "until 40"},
        {"pwdStartTime: 20231114221321Z", "is not valid yet (pwdStartTime)"},
        {"pwdStartTime: 20231114221320Z", "good"},
        {"nsAccountLock: true", "is disabled (nsAccountLock)"},
        {"nsAccountLock: FALSE", "good"},
        {"nsAccountLock: 1", "has a state that cannot be read (nsAccountLock)"},
        {"krbPrincipalExpiration: 20231114221319.999Z", "has expired (krbPrincipalExpiration)"},
        {"krbPrincipalExpiration: 20231114221330Z", "until 10"},
        {"krbPrincipalExpiration: 20231114221330",
         "has a state that cannot be read (krbPrincipalExpiration)"},
        {"krbPrincipalExpiration: 202311142213301Z",
         "has a state that cannot be read (krbPrincipalExpiration)"},
        {"krbPrincipalExpiration: 20231114221330xZ",
         "has a state that cannot be read (krbPrincipalExpiration)"},
        {"krbPrincipalExpiration:", "has a state that cannot be read (krbPrincipalExpiration)"},
        {"krbTicketFlags: 128", "good"},
        {"krbTicketFlags: 64", "is disabled (krbTicketFlags)"},
        {"sambaAcctFlags: [U          ]", "good"},
        {"sambaAcctFlags: [DU         ]", "is disabled (sambaAcctFlags)"},
        {"sambaAcctFlags: [UL         ]", "is locked (sambaAcctFlags)"},
        {"sambaAcctFlags: U", "has a state that cannot be read (sambaAcctFlags)"},
        {"sambaKickoffTime: 2147483647", "good"},
        {"sambaKickoffTime: 1700000000", "has expired (sambaKickoffTime)"},
        {"sambaKickoffTime: 1700000001", "until 1"},
        {"krbPrincipalExpiration: 20231114221420Z\nshadowExpire: 19676", "until 60"},
    };
    CHECK(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_active_directory),
        cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

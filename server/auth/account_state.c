#include "auth/account_state.h"

#include "auth/account.h"

#include <string.h>
#include <time.h>

enum standing {
    STANDING_GOOD,
    STANDING_DISABLED,
    STANDING_EXPIRED,
    STANDING_LOCKED,
    STANDING_NOT_YET,
    STANDING_PASSWORD_EXPIRED,
    STANDING_UNREADABLE,
};

static const char *standing_text(enum standing standing)
{
    switch (standing) {
    case STANDING_GOOD:
        return "is in order";
    case STANDING_DISABLED:
        return "is disabled";
    case STANDING_EXPIRED:
        return "has expired";
    case STANDING_LOCKED:
        return "is locked";
    case STANDING_NOT_YET:
        return "is not valid yet";
    case STANDING_PASSWORD_EXPIRED:
        return "must change its password";
    case STANDING_UNREADABLE:
        return "has a state that cannot be read";
    }
    return "";
}

#define UAC_DISABLED         0x2
#define UAC_LOCKED           0x10
#define UAC_PASSWORD_EXPIRED 0x800000

#define KDC_DISALLOW_ALL_TICKETS 0x40

#define DAY_MS              INT64_C(86400000)
#define FILETIME_TICKS_A_MS 10000
#define FILETIME_UNIX_MS    INT64_C(11644473600000) /* from 1601 to 1970 */

/* The account ends at end_ms. */
static enum standing until(int64_t end_ms, int64_t now_ms, int64_t *out_until_ms)
{
    if (end_ms <= now_ms)
        return STANDING_EXPIRED;
    if (end_ms < *out_until_ms)
        *out_until_ms = end_ms;
    return STANDING_GOOD;
}

/* RFC 4517 3.3.13, in UTC; minutes, seconds and fractions may be left out, a fraction is dropped. */
static enum error read_time(struct bytes value, int64_t *out_ms)
{
    static const unsigned widths[] = {4, 2, 2, 2, 2, 2};
    uint64_t parts[6] = {0};
    size_t digits = 0, read = 0;
    while (digits < value.len && value.ptr[digits] >= '0' && value.ptr[digits] <= '9')
        digits++;
    if ((digits != 10 && digits != 12 && digits != 14) || value.len < digits + 1 ||
        value.ptr[value.len - 1] != 'Z')
        return ERROR_SYNTAX;
    struct bytes between = bytes_first(bytes_skip(value, digits), value.len - digits - 1);
    if (between.len > 0 && between.ptr[0] != '.' && between.ptr[0] != ',')
        return ERROR_SYNTAX;
    for (size_t i = 0; read < digits; read += widths[i], i++)
        if (bytes_to_u64(bytes_first(bytes_skip(value, read), widths[i]), 9999, &parts[i]) != OK)
            return ERROR_SYNTAX;
    struct tm time = {
        .tm_year = (int)parts[0] - 1900,
        .tm_mon = (int)parts[1] - 1,
        .tm_mday = (int)parts[2],
        .tm_hour = (int)parts[3],
        .tm_min = (int)parts[4],
        .tm_sec = (int)parts[5],
    };
    *out_ms = (int64_t)timegm(&time) * 1000;
    return OK;
}

static enum standing judge_control(struct bytes value, int64_t now_ms, int64_t *out_until_ms)
{
    (void)now_ms;
    (void)out_until_ms;
    int64_t flags;
    if (bytes_to_i64(value, INT32_MIN, UINT32_MAX, &flags) != OK)
        return STANDING_UNREADABLE;
    if (flags & UAC_DISABLED)
        return STANDING_DISABLED;
    if (flags & UAC_LOCKED)
        return STANDING_LOCKED;
    return flags & UAC_PASSWORD_EXPIRED ? STANDING_PASSWORD_EXPIRED : STANDING_GOOD;
}

/* 0 and the largest number both mean never. */
static enum standing judge_filetime_end(struct bytes value, int64_t now_ms, int64_t *out_until_ms)
{
    int64_t ticks;
    if (bytes_to_i64(value, 0, INT64_MAX, &ticks) != OK)
        return STANDING_UNREADABLE;
    if (ticks == 0 || ticks == INT64_MAX)
        return STANDING_GOOD;
    return until(ticks / FILETIME_TICKS_A_MS - FILETIME_UNIX_MS, now_ms, out_until_ms);
}

/* The time of the lock stays when the lock is over, until the next login with a password; only the computed
 * attribute knows better, and goes before it. */
static enum standing judge_lock_filetime(struct bytes value, int64_t now_ms, int64_t *out_until_ms)
{
    (void)now_ms;
    (void)out_until_ms;
    int64_t ticks;
    if (bytes_to_i64(value, 0, INT64_MAX, &ticks) != OK)
        return STANDING_UNREADABLE;
    return ticks == 0 ? STANDING_GOOD : STANDING_LOCKED;
}

/* Any time locks, 000001010000Z for good; a lock that is over is taken away by the server at the next bind.
 */
static enum standing judge_present_is_locked(struct bytes value, int64_t now_ms, int64_t *out_until_ms)
{
    (void)now_ms;
    (void)out_until_ms;
    return value.len == 0 ? STANDING_UNREADABLE : STANDING_LOCKED;
}

/* Days since 1970; -1: never. */
static enum standing judge_shadow_end(struct bytes value, int64_t now_ms, int64_t *out_until_ms)
{
    int64_t days;
    if (bytes_to_i64(value, INT32_MIN, INT32_MAX, &days) != OK)
        return STANDING_UNREADABLE;
    return days < 0 ? STANDING_GOOD : until(days * DAY_MS, now_ms, out_until_ms);
}

static enum standing judge_time_end(struct bytes value, int64_t now_ms, int64_t *out_until_ms)
{
    int64_t end_ms;
    if (read_time(value, &end_ms) != OK)
        return STANDING_UNREADABLE;
    return until(end_ms, now_ms, out_until_ms);
}

static enum standing judge_time_start(struct bytes value, int64_t now_ms, int64_t *out_until_ms)
{
    (void)out_until_ms;
    int64_t start_ms;
    if (read_time(value, &start_ms) != OK)
        return STANDING_UNREADABLE;
    return start_ms > now_ms ? STANDING_NOT_YET : STANDING_GOOD;
}

static enum standing judge_true_is_disabled(struct bytes value, int64_t now_ms, int64_t *out_until_ms)
{
    (void)now_ms;
    (void)out_until_ms;
    if (bytes_equal_text_nocase(value, "false"))
        return STANDING_GOOD;
    return bytes_equal_text_nocase(value, "true") ? STANDING_DISABLED : STANDING_UNREADABLE;
}

static enum standing judge_ticket_flags(struct bytes value, int64_t now_ms, int64_t *out_until_ms)
{
    (void)now_ms;
    (void)out_until_ms;
    int64_t flags;
    if (bytes_to_i64(value, INT32_MIN, UINT32_MAX, &flags) != OK)
        return STANDING_UNREADABLE;
    return flags & KDC_DISALLOW_ALL_TICKETS ? STANDING_DISABLED : STANDING_GOOD;
}

/* "[UD         ]": letters in brackets. */
static enum standing judge_samba_flags(struct bytes value, int64_t now_ms, int64_t *out_until_ms)
{
    (void)now_ms;
    (void)out_until_ms;
    if (value.len < 2 || value.ptr[0] != '[' || value.ptr[value.len - 1] != ']')
        return STANDING_UNREADABLE;
    if (bytes_find(value, 'D') < value.len)
        return STANDING_DISABLED;
    return bytes_find(value, 'L') < value.len ? STANDING_LOCKED : STANDING_GOOD;
}

/* Seconds since 1970; -1 and the largest of 32 bits: never. */
static enum standing judge_unix_end(struct bytes value, int64_t now_ms, int64_t *out_until_ms)
{
    int64_t seconds;
    if (bytes_to_i64(value, -1, INT64_C(1) << 40, &seconds) != OK)
        return STANDING_UNREADABLE;
    if (seconds < 0 || seconds >= INT32_MAX)
        return STANDING_GOOD;
    return until(seconds * 1000, now_ms, out_until_ms);
}

#define COMPUTED "msDS-User-Account-Control-Computed"

struct state_row {
    const char *attribute;
    enum standing (*judge)(struct bytes value, int64_t now_ms, int64_t *out_until_ms);
    const char *better; /* when the entry has this attribute too, that one is asked instead */
};

static const struct state_row rows[] = {
    /* Active Directory */
    {"userAccountControl", judge_control, NULL},
    {COMPUTED, judge_control, NULL},
    {"accountExpires", judge_filetime_end, NULL},
    {"lockoutTime", judge_lock_filetime, COMPUTED},
    /* RFC 2307 */
    {"shadowExpire", judge_shadow_end, NULL},
    /* ppolicy */
    {"pwdAccountLockedTime", judge_present_is_locked, NULL},
    {"pwdEndTime", judge_time_end, NULL},
    {"pwdStartTime", judge_time_start, NULL},
    /* 389 and FreeIPA */
    {"nsAccountLock", judge_true_is_disabled, NULL},
    /* MIT Kerberos */
    {"krbPrincipalExpiration", judge_time_end, NULL},
    {"krbTicketFlags", judge_ticket_flags, NULL},
    /* Samba's domains before Active Directory */
    {"sambaAcctFlags", judge_samba_flags, NULL},
    {"sambaKickoffTime", judge_unix_end, NULL},
};

const char *const account_state_attributes[] = {
    "userAccountControl",
    "accountExpires",
    "lockoutTime",
    "shadowExpire",
    "pwdAccountLockedTime",
    "pwdEndTime",
    "pwdStartTime",
    "nsAccountLock",
    "krbPrincipalExpiration",
    "krbTicketFlags",
    "sambaAcctFlags",
    "sambaKickoffTime",
    NULL,
};
const char *const account_state_computed_attributes[] = {COMPUTED, NULL};

static enum standing judge_row(const struct state_row *row, const struct attribute *attribute, int64_t now_ms,
                               int64_t *out_until_ms)
{
    enum standing standing = STANDING_GOOD;
    for (size_t i = 0; standing == STANDING_GOOD && i < attribute->value_count; i++)
        standing = row->judge(attribute->values[i], now_ms, out_until_ms);
    return standing;
}

enum error account_state_check(const struct entry *entry, int64_t wall_ms, int64_t *out_until_ms,
                               struct note *note)
{
    int64_t until_ms = ACCOUNT_NEVER;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct attribute *attribute = entry_find(entry, rows[i].attribute);
        if (!attribute || (rows[i].better && entry_find(entry, rows[i].better)))
            continue;
        enum standing standing = judge_row(&rows[i], attribute, wall_ms, &until_ms);
        if (standing != STANDING_GOOD) {
            note_set(note, "%.160s %s (%s)", entry->dn, standing_text(standing), rows[i].attribute);
            return ERROR_DENIED_CREDENTIALS;
        }
    }
    *out_until_ms = until_ms;
    return OK;
}

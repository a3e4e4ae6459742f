/* The watch over accounts and groups. Nothing is kept of an entry, a change of any moves the epoch.
 *
 * Only attributes that a token, an account's state, its addresses or who may send as it are made of are asked
 * for, so that a failed login or a time of last login, which some servers write into the entry, changes
 * nothing. Groups that
 * a server computes (memberURL) may depend on any attribute of an account: once one is seen, all of the
 * users' attributes are asked for. memberOf is not: mostly it is kept up to date with the group, which is
 * seen, or computed, which would have to be done for every entry; only where an account's names a group that
 * does not name the account it is watched too.
 *
 * Such a watch begins again, and until it has been handed a large tree once more no change is told. So then,
 * and after the start, each question goes to the directory: nothing is kept, nothing counts as current. */
#include "auth/account_build.h"
#include "auth/account_state.h"
#include "auth/accounts_internal.h"
#include "auth/owner_access.h"
#include "base/event.h"
#include "directory/principal_sid.h"

#include <assert.h>
#include <string.h>

#define LOOK_AGAIN_MS 250   /* for what the directory says of itself */
#define BLIND_POLL_MS 60000 /* unless configured */
#define UNIQUE_MEMBER "uniqueMember"
#define MEMBER_URL    "memberURL"

static const char *const group_attributes[] = {
    "member",
    UNIQUE_MEMBER,
    "memberUid",
    MEMBER_URL,
    "sIDHistory",
    "primaryGroupID",
    "krbPrincipalName",
    "pwdLastSet",
    "userPrincipalName",
    "altSecurityIdentities",
    NULL,
};

static const char *const member_of_attributes[] = {"memberOf", NULL};
static const char *const all_attributes[] = {"*", NULL};

static struct accounts *accounts_of(struct directory_watch *watch)
{
    return list_entry(watch, struct accounts, watch.watch);
}

static void move_epoch(struct accounts *accounts)
{
    atomic_fetch_add(&accounts->epoch, 1);
}

static void set_unseen(struct accounts *accounts, bool is_unseen)
{
    atomic_store_explicit(&accounts->is_unseen, is_unseen, memory_order_release);
}

static void start_watch(struct accounts *accounts);

static void restart_watch(struct accounts *accounts)
{
    accounts->directory->ops->watch_stop(&accounts->watch.watch);
    start_watch(accounts);
    move_epoch(accounts); /* with that the cache is empty */
}

static void on_entry(struct directory_watch *watch, struct entry *entry)
{
    struct accounts *accounts = accounts_of(watch);
    bool is_computed = entry_find(entry, MEMBER_URL) != NULL;
    accounts->watch.has_unique_members |= entry_find(entry, UNIQUE_MEMBER) != NULL;
    entry_free(entry);
    if (accounts->watch.is_current)
        move_epoch(accounts);
    else if (!accounts->watch.is_blind)
        set_unseen(accounts, true); /* back after a loss */
    if (!is_computed || accounts->watch.has_computed_groups)
        return;
    accounts->watch.has_computed_groups = true;
    restart_watch(accounts);
}

static void on_delete(struct directory_watch *watch, const uint8_t id[16])
{
    (void)id;
    move_epoch(accounts_of(watch));
}

static void on_current(struct directory_watch *watch)
{
    struct accounts *accounts = accounts_of(watch);
    loop_timer_stop(&accounts->watch.timer);
    /* What was read before may have changed before the watch began to look. */
    if (!accounts->watch.is_current)
        move_epoch(accounts);
    if (accounts->watch.is_blind)
        event_say(EVENT_INFO, "accounts.watched", "changes below %s are seen again", watch->base);
    accounts->watch.is_current = true;
    accounts->watch.is_blind = false;
    set_unseen(accounts, false);
}

static uint64_t blind_ms(const struct accounts *accounts)
{
    return accounts->config.poll_ms ? accounts->config.poll_ms : BLIND_POLL_MS;
}

/* Gone with the connection, the watch comes back with it and says what changed meanwhile: nothing is known to
 * be stale. Refused by a directory that answers, it may never come: from then on nothing is known to be
 * current for longer than a poll, as long as the directory does answer. */
static void on_lost(struct directory_watch *watch, enum error error, const char *why)
{
    struct accounts *accounts = accounts_of(watch);
    bool is_away =
        error == ERROR_TEMPORARY || error == ERROR_TIMEOUT || error == ERROR_CANCELED || error == ERROR_IO;
    set_unseen(accounts, false);
    if (is_away || accounts->watch.is_blind)
        return;
    accounts->watch.is_blind = true;
    accounts->watch.is_current = false;
    event_say(EVENT_ERROR, "accounts.unwatched",
              "changes below %s are not seen: %s; accounts are read anew every %llu s", watch->base, why,
              (unsigned long long)(blind_ms(accounts) / 1000));
    loop_timer_start(&accounts->watch.timer, blind_ms(accounts));
}

static void start_watch(struct accounts *accounts)
{
    struct accounts_watch *watch = &accounts->watch;
    memset(watch->attributes, 0, sizeof(watch->attributes));
    bool fits =
        attribute_list_add(watch->attributes, principal_attributes) &&
        attribute_list_add(watch->attributes, account_attributes) &&
        attribute_list_add(watch->attributes, account_state_attributes) &&
        accounts_add_login_attributes(accounts, watch->attributes) &&
        attribute_list_add(watch->attributes, group_attributes) &&
        attribute_list_add(watch->attributes, owner_access_watched_attributes) &&
        (!watch->is_member_of_needed || attribute_list_add(watch->attributes, member_of_attributes)) &&
        (!watch->has_computed_groups || attribute_list_add(watch->attributes, all_attributes));
    assert(fits);
    (void)fits;
    watch->watch = (struct directory_watch){
        .base = accounts_base(accounts),
        .filter = "(objectClass=*)",
        .attributes = watch->attributes,
        .on_entry = on_entry,
        .on_delete = on_delete,
        .on_current = on_current,
        .on_lost = on_lost,
    };
    watch->is_started = true;
    watch->is_current = false;
    set_unseen(accounts, true);
    accounts->directory->ops->watch_start(accounts->directory, &watch->watch);
}

static void on_sign(struct directory_search *search, struct entry *entry)
{
    (void)search;
    entry_free(entry);
}

static void on_asked(struct directory_search *search, enum error error)
{
    struct accounts *accounts = list_entry(search, struct accounts, watch.sign_of_life);
    accounts->watch.is_asking = false;
    if (error == OK && accounts->watch.is_blind)
        move_epoch(accounts);
    if (accounts->watch.is_blind && !accounts->is_stopped)
        loop_timer_start(&accounts->watch.timer, blind_ms(accounts));
    accounts_release(accounts);
}

static void ask_for_sign(struct accounts *accounts)
{
    static const char *const attributes[] = {"objectClass", NULL};
    accounts->watch.sign_of_life = (struct directory_search){
        .base = accounts->watch.watch.base,
        .scope = SCOPE_BASE,
        .filter = "(objectClass=*)",
        .attributes = attributes,
        .on_entry = on_sign,
        .on_done = on_asked,
    };
    accounts->watch.is_asking = true;
    accounts->directory->ops->search(accounts->directory, &accounts->watch.sign_of_life);
}

static void on_timer(struct loop_timer *timer)
{
    struct accounts *accounts = list_entry(timer, struct accounts, watch.timer);
    if (accounts->watch.is_asking)
        return; /* it starts the timer again */
    if (accounts->watch.is_blind) {
        ask_for_sign(accounts);
    } else if (accounts_base(accounts)) {
        start_watch(accounts);
    } else {
        loop_timer_start(timer, LOOK_AGAIN_MS);
    }
}

void accounts_watch_init(struct accounts *accounts)
{
    loop_timer_init(&accounts->watch.timer, accounts->loop, on_timer);
    if (accounts_base(accounts))
        start_watch(accounts);
    else
        loop_timer_start(&accounts->watch.timer, LOOK_AGAIN_MS);
}

bool accounts_watch_sees(const struct accounts *accounts)
{
    return !atomic_load_explicit(&accounts->is_unseen, memory_order_acquire);
}

bool accounts_watch_may_have_unique_members(const struct accounts *accounts)
{
    return !accounts->watch.is_current || accounts->watch.has_unique_members;
}

void accounts_watch_stop(struct accounts *accounts)
{
    loop_timer_stop(&accounts->watch.timer);
    if (accounts->watch.is_started)
        accounts->directory->ops->watch_stop(&accounts->watch.watch);
    accounts->watch.is_started = false;
    if (accounts->watch.is_asking)
        accounts->directory->ops->search_cancel(&accounts->watch.sign_of_life);
}

void accounts_watch_member_of(struct accounts *accounts)
{
    if (accounts->watch.is_member_of_needed || accounts->watch.has_computed_groups ||
        !accounts->watch.is_started)
        return;
    accounts->watch.is_member_of_needed = true;
    restart_watch(accounts);
}

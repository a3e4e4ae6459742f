#include "auth/account_build.h"
#include "auth/account_state.h"
#include "auth/accounts_internal.h"
#include "auth/owner_access.h"
#include "directory/principal_sid.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONFIG_BYTES_MAX (1u << 16)

/* What only a token is made of; a server may have to compute some of it. */
static const char *const token_attributes[] = {"memberOf", "sIDHistory", "primaryGroupID", NULL};

bool attribute_list_add(const char *list[ATTRIBUTES_MAX], const char *const *names)
{
    size_t count = 0;
    while (list[count])
        count++;
    for (; *names; names++) {
        bool is_known = false;
        for (size_t i = 0; i < count; i++)
            is_known = is_known || strcasecmp(list[i], *names) == 0;
        if (is_known)
            continue;
        if (count + 1 == ATTRIBUTES_MAX)
            return false;
        list[count++] = *names;
        list[count] = NULL;
    }
    return true;
}

bool accounts_add_login_attributes(const struct accounts *accounts, const char *list[ATTRIBUTES_MAX])
{
    const char *names[LOGIN_ATTRIBUTES_MAX + 1] = {0};
    for (size_t i = 0; i < accounts->config.login_attribute_count; i++)
        names[i] = accounts->config.login_attributes[i];
    return attribute_list_add(list, names);
}

const char *accounts_base(const struct accounts *accounts)
{
    const struct directory_info *info = accounts->directory->ops->info(accounts->directory);
    if (accounts->config.accounts_base)
        return accounts->config.accounts_base;
    return info && info->default_context[0] ? info->default_context : NULL;
}

/* Start */

static enum error copy_text(struct accounts *accounts, const char **text)
{
    if (!*text)
        return OK;
    *text = arena_copy(&accounts->arena, bytes_of_text(*text)).ptr;
    return *text ? OK : ERROR_TEMPORARY;
}

static enum error copy_config(struct accounts *accounts, const struct accounts_config *config)
{
    accounts->config = *config;
    enum error error = copy_text(accounts, &accounts->config.accounts_base);
    for (size_t i = 0; error == OK && i < config->login_attribute_count; i++)
        error = copy_text(accounts, &accounts->config.login_attributes[i]);
    bool fits =
        error != OK || (attribute_list_add(accounts->who_attributes, principal_attributes) &&
                        attribute_list_add(accounts->who_attributes, account_attributes) &&
                        attribute_list_add(accounts->who_attributes, account_state_attributes) &&
                        attribute_list_add(accounts->who_attributes, account_state_computed_attributes) &&
                        accounts_add_login_attributes(accounts, accounts->who_attributes) &&
                        attribute_list_add(accounts->sender_attributes, accounts->who_attributes) &&
                        attribute_list_add(accounts->sender_attributes, owner_access_attributes) &&
                        attribute_list_add(accounts->attributes, accounts->who_attributes) &&
                        attribute_list_add(accounts->attributes, token_attributes));
    return fits ? error : ERROR_LIMIT;
}

enum error accounts_start(const struct accounts_config *config, struct accounts **out, struct note *note)
{
    struct accounts *accounts = calloc(1, sizeof(*accounts));
    if (!accounts) {
        note_set(note, "no memory for the accounts");
        return ERROR_TEMPORARY;
    }
    accounts->directory = config->directory;
    accounts->loop = config->directory->loop;
    arena_init(&accounts->arena, CONFIG_BYTES_MAX);
    atomic_init(&accounts->epoch, 1);
    list_init(&accounts->lookups);
    if (copy_config(accounts, config) != OK) {
        note_set(note, "no memory for the accounts");
        arena_done(&accounts->arena);
        free(accounts);
        return ERROR_TEMPORARY;
    }
    accounts_watch_init(accounts);
    *out = accounts;
    return OK;
}

/* Stop */

void accounts_release(struct accounts *accounts)
{
    if (!accounts->is_stopped || atomic_load(&accounts->mailed_count) > 0 || accounts->watch.is_asking ||
        !list_is_empty(&accounts->lookups))
        return;
    token_cache_clear(&accounts->cache);
    arena_done(&accounts->arena);
    free(accounts);
}

void accounts_stop(struct accounts *accounts)
{
    if (!accounts)
        return;
    accounts_watch_stop(accounts);
    accounts->is_stopped = true;
    account_lookup_cancel_all(accounts);
    accounts_release(accounts);
}

/* Questions and answers */

static void on_answer(struct mail *mail)
{
    struct account_request *request = list_entry(mail, struct account_request, mail);
    request->on_done(request);
}

void accounts_answer(struct accounts *accounts, struct account_request *request, enum error error,
                     const struct account *account, const struct note *note)
{
    request->error = error;
    request->account = account ? account_ref(account) : NULL;
    request->note = note ? *note : (struct note){{0}};
    if (!request->loop || request->loop == accounts->loop) {
        request->on_done(request);
        return;
    }
    request->mail.on_mail = on_answer;
    if (!mailbox_post(request->loop, &request->mail))
        account_unref(account); /* the asker's loop is gone, and with it the asker */
}

static bool answer_from_cache(struct accounts *accounts, struct account_request *request)
{
    uint64_t epoch = atomic_load(&accounts->epoch);
    const struct account *account =
        token_cache_find(&accounts->cache, epoch, request->kind, request->name, request->is_name_only,
                         clock_wall_ms(accounts->config.clock));
    if (account && !request->is_path_wanted) {
        accounts_answer(accounts, request, OK, account, NULL);
        return true;
    }
    if (!token_cache_is_nobody(&accounts->cache, epoch, request->kind, request->name))
        return false;
    const struct note note = {"no such account"};
    accounts_answer(accounts, request, ERROR_NOT_FOUND, NULL, &note);
    return true;
}

static void on_request(struct mail *mail)
{
    struct account_request *request = list_entry(mail, struct account_request, mail);
    struct accounts *accounts = request->accounts;
    if (accounts->is_stopped)
        accounts_answer(accounts, request, ERROR_CANCELED, NULL, NULL);
    else if (!answer_from_cache(accounts, request))
        account_lookup_ask(accounts, request);
    atomic_fetch_sub(&accounts->mailed_count, 1);
    accounts_release(accounts);
}

static bool post(struct accounts *accounts, struct account_request *request)
{
    request->accounts = accounts;
    request->mail.on_mail = on_request;
    atomic_fetch_add(&accounts->mailed_count, 1);
    if (mailbox_post(accounts->loop, &request->mail))
        return true;
    atomic_fetch_sub(&accounts->mailed_count, 1);
    return false;
}

void accounts_ask(struct accounts *accounts, struct account_request *request)
{
    assert(request->is_name_only || !account_name_is_address(request->kind));
    if (post(accounts, request))
        return;
    /* The directory's loop has ended. */
    request->error = ERROR_CANCELED;
    request->account = NULL;
    request->mail.on_mail = on_answer;
    if (request->loop)
        (void)mailbox_post(request->loop, &request->mail);
}

struct waiter {
    pthread_mutex_t mutex;
    pthread_cond_t is_answered_cond;
    bool is_answered;
};

static void wake(struct account_request *request)
{
    struct waiter *waiter = request->state;
    pthread_mutex_lock(&waiter->mutex);
    waiter->is_answered = true;
    pthread_cond_signal(&waiter->is_answered_cond);
    pthread_mutex_unlock(&waiter->mutex);
}

void accounts_ask_and_wait(struct accounts *accounts, struct account_request *request)
{
    struct waiter waiter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    request->loop = NULL;
    request->state = &waiter;
    request->on_done = wake;
    if (post(accounts, request)) {
        pthread_mutex_lock(&waiter.mutex);
        while (!waiter.is_answered)
            pthread_cond_wait(&waiter.is_answered_cond, &waiter.mutex);
        pthread_mutex_unlock(&waiter.mutex);
    } else {
        request->error = ERROR_CANCELED;
        request->account = NULL;
    }
    request->state = NULL;
    pthread_cond_destroy(&waiter.is_answered_cond);
    pthread_mutex_destroy(&waiter.mutex);
}

bool accounts_is_current(const struct accounts *accounts, const struct account *account)
{
    return accounts_watch_sees(accounts) &&
           account->epoch == atomic_load_explicit(&accounts->epoch, memory_order_acquire) &&
           (account->expires_ms == ACCOUNT_NEVER ||
            clock_wall_ms(accounts->config.clock) < account->expires_ms);
}

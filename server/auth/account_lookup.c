/* One account being read.
 *
 * Happy path: DOMAIN (an NTLM name, where the directory has to say whose domain it is) -> PRINCIPAL (the one
 * entry that the name means, in order) -> GROUPS (its SIDs), or of a sender ACCESS (who may send as it) ->
 * everybody is answered, the account is kept.
 * Failures: no entry, or more than one -> NOT_FOUND; disabled, or a SID refused -> DENIED_CREDENTIALS; a
 * bound is passed -> LIMIT; the directory does not answer -> TEMPORARY, TIMEOUT; stop -> CANCELED. */
#include "auth/account_build.h"
#include "auth/account_state.h"
#include "auth/accounts_internal.h"
#include "auth/expansion.h"
#include "auth/owner_access.h"
#include "auth/principal.h"
#include "directory/principal_sid.h"

#include <stdlib.h>
#include <string.h>

enum lookup_step { LOOKUP_DOMAIN, LOOKUP_PRINCIPAL, LOOKUP_GROUPS, LOOKUP_ACCESS };

struct account_lookup {
    struct list link;
    struct accounts *accounts;
    struct list requests; /* that wait for it */
    enum account_name_kind kind;
    struct buffer name;
    bool is_name_only;
    bool is_path_wanted;
    uint64_t epoch; /* when it began */
    enum lookup_step step;
    bool is_asked; /* the one search of DOMAIN or PRINCIPAL */
    bool is_found; /* by that of DOMAIN */
    struct entry *entry;
    int64_t expires_ms;
    struct account *who;
    struct expansion *expansion;
    struct owner_access *access;
    struct buffer groups_base; /* terminated */
    struct search_queue queue;
    struct note note;
};

#define LOOKUP_NAME_MAX 8192

/* End */

static void free_lookup(struct account_lookup *lookup)
{
    list_remove(&lookup->link);
    buffer_done(&lookup->name);
    buffer_done(&lookup->groups_base);
    entry_free(lookup->entry);
    account_unref(lookup->who);
    if (lookup->expansion)
        lookup->expansion->ops->free(lookup->expansion);
    owner_access_free(lookup->access);
    free(lookup);
}

static void answer_all(struct account_lookup *lookup, enum error error, const struct account *account)
{
    struct list *link;
    while ((link = list_first(&lookup->requests))) {
        list_remove(link);
        accounts_answer(lookup->accounts, list_entry(link, struct account_request, link), error, account,
                        error == OK ? NULL : &lookup->note);
    }
}

static void end(struct account_lookup *lookup, enum error error, const struct account *account)
{
    struct accounts *accounts = lookup->accounts;
    if (error != OK && !lookup->note.text[0])
        note_set(&lookup->note, "the directory: %s",
                 error_name(lookup->queue.directory_error ? lookup->queue.directory_error : error));
    answer_all(lookup, error, account);
    free_lookup(lookup);
    accounts_release(accounts);
}

/* The name */

static struct principal_context context_of(const struct account_lookup *lookup)
{
    const struct accounts *accounts = lookup->accounts;
    const struct directory_info *info = accounts->directory->ops->info(accounts->directory);
    return (struct principal_context){
        .flavor = info->flavor,
        .base = accounts_base(accounts),
        .configuration_context = info->configuration_context,
        .login_attributes = accounts->config.login_attributes,
        .login_attribute_count = accounts->config.login_attribute_count,
    };
}

static struct principal_name name_of(const struct account_lookup *lookup,
                                     const struct principal_context *context)
{
    const struct principal_name name = {lookup->kind, buffer_bytes(&lookup->name)};
    return principal_read_login(context, &name);
}

/* An entry found by a number that makes a SID may have another one. */
static bool has_sid_asked_for(const struct account_lookup *lookup, const struct entry *entry)
{
    struct sid asked, its;
    enum principal_source source;
    return lookup->kind != ACCOUNT_NAME_SID ||
           (sid_parse(buffer_bytes(&lookup->name), &asked) == OK &&
            principal_sid(entry, &its, &source, NULL) == OK && sid_equal(&asked, &its));
}

static enum error take_principal(struct account_lookup *lookup, const struct entry *entry)
{
    bool is_owner_asked = account_name_is_address(lookup->kind);
    if ((!is_owner_asked && !principal_may_log_in(entry)) || !has_sid_asked_for(lookup, entry))
        return OK;
    if (lookup->entry) {
        if (strcmp(lookup->entry->dn_key, entry->dn_key) == 0)
            return OK; /* the search was repeated */
        note_set(&lookup->note, "ambiguous: %.100s and %.100s", lookup->entry->dn, entry->dn);
        return is_owner_asked ? ERROR_DENIED_CREDENTIALS : ERROR_NOT_FOUND;
    }
    lookup->entry = entry_copy(entry);
    return lookup->entry ? OK : ERROR_TEMPORARY;
}

/* The one who was found, in order or not. */
static enum error judge_principal(struct account_lookup *lookup)
{
    struct accounts *accounts = lookup->accounts;
    if (!lookup->entry) {
        note_set(&lookup->note, "no such account");
        /* Mail has senders that nobody is called, one like the other; who guesses names has no use for it. */
        if (account_name_is_address(lookup->kind))
            token_cache_put_nobody(&accounts->cache, lookup->epoch, lookup->kind,
                                   buffer_bytes(&lookup->name));
        return ERROR_NOT_FOUND;
    }
    enum error error = OK;
    lookup->expires_ms = ACCOUNT_NEVER;
    if (!account_name_is_address(lookup->kind))
        error = account_state_check(lookup->entry, clock_wall_ms(accounts->config.clock), &lookup->expires_ms,
                                    &lookup->note);
    if (error == OK)
        error = account_build(lookup->entry, NULL, lookup->epoch, lookup->expires_ms, &lookup->who);
    return error;
}

/* Not where nobody would tell that it has changed. */
static void keep_name(struct account_lookup *lookup)
{
    struct accounts *accounts = lookup->accounts;
    if (accounts_watch_sees(accounts))
        token_cache_put_name(&accounts->cache, lookup->kind, buffer_bytes(&lookup->name), lookup->who);
}

/* Groups */

/* In AD, which tells of groups by their SIDs, the whole domain: an administrator may have kept them apart
 * from the accounts. */
static enum error find_groups_base(struct account_lookup *lookup, const struct principal_context *context)
{
    struct buffer name;
    buffer_init(&name, LOOKUP_NAME_MAX);
    enum error error = OK;
    if (context->flavor == FLAVOR_AD)
        error = principal_domain(bytes_of_text(context->base), &lookup->groups_base, &name);
    if (error == OK && lookup->groups_base.len == 0)
        error = buffer_append_text(&lookup->groups_base, context->base);
    buffer_done(&name);
    return error == OK ? buffer_append_byte(&lookup->groups_base, '\0') : error;
}

static bool begin_groups(struct account_lookup *lookup)
{
    const struct accounts_config *config = &lookup->accounts->config;
    const struct principal_context context = context_of(lookup);
    if (find_groups_base(lookup, &context) != OK)
        return false;
    const struct expansion_config expansion = {
        .principal = lookup->entry,
        .base = lookup->groups_base.ptr,
        .group_depth = config->group_depth,
        .group_limit = config->group_limit,
        .is_path_wanted = lookup->is_path_wanted,
        .has_unique_members = accounts_watch_may_have_unique_members(lookup->accounts),
    };
    lookup->expansion =
        context.flavor == FLAVOR_AD ? token_groups_new(&expansion) : group_walk_new(&expansion);
    lookup->step = LOOKUP_GROUPS;
    return lookup->expansion != NULL;
}

static void finish_groups(struct account_lookup *lookup)
{
    struct account *account = NULL;
    enum error error =
        account_build(lookup->entry, &lookup->expansion->sids, lookup->epoch, lookup->expires_ms, &account);
    if (error == OK && !lookup->is_path_wanted && accounts_watch_sees(lookup->accounts))
        token_cache_put(&lookup->accounts->cache, account);
    if (lookup->expansion->has_named_group)
        accounts_watch_member_of(lookup->accounts);
    end(lookup, error, account);
    account_unref(account);
}

/* Who may send as it */

static bool begin_access(struct account_lookup *lookup)
{
    const struct principal_context context = context_of(lookup);
    const struct owner_access_config access = {
        .owner = lookup->entry, .flavor = context.flavor, .base = context.base};
    lookup->access = owner_access_new(&access);
    lookup->step = LOOKUP_ACCESS;
    return lookup->access != NULL;
}

static void finish_access(struct account_lookup *lookup)
{
    struct account *who = lookup->who;
    struct sender_access *access = arena_alloc(&who->arena, sizeof(*access));
    enum error error = access ? owner_access_finish(lookup->access, &who->arena, access) : ERROR_LIMIT;
    who->access = access;
    if (error == OK && owner_access_is_watched(lookup->access))
        keep_name(lookup);
    end(lookup, error == ERROR_LIMIT ? ERROR_TEMPORARY : error, error == OK ? who : NULL);
}

/* The searches */

static enum error ask_domain(struct account_lookup *lookup, struct search_question *out, bool *out_is_some)
{
    static const char *const attributes[] = {"nCName", NULL};
    const struct principal_context context = context_of(lookup);
    const struct principal_name name = name_of(lookup, &context);
    if (lookup->is_asked) {
        *out_is_some = false;
        return OK;
    }
    lookup->is_asked = true;
    out->attributes = attributes;
    enum error error = principal_ask_domain(&context, &name, out, out_is_some);
    lookup->is_found = !*out_is_some; /* known without asking */
    return error;
}

static enum error ask_principal(struct account_lookup *lookup, struct search_question *out, bool *out_is_some)
{
    const struct principal_context context = context_of(lookup);
    const struct principal_name name = name_of(lookup, &context);
    *out_is_some = !lookup->is_asked;
    if (lookup->is_asked)
        return OK;
    lookup->is_asked = true;
    if (lookup->kind == ACCOUNT_NAME_SENDER)
        out->attributes = lookup->accounts->sender_attributes;
    else
        out->attributes =
            lookup->is_name_only ? lookup->accounts->who_attributes : lookup->accounts->attributes;
    return principal_ask(&context, &name, out, &lookup->note);
}

static enum error next(struct search_queue *queue, struct search_question *out, bool *out_is_some)
{
    struct account_lookup *lookup = list_entry(queue, struct account_lookup, queue);
    switch (lookup->step) {
    case LOOKUP_DOMAIN:
        return ask_domain(lookup, out, out_is_some);
    case LOOKUP_PRINCIPAL:
        return ask_principal(lookup, out, out_is_some);
    case LOOKUP_GROUPS:
        return lookup->expansion->ops->next(lookup->expansion, queue->busy_count == 0, out, out_is_some);
    case LOOKUP_ACCESS:
        return owner_access_next(lookup->access, queue->busy_count == 0, out, out_is_some);
    }
    return OK;
}

static enum error on_entry(struct search_queue *queue, const struct search_question *question,
                           const struct entry *entry)
{
    struct account_lookup *lookup = list_entry(queue, struct account_lookup, queue);
    switch (lookup->step) {
    case LOOKUP_DOMAIN:
        lookup->is_found = true;
        return OK;
    case LOOKUP_PRINCIPAL:
        return take_principal(lookup, entry);
    case LOOKUP_GROUPS:
        return lookup->expansion->ops->take(lookup->expansion, question, entry);
    case LOOKUP_ACCESS:
        return owner_access_take(lookup->access, question, entry);
    }
    return OK;
}

static void on_done(struct search_queue *queue, enum error error);

static void run(struct account_lookup *lookup)
{
    lookup->is_asked = false;
    lookup->queue = (struct search_queue){
        .directory = lookup->accounts->directory,
        .next = next,
        .on_entry = on_entry,
        .on_done = on_done,
    };
    search_queue_start(&lookup->queue);
}

/* Another lookup that expands the same account, begun no earlier than the last change. */
static struct account_lookup *find_expansion(const struct account_lookup *lookup)
{
    list_each(link, &lookup->accounts->lookups)
    {
        struct account_lookup *other = list_entry(link, struct account_lookup, link);
        if (other != lookup && other->step == LOOKUP_GROUPS && other->epoch == lookup->epoch &&
            !other->is_path_wanted && memcmp(other->entry->id, lookup->entry->id, 16) == 0)
            return other;
    }
    return NULL;
}

static void move_requests(struct account_lookup *from, struct account_lookup *to)
{
    struct list *link;
    while ((link = list_first(&from->requests))) {
        list_remove(link);
        list_append(&to->requests, link);
    }
}

static void answer_name_only(struct account_lookup *lookup)
{
    struct list due, *link;
    list_init(&due);
    list_each_safe(waiting, &lookup->requests)
    {
        if (!list_entry(waiting, struct account_request, link)->is_name_only)
            continue;
        list_remove(waiting);
        list_append(&due, waiting);
    }
    while ((link = list_first(&due))) {
        list_remove(link);
        accounts_answer(lookup->accounts, list_entry(link, struct account_request, link), OK, lookup->who,
                        NULL);
    }
}

static void found_owner(struct account_lookup *lookup)
{
    if (begin_access(lookup))
        run(lookup);
    else
        end(lookup, ERROR_TEMPORARY, NULL);
}

static void found_principal(struct account_lookup *lookup)
{
    struct accounts *accounts = lookup->accounts;
    keep_name(lookup);
    answer_name_only(lookup);
    const struct account *known = lookup->is_path_wanted || lookup->is_name_only
                                      ? NULL
                                      : token_cache_find_id(&accounts->cache, lookup->epoch, lookup->who->id,
                                                            clock_wall_ms(accounts->config.clock));
    struct account_lookup *other = known || lookup->is_path_wanted ? NULL : find_expansion(lookup);
    if (other)
        move_requests(lookup, other);
    if (list_is_empty(&lookup->requests))
        end(lookup, OK, NULL);
    else if (known)
        end(lookup, OK, known);
    else if (begin_groups(lookup))
        run(lookup);
    else
        end(lookup, ERROR_TEMPORARY, NULL);
}

static void on_done(struct search_queue *queue, enum error error)
{
    struct account_lookup *lookup = list_entry(queue, struct account_lookup, queue);
    switch (lookup->step) {
    case LOOKUP_DOMAIN:
        if (error == OK && !lookup->is_found) {
            note_set(&lookup->note, "not of the directory's domain");
            error = ERROR_NOT_FOUND;
        }
        lookup->step = LOOKUP_PRINCIPAL;
        if (error == OK)
            run(lookup);
        break;
    case LOOKUP_PRINCIPAL:
        if (error == OK)
            error = judge_principal(lookup);
        if (error == OK && lookup->kind == ACCOUNT_NAME_SENDER)
            found_owner(lookup);
        else if (error == OK)
            found_principal(lookup);
        break;
    case LOOKUP_GROUPS:
        if (error == OK)
            finish_groups(lookup);
        else if (lookup->expansion->note.text[0])
            lookup->note = lookup->expansion->note;
        break;
    case LOOKUP_ACCESS:
        if (error == OK)
            finish_access(lookup);
        break;
    }
    if (error != OK)
        end(lookup, error, NULL);
}

/* Start */

static struct account_lookup *find_lookup(const struct accounts *accounts,
                                          const struct account_request *request)
{
    uint64_t epoch = atomic_load(&accounts->epoch);
    list_each(link, &accounts->lookups)
    {
        struct account_lookup *lookup = list_entry(link, struct account_lookup, link);
        bool fits = request->is_name_only ? lookup->step != LOOKUP_GROUPS : !lookup->is_name_only;
        if (fits && lookup->epoch == epoch && lookup->kind == request->kind &&
            lookup->is_path_wanted == request->is_path_wanted &&
            bytes_equal(buffer_bytes(&lookup->name), request->name))
            return lookup;
    }
    return NULL;
}

static struct account_lookup *new_lookup(struct accounts *accounts, const struct account_request *request)
{
    struct account_lookup *lookup = calloc(1, sizeof(*lookup));
    if (!lookup)
        return NULL;
    buffer_init(&lookup->name, LOOKUP_NAME_MAX);
    buffer_init(&lookup->groups_base, LOOKUP_NAME_MAX);
    list_init(&lookup->link);
    list_init(&lookup->requests);
    if (buffer_append(&lookup->name, request->name) != OK) {
        free(lookup);
        return NULL;
    }
    lookup->accounts = accounts;
    lookup->kind = request->kind;
    lookup->is_name_only = request->is_name_only;
    lookup->is_path_wanted = request->is_path_wanted;
    lookup->epoch = atomic_load(&accounts->epoch);
    list_append(&accounts->lookups, &lookup->link);
    return lookup;
}

static void begin(struct account_lookup *lookup)
{
    const struct principal_context context = context_of(lookup);
    const struct principal_name name = name_of(lookup, &context);
    lookup->step =
        name.kind == ACCOUNT_NAME_NTLM && context.flavor == FLAVOR_AD ? LOOKUP_DOMAIN : LOOKUP_PRINCIPAL;
    run(lookup);
}

void account_lookup_ask(struct accounts *accounts, struct account_request *request)
{
    struct account_lookup *lookup = find_lookup(accounts, request);
    struct note note = {{0}};
    if (lookup) {
        list_append(&lookup->requests, &request->link);
        return;
    }
    bool is_known = accounts->directory->ops->info(accounts->directory) && accounts_base(accounts);
    if (request->name.len > LOOKUP_NAME_MAX) {
        note_set(&note, "nobody can be called that");
        accounts_answer(accounts, request, ERROR_SYNTAX, NULL, &note);
    } else if (!is_known || !(lookup = new_lookup(accounts, request))) {
        note_set(&note, "the directory has not answered yet");
        accounts_answer(accounts, request, ERROR_TEMPORARY, NULL, &note);
    } else {
        list_append(&lookup->requests, &request->link);
        begin(lookup);
    }
}

void account_lookup_cancel_all(struct accounts *accounts)
{
    list_each_safe(link, &accounts->lookups)
    {
        struct account_lookup *lookup = list_entry(link, struct account_lookup, link);
        answer_all(lookup, ERROR_CANCELED, NULL);
        search_queue_cancel(&lookup->queue);
    }
}

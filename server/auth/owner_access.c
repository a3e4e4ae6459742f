/* First the containers above the owner are read, then everybody whom an ACE of theirs, or the owner's
 * publicDelegates, names by DN. A descriptor names SIDs and holds what was inherited. */
#include "auth/owner_access_internal.h"

#include "auth/principal.h"
#include "directory/filter_text.h"
#include "directory/principal_sid.h"

#include <stdlib.h>
#include <string.h>

#define NAMED_MAX   1000
#define NAMED_BATCH 50

const char *const owner_access_attributes[] = {"dirrelayAce", "publicDelegates", "nTSecurityDescriptor",
                                               NULL};
const char *const owner_access_watched_attributes[] = {"dirrelayAce", "publicDelegates", NULL};
static const char *const container_attributes[] = {"dirrelayAce", NULL};

static bool has_value(const struct entry *entry, const char *attribute)
{
    const struct attribute *found = entry_find(entry, attribute);
    return found && found->value_count > 0;
}

bool owner_access_is_watched(const struct owner_access *access)
{
    return access->config.flavor != FLAVOR_AD && !has_value(access->config.owner, "nTSecurityDescriptor");
}

/* The containers from the parent up to the base of the accounts. */
static enum error find_levels(struct owner_access *access)
{
    const struct entry *owner = access->config.owner;
    struct buffer base;
    buffer_init(&base, SEARCH_BASE_MAX);
    enum error error = dn_normalize(bytes_of_text(access->config.base), &base);
    struct bytes dn = bytes_of_text(owner->dn), key = bytes_of_text(owner->dn_key);
    access->levels[0] = (struct level){.dn = owner->dn, .entry = owner};
    access->level_count = access->level_at = 1;
    while (error == OK && owner_access_is_watched(access)) {
        dn = dn_parent(dn);
        key = dn_parent(key);
        if (key.len == 0 || dn.len == 0 || !dn_is_within(key, buffer_bytes(&base)))
            break;
        access->is_too_deep = access->level_count == LEVELS_MAX;
        if (access->is_too_deep)
            break;
        access->levels[access->level_count++].dn = dn.ptr; /* the tail of a terminated text */
    }
    buffer_done(&base);
    return error;
}

struct owner_access *owner_access_new(const struct owner_access_config *config)
{
    struct owner_access *access = calloc(1, sizeof(*access));
    if (!access)
        return NULL;
    access->config = *config;
    if (find_levels(access) != OK) {
        owner_access_free(access);
        return NULL;
    }
    return access;
}

void owner_access_free(struct owner_access *access)
{
    if (!access)
        return;
    for (size_t i = 0; i < access->level_count; i++)
        entry_free(access->levels[i].owned);
    for (size_t i = 0; i < access->named_count; i++) {
        free(access->named[i].dn);
        free(access->named[i].dn_key);
    }
    free(access->named);
    free(access);
}

/* Who is named */

static struct named *find_key(const struct owner_access *access, struct bytes dn_key)
{
    for (size_t i = 0; i < access->named_count; i++)
        if (bytes_equal(dn_key, bytes_of_text(access->named[i].dn_key)))
            return &access->named[i];
    return NULL;
}

const struct named *owner_access_find_named(const struct owner_access *access, struct bytes dn)
{
    struct buffer key;
    buffer_init(&key, SEARCH_BASE_MAX);
    const struct named *found = dn_normalize(dn, &key) == OK ? find_key(access, buffer_bytes(&key)) : NULL;
    buffer_done(&key);
    return found;
}

/* A DC knows its own domain and refers to others for the rest. */
static bool is_elsewhere(const struct owner_access *access, struct bytes dn)
{
    struct buffer its, own, name;
    buffer_init(&its, SEARCH_BASE_MAX);
    buffer_init(&own, SEARCH_BASE_MAX);
    buffer_init(&name, SEARCH_BASE_MAX);
    bool is_here = access->config.flavor != FLAVOR_AD ||
                   (principal_domain(dn, &its, &name) == OK &&
                    principal_domain(bytes_of_text(access->config.base), &own, &name) == OK &&
                    bytes_equal(buffer_bytes(&its), buffer_bytes(&own)));
    buffer_done(&its);
    buffer_done(&own);
    buffer_done(&name);
    return !is_here;
}

static bool grow(struct owner_access *access)
{
    size_t capacity = access->named_capacity ? 2 * access->named_capacity : 8;
    struct named *named = realloc(access->named, capacity * sizeof(*named));
    if (!named)
        return false;
    access->named = named;
    access->named_capacity = capacity;
    return true;
}

static enum error add_named(struct owner_access *access, struct bytes dn)
{
    struct buffer key;
    buffer_init(&key, SEARCH_BASE_MAX);
    bool is_new =
        dn_normalize(dn, &key) == OK && !owner_access_find_named(access, dn) && !is_elsewhere(access, dn);
    enum error error = OK;
    if (is_new && access->named_count == NAMED_MAX)
        access->is_full = true;
    else if (is_new && access->named_count == access->named_capacity && !grow(access))
        error = ERROR_TEMPORARY;
    else if (is_new)
        access->named[access->named_count++] = (struct named){
            .dn = bytes_copy_text(dn),
            .dn_key = bytes_copy_text(buffer_bytes(&key)),
        };
    buffer_done(&key);
    return error;
}

static enum error name_trustees(struct owner_access *access, const struct entry *container)
{
    const struct attribute *lines = container ? entry_find(container, "dirrelayAce") : NULL;
    enum error error = OK;
    for (size_t i = 0; error == OK && lines && i < lines->value_count; i++) {
        struct ace_text ace;
        if (ace_text_parse(lines->values[i], &ace, NULL) == OK && ace_is_about_senders(&ace) &&
            ace.trustee_kind == ACE_TRUSTEE_DN)
            error = add_named(access, ace.dn);
    }
    return error;
}

static enum error name_all(struct owner_access *access)
{
    const struct attribute *delegates = entry_find(access->config.owner, "publicDelegates");
    enum error error = OK;
    for (size_t i = 0; error == OK && owner_access_is_watched(access) && i < access->level_count; i++)
        error = name_trustees(access, access->levels[i].entry);
    access->is_too_many = access->is_full;
    for (size_t i = 0; error == OK && delegates && i < delegates->value_count; i++)
        error = add_named(access, delegates->values[i]);
    return error;
}

/* Questions and answers */

static enum error ask(struct search_question *out, const char *dn, size_t tag, const char *const *attributes)
{
    out->scope = SCOPE_BASE;
    out->attributes = attributes;
    out->tag = tag;
    out->may_be_absent = out->may_be_unreadable = true;
    return buffer_append_text(&out->base, dn);
}

/* AD finds entries by their names, some dozens at once. */
static enum error ask_batch(struct owner_access *access, struct search_question *out)
{
    size_t left = access->named_count - access->named_at;
    size_t end = access->named_at + (left < NAMED_BATCH ? left : NAMED_BATCH);
    struct buffer name;
    buffer_init(&name, SEARCH_BASE_MAX);
    enum error error = principal_domain(bytes_of_text(access->config.base), &out->base, &name);
    buffer_done(&name);
    if (error == OK)
        error = buffer_append_text(&out->filter, "(|");
    for (; error == OK && access->named_at < end; access->named_at++)
        error = filter_append_equal(&out->filter, "distinguishedName",
                                    bytes_of_text(access->named[access->named_at].dn));
    out->scope = SCOPE_SUBTREE;
    out->attributes = principal_attributes;
    return error == OK ? buffer_append_byte(&out->filter, ')') : error;
}

static enum error ask_named(struct owner_access *access, struct search_question *out)
{
    return access->config.flavor == FLAVOR_AD
               ? ask_batch(access, out)
               : ask(out, access->named[access->named_at++].dn, 0, principal_attributes);
}

enum error owner_access_next(struct owner_access *access, bool is_idle, struct search_question *out,
                             bool *out_is_some)
{
    *out_is_some = true;
    if (access->step == STEP_CONTAINERS && access->level_at < access->level_count) {
        size_t level = access->level_at++;
        return ask(out, access->levels[level].dn, level, container_attributes);
    }
    if (access->step == STEP_CONTAINERS && is_idle) {
        access->step = STEP_NAMED;
        enum error error = name_all(access);
        if (error != OK)
            return error;
    }
    if (access->step == STEP_NAMED && access->named_at < access->named_count)
        return ask_named(access, out);
    *out_is_some = false;
    return OK;
}

/* An entry may come twice. */
enum error owner_access_take(struct owner_access *access, const struct search_question *question,
                             const struct entry *entry)
{
    if (access->step == STEP_CONTAINERS) {
        struct level *level = &access->levels[question->tag];
        if (!level->owned)
            level->entry = level->owned = entry_copy(entry);
        return level->entry ? OK : ERROR_TEMPORARY;
    }
    struct named *named = find_key(access, bytes_of_text(entry->dn_key));
    enum principal_source source;
    if (!named)
        return OK; /* not what was asked for */
    named->is_found = true;
    named->has_sid = principal_sid(entry, &named->sid, &source, &named->note) == OK;
    return OK;
}

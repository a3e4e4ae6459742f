/* First the containers above the owner are read, then everybody whom an ACE of theirs, or the owner's
 * publicDelegates, names by DN. A descriptor names SIDs and holds what was inherited. */
#include "auth/owner_access.h"

#include "auth/principal.h"
#include "directory/filter_text.h"
#include "directory/principal_sid.h"
#include "organization/ace_text.h"

#include <stdlib.h>
#include <string.h>

#define LEVELS_MAX  64
#define NAMED_MAX   1000
#define NAMED_BATCH 50
#define LINE_SHOWN  256

const char *const owner_access_attributes[] = {"dirrelayAce", "publicDelegates", "nTSecurityDescriptor",
                                               NULL};
const char *const owner_access_watched_attributes[] = {"dirrelayAce", "publicDelegates", NULL};
static const char *const container_attributes[] = {"dirrelayAce", NULL};

enum access_step { STEP_CONTAINERS, STEP_NAMED };

/* One level of inheritance; the owner is the first. */
struct level {
    const char *dn;
    const struct entry *entry; /* NULL: it cannot be read */
    struct entry *owned;
};

/* Somebody who is named. */
struct named {
    char *dn;
    char *dn_key;
    bool is_found;
    bool has_sid;
    struct sid sid;
    struct note note; /* found, and without a SID */
};

struct owner_access {
    struct owner_access_config config;
    enum access_step step;
    struct level levels[LEVELS_MAX];
    size_t level_count;
    size_t level_at;
    struct named *named;
    size_t named_count;
    size_t named_capacity;
    size_t named_at;
    bool is_too_deep;
    bool is_too_many;
};

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

static struct named *find_named(const struct owner_access *access, struct bytes dn)
{
    struct buffer key;
    buffer_init(&key, SEARCH_BASE_MAX);
    struct named *found = dn_normalize(dn, &key) == OK ? find_key(access, buffer_bytes(&key)) : NULL;
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
    bool is_new = dn_normalize(dn, &key) == OK && !find_named(access, dn) && !is_elsewhere(access, dn);
    enum error error = OK;
    if (is_new && access->named_count == NAMED_MAX)
        access->is_too_many = true;
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

/* The line speaks of Send-As. */
static bool is_about_senders(const struct ace_text *ace)
{
    return ace->rights & RIGHT_BIT(RIGHT_SEND_AS);
}

static enum error name_trustees(struct owner_access *access, const struct entry *container)
{
    const struct attribute *lines = container ? entry_find(container, "dirrelayAce") : NULL;
    enum error error = OK;
    for (size_t i = 0; error == OK && lines && i < lines->value_count; i++) {
        struct ace_text ace;
        if (ace_text_parse(lines->values[i], &ace, NULL) == OK && is_about_senders(&ace) &&
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

/* The list */

struct reading {
    const struct owner_access *access;
    struct arena *arena;
    struct access_list_builder builder;
    struct sender_access *out;
};

/* The first reason stays. ERROR_LIMIT: there is no room for it. */
static enum error grant_nothing(struct reading *reading, const char *why)
{
    if (!reading->out->grants_nothing)
        reading->out->grants_nothing = why;
    return why ? OK : ERROR_LIMIT;
}

/* ERROR_NOT_FOUND: nobody has this DN. */
static enum error resolve(const struct reading *reading, const struct ace_text *ace, struct sid *out,
                          struct note *note)
{
    if (ace->trustee_kind == ACE_TRUSTEE_SID) {
        *out = ace->sid;
        return OK;
    }
    const struct named *named = find_named(reading->access, ace->dn);
    if (!named || !named->is_found) {
        note_set(note, "there is no %.*s", BYTES_ARG(bytes_first(ace->dn, 160)));
        return ERROR_NOT_FOUND;
    }
    *out = named->sid;
    *note = named->note;
    return named->has_sid ? OK : ERROR_SYNTAX;
}

/* As on connectors: who is gone needs no rights; a deny that nobody can be found for may have been written
 * for somebody who is now called otherwise. */
static enum error add_line(struct reading *reading, unsigned level, struct bytes text)
{
    const char *dn = reading->access->levels[level].dn;
    struct note note = {0};
    struct ace_text ace;
    struct access_grant grant = {.rights = RIGHT_BIT(RIGHT_SEND_AS)};
    enum error error = ace_text_parse(text, &ace, &note);
    if (error == OK && !is_about_senders(&ace))
        return OK;
    if (error == OK)
        error = resolve(reading, &ace, &grant.sid, &note);
    if (error == ERROR_NOT_FOUND && !ace.is_deny)
        return OK;
    if (error != OK)
        return grant_nothing(reading, arena_printf(reading->arena, "dirrelayAce \"%.*s\" on %s: %s",
                                                   BYTES_ARG(bytes_first(text, LINE_SHOWN)), dn, note.text));
    grant.is_deny = ace.is_deny;
    const struct ace_origin origin = {.text = arena_copy(reading->arena, text).ptr,
                                      .from = arena_copy(reading->arena, bytes_of_text(dn)).ptr};
    if (!origin.text || !origin.from)
        return ERROR_LIMIT;
    return access_list_add_grant(&reading->builder, &grant, level, &origin);
}

static enum error add_level(struct reading *reading, unsigned number)
{
    const struct level *level = &reading->access->levels[number];
    if (!level->entry)
        return grant_nothing(
            reading, arena_printf(reading->arena, "%s cannot be read, and with it any ACE on it", level->dn));
    const struct attribute *lines = entry_find(level->entry, "dirrelayAce");
    enum error error = OK;
    for (size_t i = 0; error == OK && lines && i < lines->value_count; i++)
        error = add_line(reading, number, lines->values[i]);
    return error;
}

static enum error read_texts(struct reading *reading)
{
    const struct owner_access *access = reading->access;
    enum error error = OK;
    access_list_builder_init(&reading->builder, reading->arena);
    if (access->is_too_deep || access->is_too_many)
        error = grant_nothing(reading, access->is_too_deep ? "it is nested too deep"
                                                           : "its ACEs name too many users and groups");
    for (unsigned level = 0; error == OK && level < access->level_count; level++)
        error = add_level(reading, level);
    if (error == OK)
        error = sender_access_add_default(&reading->builder);
    return error == OK ? access_list_finish(&reading->builder, &reading->out->list) : error;
}

/* Absent, unreadable, NULL and empty: none of them grants (matrix D11). */
static enum error read_descriptor(struct reading *reading)
{
    const struct entry *owner = reading->access->config.owner;
    const struct attribute *values = entry_find(owner, "nTSecurityDescriptor");
    struct descriptor descriptor = {0};
    struct note note = {0};
    if (!values || values->value_count == 0)
        return grant_nothing(reading,
                             "its nTSecurityDescriptor is not given to us: the account may not read it");
    if (values->value_count > 1)
        return grant_nothing(reading, "it has more than one nTSecurityDescriptor");
    if (descriptor_decode(values->values[0], reading->arena, &descriptor, &note) != OK)
        return grant_nothing(
            reading, arena_printf(reading->arena, "its nTSecurityDescriptor cannot be read: %s", note.text));
    if (descriptor.dacl.state != ACL_PRESENT)
        return grant_nothing(reading, "its nTSecurityDescriptor has no DACL");
    const char *from = arena_copy(reading->arena, bytes_of_text(owner->dn)).ptr;
    return from ? access_list_of_acl(&descriptor.dacl, from, reading->arena, &reading->out->list)
                : ERROR_LIMIT;
}

/* Whoever cannot be found is no delegate. */
static enum error read_delegates(struct reading *reading)
{
    const struct attribute *values = entry_find(reading->access->config.owner, "publicDelegates");
    size_t most = values ? values->value_count : 0;
    struct sid *delegates = most ? arena_array(reading->arena, most, sizeof(*delegates)) : NULL;
    if (most && !delegates)
        return ERROR_LIMIT;
    reading->out->delegates = delegates;
    for (size_t i = 0; i < most; i++) {
        const struct named *named = find_named(reading->access, values->values[i]);
        if (named && named->has_sid)
            delegates[reading->out->delegate_count++] = named->sid;
    }
    return OK;
}

enum error owner_access_finish(const struct owner_access *access, struct arena *arena,
                               struct sender_access *out)
{
    struct sender_access read = {.list.acl.state = ACL_ABSENT};
    struct reading reading = {.access = access, .arena = arena, .out = &read};
    enum principal_source source;
    enum error error = owner_access_is_watched(access) ? read_texts(&reading) : read_descriptor(&reading);
    if (error == OK)
        error = read_delegates(&reading);
    read.has_sid = principal_sid(access->config.owner, &read.sid, &source, NULL) == OK;
    if (error == OK)
        *out = read;
    return error;
}

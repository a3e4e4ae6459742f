/* Groups of a directory that does not know the whole answer itself, breadth first: the groups that name the
 * account, the groups that name those, and so on; each once, so that cycles end.
 *
 * Of one level all searches are asked for, EXPANSION_BATCH groups in a filter, then what memberOf named and
 * no search found is read by its DN. When a level finds nothing new, SIDs read from attributes are looked for
 * on other entries. uniqueMember and memberUid are asked for together with the class that has them: they are
 * often not indexed, objectClass always is. */
#define uthash_fatal(message) abort()
#include "auth/expansion.h"
#include "auth/principal.h"
#include "directory/filter_text.h"
#include "directory/principal_sid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum walk_step { STEP_BEGIN, STEP_DIRECT, STEP_LEVEL, STEP_READS, STEP_UNIQUE };

/* A DN that was found or named. */
struct walk_group {
    char *dn;
    char *dn_key;
    struct sid_row *row; /* NULL: named by memberOf, and not there, or not read yet */
    size_t via;          /* of the one that names it */
    UT_hash_handle hh;
};

struct group_list {
    struct walk_group **items;
    size_t count;
    size_t capacity;
};

struct group_walk {
    struct expansion face; /* first */
    enum walk_step step;
    uint32_t depth;             /* of the groups asked for last */
    struct walk_group *by_dn;   /* all */
    struct group_list found;    /* those with a SID, in the order they were found */
    struct group_list named;    /* by memberOf */
    size_t found_at, found_end; /* to be asked for in this level */
    size_t named_at, named_end;
    size_t unique_at; /* the next SID to look for */
};

static const char *const group_attributes[] = {"objectClass", "objectSid",  "sambaSID", "uidNumber",
                                               "gidNumber",   "sIDHistory", NULL};
static const char *const named_attributes[] = {"objectClass", "objectSid",  "sambaSID", "uidNumber",
                                               "gidNumber",   "sIDHistory", "memberOf", NULL};

static struct group_walk *walk_of(struct expansion *expansion)
{
    return (struct group_walk *)(void *)expansion;
}

static bool list_push(struct group_list *list, struct walk_group *group)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 32;
        struct walk_group **items = realloc(list->items, capacity * sizeof(struct walk_group *));
        if (!items)
            return false;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = group;
    return true;
}

static struct walk_group *find_group(const struct group_walk *walk, const char *dn_key)
{
    struct walk_group *group = NULL;
    HASH_FIND_STR(walk->by_dn, dn_key, group);
    return group;
}

static struct walk_group *add_dn(struct group_walk *walk, const char *dn, const char *dn_key, size_t via)
{
    struct walk_group *group = calloc(1, sizeof(*group));
    if (!group)
        return NULL;
    group->dn = strdup(dn);
    group->dn_key = strdup(dn_key);
    group->via = via;
    if (!group->dn || !group->dn_key) {
        free(group->dn);
        free(group->dn_key);
        free(group);
        return NULL;
    }
    HASH_ADD_KEYPTR(hh, walk->by_dn, group->dn_key, strlen(group->dn_key), group);
    return group;
}

/* memberOf of the entry, to be read if no search finds it. */
static enum error name_groups(struct group_walk *walk, const struct entry *entry, size_t via)
{
    const struct attribute *names = entry_find(entry, "memberOf");
    enum error error = OK;
    struct buffer key;
    buffer_init(&key, SEARCH_BASE_MAX);
    for (size_t i = 0; error == OK && names && i < names->value_count; i++) {
        buffer_clear(&key);
        if (dn_normalize(names->values[i], &key) != OK || buffer_append_byte(&key, '\0') != OK)
            continue; /* not a DN: names nobody */
        if (find_group(walk, key.ptr))
            continue;
        char *dn = bytes_copy_text(names->values[i]);
        struct walk_group *group = add_dn(walk, dn, key.ptr, via);
        free(dn);
        if (!group || !list_push(&walk->named, group))
            error = ERROR_TEMPORARY;
        else
            error = expansion_check_count(&walk->face, walk->named.count);
    }
    buffer_done(&key);
    return error;
}

/* Questions */

static enum error append_equal_text(struct buffer *filter, const char *attribute, const char *value)
{
    return filter_append_equal(filter, attribute, bytes_of_text(value));
}

static enum error append_values(struct buffer *filter, const char *attribute, const struct attribute *values)
{
    enum error error = OK;
    for (size_t i = 0; error == OK && values && i < values->value_count; i++)
        error = filter_append_equal(filter, attribute, values->values[i]);
    return error;
}

static enum error append_posix(struct buffer *filter, const struct entry *principal)
{
    const struct attribute *names = entry_find(principal, "uid");
    const struct attribute *numbers = entry_find(principal, "gidNumber");
    if (!names && !numbers)
        return OK;
    enum error error = buffer_append_text(filter, "(&(objectClass=posixGroup)(|");
    if (error == OK)
        error = append_values(filter, "memberUid", names);
    if (error == OK)
        error = append_values(filter, "gidNumber", numbers);
    return error == OK ? buffer_append_text(filter, "))") : error;
}

/* Groups that name the account itself, by its DN, its uid, or as its primary group. */
static enum error ask_direct(struct group_walk *walk, struct search_question *out)
{
    const struct entry *principal = walk->face.config.principal;
    struct buffer *filter = &out->filter;
    enum error error = buffer_append_text(filter, "(|");
    if (error == OK)
        error = append_equal_text(filter, "member", principal->dn);
    if (error == OK && walk->face.config.has_unique_members) {
        error = buffer_append_text(filter, "(&(objectClass=groupOfUniqueNames)");
        if (error == OK)
            error = append_equal_text(filter, "uniqueMember", principal->dn);
        if (error == OK)
            error = buffer_append_byte(filter, ')');
    }
    if (error == OK)
        error = append_posix(filter, principal);
    if (error == OK)
        error = buffer_append_byte(filter, ')');
    out->tag = ACCOUNT_VIA_SELF;
    return error == OK ? expansion_ask(out, walk->face.config.base, SCOPE_SUBTREE, group_attributes) : error;
}

/* The DNs of the level's groups up to end. */
static enum error append_groups(struct buffer *filter, const char *attribute, const struct group_walk *walk,
                                size_t end)
{
    enum error error = OK;
    for (size_t i = walk->found_at; error == OK && i < end; i++)
        error = append_equal_text(filter, attribute, walk->found.items[i]->dn);
    return error;
}

/* Groups that name the next groups of this level. */
static enum error ask_level(struct group_walk *walk, struct search_question *out)
{
    struct buffer *filter = &out->filter;
    size_t begin = walk->found_at;
    size_t most = walk->face.config.is_path_wanted ? 1 : EXPANSION_BATCH;
    size_t end = walk->found_end - begin < most ? walk->found_end : begin + most;
    enum error error = buffer_append_text(filter, "(|");
    error = error == OK ? append_groups(filter, "member", walk, end) : error;
    if (error == OK && walk->face.config.has_unique_members) {
        error = buffer_append_text(filter, "(&(objectClass=groupOfUniqueNames)(|");
        if (error == OK)
            error = append_groups(filter, "uniqueMember", walk, end);
        if (error == OK)
            error = buffer_append_text(filter, "))");
    }
    if (error == OK)
        error = buffer_append_byte(filter, ')');
    walk->found_at = end;
    out->tag = end - begin == 1 ? walk->found.items[begin]->row->index : ACCOUNT_VIA_UNKNOWN;
    return error == OK ? expansion_ask(out, walk->face.config.base, SCOPE_SUBTREE, group_attributes) : error;
}

/* The next DN that memberOf named and no search found. */
static enum error ask_named(struct group_walk *walk, struct search_question *out, bool *out_is_some)
{
    while (walk->named_at < walk->named_end && walk->named.items[walk->named_at]->row)
        walk->named_at++;
    *out_is_some = walk->named_at < walk->named_end;
    if (!*out_is_some)
        return OK;
    const struct walk_group *group = walk->named.items[walk->named_at++];
    out->tag = group->via;
    out->may_be_absent = true;
    return expansion_ask(out, group->dn, SCOPE_BASE, named_attributes);
}

/* Entries that could have this SID. One made of an entryUUID is one entry's alone. */
static enum error append_sid(struct buffer *filter, const struct sid *sid, bool *out_is_some)
{
    uint8_t binary[68];
    char text[SID_TEXT_SIZE];
    enum error error = OK;
    if (sid->authority == SID_AUTHORITY_NT) {
        struct bytes encoded = {(const char *)binary, sid_encode(sid, binary)};
        sid_format(sid, text);
        error = filter_append_equal(filter, "objectSid", encoded);
        if (error == OK)
            error = append_equal_text(filter, "objectSid", text);
        if (error == OK)
            error = append_equal_text(filter, "sambaSID", text);
    } else if (sid->authority == SID_AUTHORITY_UNIX && sid->sub_authorities[0] == SID_UNIX_USER) {
        error = buffer_printf(filter, "(&(objectClass=posixAccount)(uidNumber=%" PRIu32 "))",
                              sid->sub_authorities[1]);
    } else if (sid->authority == SID_AUTHORITY_UNIX) {
        error = buffer_printf(filter, "(&(objectClass=posixGroup)(gidNumber=%" PRIu32 "))",
                              sid->sub_authorities[1]);
    } else {
        return OK;
    }
    *out_is_some = true;
    return error;
}

static enum error ask_unique(struct group_walk *walk, struct search_question *out, bool *out_is_some)
{
    const struct sid_list *sids = &walk->face.sids;
    size_t end =
        sids->count - walk->unique_at < EXPANSION_BATCH ? sids->count : walk->unique_at + EXPANSION_BATCH;
    bool is_some = false;
    enum error error = OK;
    while (error == OK && !is_some && walk->unique_at < sids->count) {
        buffer_clear(&out->filter);
        error = buffer_append_text(&out->filter, "(|");
        for (; error == OK && walk->unique_at < end; walk->unique_at++)
            error = append_sid(&out->filter, &sids->rows[walk->unique_at]->sid.sid, &is_some);
        if (error == OK)
            error = buffer_append_byte(&out->filter, ')');
        end = sids->count - end < EXPANSION_BATCH ? sids->count : end + EXPANSION_BATCH;
    }
    *out_is_some = is_some;
    if (error == OK && is_some)
        error = expansion_ask(out, walk->face.config.base, SCOPE_SUBTREE, group_attributes);
    return error;
}

/* Steps: each call of one says what to ask for, or that its questions are all asked. */

static enum error begin_level(struct group_walk *walk)
{
    walk->found_at = walk->found_end;
    walk->found_end = walk->found.count;
    walk->named_end = walk->named.count;
    bool is_over = walk->found_at == walk->found_end && walk->named_at == walk->named_end;
    walk->step = is_over ? STEP_UNIQUE : STEP_LEVEL;
    if (is_over || ++walk->depth <= walk->face.config.group_depth)
        return OK;
    note_set(&walk->face.note, "%.120s: its groups are nested deeper than %u (auth.group_depth)",
             walk->face.config.principal->dn, walk->face.config.group_depth);
    return ERROR_LIMIT;
}

static enum error ask_step(struct group_walk *walk, struct search_question *out, bool *out_is_some)
{
    *out_is_some = false;
    switch (walk->step) {
    case STEP_BEGIN:
    case STEP_DIRECT:
        return OK;
    case STEP_LEVEL:
        *out_is_some = walk->found_at < walk->found_end;
        return *out_is_some ? ask_level(walk, out) : OK;
    case STEP_READS:
        return ask_named(walk, out, out_is_some);
    case STEP_UNIQUE:
        return ask_unique(walk, out, out_is_some);
    }
    return OK;
}

static enum error begin(struct group_walk *walk, struct search_question *out, bool *out_is_some)
{
    const struct entry *principal = walk->face.config.principal;
    enum error error = expansion_add_principal(&walk->face, false);
    struct walk_group *self =
        error == OK ? add_dn(walk, principal->dn, principal->dn_key, ACCOUNT_VIA_SELF) : NULL;
    if (self)
        self->row = walk->face.sids.rows[0];
    else if (error == OK)
        error = ERROR_TEMPORARY;
    if (error == OK)
        error = name_groups(walk, principal, ACCOUNT_VIA_SELF);
    walk->step = STEP_DIRECT;
    walk->named_end = walk->named.count;
    *out_is_some = true;
    return error == OK ? ask_direct(walk, out) : error;
}

static enum error next(struct expansion *expansion, bool is_idle, struct search_question *out,
                       bool *out_is_some)
{
    struct group_walk *walk = walk_of(expansion);
    if (walk->step == STEP_BEGIN)
        return begin(walk, out, out_is_some);
    for (;;) {
        enum error error = ask_step(walk, out, out_is_some);
        bool is_last = walk->step == STEP_UNIQUE;
        if (error != OK || *out_is_some || !is_idle || is_last)
            return error;
        if (walk->step != STEP_READS)
            walk->step = STEP_READS;
        else if ((error = begin_level(walk)) != OK)
            return error;
    }
}

/* Answers */

static enum account_sid_source source_of(const struct group_walk *walk, const struct entry *group)
{
    int64_t mine, its;
    bool is_primary = walk->step == STEP_DIRECT &&
                      entry_integer(walk->face.config.principal, "gidNumber", 0, UINT32_MAX, &mine) == OK &&
                      entry_integer(group, "gidNumber", 0, UINT32_MAX, &its) == OK && mine == its;
    return is_primary ? ACCOUNT_SID_PRIMARY_GROUP : ACCOUNT_SID_GROUP;
}

static enum error take_group(struct group_walk *walk, const struct entry *entry, size_t via)
{
    struct walk_group *group = find_group(walk, entry->dn_key);
    /* Nobody holds another account's SID, whatever an attribute says. */
    if ((group && group->row) || principal_is_account(entry))
        return OK;
    struct account_sid sid = {.source = source_of(walk, entry), .name = entry->dn, .via = via};
    enum principal_source source;
    if (!entry->has_id || principal_sid(entry, &sid.sid, &source, &walk->face.note) != OK) {
        note_wrap(&walk->face.note, "its group %.120s", entry->dn);
        return ERROR_DENIED_CREDENTIALS;
    }
    walk->face.has_named_group |= walk->step == STEP_READS;
    if (!group)
        group = add_dn(walk, entry->dn, entry->dn_key, via);
    if (!group || !list_push(&walk->found, group))
        return ERROR_TEMPORARY;
    enum error error = expansion_check_count(&walk->face, walk->found.count);
    if (error == OK)
        error = expansion_add(&walk->face, &sid, entry, &group->row);
    if (error == OK)
        error = expansion_add_history(&walk->face, entry, group->row->index);
    return error;
}

static enum error take(struct expansion *expansion, const struct search_question *question,
                       const struct entry *entry)
{
    struct group_walk *walk = walk_of(expansion);
    struct sid_row *other;
    if (walk->step == STEP_UNIQUE)
        return expansion_find_owned(expansion, entry, &other);
    enum error error = take_group(walk, entry, question->tag);
    if (error != OK || walk->step != STEP_READS)
        return error;
    const struct walk_group *group = find_group(walk, entry->dn_key);
    return group && group->row ? name_groups(walk, entry, group->row->index) : OK;
}

static void free_walk(struct expansion *expansion)
{
    struct group_walk *walk = walk_of(expansion);
    struct walk_group *group, *following;
    HASH_ITER(hh, walk->by_dn, group, following)
    {
        HASH_DEL(walk->by_dn, group);
        free(group->dn);
        free(group->dn_key);
        free(group);
    }
    free(walk->found.items);
    free(walk->named.items);
    sid_list_done(&expansion->sids);
    free(walk);
}

struct expansion *group_walk_new(const struct expansion_config *config)
{
    static const struct expansion_ops ops = {next, take, free_walk};
    struct group_walk *walk = calloc(1, sizeof(*walk));
    if (!walk)
        return NULL;
    walk->face = (struct expansion){.ops = &ops, .config = *config};
    return &walk->face;
}

/* What was read of an owner, as the list that decides and its delegates. */
#include "auth/owner_access_internal.h"
#include "directory/principal_sid.h"

#define LINE_SHOWN 256

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
    const struct named *named = owner_access_find_named(reading->access, ace->dn);
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
    if (error == OK && !ace_is_about_senders(&ace))
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
        const struct named *named = owner_access_find_named(reading->access, values->values[i]);
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

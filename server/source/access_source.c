#include "source/access_source.h"

#include "directory/filter_text.h"
#include "organization/ace_text.h"
#include "organization/permission_group_find.h"

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(message) abort()
#include <uthash.h>

#define LINE_SHOWN 256

struct line {
    struct access_grant grant;
    const char *text;
};

/* The ACE lines of one entry, parsed and resolved. */
struct container_lines {
    const struct entry *entry;
    const char *dn;
    struct line *lines;
    size_t count;
    const char *why; /* a line that cannot be read, or NULL */
    UT_hash_handle hh;
};

void access_source_done(struct access_source *source)
{
    while (source->containers) {
        struct container_lines *container = source->containers;
        HASH_DEL(source->containers, container);
        free(container->lines);
        free(container);
    }
}

/* ERROR_SYNTAX with a note: the line cannot be read. ERROR_NOT_FOUND: it allows nobody, leave it out. */
static enum error read_line(const struct access_source *source, struct bytes text, struct line *out,
                            struct note *note)
{
    struct ace_text ace;
    enum error error = ace_text_parse(text, &ace, note);
    if (error != OK)
        return ERROR_SYNTAX;
    out->grant = (struct access_grant){ace.is_deny, ace.is_all_rights, ace.rights, ace.sid};
    if (ace.trustee_kind == ACE_TRUSTEE_SID)
        return OK;
    error = trustee_resolve(&source->trustees, ace.dn, &out->grant.sid, note);
    if (error == ERROR_NOT_FOUND) {
        note_set(note, "there is no %.*s", BYTES_ARG(bytes_first(ace.dn, 160)));
        /* Who is gone needs no rights. A deny that nobody can be found for may have been written for somebody
         * who is now called otherwise. */
        return ace.is_deny ? ERROR_SYNTAX : ERROR_NOT_FOUND;
    }
    return error;
}

static enum error read_lines(struct access_source *source, const struct attribute *attribute,
                             struct container_lines *container)
{
    container->lines = calloc(attribute->value_count, sizeof(*container->lines));
    if (!container->lines)
        return ERROR_LIMIT;
    for (size_t i = 0; i < attribute->value_count; i++) {
        struct bytes text = attribute->values[i];
        struct line *line = &container->lines[container->count];
        struct note note = {0};
        enum error error = read_line(source, text, line, &note);
        if (error == OK) {
            line->text = arena_copy(source->arena, text).ptr;
            container->count++;
            if (!line->text)
                return ERROR_LIMIT;
            continue;
        }
        bool is_left_out = error == ERROR_NOT_FOUND;
        const char *why = arena_printf(source->arena, "dirrelayAce \"%.*s\"%s%s: %s",
                                       BYTES_ARG(bytes_first(text, LINE_SHOWN)), is_left_out ? "" : " on ",
                                       is_left_out ? "" : container->dn, note.text);
        if (!why)
            return ERROR_LIMIT;
        if (is_left_out)
            source->on_left_out(source->owner, container->dn, why);
        else if (!container->why)
            container->why = why;
    }
    return OK;
}

static enum error find_lines(struct access_source *source, const struct entry *entry,
                             struct container_lines **out)
{
    struct container_lines *container;
    HASH_FIND_PTR(source->containers, &entry, container);
    if (!container) {
        container = calloc(1, sizeof(*container));
        if (!container)
            return ERROR_LIMIT;
        container->entry = entry;
        HASH_ADD_PTR(source->containers, entry, container);
        container->dn = arena_copy(source->arena, bytes_of_text(entry->dn)).ptr;
        if (!container->dn)
            return ERROR_LIMIT;
        const struct attribute *attribute = entry_find(entry, "dirrelayAce");
        if (attribute && attribute->value_count > 0) {
            enum error error = read_lines(source, attribute, container);
            if (error != OK)
                return error;
        }
    }
    *out = container;
    return OK;
}

/* The first reason stays. */
static void grant_nothing(struct access_reading *reading, const char *why, bool is_unreadable)
{
    if (reading->grants_nothing)
        return;
    reading->grants_nothing = why;
    reading->is_unreadable = is_unreadable;
}

static enum error add_lines(struct access_source *source, const struct entry *entry, unsigned level,
                            struct access_list_builder *builder, struct access_reading *out)
{
    struct container_lines *container;
    enum error error = find_lines(source, entry, &container);
    for (size_t i = 0; error == OK && i < container->count; i++) {
        const struct ace_origin origin = {.text = container->lines[i].text, .from = container->dn};
        error = access_list_add_grant(builder, &container->lines[i].grant, level, &origin);
    }
    if (error == OK && container->why)
        grant_nothing(out, container->why, true);
    return error;
}

static enum error read_group_names(struct access_source *source, const struct entry *entry,
                                   struct access_reading *out)
{
    const struct attribute *attribute = entry_find(entry, "dirrelayPermissionGroups");
    out->has_group_value = attribute && attribute->value_count > 0;
    for (size_t i = 0; attribute && i < attribute->value_count; i++) {
        enum permission_group group;
        if (permission_group_by_name(bytes_trim(attribute->values[i]), &group)) {
            out->permission_groups |= group;
            continue;
        }
        const char *why =
            arena_printf(source->arena, "dirrelayPermissionGroups \"%.*s\" is not a permission group",
                         BYTES_ARG(bytes_first(attribute->values[i], 80)));
        if (!why)
            return ERROR_LIMIT;
        grant_nothing(out, why, true);
    }
    return OK;
}

/* The lines of the containers from the parent up to the organization. */
static enum error add_containers(struct access_source *source, const struct entry *entry,
                                 struct access_list_builder *builder, struct access_reading *out)
{
    unsigned level = 0;
    struct bytes top = bytes_of_text(source->top_key);
    for (struct bytes dn = dn_parent(bytes_of_text(entry->dn_key)); dn.len > 0 && dn_is_within(dn, top);
         dn = dn_parent(dn)) {
        level++;
        /* The parent is the tail of a terminated text. */
        const struct entry *container = image_by_dn(source->image, dn.ptr);
        enum error error = OK;
        if (container) {
            error = add_lines(source, container, level, builder, out);
        } else if (!source->may_lack_containers) {
            const char *why =
                arena_printf(source->arena, "%s cannot be read, and with it any ACE on it", dn.ptr);
            error = why ? OK : ERROR_LIMIT;
            grant_nothing(out, why, true);
        }
        if (error != OK)
            return error;
    }
    return OK;
}

static enum error read_texts(struct access_source *source, const struct entry *entry,
                             struct access_reading *out)
{
    struct access_list_builder builder;
    access_list_builder_init(&builder, source->arena);
    const char *dn = arena_copy(source->arena, bytes_of_text(entry->dn)).ptr;
    enum error error = dn ? read_group_names(source, entry, out) : ERROR_LIMIT;
    if (error == OK)
        error = add_lines(source, entry, 0, &builder, out);
    if (error == OK)
        error = permission_group_add(&builder, out->permission_groups, source->model, source->is_edge,
                                     &source->group_sids, dn);
    if (error == OK)
        error = add_containers(source, entry, &builder, out);
    if (error == OK)
        error = access_list_finish(&builder, &out->list);
    if (error == OK && out->list.acl.state == ACL_ABSENT)
        grant_nothing(out, "it has no descriptor and no ACE", false);
    return error;
}

static enum error read_descriptor(struct access_source *source, const struct entry *entry,
                                  const struct attribute *attribute, struct access_reading *out)
{
    struct descriptor descriptor = {0};
    struct note note = {0};
    enum error error = ERROR_SYNTAX;
    if (attribute->value_count == 1)
        error = descriptor_decode(attribute->values[0], source->arena, &descriptor, &note);
    else
        note_set(&note, "more than one value");
    if (error != OK) {
        const char *why =
            arena_printf(source->arena, "its nTSecurityDescriptor cannot be read: %s", note.text);
        grant_nothing(out, why, true);
        return why ? OK : ERROR_LIMIT;
    }
    const char *dn = arena_copy(source->arena, bytes_of_text(entry->dn)).ptr;
    error = dn ? access_list_of_acl(&descriptor.dacl, dn, source->arena, &out->list) : ERROR_LIMIT;
    if (error != OK)
        return error;
    switch (descriptor.dacl.state) {
    case ACL_ABSENT:
        grant_nothing(out, "its nTSecurityDescriptor has no DACL", false);
        break;
    case ACL_NULL:
        grant_nothing(out,
                      "its nTSecurityDescriptor has a NULL DACL, which would grant everything to everybody",
                      false);
        break;
    case ACL_PRESENT:
        if (descriptor.dacl.count == 0)
            grant_nothing(out, "its nTSecurityDescriptor has an empty DACL", false);
        else
            error = permission_group_find(&out->list, source->is_edge, &source->group_sids, source->arena,
                                          &out->permission_groups);
        break;
    }
    return error;
}

enum error access_source_read(struct access_source *source, const struct entry *entry,
                              struct access_reading *out)
{
    *out = (struct access_reading){.list.acl.state = ACL_ABSENT};
    const struct attribute *descriptor = entry_find(entry, "nTSecurityDescriptor");
    if (descriptor && descriptor->value_count > 0)
        return read_descriptor(source, entry, descriptor, out);
    if (source->flavor != FLAVOR_AD)
        return read_texts(source, entry, out);
    grant_nothing(out, "its nTSecurityDescriptor is not given to us: the account may not read it", false);
    return OK;
}

#include "organization/access_list.h"

#include "security/sddl.h"

#include <stdlib.h>
#include <string.h>

#define REVISION_OBJECT_ACES 4
#define SDDL_ACE_MAX         4096

struct access_list_part {
    struct ace ace;
    struct ace_origin origin;
    unsigned rank; /* its class in the canonical order */
    size_t sequence;
};

static bool is_deny(const struct ace *ace)
{
    return ace->type == ACE_DENY || ace->type == ACE_DENY_OBJECT || ace->type == ACE_DENY_CALLBACK ||
           ace->type == ACE_DENY_CALLBACK_OBJECT;
}

void access_list_builder_init(struct access_list_builder *builder, struct arena *arena)
{
    *builder = (struct access_list_builder){.arena = arena};
}

/* The old array stays in the arena, which is given back whole; doubling bounds the waste. */
static enum error grow(struct access_list_builder *builder)
{
    size_t capacity = builder->capacity == 0 ? 16 : 2 * builder->capacity;
    struct access_list_part *parts = arena_array(builder->arena, capacity, sizeof(*parts));
    if (parts == NULL) {
        return ERROR_LIMIT;
    }
    if (builder->count > 0) {
        memcpy(parts, builder->parts, builder->count * sizeof(*parts));
    }
    builder->parts = parts;
    builder->capacity = capacity;
    return OK;
}

enum error access_list_add(struct access_list_builder *builder, const struct ace *ace, unsigned level,
                           const struct ace_origin *origin)
{
    if (builder->count >= DESCRIPTOR_ACE_MAX || level > DESCRIPTOR_ACE_MAX) {
        return ERROR_LIMIT;
    }
    if (builder->count == builder->capacity) {
        enum error error = grow(builder);
        if (error != OK) {
            return error;
        }
    }
    struct access_list_part *part = &builder->parts[builder->count];
    part->ace = *ace;
    part->origin = *origin;
    part->origin.is_inherited = level > 0;
    if (level > 0) {
        part->ace.flags |= ACE_FLAG_INHERITED;
    }
    part->rank = 2 * level + (is_deny(ace) ? 0 : 1);
    part->sequence = builder->count++;
    return OK;
}

/* "anonymous" for a SID with a name of ours, else "S-1-…". */
static const char *trustee_text(const struct sid *sid, char buffer[SID_TEXT_SIZE])
{
    for (int i = 0; i < SID_KNOWN_COUNT; i++) {
        if (sid_equal(sid, sid_known((enum sid_known)i))) {
            return sid_known_name((enum sid_known)i);
        }
    }
    return sid_format(sid, buffer);
}

static enum error add_one(struct access_list_builder *builder, const struct access_grant *grant,
                          const char *right_text, const struct guid *right, unsigned level,
                          const struct ace_origin *origin)
{
    struct ace ace = {
        .type = right == NULL ? (grant->is_deny ? ACE_DENY : ACE_ALLOW)
                              : (grant->is_deny ? ACE_DENY_OBJECT : ACE_ALLOW_OBJECT),
        .flags = ACE_FLAG_CONTAINER_INHERIT,
        .mask = ACE_MASK_CONTROL_ACCESS,
        .has_object_type = right != NULL,
        .sid = grant->sid,
    };
    if (right != NULL) {
        ace.object_type = *right;
    }
    struct ace_origin written = *origin;
    if (written.text == NULL) {
        char buffer[SID_TEXT_SIZE];
        written.text = arena_printf(builder->arena, "%s %s to %s", grant->is_deny ? "deny" : "allow",
                                    right_text, trustee_text(&grant->sid, buffer));
        if (written.text == NULL) {
            return ERROR_LIMIT;
        }
    }
    return access_list_add(builder, &ace, level, &written);
}

enum error access_list_add_grant(struct access_list_builder *builder, const struct access_grant *grant,
                                 unsigned level, const struct ace_origin *origin)
{
    if (grant->is_all_rights) {
        return add_one(builder, grant, "*", NULL, level, origin);
    }
    for (int i = 0; i < RIGHT_COUNT; i++) {
        if (grant->rights & RIGHT_BIT(i)) {
            const struct right_row *row = right_row((enum right)i);
            enum error error = add_one(builder, grant, row->name, &row->guid, level, origin);
            if (error != OK) {
                return error;
            }
        }
    }
    return OK;
}

static int compare_parts(const void *left, const void *right)
{
    const struct access_list_part *a = left;
    const struct access_list_part *b = right;
    if (a->rank != b->rank) {
        return a->rank < b->rank ? -1 : 1;
    }
    return a->sequence < b->sequence ? -1 : 1;
}

enum error access_list_finish(struct access_list_builder *builder, struct access_list *out)
{
    if (builder->count == 0) {
        *out = (struct access_list){.acl.state = ACL_ABSENT};
        return OK;
    }
    struct ace *aces = arena_array(builder->arena, builder->count, sizeof(*aces));
    struct ace_origin *origins = arena_array(builder->arena, builder->count, sizeof(*origins));
    if (aces == NULL || origins == NULL) {
        return ERROR_LIMIT;
    }
    qsort(builder->parts, builder->count, sizeof(*builder->parts), compare_parts);
    for (size_t i = 0; i < builder->count; i++) {
        aces[i] = builder->parts[i].ace;
        origins[i] = builder->parts[i].origin;
    }
    *out = (struct access_list){
        .acl = {.state = ACL_PRESENT,
                .revision = REVISION_OBJECT_ACES,
                .count = builder->count,
                .aces = aces},
        .origins = origins,
    };
    return OK;
}

enum error access_list_of_acl(const struct acl *acl, const char *from, struct arena *arena,
                              struct access_list *out)
{
    if (acl->state != ACL_PRESENT || acl->count == 0) {
        *out = (struct access_list){.acl = *acl};
        return OK;
    }
    struct ace_origin *origins =
        acl->count > DESCRIPTOR_ACE_MAX ? NULL : arena_array(arena, acl->count, sizeof(*origins));
    if (origins == NULL) {
        return ERROR_LIMIT;
    }
    struct buffer text;
    buffer_init(&text, SDDL_ACE_MAX);
    enum error error = OK;
    for (size_t i = 0; i < acl->count && error == OK; i++) {
        buffer_clear(&text);
        /* An ACE that SDDL cannot write decides nothing of ours; it needs a text all the same. */
        bool is_written = sddl_format_ace(&acl->aces[i], &text) == OK;
        struct bytes copy = arena_copy(arena, is_written ? buffer_bytes(&text)
                                                         : BYTES_LITERAL("(an ACE of an unknown type)"));
        origins[i] = (struct ace_origin){
            .text = copy.ptr, .from = from, .is_inherited = (acl->aces[i].flags & ACE_FLAG_INHERITED) != 0};
        error = copy.ptr == NULL ? ERROR_LIMIT : OK;
    }
    buffer_done(&text);
    if (error == OK) {
        *out = (struct access_list){.acl = *acl, .origins = origins};
    }
    return error;
}

void access_list_check(const struct access_list *list, bool grants_nothing, const struct token *token,
                       struct access_result *out)
{
    if (!grants_nothing && list->acl.state == ACL_PRESENT) {
        access_check(&list->acl, token, out);
        return;
    }
    out->granted = 0;
    for (int i = 0; i < RIGHT_COUNT; i++) {
        out->ace[i] = ACCESS_NO_ACE;
    }
}

/* What an access check sees of two ACEs is the same; a callback's condition is never asked. */
static bool is_same_ace(const struct ace *a, const struct ace *b)
{
    return a->type == b->type && a->flags == b->flags && a->mask == b->mask && a->is_opaque == b->is_opaque &&
           a->has_object_type == b->has_object_type && sid_equal(&a->sid, &b->sid) &&
           (!a->has_object_type || guid_equal(&a->object_type, &b->object_type));
}

static size_t find_deny(const struct acl *acl, size_t from)
{
    while (from < acl->count && !is_deny(&acl->aces[from])) {
        from++;
    }
    return from;
}

/* Walks both lists side by side: an allow must stand in the earlier one too, with no deny left out before it.
 */
bool access_list_is_within(const struct access_list *list, const struct access_list *earlier)
{
    size_t before = 0;
    size_t deny = find_deny(&earlier->acl, 0);
    for (size_t now = 0; now < list->acl.count; now++) {
        const struct ace *ace = &list->acl.aces[now];
        if (!is_deny(ace)) {
            while (before < deny && !is_same_ace(ace, &earlier->acl.aces[before])) {
                before++;
            }
            if (before++ == deny) {
                return false;
            }
        } else if (deny < earlier->acl.count && is_same_ace(ace, &earlier->acl.aces[deny])) {
            before = deny + 1;
            deny = find_deny(&earlier->acl, before);
        }
    }
    return deny == earlier->acl.count;
}

const struct ace_origin *access_list_origin(const struct access_list *list,
                                            const struct access_result *result, enum right right)
{
    uint16_t index = result->ace[right];
    return index == ACCESS_NO_ACE || index >= list->acl.count || list->origins == NULL
               ? NULL
               : &list->origins[index];
}

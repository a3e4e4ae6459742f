#include "security/acl_edit.h"

#include <string.h>

static enum error check_state(const struct acl *acl, struct note *note)
{
    if (acl->state == ACL_PRESENT)
        return OK;
    note_set(note, "the object has %s DACL: there is no list to edit",
             acl->state == ACL_NULL ? "a NULL" : "no");
    return ERROR_SYNTAX;
}

static bool is_explicit_deny(const struct ace *ace)
{
    bool is_deny = ace->type == ACE_DENY || ace->type == ACE_DENY_OBJECT || ace->type == ACE_DENY_CALLBACK ||
                   ace->type == ACE_DENY_CALLBACK_OBJECT;
    return is_deny && !(ace->flags & ACE_FLAG_INHERITED);
}

/* Of the edit's trustee and kind, and about this object's extended rights. */
static bool is_of_edit(const struct ace *ace, const struct acl_edit *edit)
{
    bool is_kind = edit->is_deny ? ace->type == ACE_DENY || ace->type == ACE_DENY_OBJECT
                                 : ace->type == ACE_ALLOW || ace->type == ACE_ALLOW_OBJECT;
    return is_kind && !ace->is_opaque && (ace->mask & ACE_MASK_CONTROL_ACCESS) &&
           !(ace->flags & ACE_FLAG_INHERIT_ONLY) && !ace->has_inherited_object_type &&
           sid_equal(&ace->sid, &edit->sid);
}

/* The rights the ACE names; RIGHTS_ALL without an object type, 0 for one that is none of ours. */
static uint32_t rights_of(const struct ace *ace)
{
    enum right right;
    if (!ace->has_object_type)
        return RIGHTS_ALL;
    return right_by_guid(&ace->object_type, &right) ? RIGHT_BIT(right) : 0;
}

static uint32_t wanted_rights(const struct acl_edit *edit)
{
    return edit->is_all_rights ? RIGHTS_ALL : edit->rights & RIGHTS_ALL;
}

static struct ace make_ace(const struct acl_edit *edit, const struct guid *right)
{
    struct ace ace = {
        .type = edit->is_deny ? ACE_DENY : ACE_ALLOW,
        .flags = ACE_FLAG_CONTAINER_INHERIT,
        .mask = ACE_MASK_CONTROL_ACCESS,
        .sid = edit->sid,
    };
    if (right) {
        ace.type = edit->is_deny ? ACE_DENY_OBJECT : ACE_ALLOW_OBJECT;
        ace.has_object_type = true;
        ace.object_type = *right;
    }
    return ace;
}

static size_t place_of_new(const struct acl *acl, bool is_deny)
{
    size_t place = 0;
    while (place < acl->count &&
           (is_deny ? is_explicit_deny(&acl->aces[place]) : !(acl->aces[place].flags & ACE_FLAG_INHERITED)))
        place++;
    return place;
}

/* What explicit ACEs of the edit's kind already say of the wanted rights, in the same form. */
static uint32_t rights_there(const struct acl *acl, const struct acl_edit *edit)
{
    uint32_t there = 0;
    for (size_t i = 0; i < acl->count; i++) {
        const struct ace *ace = &acl->aces[i];
        if (is_of_edit(ace, edit) && !(ace->flags & ACE_FLAG_INHERITED) &&
            ace->has_object_type == !edit->is_all_rights)
            there |= rights_of(ace);
    }
    return there & wanted_rights(edit);
}

enum error acl_edit_add(const struct acl *acl, const struct acl_edit *edit, struct arena *arena,
                        struct acl_edit_outcome *out, struct note *note)
{
    enum error error = check_state(acl, note);
    if (error != OK)
        return error;
    uint32_t missing = wanted_rights(edit) & ~rights_there(acl, edit);
    size_t place = place_of_new(acl, edit->is_deny), count = 0;
    struct ace *aces = arena_array(arena, acl->count + RIGHT_COUNT, sizeof(*aces));
    if (!aces)
        return ERROR_LIMIT;
    for (; count < place; count++)
        aces[count] = acl->aces[count];
    if (edit->is_all_rights && missing)
        aces[count++] = make_ace(edit, NULL);
    for (int right = 0; right < RIGHT_COUNT && !edit->is_all_rights; right++)
        if (missing & RIGHT_BIT(right))
            aces[count++] = make_ace(edit, &right_row((enum right)right)->guid);
    for (size_t i = place; i < acl->count; i++)
        aces[count++] = acl->aces[i];
    if (count > DESCRIPTOR_ACE_MAX) {
        note_set(note, "the DACL would hold more than %d ACEs", DESCRIPTOR_ACE_MAX);
        return ERROR_LIMIT;
    }
    *out = (struct acl_edit_outcome){
        .acl = {.state = ACL_PRESENT, .revision = ACL_REVISION_DS, .count = count, .aces = aces},
        .changed = missing,
    };
    return OK;
}

/* True when the ACE is one to take from, and not only another that says the same. */
static bool note_taken(const struct ace *ace, const struct acl_edit *edit, struct acl_edit_outcome *out)
{
    uint32_t rights = is_of_edit(ace, edit) ? rights_of(ace) & wanted_rights(edit) : 0;
    bool is_same_form = ace->has_object_type == !edit->is_all_rights;
    if (!rights || (edit->is_all_rights && !is_same_form))
        return false;
    if (ace->flags & ACE_FLAG_INHERITED)
        out->inherited |= rights;
    else if (!is_same_form)
        out->covered |= rights;
    else
        out->changed |= rights;
    return is_same_form && !(ace->flags & ACE_FLAG_INHERITED);
}

enum error acl_edit_remove(const struct acl *acl, const struct acl_edit *edit, struct arena *arena,
                           struct acl_edit_outcome *out, struct note *note)
{
    enum error error = check_state(acl, note);
    if (error != OK)
        return error;
    struct ace *aces = arena_array(arena, acl->count + 1, sizeof(*aces));
    if (!aces)
        return ERROR_LIMIT;
    *out = (struct acl_edit_outcome){.acl = *acl};
    size_t count = 0;
    for (size_t i = 0; i < acl->count; i++) {
        aces[count] = acl->aces[i];
        if (note_taken(&acl->aces[i], edit, out))
            aces[count].mask &= ~ACE_MASK_CONTROL_ACCESS;
        if (aces[count].mask || !acl->aces[i].mask || acl->aces[i].is_opaque)
            count++;
    }
    out->acl.aces = aces;
    out->acl.count = count;
    return OK;
}

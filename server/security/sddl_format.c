#include "security/sddl.h"
#include "security/sddl_names.h"

/* Bits of the control word that belong to the SACL stand one higher than the DACL's. */
#define SACL_SHIFT 1

static enum error format_sid(const struct sid *sid, struct buffer *out)
{
    const char *alias = sddl_alias_text(sid);
    char text[SID_TEXT_SIZE];

    return buffer_append_text(out, alias ? alias : sid_format(sid, text));
}

/* The words of a table whose bits are set, in the table's order. */
static enum error format_words(const struct sddl_name *table, uint32_t value, struct buffer *out)
{
    enum error error = OK;

    for (; !error && table->text; table++) {
        if (value & table->value)
            error = buffer_append_text(out, table->text);
    }
    return error;
}

static enum error format_mask(uint32_t mask, struct buffer *out)
{
    uint32_t named = 0;

    for (const struct sddl_name *right = sddl_rights; right->text; right++)
        named |= right->value;
    if (mask == 0 || mask & ~named)
        return buffer_printf(out, "0x%x", (unsigned)mask);
    return format_words(sddl_rights, mask, out);
}

static enum error format_guid(bool has, const struct guid *guid, struct buffer *out)
{
    char text[GUID_TEXT_SIZE];

    return has ? buffer_append_text(out, guid_format(guid, text)) : OK;
}

static bool is_writable(const struct ace *ace)
{
    return !ace->is_opaque && sddl_name_text(sddl_ace_types, ace->type);
}

/* ";rights;object;inherited object;sid" */
static enum error format_fields(const struct ace *ace, struct buffer *out)
{
    enum error error = buffer_append_byte(out, ';');

    if (!error)
        error = format_mask(ace->mask, out);
    if (!error)
        error = buffer_append_byte(out, ';');
    if (!error)
        error = format_guid(ace->has_object_type, &ace->object_type, out);
    if (!error)
        error = buffer_append_byte(out, ';');
    if (!error)
        error = format_guid(ace->has_inherited_object_type, &ace->inherited_object_type, out);
    if (!error)
        error = buffer_append_byte(out, ';');
    return error ? error : format_sid(&ace->sid, out);
}

enum error sddl_format_ace(const struct ace *ace, struct buffer *out)
{
    const char *type = is_writable(ace) ? sddl_name_text(sddl_ace_types, ace->type) : NULL;
    enum error error;

    if (type)
        error = buffer_printf(out, "(%s;", type);
    else
        error = buffer_printf(out, "(0x%02x;", ace->type);
    if (!error)
        error = format_words(sddl_ace_flags, ace->flags, out);
    if (!error && !ace->is_opaque)
        error = format_fields(ace, out);
    return error ? error : buffer_append_byte(out, ')');
}

static enum error format_acl(const struct acl *acl, uint32_t flags, struct buffer *out, size_t *left_out)
{
    enum error error = format_words(sddl_acl_flags, flags, out);

    if (!error && acl->state == ACL_NULL)
        error = buffer_append_text(out, SDDL_NO_ACCESS_CONTROL);
    for (size_t i = 0; !error && i < acl->count; i++) {
        if (is_writable(&acl->aces[i]))
            error = sddl_format_ace(&acl->aces[i], out);
        else
            ++*left_out;
    }
    return error;
}

static enum error format_owners(const struct descriptor *descriptor, struct buffer *out)
{
    enum error error = OK;

    if (descriptor->has_owner) {
        error = buffer_append_text(out, "O:");
        if (!error)
            error = format_sid(&descriptor->owner, out);
    }
    if (!error && descriptor->has_group) {
        error = buffer_append_text(out, "G:");
        if (!error)
            error = format_sid(&descriptor->group, out);
    }
    return error;
}

enum error sddl_format(const struct descriptor *descriptor, struct buffer *out, size_t *out_left_out)
{
    size_t left_out = 0;
    enum error error = format_owners(descriptor, out);

    if (!error && descriptor->dacl.state != ACL_ABSENT) {
        error = buffer_append_text(out, "D:");
        if (!error)
            error = format_acl(&descriptor->dacl, descriptor->control, out, &left_out);
    }
    if (!error && descriptor->sacl.state != ACL_ABSENT) {
        error = buffer_append_text(out, "S:");
        if (!error)
            error =
                format_acl(&descriptor->sacl, (uint32_t)descriptor->control >> SACL_SHIFT, out, &left_out);
    }
    if (!error && out_left_out)
        *out_left_out = left_out;
    return error;
}

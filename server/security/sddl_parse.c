#include "security/hex.h"
#include "security/sddl.h"
#include "security/sddl_names.h"

#include <string.h>

#define ACE_FIELD_COUNT 6
#define MASK_DIGITS     8

enum ace_field { FIELD_TYPE, FIELD_FLAGS, FIELD_RIGHTS, FIELD_OBJECT, FIELD_INHERITED_OBJECT, FIELD_SID };

struct parser {
    struct bytes text;
    size_t at;
    const struct sid *domain_sid;
    struct arena *arena;
    struct note *note;
};

static struct bytes rest_of(const struct parser *parser)
{
    return bytes_skip(parser->text, parser->at);
}

static bool is_next(const struct parser *parser, char wanted)
{
    return parser->at < parser->text.len && parser->text.ptr[parser->at] == wanted;
}

/* Names what is wrong with a part of the text and where it stands. */
static enum error refuse(struct parser *parser, const char *what, struct bytes part)
{
    struct bytes shown = bytes_first(part, 40);

    note_set(parser->note, "%s '%.*s' at character %zu", what, BYTES_ARG(shown),
             part.ptr ? (size_t)(part.ptr - parser->text.ptr) + 1 : parser->at + 1);
    return ERROR_SYNTAX;
}

static enum error refuse_here(struct parser *parser, const char *what)
{
    note_set(parser->note, "%s at character %zu", what, parser->at + 1);
    return ERROR_SYNTAX;
}

static size_t span_of(struct bytes text, const char *accepted)
{
    size_t len = 0;

    while (len < text.len && text.ptr[len] && strchr(accepted, text.ptr[len]))
        len++;
    return len;
}

/* How far a SID's own text goes: what follows an owner may be the D of "D:", so only a hexadecimal authority
 * may hold letters. */
static size_t sid_span(struct bytes text)
{
    static const char decimal[] = "0123456789-";
    size_t authority = 4;

    if (bytes_starts_nocase(bytes_skip(text, authority), "0x")) {
        authority += 2;
        authority += span_of(bytes_skip(text, authority), "0123456789abcdefABCDEF");
    } else if (authority > text.len) {
        authority = text.len;
    }
    return authority + span_of(bytes_skip(text, authority), decimal);
}

/* Moves behind it. */
static enum error parse_sid(struct parser *parser, struct sid *out)
{
    struct bytes rest = rest_of(parser);
    struct bytes part = bytes_first(rest, 2);

    if (bytes_starts_nocase(rest, "S-")) {
        part = bytes_first(rest, sid_span(rest));
        if (sid_parse(part, out) != OK)
            return refuse(parser, "bad SID", part);
        parser->at += part.len;
        return OK;
    }
    switch (sddl_alias_find(part, parser->domain_sid, out)) {
    case SDDL_ALIAS_KNOWN:
        parser->at += part.len;
        return OK;
    case SDDL_ALIAS_NEEDS_DOMAIN:
        return refuse(parser, "the domain's SID is needed for the alias", part);
    case SDDL_ALIAS_UNKNOWN:
        break;
    }
    return refuse(parser, "unknown SID alias", part);
}

/* Adds up the words of a table until the text ends. */
static bool parse_words(struct bytes text, const struct sddl_name *const *tables, uint32_t *out)
{
    uint32_t value = 0;

    while (text.len) {
        const struct sddl_name *name = NULL;

        for (size_t i = 0; !name && tables[i]; i++)
            name = sddl_name_find(tables[i], text);
        if (!name)
            return false;
        value |= name->value;
        text = bytes_skip(text, strlen(name->text));
    }
    *out = value;
    return true;
}

static bool parse_octal(struct bytes text, uint32_t *out)
{
    uint64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '7' || value > UINT32_MAX >> 3)
            return false;
        value = value << 3 | (uint64_t)(text.ptr[i] - '0');
    }
    *out = (uint32_t)value;
    return true;
}

/* Letters, or a number as C writes it: hexadecimal, octal or decimal. */
static bool parse_mask(struct bytes text, uint32_t *out)
{
    static const struct sddl_name *const words[] = {sddl_rights, sddl_combined_rights, NULL};
    uint64_t value;

    if (bytes_starts_nocase(text, "0x")) {
        if (!hex_to_u64(bytes_skip(text, 2), MASK_DIGITS, &value))
            return false;
    } else if (bytes_starts_nocase(text, "0")) {
        return parse_octal(text, out);
    } else if (span_of(text, "123456789")) {
        if (bytes_to_u64(text, UINT32_MAX, &value) != OK)
            return false;
    } else {
        return parse_words(text, words, out);
    }
    *out = (uint32_t)value;
    return true;
}

static bool parse_type(struct bytes text, uint8_t *out)
{
    for (const struct sddl_name *name = sddl_ace_types; name->text; name++) {
        if (bytes_equal_text_nocase(text, name->text)) {
            *out = (uint8_t)name->value;
            return true;
        }
    }
    return false;
}

static enum error parse_guid(struct parser *parser, const struct ace *ace, struct bytes text, bool *out_has,
                             struct guid *out)
{
    if (text.len == 0)
        return OK;
    if (!ace_is_object(ace))
        return refuse(parser, "an ACE of this type acts on every right and can not hold the GUID", text);
    if (guid_parse(text, out) != OK)
        return refuse(parser, "bad GUID", text);
    *out_has = true;
    return OK;
}

static enum error parse_fields(struct parser *parser, const struct bytes fields[ACE_FIELD_COUNT],
                               struct ace *ace)
{
    static const struct sddl_name *const flag_words[] = {sddl_ace_flags, NULL};
    uint32_t flags;
    enum error error;

    if (!parse_type(fields[FIELD_TYPE], &ace->type))
        return refuse(parser, "unknown ACE type", fields[FIELD_TYPE]);
    if (!parse_words(fields[FIELD_FLAGS], flag_words, &flags))
        return refuse(parser, "bad ACE flags", fields[FIELD_FLAGS]);
    ace->flags = (uint8_t)flags;
    if (!parse_mask(fields[FIELD_RIGHTS], &ace->mask))
        return refuse(parser, "bad rights", fields[FIELD_RIGHTS]);
    error = parse_guid(parser, ace, fields[FIELD_OBJECT], &ace->has_object_type, &ace->object_type);
    if (!error)
        error = parse_guid(parser, ace, fields[FIELD_INHERITED_OBJECT], &ace->has_inherited_object_type,
                           &ace->inherited_object_type);
    if (error)
        return error;
    parser->at = (size_t)(fields[FIELD_SID].ptr - parser->text.ptr);
    return parse_sid(parser, &ace->sid);
}

/* "(type;flags;rights;object;inherited object;sid)" */
static enum error parse_ace(struct parser *parser, struct ace *ace)
{
    struct bytes fields[ACE_FIELD_COUNT];
    struct bytes inner;
    enum error error;

    parser->at++;
    inner = bytes_first(rest_of(parser), bytes_find(rest_of(parser), ')'));
    for (size_t i = 0; i < ACE_FIELD_COUNT; i++) {
        size_t end = bytes_find(inner, ';');
        bool is_last = i == ACE_FIELD_COUNT - 1;

        if (is_last != (end == inner.len))
            return refuse_here(parser, is_last ? "too many fields in the ACE" : "too few fields in the ACE");
        fields[i] = bytes_first(inner, end);
        inner = bytes_skip(inner, end + 1);
    }
    error = parse_fields(parser, fields, ace);
    if (error)
        return error;
    if (!is_next(parser, ')'))
        return refuse_here(parser, "the ACE does not end behind its SID");
    parser->at++;
    return OK;
}

/* The ACEs that stand here, so that they can be one array. */
static size_t count_aces(const struct parser *parser)
{
    struct bytes rest = rest_of(parser);
    size_t count = 0;

    for (; rest.len && rest.ptr[0] == '('; count++)
        rest = bytes_skip(rest, bytes_find(rest, ')') + 1);
    return count;
}

static enum error parse_aces(struct parser *parser, struct acl *out)
{
    size_t count = count_aces(parser);
    struct ace *aces;

    if (count > DESCRIPTOR_ACE_MAX) {
        note_set(parser->note, "%zu ACEs, more than %d", count, DESCRIPTOR_ACE_MAX);
        return ERROR_LIMIT;
    }
    aces = arena_array(parser->arena, count ? count : 1, sizeof(*aces));
    if (!aces) {
        note_set(parser->note, "no memory for %zu ACEs", count);
        return ERROR_LIMIT;
    }
    out->revision = ACL_REVISION;
    for (size_t i = 0; i < count; i++) {
        enum error error = parse_ace(parser, &aces[i]);

        if (error)
            return error;
        if (ace_is_object(&aces[i]))
            out->revision = ACL_REVISION_DS;
    }
    out->count = count;
    out->aces = aces;
    return OK;
}

/* Flags as the DACL's control bits, then the ACEs or NO_ACCESS_CONTROL. */
static enum error parse_acl(struct parser *parser, uint16_t *out_flags, struct acl *out)
{
    const struct sddl_name *flag;

    out->state = ACL_PRESENT;
    while ((flag = sddl_name_find(sddl_acl_flags, rest_of(parser)))) {
        *out_flags |= (uint16_t)flag->value;
        parser->at += strlen(flag->text);
    }
    if (!bytes_starts_nocase(rest_of(parser), SDDL_NO_ACCESS_CONTROL))
        return parse_aces(parser, out);
    parser->at += strlen(SDDL_NO_ACCESS_CONTROL);
    if (is_next(parser, '('))
        return refuse_here(parser, "ACEs contradict " SDDL_NO_ACCESS_CONTROL);
    out->state = ACL_NULL;
    return OK;
}

static enum error parse_sid_section(struct parser *parser, bool *has, struct sid *out)
{
    if (*has)
        return refuse_here(parser, "a second section of the same kind");
    *has = true;
    return parse_sid(parser, out);
}

static enum error parse_acl_section(struct parser *parser, unsigned shift, struct descriptor *descriptor,
                                    struct acl *out)
{
    uint16_t flags = 0;
    enum error error;

    if (out->state != ACL_ABSENT)
        return refuse_here(parser, "a second section of the same kind");
    error = parse_acl(parser, &flags, out);
    descriptor->control |= (uint16_t)(flags << shift);
    return error;
}

static enum error parse_section(struct parser *parser, struct descriptor *out)
{
    struct bytes head = bytes_first(rest_of(parser), 2);

    parser->at += head.len;
    if (bytes_equal_text_nocase(head, "O:"))
        return parse_sid_section(parser, &out->has_owner, &out->owner);
    if (bytes_equal_text_nocase(head, "G:"))
        return parse_sid_section(parser, &out->has_group, &out->group);
    if (bytes_equal_text_nocase(head, "D:"))
        return parse_acl_section(parser, 0, out, &out->dacl);
    if (bytes_equal_text_nocase(head, "S:"))
        return parse_acl_section(parser, 1, out, &out->sacl);
    return refuse(parser, "a section or an ACE was expected, not", head);
}

enum error sddl_parse(struct bytes text, const struct sid *domain_sid, struct arena *arena,
                      struct descriptor *out, struct note *note)
{
    struct parser parser = {.text = text, .domain_sid = domain_sid, .arena = arena, .note = note};
    struct descriptor descriptor = {.control = DESCRIPTOR_SELF_RELATIVE};

    if (text.len == 0)
        return refuse_here(&parser, "no section");
    while (parser.at < text.len) {
        enum error error = parse_section(&parser, &descriptor);

        if (error)
            return error;
    }
    if (descriptor.dacl.state != ACL_ABSENT)
        descriptor.control |= DESCRIPTOR_DACL_PRESENT;
    if (descriptor.sacl.state != ACL_ABSENT)
        descriptor.control |= DESCRIPTOR_SACL_PRESENT;
    *out = descriptor;
    return OK;
}

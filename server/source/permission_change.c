#include "source/permission_change.h"

#include "directory/filter_text.h"
#include "security/acl_edit.h"

#include <string.h>

#define LINE_BYTES_MAX ACE_TEXT_MAX
#define DN_BYTES_MAX   8192

const char *const permission_change_attributes[] = {"nTSecurityDescriptor", "dirrelayAce", NULL};

/* Lines */

/* Lines are compared by what they say, not by how it is written. */
static bool is_same_dn(struct bytes a, struct bytes b)
{
    struct buffer left, right;
    buffer_init(&left, DN_BYTES_MAX);
    buffer_init(&right, DN_BYTES_MAX);
    bool is_same = dn_normalize(a, &left) == OK && dn_normalize(b, &right) == OK &&
                   bytes_equal(buffer_bytes(&left), buffer_bytes(&right));
    buffer_done(&left);
    buffer_done(&right);
    return is_same;
}

static bool is_of_request(const struct ace_text *line, const struct ace_text *wanted)
{
    if (line->is_deny != wanted->is_deny || line->trustee_kind != wanted->trustee_kind)
        return false;
    return line->trustee_kind == ACE_TRUSTEE_SID ? sid_equal(&line->sid, &wanted->sid)
                                                 : is_same_dn(line->dn, wanted->dn);
}

static enum error append_right_names(struct buffer *out, uint32_t rights, bool is_all)
{
    enum error error = is_all ? buffer_append_byte(out, '*') : OK;
    const char *separator = "";
    for (int right = 0; right < RIGHT_COUNT && error == OK && !is_all; right++) {
        if (!(rights & RIGHT_BIT(right)))
            continue;
        error = buffer_printf(out, "%s%s", separator, right_name((enum right)right));
        separator = ",";
    }
    return error;
}

static enum error take_text(struct buffer *text, struct arena *arena, struct bytes *out)
{
    *out = arena_copy(arena, buffer_bytes(text));
    return out->ptr ? OK : ERROR_LIMIT;
}

static enum error write_line(const struct permission_request *request, uint32_t rights, struct arena *arena,
                             struct bytes *out)
{
    struct buffer text;
    buffer_init(&text, LINE_BYTES_MAX);
    enum error error = buffer_append_text(&text, request->ace.is_deny ? "deny " : "allow ");
    if (error == OK)
        error = append_right_names(&text, rights, request->ace.is_all_rights);
    if (error == OK)
        error = buffer_append_text(&text, " to ");
    if (error == OK)
        error = buffer_append(&text, request->trustee);
    if (error == OK)
        error = take_text(&text, arena, out);
    buffer_done(&text);
    return error;
}

static struct bytes skip_blanks(struct bytes text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t'))
        text = bytes_skip(text, 1);
    return text;
}

static struct bytes word_of(struct bytes text)
{
    size_t len = 0;
    while (len < text.len && !strchr(" \t,", text.ptr[len]))
        len++;
    return bytes_first(text, len);
}

static bool names_one_of(struct bytes word, uint32_t rights)
{
    enum right right;
    struct guid guid;
    bool is_ours =
        right_by_name(word, &right) || (guid_parse(word, &guid) == OK && right_by_guid(&guid, &right));
    return is_ours && (rights & RIGHT_BIT(right));
}

/* The line without these rights; the others, known to us or not, keep the words they have. */
static enum error write_rest(struct bytes line, uint32_t taken, struct arena *arena, struct bytes *out)
{
    struct buffer text;
    buffer_init(&text, LINE_BYTES_MAX);
    struct bytes rest = bytes_trim(line), verb = word_of(rest);
    const char *separator = " ";
    enum error error = buffer_append(&text, verb);
    bool has_more = true;
    rest = skip_blanks(bytes_skip(rest, verb.len));
    while (error == OK && has_more) {
        struct bytes word = word_of(rest);
        rest = skip_blanks(bytes_skip(rest, word.len));
        has_more = rest.len > 0 && rest.ptr[0] == ',';
        if (has_more)
            rest = skip_blanks(bytes_skip(rest, 1));
        if (names_one_of(word, taken))
            continue;
        error = buffer_append_text(&text, separator);
        if (error == OK)
            error = buffer_append(&text, word);
        separator = ",";
    }
    if (error == OK)
        error = buffer_append_byte(&text, ' ');
    if (error == OK)
        error = buffer_append(&text, rest); /* "to TRUSTEE" */
    if (error == OK)
        error = take_text(&text, arena, out);
    buffer_done(&text);
    return error;
}

static enum error plan_new_line(const struct permission_request *request, const struct attribute *lines,
                                struct arena *arena, struct permission_change *out)
{
    uint32_t missing = request->ace.rights;
    for (size_t i = 0; lines && i < lines->value_count; i++) {
        struct ace_text line;
        if (ace_text_parse(lines->values[i], &line, NULL) == OK && is_of_request(&line, &request->ace) &&
            line.is_all_rights == request->ace.is_all_rights)
            missing &= ~line.rights;
    }
    if (!missing)
        return OK;
    struct bytes *value = arena_alloc(arena, sizeof *value);
    enum error error = value ? write_line(request, missing, arena, value) : ERROR_LIMIT;
    out->edits[0] = (struct directory_edit){EDIT_ADD, "dirrelayAce", value, 1};
    out->edit_count = 1;
    out->changed = missing;
    return error;
}

/* Old values out and what is left of them in, in one modification: a value that somebody changed meanwhile
 * makes the whole of it fail. */
static enum error plan_old_lines(const struct permission_request *request, const struct attribute *lines,
                                 struct arena *arena, struct permission_change *out)
{
    size_t count = lines ? lines->value_count : 0, old_count = 0, new_count = 0;
    struct bytes *old_values = arena_array(arena, count + 1, sizeof *old_values);
    struct bytes *new_values = arena_array(arena, count + 1, sizeof *new_values);
    if (!old_values || !new_values)
        return ERROR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        struct ace_text line;
        if (ace_text_parse(lines->values[i], &line, NULL) != OK || !is_of_request(&line, &request->ace))
            continue;
        uint32_t taken = line.rights & request->ace.rights;
        if (line.is_all_rights && !request->ace.is_all_rights)
            out->covered |= taken;
        if (!taken || line.is_all_rights != request->ace.is_all_rights)
            continue;
        out->changed |= taken;
        old_values[old_count++] = lines->values[i];
        bool has_rest = !line.is_all_rights && (line.rights != taken || line.has_unknown_guid);
        enum error error =
            has_rest ? write_rest(lines->values[i], taken, arena, &new_values[new_count++]) : OK;
        if (error != OK)
            return error;
    }
    if (old_count > 0)
        out->edits[out->edit_count++] =
            (struct directory_edit){EDIT_DELETE, "dirrelayAce", old_values, old_count};
    if (new_count > 0)
        out->edits[out->edit_count++] =
            (struct directory_edit){EDIT_ADD, "dirrelayAce", new_values, new_count};
    return OK;
}

static enum error plan_lines(const struct permission_request *request, const struct entry *entry,
                             struct arena *arena, struct permission_change *out, struct note *note)
{
    if (entry_find(entry, "nTSecurityDescriptor")) {
        note_set(note, "%.160s has an nTSecurityDescriptor: dirrelayAce does not count there", entry->dn);
        return ERROR_SYNTAX;
    }
    const struct attribute *lines = entry_find(entry, "dirrelayAce");
    return request->is_remove ? plan_old_lines(request, lines, arena, out)
                              : plan_new_line(request, lines, arena, out);
}

/* The DACL */

/* Owner, group and SACL are left out: the control says that the DACL alone is meant. */
static enum error write_dacl(const struct descriptor *old, const struct acl *dacl, struct arena *arena,
                             struct bytes *out)
{
    struct descriptor written = {
        .control = old->control & (DESCRIPTOR_DACL_PROTECTED | DESCRIPTOR_DACL_AUTO_INHERITED |
                                   DESCRIPTOR_DACL_INHERIT_REQUIRED),
        .dacl = *dacl,
    };
    struct buffer binary;
    buffer_init(&binary, DESCRIPTOR_BYTES_MAX);
    enum error error = descriptor_encode(&written, &binary);
    if (error == OK)
        error = take_text(&binary, arena, out);
    buffer_done(&binary);
    return error;
}

static enum error plan_dacl(const struct permission_request *request, const struct entry *entry,
                            struct arena *arena, struct permission_change *out, struct note *note)
{
    const struct attribute *attribute = entry_find(entry, "nTSecurityDescriptor");
    if (!attribute || attribute->value_count != 1) {
        note_set(note, "the nTSecurityDescriptor of %.160s is not given to us", entry->dn);
        return ERROR_DENIED_CREDENTIALS;
    }
    struct descriptor descriptor;
    enum error error = descriptor_decode(attribute->values[0], arena, &descriptor, note);
    if (error != OK)
        return error;
    const struct acl_edit edit = {
        .is_deny = request->ace.is_deny,
        .is_all_rights = request->ace.is_all_rights,
        .rights = request->ace.rights,
        .sid = request->ace.trustee_kind == ACE_TRUSTEE_SID ? request->ace.sid : request->sid,
    };
    struct acl_edit_outcome outcome;
    error = request->is_remove ? acl_edit_remove(&descriptor.dacl, &edit, arena, &outcome, note)
                               : acl_edit_add(&descriptor.dacl, &edit, arena, &outcome, note);
    if (error != OK)
        return error;
    out->changed = outcome.changed;
    out->inherited = outcome.inherited;
    out->covered = outcome.covered;
    if (!outcome.changed)
        return OK;
    struct bytes *value = arena_alloc(arena, sizeof *value);
    error = value ? write_dacl(&descriptor, &outcome.acl, arena, value) : ERROR_LIMIT;
    out->edits[0] = (struct directory_edit){EDIT_REPLACE, "nTSecurityDescriptor", value, 1};
    out->edit_count = 1;
    if (error == ERROR_LIMIT)
        note_set(note, "the descriptor would be larger than %d bytes", DESCRIPTOR_BYTES_MAX);
    return error;
}

enum error permission_change_plan(const struct permission_request *request, enum directory_flavor flavor,
                                  const struct entry *entry, struct arena *arena,
                                  struct permission_change *out, struct note *note)
{
    *out = (struct permission_change){0};
    return flavor == FLAVOR_AD ? plan_dacl(request, entry, arena, out, note)
                               : plan_lines(request, entry, arena, out, note);
}

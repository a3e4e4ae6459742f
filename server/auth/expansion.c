#include "auth/expansion.h"

#include "directory/principal_sid.h"

#include <string.h>

enum error expansion_ask(struct search_question *out, const char *base, enum directory_scope scope,
                         const char *const *attributes)
{
    out->scope = scope;
    out->attributes = attributes;
    return buffer_append_text(&out->base, base);
}

enum error expansion_check_owner(struct expansion *expansion, struct sid_row *row, const struct entry *entry)
{
    char text[SID_TEXT_SIZE];
    if (!row->has_owner || memcmp(row->owner, entry->id, sizeof(row->owner)) == 0)
        return OK;
    note_set(&expansion->note, "%.90s has the SID of %.90s: %.60s", entry->dn,
             row->name ? row->name : "another", sid_format(&row->sid.sid, text));
    return ERROR_DENIED_CREDENTIALS;
}

enum error expansion_find_owned(struct expansion *expansion, const struct entry *entry,
                                struct sid_row **out_row)
{
    struct sid sid;
    enum principal_source source;
    *out_row = NULL;
    if (principal_sid(entry, &sid, &source, NULL) == OK)
        *out_row = sid_list_find(&expansion->sids, &sid);
    return *out_row ? expansion_check_owner(expansion, *out_row, entry) : OK;
}

enum error expansion_check_count(struct expansion *expansion, size_t group_count)
{
    if (group_count <= expansion->config.group_limit)
        return OK;
    note_set(&expansion->note, "%.120s is in more than %u groups (auth.group_limit)",
             expansion->config.principal->dn, expansion->config.group_limit);
    return ERROR_LIMIT;
}

enum error expansion_add(struct expansion *expansion, const struct account_sid *sid,
                         const struct entry *owner, struct sid_row **out_row)
{
    struct sid_row *row = sid_list_add(&expansion->sids, sid, owner->id);
    if (!row)
        return ERROR_TEMPORARY;
    if (out_row)
        *out_row = row;
    return expansion_check_owner(expansion, row, owner);
}

enum error expansion_add_history(struct expansion *expansion, const struct entry *entry, size_t via)
{
    const struct attribute *history = entry_find(entry, "sIDHistory");
    for (size_t i = 0; history && i < history->value_count; i++) {
        struct account_sid sid = {.source = ACCOUNT_SID_HISTORY, .via = via, .name = entry->dn};
        if (principal_sid_value(history->values[i], &sid.sid) != OK ||
            !principal_sid_may_be_read(&sid.sid, false)) {
            note_set(&expansion->note, "%.120s has a sIDHistory that is not S-1-5-21-…", entry->dn);
            return ERROR_DENIED_CREDENTIALS;
        }
        enum error error = expansion_add(expansion, &sid, entry, NULL);
        if (error != OK)
            return error;
    }
    return OK;
}

enum error expansion_add_principal(struct expansion *expansion, bool is_object_sid_needed)
{
    const struct entry *principal = expansion->config.principal;
    struct account_sid sid = {.source = ACCOUNT_SID_SELF, .via = ACCOUNT_VIA_SELF, .name = principal->dn};
    enum principal_source source = PRINCIPAL_ENTRY_UUID;
    enum error error = principal->has_id ? OK : ERROR_SYNTAX;
    if (error != OK)
        note_set(&expansion->note, "its entryUUID or objectGUID cannot be read");
    else
        error = principal_sid(principal, &sid.sid, &source, &expansion->note);
    if (error == OK && is_object_sid_needed && source != PRINCIPAL_OBJECT_SID) {
        note_set(&expansion->note, "its objectSid cannot be read");
        error = ERROR_SYNTAX;
    }
    if (error != OK) {
        note_wrap(&expansion->note, "%.120s", principal->dn);
        return ERROR_DENIED_CREDENTIALS;
    }
    error = expansion_add(expansion, &sid, principal, NULL);
    return error == OK ? expansion_add_history(expansion, principal, ACCOUNT_VIA_SELF) : error;
}

/* Groups as Active Directory knows them: tokenGroups, in one read, is what a logon would have, nested groups
 * included. A second round of searches finds the groups' names and their sIDHistory, which it leaves out. */
#include "auth/expansion.h"
#include "base/event.h"
#include "directory/filter_text.h"
#include "directory/principal_sid.h"

#include <stdlib.h>

enum token_groups_step { STEP_BEGIN, STEP_TOKEN, STEP_NAMES };

struct token_groups {
    struct expansion face; /* first */
    enum token_groups_step step;
    bool has_token;
    size_t name_at; /* the next row whose entry is to be found */
    size_t name_end;
};

static const char *const token_attributes[] = {"tokenGroups", NULL};
static const char *const name_attributes[] = {"objectClass", "objectSid", "sIDHistory", NULL};

static struct token_groups *groups_of(struct expansion *expansion)
{
    return (struct token_groups *)(void *)expansion;
}

/* Its SID is the account's with another last number. */
static enum error add_primary_group(struct expansion *expansion)
{
    struct account_sid group = {.source = ACCOUNT_SID_PRIMARY_GROUP, .via = ACCOUNT_VIA_SELF};
    int64_t rid;
    enum error error = entry_integer(expansion->config.principal, "primaryGroupID", 1, UINT32_MAX, &rid);
    if (error == ERROR_NOT_FOUND)
        return OK;
    group.sid = expansion->sids.rows[0]->sid.sid;
    if (error != OK || group.sid.count < 2) {
        note_set(&expansion->note, "%.120s: its primaryGroupID is not one number",
                 expansion->config.principal->dn);
        return ERROR_DENIED_CREDENTIALS;
    }
    group.sid.sub_authorities[group.sid.count - 1] = (uint32_t)rid;
    return sid_list_add(&expansion->sids, &group, NULL) ? OK : ERROR_TEMPORARY;
}

static enum error begin(struct token_groups *groups, struct search_question *out, bool *out_is_some)
{
    struct expansion *expansion = &groups->face;
    enum error error = expansion_add_principal(expansion, true);
    if (error == OK)
        error = add_primary_group(expansion);
    groups->step = STEP_TOKEN;
    *out_is_some = true;
    return error == OK ? expansion_ask(out, expansion->config.principal->dn, SCOPE_BASE, token_attributes)
                       : error;
}

static enum error ask_names(struct token_groups *groups, struct search_question *out, bool *out_is_some)
{
    enum error error = buffer_append_text(&out->filter, "(|");
    size_t batch_end = groups->name_at + EXPANSION_BATCH;
    *out_is_some = groups->name_at < groups->name_end;
    for (; error == OK && groups->name_at < groups->name_end && groups->name_at < batch_end;
         groups->name_at++) {
        uint8_t binary[68];
        size_t len = sid_encode(&groups->face.sids.rows[groups->name_at]->sid.sid, binary);
        error = filter_append_equal(&out->filter, "objectSid", (struct bytes){(const char *)binary, len});
    }
    if (error == OK)
        error = buffer_append_byte(&out->filter, ')');
    return error == OK ? expansion_ask(out, groups->face.config.base, SCOPE_SUBTREE, name_attributes) : error;
}

static enum error next(struct expansion *expansion, bool is_idle, struct search_question *out,
                       bool *out_is_some)
{
    struct token_groups *groups = groups_of(expansion);
    *out_is_some = false;
    switch (groups->step) {
    case STEP_BEGIN:
        return begin(groups, out, out_is_some);
    case STEP_TOKEN:
        if (!is_idle)
            return OK;
        if (!groups->has_token) {
            note_set(&expansion->note, "%.120s: its tokenGroups cannot be read with the account that asks",
                     expansion->config.principal->dn);
            return ERROR_TEMPORARY;
        }
        groups->step = STEP_NAMES;
        groups->name_end = expansion->sids.count;
        return ask_names(groups, out, out_is_some);
    case STEP_NAMES:
        return ask_names(groups, out, out_is_some);
    }
    return OK;
}

/* What the domain controller computes can hold well-known SIDs, of a controller's own account for one; they
 * count for nothing here. */
static enum error take_token(struct token_groups *groups, const struct entry *entry)
{
    struct expansion *expansion = &groups->face;
    const struct attribute *token = entry_find(entry, "tokenGroups");
    for (size_t i = 0; token && i < token->value_count; i++) {
        struct account_sid group = {.source = ACCOUNT_SID_TOKEN_GROUPS, .via = ACCOUNT_VIA_UNKNOWN};
        if (sid_decode(token->values[i], &group.sid) != OK)
            return ERROR_PROTOCOL;
        if (!principal_sid_may_be_read(&group.sid, true)) {
            char text[SID_TEXT_SIZE];
            event_say(EVENT_INFO, "account.sid_refused", "%s: tokenGroups has %s, which is no group's",
                      entry->dn, sid_format(&group.sid, text));
            continue;
        }
        groups->has_token = true;
        if (!sid_list_add(&expansion->sids, &group, NULL))
            return ERROR_TEMPORARY;
        enum error error = expansion_check_count(expansion, expansion->sids.count - 1);
        if (error != OK)
            return error;
    }
    return OK;
}

static enum error take_name(struct expansion *expansion, const struct entry *entry)
{
    struct sid_row *row;
    enum error error = expansion_find_owned(expansion, entry, &row);
    if (error != OK || !row || row->has_owner)
        return error; /* without a row: not what was asked for */
    sid_list_own(row, entry->id);
    if (!sid_list_set_name(row, entry->dn))
        return ERROR_TEMPORARY;
    return expansion_add_history(expansion, entry, row->index);
}

static enum error take(struct expansion *expansion, const struct search_question *question,
                       const struct entry *entry)
{
    (void)question;
    struct token_groups *groups = groups_of(expansion);
    return groups->step == STEP_TOKEN ? take_token(groups, entry) : take_name(expansion, entry);
}

static void free_groups(struct expansion *expansion)
{
    sid_list_done(&expansion->sids);
    free(groups_of(expansion));
}

struct expansion *token_groups_new(const struct expansion_config *config)
{
    static const struct expansion_ops ops = {next, take, free_groups};
    struct token_groups *groups = calloc(1, sizeof(*groups));
    if (!groups)
        return NULL;
    groups->face = (struct expansion){.ops = &ops, .config = *config};
    return &groups->face;
}

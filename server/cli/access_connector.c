#include "cli/access_answer.h"
#include "cli/organization_source.h"

#include <strings.h>

/* The access list in force: what grants nothing has none, whatever stands in the directory. */
static const struct access_list *list_of(const struct access_list *access, bool grants_nothing)
{
    static const struct access_list NOTHING = {.acl.state = ACL_PRESENT};
    return grants_nothing ? &NOTHING : access;
}

/* Receive connectors first; NULL: none of that name. */
static const struct access_list *find_list(const struct organization *organization, const char *name)
{
    const struct receive_connector *receive = organization_receive_by_name(organization, bytes_of_text(name));
    if (receive)
        return list_of(&receive->access, receive->grants_nothing);
    for (size_t i = 0; i < organization->send_count; i++) {
        const struct send_connector *send = &organization->send[i];
        if (strcasecmp(send->name, name) == 0)
            return list_of(&send->access, send->grants_nothing);
    }
    return NULL;
}

int access_connector(struct command_context *context, const char *connector, const char *const *sids,
                     size_t sid_count, const char *right)
{
    const struct organization *organization;
    struct note note = {0};
    enum right only = RIGHT_COUNT;
    if (right && !right_by_name(bytes_of_text(right), &only))
        return command_fail(context, EXIT_USAGE, "access: no right \"%s\"", right);
    struct token *token = access_token(sids, sid_count, &note);
    if (!token)
        return command_fail(context, EXIT_INVALID, "access: %s", note.text);
    int code = organization_source_load(context, &organization);
    if (code < 0) {
        const struct access_list *list = find_list(organization, connector);
        code = list ? access_answer(context, &list->acl, list->origins, token, only)
                    : command_fail(context, EXIT_NEGATIVE, "access: no connector \"%s\"", connector);
        organization_unref(organization);
    }
    token_unref(token);
    return code;
}

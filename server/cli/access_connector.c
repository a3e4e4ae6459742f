#include "cli/access_answer.h"
#include "cli/organization_source.h"

#include <strings.h>

/* The access list in force: what grants nothing has none, whatever stands in the directory. */
static const struct acl *acl_of(const struct access_list *access, bool grants_nothing)
{
    static const struct acl NOTHING = {.state = ACL_PRESENT};
    return grants_nothing ? &NOTHING : &access->acl;
}

/* Receive connectors first; NULL: none of that name. */
static const struct acl *find_acl(const struct organization *organization, const char *name)
{
    const struct receive_connector *receive = organization_receive_by_name(organization, bytes_of_text(name));
    if (receive)
        return acl_of(&receive->access, receive->grants_nothing);
    for (size_t i = 0; i < organization->send_count; i++) {
        const struct send_connector *send = &organization->send[i];
        if (strcasecmp(send->name, name) == 0)
            return acl_of(&send->access, send->grants_nothing);
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
        const struct acl *acl = find_acl(organization, connector);
        code = acl ? access_answer(context, acl, token, only)
                   : command_fail(context, EXIT_INVALID, "access: no connector \"%s\"", connector);
        organization_unref(organization);
    }
    token_unref(token);
    return code;
}

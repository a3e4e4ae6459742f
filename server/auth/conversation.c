#include "auth/conversation.h"

#include <string.h>

enum auth_step conversation_step_of(enum error error)
{
    switch (error) {
    case OK:
        return AUTH_STEP_DONE;
    case ERROR_SYNTAX:
    case ERROR_LIMIT:
    case ERROR_NOT_FOUND:
    case ERROR_DENIED_CREDENTIALS:
        return AUTH_STEP_REFUSED;
    case ERROR_TEMPORARY:
    case ERROR_TIMEOUT:
    case ERROR_CANCELED:
    case ERROR_PROTOCOL:
    case ERROR_IO:
        return AUTH_STEP_UNAVAILABLE;
    }
    return AUTH_STEP_UNAVAILABLE;
}

enum auth_step conversation_refuse(struct conversation *conversation, enum auth_step step, const char *why)
{
    note_set(&conversation->why, "%s", why);
    return step;
}

struct account_request conversation_look_up(const struct conversation *conversation,
                                            enum account_name_kind kind, struct bytes name)
{
    struct account_source *accounts = conversation->means->accounts;
    struct account_request request = {.kind = kind, .name = name, .is_name_only = true};
    accounts->ops->ask_and_wait(accounts, &request);
    return request;
}

enum auth_step conversation_check_identity(struct conversation *conversation, struct bytes requested,
                                           const uint8_t own_id[16])
{
    struct account_request found = conversation_look_up(conversation, ACCOUNT_NAME_LOGIN, requested);
    bool is_same = found.error == OK && memcmp(found.account->id, own_id, sizeof found.account->id) == 0;
    enum auth_step step = found.error ? conversation_step_of(found.error) : AUTH_STEP_REFUSED;
    if (found.error == OK)
        account_unref(found.account);
    return is_same ? AUTH_STEP_DONE
                   : conversation_refuse(conversation, step, "the authorization identity is another's");
}

enum auth_step conversation_take_ticket(struct conversation *conversation, struct bytes proven,
                                        struct bytes requested, char principal[PRINCIPAL_NAME_SIZE])
{
    enum error error = principal_name_of_ticket(proven, principal, &conversation->why);
    if (error)
        return conversation_step_of(error);
    conversation->name_kind = ACCOUNT_NAME_KERBEROS;
    conversation->name = bytes_of_text(principal);
    if (requested.len == 0 || bytes_equal(requested, proven) || bytes_equal(requested, conversation->name))
        return AUTH_STEP_DONE;
    struct account_request found =
        conversation_look_up(conversation, ACCOUNT_NAME_KERBEROS, conversation->name);
    if (found.error)
        return conversation_refuse(conversation, conversation_step_of(found.error), found.note.text);
    enum auth_step step = conversation_check_identity(conversation, requested, found.account->id);
    account_unref(found.account);
    return step;
}

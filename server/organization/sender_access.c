#include "organization/sender_access.h"

static const struct sid SELF = {1, 5, {10}};

enum error sender_access_add_default(struct access_list_builder *builder)
{
    static const struct ace_origin origin = {.text = "allow Send-As to SELF (unless denied)", .from = ""};
    const struct access_grant grant = {.rights = RIGHT_BIT(RIGHT_SEND_AS), .sid = SELF};
    return access_list_add_grant(builder, &grant, DESCRIPTOR_ACE_MAX, &origin);
}

enum error sender_access_check(const struct sender_access *access, const struct token *token, bool is_self,
                               bool *out_is_held, const struct ace_origin **out_origin)
{
    struct access_result result;
    struct token *own = is_self ? token_with(token, &SELF) : NULL;
    if (is_self && own == NULL) {
        return ERROR_TEMPORARY;
    }
    access_list_check(&access->list, access->grants_nothing != NULL, is_self ? own : token, &result);
    token_unref(own);
    *out_is_held = (result.granted & RIGHT_BIT(RIGHT_SEND_AS)) != 0;
    *out_origin = access_list_origin(&access->list, &result, RIGHT_SEND_AS);
    return OK;
}

bool sender_access_names_delegate(const struct sender_access *access, const struct sid *sid)
{
    for (size_t i = 0; i < access->delegate_count; i++) {
        if (sid_equal(&access->delegates[i], sid)) {
            return true;
        }
    }
    return false;
}

bool sender_access_has_delegate(const struct sender_access *access, const struct token *token)
{
    for (size_t i = 0; i < access->delegate_count; i++) {
        if (token_has(token, &access->delegates[i], NULL)) {
            return true;
        }
    }
    return false;
}

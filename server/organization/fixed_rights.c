#include "organization/fixed_rights.h"

enum error fixed_rights_compute(const struct access_list *list, bool grants_nothing,
                                struct access_result out[IDENTITY_FIXED_COUNT])
{
    for (int i = 0; i < IDENTITY_FIXED_COUNT; i++) {
        struct token *token = token_new(sid_known(identity_sid((enum identity)i)), NULL, 1);
        if (token == NULL) {
            return ERROR_TEMPORARY;
        }
        access_list_check(list, grants_nothing, token, &out[i]);
        token_unref(token);
    }
    return OK;
}

#include "policy/session_rights.h"

#include <assert.h>

void session_rights_compute(const struct receive_connector *connector, enum identity identity,
                            const struct token *token, struct session_rights *out)
{
    assert((token == NULL) == (identity < IDENTITY_FIXED_COUNT));
    out->connector = connector;
    out->identity = identity;
    out->withheld = 0;
    out->partner_domain = NULL;
    if (token == NULL) {
        out->result = connector->fixed[identity];
    } else {
        access_list_check(&connector->access, connector->grants_nothing, token, &out->result);
    }
}

const char *session_rights_why(const struct session_rights *rights, enum right right)
{
    const struct receive_connector *connector = rights->connector;
    if (connector->grants_nothing) {
        return connector->grants_nothing_why != NULL ? connector->grants_nothing_why
                                                     : "the connector grants nothing";
    }
    if (rights->withheld & RIGHT_BIT(right)) {
        return SESSION_RIGHTS_WITHHELD;
    }
    const struct ace_origin *origin = access_list_origin(&connector->access, &rights->result, right);
    return origin != NULL && origin->text != NULL ? origin->text : "no ACE speaks of it";
}

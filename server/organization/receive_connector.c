#include "organization/receive_connector.h"

#include "organization/fixed_rights.h"

enum error receive_connector_compute_rights(struct receive_connector *connector)
{
    return fixed_rights_compute(&connector->access, connector->grants_nothing, connector->fixed);
}

enum identity receive_connector_identity(const struct receive_connector *connector)
{
    return connector->auth_mechanism & AUTH_EXTERNAL_AUTHORITATIVE ? IDENTITY_EXTERNALLY_SECURED
                                                                   : IDENTITY_ANONYMOUS;
}

/* The ACE that gives Accept-Any-Recipient to a token of these SIDs, or NULL. Without memory the answer is the
 * worst. */
static const char *relay_ace(const struct receive_connector *connector, const struct sid *sids, size_t count)
{
    struct token *token = token_new(sids, NULL, count);
    if (token == NULL) {
        return "(not determined: no memory)";
    }
    struct access_result result;
    access_list_check(&connector->access, connector->grants_nothing, token, &result);
    token_unref(token);
    if (!(result.granted & RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT))) {
        return NULL;
    }
    const struct ace_origin *origin =
        access_list_origin(&connector->access, &result, RIGHT_SMTP_ACCEPT_ANY_RECIPIENT);
    return origin == NULL || origin->text == NULL ? "an ACE without a text" : origin->text;
}

const char *receive_connector_anonymous_relay(const struct receive_connector *connector)
{
    const struct sid sids[] = {*sid_known(SID_ANONYMOUS), *sid_known(SID_EVERYONE)};
    const char *alone = relay_ace(connector, sids, 1);
    return alone != NULL ? alone : relay_ace(connector, sids, 2);
}

bool receive_connector_is_open_relay(const struct receive_connector *connector, struct note *out_why)
{
    const struct ip_range *open = NULL;
    for (size_t i = 0; i < connector->range_count && open == NULL; i++) {
        open = ip_range_is_private(&connector->ranges[i]) ? NULL : &connector->ranges[i];
    }
    if (open == NULL) {
        return false;
    }
    char range[2 * IP_TEXT_SIZE];
    (void)ip_format_range(open, range);
    if (receive_connector_identity(connector) == IDENTITY_EXTERNALLY_SECURED) {
        note_set(out_why, "open relay: ExternalAuthoritative makes a trusted server of everybody in %s",
                 range);
        return true;
    }
    const char *ace = receive_connector_anonymous_relay(connector);
    if (ace == NULL) {
        return false;
    }
    note_set(out_why, "open relay: %s for anonymous by \"%s\" over %s",
             right_name(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT), ace, range);
    return true;
}

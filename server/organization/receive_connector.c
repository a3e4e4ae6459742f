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

/* Does a token of these SIDs hold Accept-Any-Recipient? Without memory the answer is the worst. */
static bool may_relay(const struct receive_connector *connector, const struct sid *sids, size_t count,
                      const struct ace_origin **out_ace)
{
    *out_ace = NULL;
    struct token *token = token_new(sids, NULL, count);
    if (token == NULL) {
        return true;
    }
    struct access_result result;
    access_list_check(&connector->access, connector->grants_nothing, token, &result);
    token_unref(token);
    *out_ace = access_list_origin(&connector->access, &result, RIGHT_SMTP_ACCEPT_ANY_RECIPIENT);
    return (result.granted & RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT)) != 0;
}

bool receive_connector_relays_anonymous(const struct receive_connector *connector,
                                        const struct ace_origin **out_ace)
{
    const struct sid sids[] = {*sid_known(SID_ANONYMOUS), *sid_known(SID_EVERYONE)};
    const struct ace_origin *ace;
    bool relays = may_relay(connector, sids, 1, &ace) || may_relay(connector, sids, 2, &ace);
    if (!relays && connector->allow_open_relay && !connector->grants_nothing) {
        relays = (connector->report_only & RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT)) != 0;
        ace = NULL;
    }
    if (relays && out_ace != NULL) {
        *out_ace = ace;
    }
    return relays;
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
    const struct ace_origin *ace;
    if (!receive_connector_relays_anonymous(connector, &ace)) {
        return false;
    }
    note_set(out_why, "open relay: %s for anonymous by \"%s\" over %s",
             right_name(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT), ace == NULL ? "dirrelayReportOnly" : ace->text,
             range);
    return true;
}

#include "organization/connector_match.h"

#include "organization/connector_index.h"

/* A connector's best claim on a connection. */
struct claim {
    uint32_t connector; /* SEGMENT_NOBODY: none */
    const struct ip_range *range;
    bool is_wildcard; /* bound by 0.0.0.0 or :: */
};

static struct ip_endpoint wildcard_of(const struct ip_endpoint *local)
{
    return (struct ip_endpoint){.address = {.family = local->address.family}, .port = local->port};
}

static struct claim claim_in_group(const struct organization *organization, const struct ip_endpoint *local,
                                   const struct ip_address *remote)
{
    const struct connector_group *group = connector_index_group(organization->connectors, local);
    struct claim claim = {.connector = SEGMENT_NOBODY, .is_wildcard = ip_is_any(&local->address)};
    if (group != NULL) {
        const struct connector_segment *segment = connector_group_segment(group, ip_number_of(remote));
        claim.connector = segment->connector;
        claim.range = claim.connector == SEGMENT_NOBODY
                          ? NULL
                          : &organization->receive[claim.connector].ranges[segment->range];
    }
    return claim;
}

static struct claim best_claim(const struct organization *organization, const struct ip_endpoint *local,
                               const struct ip_address *remote)
{
    struct claim none = {.connector = SEGMENT_NOBODY};
    if (organization->connectors == NULL || local->address.family != remote->family) {
        return none;
    }
    struct ip_endpoint any = wildcard_of(local);
    struct claim specific = ip_is_any(&local->address) ? none : claim_in_group(organization, local, remote);
    struct claim wildcard = claim_in_group(organization, &any, remote);
    if (specific.connector == SEGMENT_NOBODY) {
        return wildcard;
    }
    bool is_wildcard_smaller = wildcard.connector != SEGMENT_NOBODY &&
                               ip_number_span(wildcard.range) < ip_number_span(specific.range);
    return is_wildcard_smaller ? wildcard : specific;
}

const struct receive_connector *connector_match(const struct organization *organization,
                                                const struct ip_endpoint *local,
                                                const struct ip_address *remote)
{
    struct claim claim = best_claim(organization, local, remote);
    return claim.connector == SEGMENT_NOBODY ? NULL : &organization->receive[claim.connector];
}

/* Does a binding cover the local endpoint? *out_wildcard: only a wildcard one does. */
static bool is_bound(const struct receive_connector *connector, const struct ip_endpoint *local,
                     bool *out_wildcard)
{
    bool is_covered = false;
    *out_wildcard = true;
    for (size_t i = 0; i < connector->binding_count; i++) {
        const struct ip_endpoint *binding = &connector->bindings[i];
        if (binding->port != local->port || binding->address.family != local->address.family) {
            continue;
        }
        if (ip_compare(&binding->address, &local->address) == 0) {
            is_covered = true;
            *out_wildcard = ip_is_any(&local->address);
        } else if (ip_is_any(&binding->address)) {
            is_covered = true;
        }
    }
    return is_covered;
}

static const struct ip_range *smallest_range(const struct receive_connector *connector,
                                             const struct ip_address *remote)
{
    const struct ip_range *best = NULL;
    for (size_t i = 0; i < connector->range_count; i++) {
        const struct ip_range *range = &connector->ranges[i];
        if (ip_range_contains(range, remote) &&
            (best == NULL || ip_number_span(range) < ip_number_span(best))) {
            best = range;
        }
    }
    return best;
}

/* Why a connector that covers the connection lost against the winner. */
static void explain_loss(const struct organization *organization, const struct ip_range *range,
                         bool is_wildcard, const struct claim *winner, struct note *why)
{
    char own[2 * IP_TEXT_SIZE];
    char best[2 * IP_TEXT_SIZE];
    (void)ip_format_range(range, own);
    (void)ip_format_range(winner->range, best);
    const char *name = organization->receive[winner->connector].display;
    if (ip_number_span(range) > ip_number_span(winner->range)) {
        note_set(why, "range %s is wider than %s", own, best);
    } else if (is_wildcard && !winner->is_wildcard) {
        note_set(why, "range %s is as wide as %s, and %s is bound to the very address", own, best, name);
    } else if (organization->receive[winner->connector].refused == NULL) {
        note_set(why, "range %s is as wide as %s, and %s has the older claim", own, best, name);
    } else {
        note_set(why, "range %s is as wide as %s of %s", own, best, name);
    }
}

static bool explain_one(const struct organization *organization, size_t index,
                        const struct ip_endpoint *local, const struct ip_address *remote,
                        const struct claim *winner, struct note *why)
{
    const struct receive_connector *connector = &organization->receive[index];
    bool is_wildcard;
    if (!connector->is_enabled) {
        note_set(why, "is disabled");
        return false;
    }
    if (!is_bound(connector, local, &is_wildcard)) {
        char text[IP_ENDPOINT_TEXT_SIZE];
        note_set(why, "no binding covers %s", ip_format_endpoint(local, text));
        return false;
    }
    const struct ip_range *range = smallest_range(connector, remote);
    char text[2 * IP_TEXT_SIZE];
    if (range == NULL || winner->connector == SEGMENT_NOBODY) {
        note_set(why, "no range holds %s", ip_format_address(remote, text));
        return false;
    }
    if (index != winner->connector) {
        explain_loss(organization, range, is_wildcard, winner, why);
        return false;
    }
    note_set(why, "range %s is the smallest that holds the client%s%s", ip_format_range(range, text),
             connector->refused == NULL ? "" : "; the connector is refused: ",
             connector->refused == NULL ? "" : connector->refused);
    return true;
}

void connector_match_explain(const struct organization *organization, const struct ip_endpoint *local,
                             const struct ip_address *remote,
                             void (*each)(const struct receive_connector *connector, bool is_chosen,
                                          const char *why, void *owner),
                             void *owner)
{
    struct claim winner = best_claim(organization, local, remote);
    for (size_t i = 0; i < organization->receive_count; i++) {
        struct note why;
        bool is_chosen = explain_one(organization, i, local, remote, &winner, &why);
        each(&organization->receive[i], is_chosen, why.text, owner);
    }
}

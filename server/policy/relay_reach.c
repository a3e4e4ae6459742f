#include "policy/relay_reach.h"

#include "organization/connector_index.h"
#include "organization/connector_match.h"
#include "policy/gateway.h"
#include "policy/report_only.h"

#include <stdlib.h>

#define LOGIN_MECHANISMS (AUTH_INTEGRATED | AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS | AUTH_EXCHANGE_SERVER)

/* Whom the accounts of one connector are; worked out once. */
struct account_reach {
    const struct ace_origin **aces;
    size_t count;
    bool is_everybody;
};

struct reach {
    const struct organization *organization;
    const struct machine *machine;
    struct arena *arena;
    struct account_reach *accounts; /* by connector */
    uint32_t needed;                /* the rights that it takes */
    struct relay_run *runs;         /* on the heap */
    size_t count;
    size_t capacity;
};

static bool is_every_domain_ours(const struct organization *organization)
{
    for (size_t i = 0; i < organization->domain_count; i++) {
        const struct accepted_domain *domain = &organization->domains[i];
        if (accepted_domain_is_every(domain) && domain->allow_open_relay) {
            return true;
        }
    }
    return false;
}

static bool may_relay(const struct reach *reach, const struct session_rights *rights)
{
    return (reach->needed & ~(rights->result.granted | report_only_rights(rights))) == 0;
}

/* -- accounts -- */

/* The rights of an account that holds only this SID beside what every account holds; false without memory. */
static bool rights_of_account(const struct receive_connector *connector, const struct sid *sid,
                              struct session_rights *out)
{
    const struct sid sids[] = {*sid, *sid_known(SID_EVERYONE), *sid_known(SID_AUTHENTICATED),
                               *sid_known(SID_NETWORK)};
    struct token *token = token_new(sids, NULL, sizeof(sids) / sizeof(sids[0]));
    if (token == NULL) {
        return false;
    }
    session_rights_compute(connector, IDENTITY_ACCOUNT, token, out);
    token_unref(token);
    return true;
}

/* The right that decides about accounts, since AUTH itself asks for Submit. */
static enum right deciding_right(const struct reach *reach)
{
    return reach->needed & RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT) ? RIGHT_SMTP_ACCEPT_ANY_RECIPIENT
                                                                      : RIGHT_SMTP_SUBMIT;
}

static void add_origin(struct account_reach *accounts, const struct ace_origin *origin)
{
    for (size_t i = 0; i < accounts->count; i++) {
        if (accounts->aces[i] == origin) {
            return;
        }
    }
    accounts->aces[accounts->count++] = origin;
}

static enum error find_accounts(const struct reach *reach, const struct receive_connector *connector,
                                struct account_reach *out)
{
    const enum right right = deciding_right(reach);
    struct session_rights rights;
    if (!(connector->auth_mechanism & LOGIN_MECHANISMS)) {
        return OK;
    }
    out->aces = arena_array(reach->arena, connector->access.acl.count + 1, sizeof(*out->aces));
    if (out->aces == NULL || !rights_of_account(connector, sid_known(SID_AUTHENTICATED), &rights)) {
        return ERROR_LIMIT;
    }
    const uint32_t lifted = report_only_rights(&rights);
    out->is_everybody = ((rights.result.granted | lifted) & RIGHT_BIT(right)) != 0;
    const struct ace_origin *origin = access_list_origin(&connector->access, &rights.result, right);
    if (out->is_everybody && origin != NULL) {
        add_origin(out, origin);
    }
    for (size_t i = 0; !out->is_everybody && i < connector->access.acl.count; i++) {
        if (!rights_of_account(connector, &connector->access.acl.aces[i].sid, &rights)) {
            return ERROR_LIMIT;
        }
        origin = access_list_origin(&connector->access, &rights.result, right);
        if (session_rights_has(&rights, right) && origin != NULL) {
            add_origin(out, origin);
        }
    }
    return OK;
}

/* -- addresses -- */

/* Whom a client at this address can be without an account, of those that may relay. */
static uint32_t identities_at(const struct reach *reach, const struct receive_connector *connector,
                              const struct ip_address *client)
{
    const struct organization *organization = reach->organization;
    uint32_t possible = 1u << receive_connector_identity(connector);
    uint32_t found = 0;
    if (connector->auth_mechanism & AUTH_EXCHANGE_SERVER) {
        for (size_t i = 0; i < organization->trusted_count; i++) {
            possible |= 1u << organization->trusted[i].identity;
        }
    }
    if (organization->settings.receive_secure_count > 0 &&
        (connector->protocol_options & OPTION_DOMAIN_SECURE) &&
        receive_connector_identity(connector) == IDENTITY_ANONYMOUS) {
        possible |= 1u << IDENTITY_PARTNER; /* by mutual TLS, for one message */
    }
    for (int i = 0; i < IDENTITY_FIXED_COUNT; i++) {
        struct session_rights rights;
        session_rights_compute(connector, (enum identity)i, NULL, &rights);
        gateway_withhold(reach->machine, client, &rights);
        found |= (possible & 1u << i) && may_relay(reach, &rights) ? 1u << i : 0;
    }
    return found;
}

static bool is_continued(const struct relay_run *last, const struct relay_run *next)
{
    return last->connector == next->connector && last->identities == next->identities &&
           last->local.port == next->local.port &&
           ip_compare(&last->local.address, &next->local.address) == 0 &&
           ip_number_of(&last->clients.high) + 1 == ip_number_of(&next->clients.low);
}

static enum error add_run(struct reach *reach, const struct relay_run *run)
{
    if (reach->count > 0 && is_continued(&reach->runs[reach->count - 1], run)) {
        reach->runs[reach->count - 1].clients.high = run->clients.high;
        return OK;
    }
    if (reach->count == reach->capacity) {
        size_t capacity = reach->capacity == 0 ? 64 : 2 * reach->capacity;
        struct relay_run *runs = realloc(reach->runs, capacity * sizeof(*runs));
        if (runs == NULL) {
            return ERROR_LIMIT;
        }
        reach->runs = runs;
        reach->capacity = capacity;
    }
    reach->runs[reach->count++] = *run;
    return OK;
}

/* From low up to high one connector has the client: asks as a session would. */
static enum error check_interval(struct reach *reach, const struct ip_endpoint *local, ip_number low,
                                 ip_number high)
{
    struct relay_run run = {.local = *local};
    run.clients.low = ip_number_to_address(low, local->address.family);
    run.clients.high = ip_number_to_address(high, local->address.family);
    run.connector = connector_match(reach->organization, local, &run.clients.low);
    if (run.connector == NULL || run.connector->refused != NULL) {
        return OK;
    }
    const struct account_reach *accounts = &reach->accounts[run.connector - reach->organization->receive];
    run.identities = identities_at(reach, run.connector, &run.clients.low);
    run.accounts = accounts->aces;
    run.account_count = accounts->count;
    run.is_every_account = accounts->is_everybody;
    return run.identities == 0 && run.account_count == 0 && !run.is_every_account ? OK : add_run(reach, &run);
}

static int compare_numbers(const void *left, const void *right)
{
    const ip_number *a = left;
    const ip_number *b = right;
    return (*a > *b) - (*a < *b);
}

/* Every address at which the answer may change: where a segment begins, a gateway, and what follows it. */
static size_t collect_points(const struct reach *reach, const struct connector_group *group,
                             const struct connector_group *wildcard, ip_number *points)
{
    const enum ip_family family = group->local.address.family;
    size_t count = 0;
    for (size_t i = 0; i < group->segment_count; i++) {
        points[count++] = group->segments[i].start;
    }
    for (size_t i = 0; wildcard != NULL && i < wildcard->segment_count; i++) {
        points[count++] = wildcard->segments[i].start;
    }
    for (size_t i = 0; i < reach->machine->gateway_count; i++) {
        const struct ip_address *gateway = &reach->machine->gateways[i];
        if (gateway->family == family) {
            points[count++] = ip_number_of(gateway);
            if (ip_number_of(gateway) != ip_number_last(family)) {
                points[count++] = ip_number_of(gateway) + 1;
            }
        }
    }
    qsort(points, count, sizeof(*points), compare_numbers);
    return count;
}

static enum error check_group(struct reach *reach, const struct connector_group *group)
{
    const enum ip_family family = group->local.address.family;
    const struct ip_endpoint any = {.address = {.family = family}, .port = group->local.port};
    const struct connector_group *wildcard = connector_index_group(reach->organization->connectors, &any);
    size_t most = group->segment_count + (wildcard == NULL ? 0 : wildcard->segment_count) +
                  2 * reach->machine->gateway_count;
    ip_number *points = calloc(most + 1, sizeof(*points));
    enum error error = points == NULL ? ERROR_LIMIT : OK;
    size_t count = error == OK ? collect_points(reach, group, wildcard, points) : 0;
    for (size_t i = 0; i < count && error == OK; i++) {
        ip_number high = i + 1 < count ? points[i + 1] - 1 : ip_number_last(family);
        if (i + 1 == count || points[i + 1] != points[i]) {
            error = check_interval(reach, &group->local, points[i], high);
        }
    }
    free(points);
    return error;
}

static enum error run_all(struct reach *reach)
{
    const struct organization *organization = reach->organization;
    enum error error = reach->accounts == NULL ? ERROR_LIMIT : OK;
    for (size_t i = 0; i < organization->receive_count && error == OK; i++) {
        error = find_accounts(reach, &organization->receive[i], &reach->accounts[i]);
    }
    size_t group_count = organization->connectors == NULL ? 0 : organization->connectors->group_count;
    for (size_t i = 0; i < group_count && error == OK; i++) {
        error = check_group(reach, &organization->connectors->groups[i]);
    }
    return error;
}

enum error relay_reach(const struct organization *organization, const struct machine *machine,
                       struct arena *arena, const struct relay_run **out, size_t *out_count)
{
    struct reach reach = {
        .organization = organization,
        .machine = machine,
        .arena = arena,
        .accounts = calloc(organization->receive_count + 1, sizeof(*reach.accounts)),
        .needed = RIGHT_BIT(RIGHT_SMTP_SUBMIT) |
                  (is_every_domain_ours(organization) ? 0 : RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT)),
    };
    enum error error = run_all(&reach);
    struct relay_run *kept = NULL;
    if (error == OK) {
        kept = arena_array(arena, reach.count + 1, sizeof(*kept));
        error = kept == NULL ? ERROR_LIMIT : OK;
    }
    if (error == OK) {
        for (size_t i = 0; i < reach.count; i++) {
            kept[i] = reach.runs[i];
        }
        *out = kept;
        *out_count = reach.count;
    }
    free(reach.accounts);
    free(reach.runs);
    return error;
}

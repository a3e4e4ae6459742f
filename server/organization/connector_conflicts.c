#include "organization/connector_conflicts.h"

#include "organization/connector_index.h"
#include "organization/range_set.h"

#include <stdlib.h>

/* All connectors that share an endpoint: one specific or wildcard address, or (is_specifics) any specific
 * address of a family on a port, which is what a wildcard binding overlaps. */
struct scope {
    struct ip_endpoint local;
    bool is_specifics;
    struct range_set ranges; /* of the connectors taken so far */
    uint32_t first;          /* the first connector taken, or RANGE_NOBODY */
    uint32_t other_role;     /* the first one whose role is another one, or RANGE_NOBODY */
};

struct member {
    struct ip_endpoint local;
    bool is_specifics;
    uint32_t connector;
};

struct conflicts {
    const struct receive_connector *connectors;
    size_t count;
    struct scope *scopes; /* sorted */
    size_t scope_count;
    void (*each)(size_t loser, size_t winner, const char *why, void *owner);
    void *owner;
};

struct turn {
    uint32_t connector;
    bool is_serving;
};

static int compare_keys(const struct ip_endpoint *a, bool a_specifics, const struct ip_endpoint *b,
                        bool b_specifics)
{
    int order = ip_compare(&a->address, &b->address);
    if (order == 0) {
        order = (int)a->port - (int)b->port;
    }
    return order != 0 ? order : (int)a_specifics - (int)b_specifics;
}

static int compare_members(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;
    int order = compare_keys(&a->local, a->is_specifics, &b->local, b->is_specifics);
    return order != 0 ? order : (a->connector > b->connector) - (a->connector < b->connector);
}

static struct ip_endpoint wildcard_of(const struct ip_endpoint *local)
{
    return (struct ip_endpoint){.address = {.family = local->address.family}, .port = local->port};
}

static bool takes_part(const struct receive_connector *connector)
{
    return connector->is_enabled && connector->refused == NULL;
}

static struct scope *find_scope(const struct conflicts *conflicts, const struct ip_endpoint *local,
                                bool is_specifics)
{
    size_t low = 0;
    size_t high = conflicts->scope_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct scope *scope = &conflicts->scopes[middle];
        int order = compare_keys(&scope->local, scope->is_specifics, local, is_specifics);
        if (order == 0) {
            return scope;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static struct ip_span span_of(const struct ip_range *range)
{
    return (struct ip_span){ip_number_of(&range->low), ip_number_of(&range->high)};
}

/* Prepares a scope for the ranges of its members. */
static enum error open_scope(struct conflicts *conflicts, const struct member *members, size_t count)
{
    size_t capacity = 1;
    for (size_t i = 0; i < count; i++) {
        capacity += conflicts->connectors[members[i].connector].range_count;
    }
    struct ip_span *spans = calloc(capacity, sizeof(*spans));
    if (spans == NULL) {
        return ERROR_TEMPORARY;
    }
    size_t span_count = 0;
    for (size_t i = 0; i < count; i++) {
        const struct receive_connector *connector = &conflicts->connectors[members[i].connector];
        for (size_t j = 0; j < connector->range_count; j++) {
            if (connector->ranges[j].low.family == members[0].local.address.family) {
                spans[span_count++] = span_of(&connector->ranges[j]);
            }
        }
    }
    struct scope *scope = &conflicts->scopes[conflicts->scope_count++];
    *scope = (struct scope){.local = members[0].local,
                            .is_specifics = members[0].is_specifics,
                            .first = RANGE_NOBODY,
                            .other_role = RANGE_NOBODY};
    return range_set_init(&scope->ranges, spans, span_count);
}

static size_t collect_members(const struct conflicts *conflicts, struct member *members)
{
    size_t count = 0;
    for (uint32_t i = 0; i < conflicts->count; i++) {
        const struct receive_connector *connector = &conflicts->connectors[i];
        for (size_t j = 0; takes_part(connector) && j < connector->binding_count; j++) {
            struct ip_endpoint local = connector->bindings[j];
            members[count++] = (struct member){local, false, i};
            if (!ip_is_any(&local.address)) {
                members[count++] = (struct member){wildcard_of(&local), true, i};
            }
        }
    }
    qsort(members, count, sizeof(*members), compare_members);
    return count;
}

static enum error open_scopes(struct conflicts *conflicts)
{
    size_t capacity = 1;
    for (size_t i = 0; i < conflicts->count; i++) {
        capacity += 2 * conflicts->connectors[i].binding_count;
    }
    struct member *members = calloc(capacity, sizeof(*members));
    conflicts->scopes = calloc(capacity, sizeof(*conflicts->scopes));
    enum error error = members == NULL || conflicts->scopes == NULL ? ERROR_TEMPORARY : OK;
    size_t count = error == OK ? collect_members(conflicts, members) : 0;
    for (size_t first = 0; first < count && error == OK;) {
        size_t end = first + 1;
        while (end < count && compare_keys(&members[first].local, members[first].is_specifics,
                                           &members[end].local, members[end].is_specifics) == 0) {
            end++;
        }
        error = open_scope(conflicts, &members[first], end - first);
        first = end;
    }
    free(members);
    return error;
}

/* Tells the loser and says that there is a conflict. */
static bool lose(const struct conflicts *conflicts, uint32_t loser, uint32_t winner,
                 const struct ip_endpoint *local, const char *what, const struct ip_range *range)
{
    char endpoint[IP_ENDPOINT_TEXT_SIZE];
    char text[2 * IP_TEXT_SIZE] = "";
    if (range != NULL) {
        (void)ip_format_range(range, text);
    }
    struct note why;
    note_set(&why, "conflict with %s on %s: %s%s", conflicts->connectors[winner].display,
             ip_format_endpoint(local, endpoint), what, text);
    conflicts->each(loser, winner, why.text, conflicts->owner);
    return true;
}

/* Checks one connector against those taken so far in a scope that one of its bindings overlaps. is_equal: the
 * binding is the scope's own, where equal ranges collide too. */
static bool collides_in(const struct conflicts *conflicts, uint32_t index, const struct scope *scope,
                        bool is_equal)
{
    const struct receive_connector *connector = &conflicts->connectors[index];
    uint32_t peers[] = {scope->first, scope->other_role};
    for (size_t i = 0; i < 2; i++) {
        if (peers[i] != RANGE_NOBODY && connector->role != 0 &&
            connector->role != conflicts->connectors[peers[i]].role) {
            return lose(conflicts, index, peers[i], &scope->local, "the TransportRole differs", NULL);
        }
    }
    for (size_t i = 0; i < connector->range_count; i++) {
        if (connector->ranges[i].low.family != scope->local.address.family) {
            continue;
        }
        struct ip_span span = span_of(&connector->ranges[i]);
        uint32_t winner = is_equal ? range_set_equal(&scope->ranges, &span) : RANGE_NOBODY;
        if (winner != RANGE_NOBODY) {
            return lose(conflicts, index, winner, &scope->local, "both hold the range ",
                        &connector->ranges[i]);
        }
        winner = range_set_overlap(&scope->ranges, &span);
        if (winner != RANGE_NOBODY) {
            return lose(conflicts, index, winner, &scope->local, "one of its ranges partly overlaps ",
                        &connector->ranges[i]);
        }
    }
    return false;
}

static bool collides(const struct conflicts *conflicts, uint32_t index)
{
    const struct receive_connector *connector = &conflicts->connectors[index];
    for (size_t i = 0; i < connector->binding_count; i++) {
        const struct ip_endpoint *local = &connector->bindings[i];
        struct ip_endpoint any = wildcard_of(local);
        const struct scope *own = find_scope(conflicts, local, false);
        const struct scope *overlapped = find_scope(conflicts, &any, ip_is_any(&local->address));
        if ((own != NULL && collides_in(conflicts, index, own, true)) ||
            (overlapped != NULL && collides_in(conflicts, index, overlapped, false))) {
            return true;
        }
    }
    return false;
}

static void take_into(const struct conflicts *conflicts, uint32_t index, struct scope *scope)
{
    const struct receive_connector *connector = &conflicts->connectors[index];
    if (connector->role != 0 && scope->first == RANGE_NOBODY) {
        scope->first = index;
    } else if (connector->role != 0 && scope->other_role == RANGE_NOBODY &&
               connector->role != conflicts->connectors[scope->first].role) {
        scope->other_role = index;
    }
    for (size_t i = 0; i < connector->range_count; i++) {
        if (connector->ranges[i].low.family == scope->local.address.family) {
            struct ip_span span = span_of(&connector->ranges[i]);
            range_set_add(&scope->ranges, &span, index);
        }
    }
}

static void take(const struct conflicts *conflicts, uint32_t index)
{
    const struct receive_connector *connector = &conflicts->connectors[index];
    for (size_t i = 0; i < connector->binding_count; i++) {
        struct ip_endpoint any = wildcard_of(&connector->bindings[i]);
        take_into(conflicts, index, find_scope(conflicts, &connector->bindings[i], false));
        if (!ip_is_any(&connector->bindings[i].address)) {
            take_into(conflicts, index, find_scope(conflicts, &any, true));
        }
    }
}

static int compare_turns(const void *left, const void *right, void *owner)
{
    const struct receive_connector *connectors = owner;
    const struct turn *a = left;
    const struct turn *b = right;
    if (a->is_serving != b->is_serving) {
        return a->is_serving ? -1 : 1;
    }
    int order = connector_compare_age(&connectors[a->connector], &connectors[b->connector]);
    return order != 0 ? order : (a->connector < b->connector ? -1 : 1);
}

enum error connector_conflicts(const struct receive_connector *connectors, size_t count,
                               bool (*is_serving)(const struct guid *id, void *owner),
                               void (*each)(size_t loser, size_t winner, const char *why, void *owner),
                               void *owner)
{
    struct conflicts conflicts = {.connectors = connectors, .count = count, .each = each, .owner = owner};
    struct turn *turns = calloc(count + 1, sizeof(*turns));
    enum error error = turns == NULL || count >= RANGE_NOBODY ? ERROR_TEMPORARY : open_scopes(&conflicts);
    if (error == OK) {
        size_t turn_count = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (takes_part(&connectors[i])) {
                turns[turn_count++] = (struct turn){i, is_serving(&connectors[i].id, owner)};
            }
        }
        qsort_r(turns, turn_count, sizeof(*turns), compare_turns, (void *)(uintptr_t)connectors);
        for (size_t i = 0; i < turn_count; i++) {
            if (!collides(&conflicts, turns[i].connector)) {
                take(&conflicts, turns[i].connector);
            }
        }
    }
    for (size_t i = 0; i < conflicts.scope_count; i++) {
        range_set_done(&conflicts.scopes[i].ranges);
    }
    free(conflicts.scopes);
    free(turns);
    return error;
}

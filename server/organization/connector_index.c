#include "organization/connector_index.h"

#include <stdlib.h>
#include <string.h>

#define SHARE_LOOKBACK 64 /* groups that are looked at for segments to share */

/* One binding of one enabled connector. */
struct binding {
    struct ip_endpoint local;
    uint32_t connector;
};

struct build {
    const struct receive_connector *connectors;
    size_t count;
    uint32_t *ranks;
    struct binding *bindings;
    size_t binding_count;
    struct connector_group *groups;
    size_t *firsts; /* by group: its first binding */
    size_t group_count;
    struct arena *arena;
};

static int compare_endpoints(const struct ip_endpoint *a, const struct ip_endpoint *b)
{
    int order = ip_compare(&a->address, &b->address);
    return order != 0 ? order : (int)a->port - (int)b->port;
}

int connector_compare_age(const struct receive_connector *a, const struct receive_connector *b)
{
    int64_t a_created = a->created == 0 ? INT64_MAX : a->created;
    int64_t b_created = b->created == 0 ? INT64_MAX : b->created;
    if (a_created != b_created) {
        return a_created < b_created ? -1 : 1;
    }
    return memcmp(a->id.octets, b->id.octets, sizeof(a->id.octets));
}

static int compare_preference(const void *left, const void *right, void *owner)
{
    const struct receive_connector *connectors = owner;
    const struct receive_connector *a = &connectors[*(const uint32_t *)left];
    const struct receive_connector *b = &connectors[*(const uint32_t *)right];
    if ((a->refused == NULL) != (b->refused == NULL)) {
        return a->refused == NULL ? -1 : 1;
    }
    int order = connector_compare_age(a, b);
    return order != 0 ? order : (a < b ? -1 : 1);
}

/* ranks[i]: the place of connector i when all are ordered by preference. */
static enum error rank_connectors(struct build *build)
{
    uint32_t *order = calloc(build->count + 1, sizeof(*order));
    build->ranks = calloc(build->count + 1, sizeof(*build->ranks));
    if (order == NULL || build->ranks == NULL) {
        free(order);
        return ERROR_LIMIT;
    }
    for (uint32_t i = 0; i < build->count; i++) {
        order[i] = i;
    }
    qsort_r(order, build->count, sizeof(*order), compare_preference, (void *)(uintptr_t)build->connectors);
    for (uint32_t i = 0; i < build->count; i++) {
        build->ranks[order[i]] = i;
    }
    free(order);
    return OK;
}

static int compare_bindings(const void *left, const void *right)
{
    const struct binding *a = left;
    const struct binding *b = right;
    int order = compare_endpoints(&a->local, &b->local);
    return order != 0 ? order : (a->connector > b->connector) - (a->connector < b->connector);
}

/* All bindings of enabled connectors, sorted, without doubles. */
static enum error collect_bindings(struct build *build)
{
    size_t capacity = 1;
    for (size_t i = 0; i < build->count; i++) {
        capacity += build->connectors[i].is_enabled ? build->connectors[i].binding_count : 0;
    }
    build->bindings = calloc(capacity, sizeof(*build->bindings));
    if (build->bindings == NULL) {
        return ERROR_LIMIT;
    }
    size_t count = 0;
    for (uint32_t i = 0; i < build->count; i++) {
        const struct receive_connector *connector = &build->connectors[i];
        for (size_t j = 0; connector->is_enabled && j < connector->binding_count; j++) {
            build->bindings[count++] = (struct binding){connector->bindings[j], i};
        }
    }
    qsort(build->bindings, count, sizeof(*build->bindings), compare_bindings);
    for (size_t i = 0; i < count; i++) {
        size_t kept = build->binding_count;
        if (kept == 0 || compare_bindings(&build->bindings[kept - 1], &build->bindings[i]) != 0) {
            build->bindings[build->binding_count++] = build->bindings[i];
        }
    }
    return OK;
}

/* Gathers the ranges of the group's family; *out is on the heap. */
static enum error collect_contenders(const struct build *build, const struct binding *bindings,
                                     size_t binding_count, struct contender **out, size_t *out_count)
{
    enum ip_family family = bindings[0].local.address.family;
    size_t capacity = 1;
    for (size_t i = 0; i < binding_count; i++) {
        capacity += build->connectors[bindings[i].connector].range_count;
    }
    struct contender *contenders = calloc(capacity, sizeof(*contenders));
    if (contenders == NULL) {
        return ERROR_LIMIT;
    }
    size_t count = 0;
    for (size_t i = 0; i < binding_count; i++) {
        uint32_t connector = bindings[i].connector;
        const struct ip_range *ranges = build->connectors[connector].ranges;
        for (uint32_t j = 0; j < build->connectors[connector].range_count; j++) {
            if (ranges[j].low.family == family) {
                contenders[count++] = (struct contender){.low = ip_number_of(&ranges[j].low),
                                                         .high = ip_number_of(&ranges[j].high),
                                                         .connector = connector,
                                                         .range = j,
                                                         .rank = build->ranks[connector]};
            }
        }
    }
    *out = contenders;
    *out_count = count;
    return OK;
}

/* Makes the group of a run of bindings with one local endpoint. */
static enum error build_group(struct build *build, const struct binding *bindings, size_t binding_count)
{
    struct contender *contenders = NULL;
    size_t count = 0;
    struct connector_group group = {.local = bindings[0].local};
    enum error error = collect_contenders(build, bindings, binding_count, &contenders, &count);
    if (error == OK) {
        error = segment_sweep(contenders, count, group.local.address.family, build->arena, &group.segments,
                              &group.segment_count);
    }
    if (error == OK) {
        build->groups[build->group_count++] = group;
    }
    free(contenders);
    return error;
}

/* Have two runs of bindings the same connectors and family? Then their segments are the same. */
static bool is_alike(const struct binding *a, const struct binding *b, size_t count)
{
    bool is_same = a->local.address.family == b->local.address.family;
    for (size_t i = 0; i < count && is_same; i++) {
        is_same = a[i].connector == b[i].connector;
    }
    return is_same;
}

/* A connector bound to many addresses would else have its ranges in memory as many times. */
static bool share_group(struct build *build, size_t first, size_t count)
{
    size_t oldest = build->group_count > SHARE_LOOKBACK ? build->group_count - SHARE_LOOKBACK : 0;
    for (size_t i = oldest; i < build->group_count; i++) {
        size_t end = i + 1 < build->group_count ? build->firsts[i + 1] : first;
        if (end - build->firsts[i] == count &&
            is_alike(&build->bindings[build->firsts[i]], &build->bindings[first], count)) {
            build->groups[build->group_count] = build->groups[i];
            build->groups[build->group_count++].local = build->bindings[first].local;
            return true;
        }
    }
    return false;
}

static enum error build_groups(struct build *build)
{
    build->groups = arena_array(build->arena, build->binding_count + 1, sizeof(*build->groups));
    build->firsts = calloc(build->binding_count + 1, sizeof(*build->firsts));
    if (build->groups == NULL || build->firsts == NULL) {
        return ERROR_LIMIT;
    }
    for (size_t first = 0; first < build->binding_count;) {
        size_t end = first + 1;
        while (end < build->binding_count &&
               compare_endpoints(&build->bindings[first].local, &build->bindings[end].local) == 0) {
            end++;
        }
        build->firsts[build->group_count] = first;
        if (!share_group(build, first, end - first)) {
            enum error error = build_group(build, &build->bindings[first], end - first);
            if (error != OK) {
                return error;
            }
        }
        first = end;
    }
    return OK;
}

enum error connector_index_build(const struct receive_connector *connectors, size_t count,
                                 struct arena *arena, const struct connector_index **out)
{
    struct build build = {.connectors = connectors, .count = count, .arena = arena};
    struct connector_index *index = arena_alloc(arena, sizeof(*index));
    enum error error = index == NULL || count >= SEGMENT_NOBODY ? ERROR_LIMIT : rank_connectors(&build);
    if (error == OK) {
        error = collect_bindings(&build);
    }
    if (error == OK) {
        error = build_groups(&build);
    }
    if (error == OK) {
        *index = (struct connector_index){.groups = build.groups, .group_count = build.group_count};
        *out = index;
    }
    free(build.ranks);
    free(build.bindings);
    free(build.firsts);
    return error;
}

const struct connector_group *connector_index_group(const struct connector_index *index,
                                                    const struct ip_endpoint *local)
{
    size_t low = 0;
    size_t high = index->group_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_endpoints(&index->groups[middle].local, local);
        if (order == 0) {
            return &index->groups[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

const struct connector_segment *connector_group_segment(const struct connector_group *group, ip_number remote)
{
    size_t low = 0; /* its start is not behind remote: the first segment starts at 0 */
    size_t high = group->segment_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (group->segments[middle].start <= remote) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return &group->segments[low];
}

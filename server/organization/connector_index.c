#include "organization/connector_index.h"

#include <stdlib.h>
#include <string.h>

/* One binding of one enabled connector. */
struct binding {
    struct ip_endpoint local;
    uint32_t connector;
};

/* One range of a group's connectors while its segments are made. */
struct contender {
    ip_number low;
    ip_number high;
    uint32_t connector;
    uint32_t range;
    uint32_t rank; /* of the connector, 0 the best on a tie */
};

struct build {
    const struct receive_connector *connectors;
    size_t count;
    uint32_t *ranks;
    struct binding *bindings;
    size_t binding_count;
    struct connector_group *groups;
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

static int compare_lows(const void *left, const void *right)
{
    const struct contender *a = left;
    const struct contender *b = right;
    return (a->low > b->low) - (a->low < b->low);
}

static int compare_numbers(const void *left, const void *right)
{
    const ip_number *a = left;
    const ip_number *b = right;
    return (*a > *b) - (*a < *b);
}

static bool is_better(const struct contender *a, const struct contender *b)
{
    ip_number a_span = a->high - a->low;
    ip_number b_span = b->high - b->low;
    return a_span != b_span ? a_span < b_span : a->rank < b->rank;
}

/* A binary heap of the contenders that have begun; those that have ended are dropped when they come to the
 * top. */
struct heap {
    const struct contender **items;
    size_t count;
};

static void heap_push(struct heap *heap, const struct contender *item)
{
    size_t at = heap->count++;
    while (at > 0 && is_better(item, heap->items[(at - 1) / 2])) {
        heap->items[at] = heap->items[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->items[at] = item;
}

static void heap_pop(struct heap *heap)
{
    const struct contender *item = heap->items[--heap->count];
    size_t at = 0;
    for (size_t child = 1; child < heap->count; child = 2 * at + 1) {
        if (child + 1 < heap->count && is_better(heap->items[child + 1], heap->items[child])) {
            child++;
        }
        if (!is_better(heap->items[child], item)) {
            break;
        }
        heap->items[at] = heap->items[child];
        at = child;
    }
    heap->items[at] = item;
}

/* The points where the winner can change: 0, every low, and every address behind a high. Sorted, without
 * doubles. */
static size_t collect_points(const struct contender *contenders, size_t count, enum ip_family family,
                             ip_number *points)
{
    size_t point_count = 0;
    points[point_count++] = 0;
    for (size_t i = 0; i < count; i++) {
        points[point_count++] = contenders[i].low;
        if (contenders[i].high != ip_number_last(family)) {
            points[point_count++] = contenders[i].high + 1;
        }
    }
    qsort(points, point_count, sizeof(*points), compare_numbers);
    size_t kept = 0;
    for (size_t i = 0; i < point_count; i++) {
        if (kept == 0 || points[kept - 1] != points[i]) {
            points[kept++] = points[i];
        }
    }
    return kept;
}

/* The sweep: walks the points with the heap of ranges that hold them. Returns the number of segments. */
static size_t sweep(const struct contender *contenders, size_t count, const ip_number *points,
                    size_t point_count, struct heap *heap, struct connector_segment *segments)
{
    size_t next = 0;
    size_t segment_count = 0;
    for (size_t i = 0; i < point_count; i++) {
        for (; next < count && contenders[next].low == points[i]; next++) {
            heap_push(heap, &contenders[next]);
        }
        while (heap->count > 0 && heap->items[0]->high < points[i]) {
            heap_pop(heap);
        }
        struct connector_segment segment = {.start = points[i], .connector = SEGMENT_NOBODY};
        if (heap->count > 0) {
            segment.connector = heap->items[0]->connector;
            segment.range = heap->items[0]->range;
        }
        const struct connector_segment *last = segment_count > 0 ? &segments[segment_count - 1] : NULL;
        if (last == NULL || last->connector != segment.connector || last->range != segment.range) {
            segments[segment_count++] = segment;
        }
    }
    return segment_count;
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
    qsort(contenders, count, sizeof(*contenders), compare_lows);
    *out = contenders;
    *out_count = count;
    return OK;
}

/* Makes the group of a run of bindings with one local endpoint. */
static enum error build_group(struct build *build, const struct binding *bindings, size_t binding_count)
{
    struct contender *contenders = NULL;
    size_t count = 0;
    enum error error = collect_contenders(build, bindings, binding_count, &contenders, &count);
    if (error != OK) {
        return error;
    }
    size_t point_max = 2 * count + 1;
    ip_number *points = calloc(point_max, sizeof(*points));
    struct connector_segment *segments = calloc(point_max, sizeof(*segments));
    struct heap heap = {.items = calloc(count + 1, sizeof(*heap.items))};
    struct connector_segment *kept = NULL;
    size_t segment_count = 0;
    if (points != NULL && segments != NULL && heap.items != NULL) {
        size_t point_count = collect_points(contenders, count, bindings[0].local.address.family, points);
        segment_count = sweep(contenders, count, points, point_count, &heap, segments);
        kept = arena_array(build->arena, segment_count, sizeof(*kept));
    }
    if (kept != NULL) {
        memcpy(kept, segments, segment_count * sizeof(*kept));
        build->groups[build->group_count++] =
            (struct connector_group){bindings[0].local, kept, segment_count};
    }
    free(contenders);
    free(points);
    free(segments);
    free(heap.items);
    return kept == NULL ? ERROR_LIMIT : OK;
}

static enum error build_groups(struct build *build)
{
    build->groups = arena_array(build->arena, build->binding_count + 1, sizeof(*build->groups));
    if (build->groups == NULL) {
        return ERROR_LIMIT;
    }
    for (size_t first = 0; first < build->binding_count;) {
        size_t end = first + 1;
        while (end < build->binding_count &&
               compare_endpoints(&build->bindings[first].local, &build->bindings[end].local) == 0) {
            end++;
        }
        enum error error = build_group(build, &build->bindings[first], end - first);
        if (error != OK) {
            return error;
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

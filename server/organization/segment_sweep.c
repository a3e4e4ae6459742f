#include "organization/segment_sweep.h"

#include <stdlib.h>
#include <string.h>

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

enum error segment_sweep(struct contender *contenders, size_t count, enum ip_family family,
                         struct arena *arena, const struct connector_segment **out, size_t *out_count)
{
    size_t point_max = 2 * count + 1;
    ip_number *points = calloc(point_max, sizeof(*points));
    struct connector_segment *segments = calloc(point_max, sizeof(*segments));
    struct heap heap = {.items = calloc(count + 1, sizeof(*heap.items))};
    struct connector_segment *kept = NULL;
    if (points != NULL && segments != NULL && heap.items != NULL) {
        qsort(contenders, count, sizeof(*contenders), compare_lows);
        size_t point_count = collect_points(contenders, count, family, points);
        size_t segment_count = sweep(contenders, count, points, point_count, &heap, segments);
        kept = arena_array(arena, segment_count, sizeof(*kept));
        if (kept != NULL) {
            memcpy(kept, segments, segment_count * sizeof(*kept));
            *out = kept;
            *out_count = segment_count;
        }
    }
    free(points);
    free(segments);
    free(heap.items);
    return kept == NULL ? ERROR_LIMIT : OK;
}

#include "organization/range_set.h"

#include <assert.h>
#include <stdlib.h>

static int compare_numbers(const void *left, const void *right)
{
    const ip_number *a = left;
    const ip_number *b = right;
    return (*a > *b) - (*a < *b);
}

static int compare_spans(const void *left, const void *right)
{
    const struct ip_span *a = left;
    const struct ip_span *b = right;
    int order = compare_numbers(&a->low, &b->low);
    return order != 0 ? order : compare_numbers(&a->high, &b->high);
}

enum error range_set_init(struct range_set *set, struct ip_span *spans, size_t count)
{
    *set = (struct range_set){.spans = spans};
    qsort(spans, count, sizeof(*spans), compare_spans);
    for (size_t i = 0; i < count; i++) {
        if (set->count == 0 || compare_spans(&spans[set->count - 1], &spans[i]) != 0) {
            spans[set->count++] = spans[i];
        }
    }
    size_t size = set->count + 1;
    set->owners = calloc(size, sizeof(*set->owners));
    set->lows = calloc(size, sizeof(*set->lows));
    set->highs = calloc(size, sizeof(*set->highs));
    set->by_low = calloc(2 * size, sizeof(*set->by_low));
    set->by_high = calloc(2 * size, sizeof(*set->by_high));
    if (set->owners == NULL || set->lows == NULL || set->highs == NULL || set->by_low == NULL ||
        set->by_high == NULL) {
        range_set_done(set);
        return ERROR_TEMPORARY;
    }
    for (size_t i = 0; i < set->count; i++) {
        set->owners[i] = RANGE_NOBODY;
        set->lows[i] = spans[i].low;
        set->highs[i] = spans[i].high;
    }
    qsort(set->highs, set->count, sizeof(*set->highs), compare_numbers);
    for (size_t i = 0; i < 2 * size; i++) {
        set->by_low[i].owner = set->by_high[i].owner = RANGE_NOBODY;
    }
    return OK;
}

void range_set_done(struct range_set *set)
{
    free(set->spans);
    free(set->owners);
    free(set->lows);
    free(set->highs);
    free(set->by_low);
    free(set->by_high);
    *set = (struct range_set){.count = 0};
}

/* The first index whose number is at least value (or greater than it, with is_above). */
static size_t lower_bound(const ip_number *numbers, size_t count, ip_number value, bool is_above)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (numbers[middle] < value || (is_above && numbers[middle] == value)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_greater(const struct range_best *a, const struct range_best *b)
{
    return a->owner != RANGE_NOBODY && (b->owner == RANGE_NOBODY || a->value > b->value);
}

/* A bottom-up tree over count leaves: node i is the greater of 2i and 2i + 1, leaf k stands at count + k. */
static void tree_raise(struct range_best *tree, size_t count, size_t leaf, ip_number value, uint32_t owner)
{
    struct range_best entry = {value, owner};
    for (size_t at = count + leaf; at > 0; at /= 2) {
        if (is_greater(&entry, &tree[at])) {
            tree[at] = entry;
        }
    }
}

/* The greatest entry of the leaves from first up to, not including, end. */
static struct range_best tree_greatest(const struct range_best *tree, size_t count, size_t first, size_t end)
{
    struct range_best best = {.owner = RANGE_NOBODY};
    if (first >= end) {
        return best;
    }
    size_t left = count + first;
    for (size_t right = count + end; left < right; left /= 2, right /= 2) {
        if (left % 2 == 1) {
            best = is_greater(&tree[left], &best) ? tree[left] : best;
            left++;
        }
        if (right % 2 == 1) {
            right--;
            best = is_greater(&tree[right], &best) ? tree[right] : best;
        }
    }
    return best;
}

static const struct ip_span *find_span(const struct range_set *set, const struct ip_span *span)
{
    return set->count == 0 ? NULL : bsearch(span, set->spans, set->count, sizeof(*set->spans), compare_spans);
}

void range_set_add(struct range_set *set, const struct ip_span *span, uint32_t owner)
{
    const struct ip_span *place = find_span(set, span);
    assert(place != NULL);
    uint32_t *first_owner = &set->owners[place - set->spans];
    *first_owner = *first_owner == RANGE_NOBODY ? owner : *first_owner;
    tree_raise(set->by_low, set->count, lower_bound(set->lows, set->count, span->low, false), span->high,
               owner);
    tree_raise(set->by_high, set->count, lower_bound(set->highs, set->count, span->high, false), ~span->low,
               owner);
}

uint32_t range_set_equal(const struct range_set *set, const struct ip_span *span)
{
    const struct ip_span *place = find_span(set, span);
    return place == NULL ? RANGE_NOBODY : set->owners[place - set->spans];
}

uint32_t range_set_overlap(const struct range_set *set, const struct ip_span *span)
{
    /* One that ends inside this span and before its end, and begins before it. */
    struct range_best before =
        tree_greatest(set->by_high, set->count, lower_bound(set->highs, set->count, span->low, false),
                      lower_bound(set->highs, set->count, span->high, false));
    if (before.owner != RANGE_NOBODY && ~before.value < span->low) {
        return before.owner;
    }
    /* One that begins inside this span and behind its beginning, and ends behind it. */
    struct range_best behind =
        tree_greatest(set->by_low, set->count, lower_bound(set->lows, set->count, span->low, true),
                      lower_bound(set->lows, set->count, span->high, true));
    return behind.owner != RANGE_NOBODY && behind.value > span->high ? behind.owner : RANGE_NOBODY;
}

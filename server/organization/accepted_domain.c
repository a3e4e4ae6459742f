#include "organization/accepted_domain.h"

#include "organization/organization.h"

#include <stdlib.h>
#include <string.h>

struct domain_index {
    const struct accepted_domain **sorted; /* by name, then by DN */
    size_t count;
    const struct accepted_domain *every; /* "*", or NULL */
};

static int compare_text(const char *a, const char *b)
{
    return bytes_compare_nocase(bytes_of_text(a), bytes_of_text(b));
}

static int compare_domains(const void *left, const void *right)
{
    const struct accepted_domain *a = *(const struct accepted_domain *const *)left;
    const struct accepted_domain *b = *(const struct accepted_domain *const *)right;
    int order = strcmp(a->name, b->name);
    return order != 0 ? order : compare_text(a->dn, b->dn);
}

enum error domain_index_build(const struct accepted_domain *domains, size_t count, struct arena *arena,
                              const struct domain_index **out)
{
    struct domain_index *index = arena_alloc(arena, sizeof(*index));
    if (index != NULL) {
        index->sorted = arena_array(arena, count + 1, sizeof(*index->sorted));
    }
    if (index == NULL || index->sorted == NULL) {
        return ERROR_LIMIT;
    }
    for (size_t i = 0; i < count; i++) {
        if (!accepted_domain_is_every(&domains[i])) {
            index->sorted[index->count++] = &domains[i];
        } else if (domains[i].allow_open_relay && index->every == NULL) {
            index->every = &domains[i];
        }
    }
    qsort(index->sorted, index->count, sizeof(*index->sorted), compare_domains);
    *out = index;
    return OK;
}

/* The first entry of this name that holds the name itself, or (is_below) the names below it. */
static const struct accepted_domain *find_entry(const struct domain_index *index, struct bytes name,
                                                bool is_below)
{
    size_t low = 0;
    size_t high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bytes_compare_nocase(bytes_of_text(index->sorted[middle]->name), name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (; low < index->count && bytes_equal(bytes_of_text(index->sorted[low]->name), name); low++) {
        const struct accepted_domain *domain = index->sorted[low];
        if (is_below ? domain->with_subdomains : !domain->is_subdomains_only) {
            return domain;
        }
    }
    return NULL;
}

const struct accepted_domain *accepted_domain_find(const struct organization *organization, struct bytes name)
{
    const struct domain_index *index = organization->domain_index;
    if (index == NULL || name.len == 0) {
        return NULL;
    }
    const struct accepted_domain *found = find_entry(index, name, false);
    for (struct bytes rest = name; found == NULL;) {
        size_t dot = bytes_find(rest, '.');
        if (dot == rest.len) {
            return index->every;
        }
        rest = bytes_skip(rest, dot + 1);
        found = find_entry(index, rest, true);
    }
    return found;
}

#include "policy/route.h"

#include <string.h>

/* How well a connector fits a domain. */
struct fit {
    const struct send_connector *connector;
    size_t specificity; /* 0: no fit; 1: "*"; else the length of the address space's domain and one more */
    uint32_t cost;
};

static size_t specificity_of(const struct address_space *space, struct bytes domain)
{
    struct bytes own = bytes_of_text(space->domain);
    if (bytes_equal(own, BYTES_LITERAL("*"))) {
        return 1;
    }
    bool is_same = bytes_equal(own, domain);
    bool fits = space->with_subdomains ? !is_same && domain_is_within(domain, own) : is_same;
    return fits ? own.len + 1 : 0;
}

static struct fit fit_of(const struct send_connector *connector, struct bytes domain)
{
    struct fit best = {.connector = connector};
    if (!connector->is_enabled || !connector->is_for_this_server) {
        return best;
    }
    for (size_t i = 0; i < connector->space_count; i++) {
        size_t specificity = specificity_of(&connector->spaces[i], domain);
        uint32_t cost = connector->spaces[i].cost;
        if (specificity > best.specificity || (specificity == best.specificity && cost < best.cost)) {
            best.specificity = specificity;
            best.cost = cost;
        }
    }
    return best;
}

static bool is_better(const struct fit *a, const struct fit *b)
{
    if (a->specificity != b->specificity) {
        return a->specificity > b->specificity;
    }
    if (a->cost != b->cost) {
        return a->cost < b->cost;
    }
    int order = bytes_compare_nocase(bytes_of_text(a->connector->name), bytes_of_text(b->connector->name));
    return order != 0 ? order < 0
                      : memcmp(a->connector->id.octets, b->connector->id.octets,
                               sizeof(a->connector->id.octets)) < 0;
}

size_t route_find(const struct organization *organization, struct bytes domain,
                  const struct send_connector **out, size_t capacity)
{
    if (domain.len == 0 || domain.ptr[0] == '[') {
        return 0;
    }
    size_t floor = 1; /* what a refused connector holds more specifically is not given to a wider one */
    size_t count = 0;
    for (size_t i = 0; i < organization->send_count; i++) {
        struct fit fit = fit_of(&organization->send[i], domain);
        if (organization->send[i].refused != NULL && fit.specificity > floor) {
            floor = fit.specificity;
        }
    }
    for (size_t i = 0; i < organization->send_count; i++) {
        struct fit fit = fit_of(&organization->send[i], domain);
        if (organization->send[i].refused != NULL || fit.specificity < floor) {
            continue;
        }
        size_t at = count;
        for (; at > 0; at--) {
            struct fit before = fit_of(out[at - 1], domain);
            if (!is_better(&fit, &before)) {
                break;
            }
            if (at < capacity) {
                out[at] = out[at - 1];
            }
        }
        if (at < capacity) {
            out[at] = fit.connector;
            count += count < capacity;
        }
    }
    return count;
}

#include "policy/route.h"

#include <stdio.h>
#include <string.h>

/* How well a connector fits a domain. */
struct fit {
    const struct send_connector *connector;
    const struct address_space *space; /* NULL: none fits */
    size_t specificity; /* 0: no fit; 1: "*"; else the length of the address space's domain and one more */
    uint32_t cost;
};

/* Ends at the first difference: with a thousand connectors this is asked a thousand times a recipient. */
static bool is_text(struct bytes bytes, const char *text)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if (text[i] != bytes.ptr[i] || text[i] == '\0') {
            return false;
        }
    }
    return text[bytes.len] == '\0';
}

static size_t specificity_of(const struct address_space *space, struct bytes domain)
{
    if (is_text(BYTES_LITERAL("*"), space->domain)) {
        return 1;
    }
    bool is_same = is_text(domain, space->domain);
    bool fits =
        space->with_subdomains ? !is_same && domain_is_within(domain, bytes_of_text(space->domain)) : is_same;
    return fits ? strlen(space->domain) + 1 : 0;
}

/* By its address spaces alone. */
static struct fit fit_of_spaces(const struct send_connector *connector, struct bytes domain)
{
    struct fit best = {.connector = connector};
    for (size_t i = 0; i < connector->space_count; i++) {
        size_t specificity = specificity_of(&connector->spaces[i], domain);
        uint32_t cost = connector->spaces[i].cost;
        if (specificity > best.specificity || (specificity == best.specificity && cost < best.cost)) {
            best.space = &connector->spaces[i];
            best.specificity = specificity;
            best.cost = cost;
        }
    }
    return best;
}

static struct fit fit_of(const struct send_connector *connector, struct bytes domain)
{
    bool may_send = connector->is_enabled && connector->is_for_this_server;
    return may_send ? fit_of_spaces(connector, domain) : (struct fit){.connector = connector};
}

static bool has_no_route(struct bytes domain)
{
    return domain.len == 0 || domain.ptr[0] == '[';
}

/* What a refused connector holds more specifically is not given to a wider one. */
static size_t floor_of(const struct organization *organization, struct bytes domain)
{
    size_t floor = 1;
    for (size_t i = 0; i < organization->send_count; i++) {
        struct fit fit = fit_of(&organization->send[i], domain);
        if (organization->send[i].refused != NULL && fit.specificity > floor) {
            floor = fit.specificity;
        }
    }
    return floor;
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

/* Puts it where it belongs among the count best ones. */
static size_t insert(const struct fit *fit, struct bytes domain, const struct send_connector **out,
                     size_t count, size_t capacity)
{
    size_t at = count;
    for (; at > 0; at--) {
        struct fit before = fit_of(out[at - 1], domain);
        if (!is_better(fit, &before)) {
            break;
        }
        if (at < capacity) {
            out[at] = out[at - 1];
        }
    }
    if (at == capacity) {
        return count;
    }
    out[at] = fit->connector;
    return count + (count < capacity);
}

size_t route_find(const struct organization *organization, struct bytes domain,
                  const struct send_connector **out, size_t capacity)
{
    size_t floor = 1, count = 0;
    if (has_no_route(domain)) {
        return 0;
    }
    for (size_t i = 0; i < organization->send_count; i++) {
        struct fit fit = fit_of(&organization->send[i], domain);
        if (fit.specificity > 0 && organization->send[i].refused == NULL) {
            count = insert(&fit, domain, out, count, capacity);
        } else if (fit.specificity > floor) {
            floor = fit.specificity;
        }
    }
    while (count > 0 && fit_of(out[count - 1], domain).specificity < floor) {
        count--;
    }
    return count;
}

size_t route_alternatives(const struct organization *organization, struct bytes domain,
                          const struct send_connector **out, size_t capacity)
{
    size_t count = route_find(organization, domain, out, capacity);
    size_t alike = 0;
    while (alike < count && fit_of(out[alike], domain).specificity == fit_of(out[0], domain).specificity) {
        alike++;
    }
    return alike;
}

/* -- explaining -- */

enum { SPACE_TEXT_SIZE = 300, WHY_SIZE = 2 * SPACE_TEXT_SIZE + 600 };

static const char *space_text(const struct address_space *space, char out[SPACE_TEXT_SIZE])
{
    (void)snprintf(out, SPACE_TEXT_SIZE, "SMTP:%s%s;%u", space->with_subdomains ? "*." : "", space->domain,
                   (unsigned)space->cost);
    return out;
}

/* Why a connector whose space fits is not the one. */
static void say_loss(const struct fit *fit, const struct fit *best, size_t floor, char why[WHY_SIZE])
{
    char own[SPACE_TEXT_SIZE], other[SPACE_TEXT_SIZE];
    space_text(fit->space, own);
    if (fit->connector->refused != NULL) {
        (void)snprintf(why, WHY_SIZE, "%s fits, but the connector is refused: %s", own,
                       fit->connector->refused);
    } else if (fit->specificity < floor) {
        (void)snprintf(why, WHY_SIZE,
                       "%s is wider than the space of a refused connector, which keeps its place", own);
    } else if (fit->specificity < best->specificity) {
        (void)snprintf(why, WHY_SIZE, "%s is wider than %s", own, space_text(best->space, other));
    } else if (fit->cost > best->cost) {
        (void)snprintf(why, WHY_SIZE, "%s costs more than %s; stands in while that is away", own,
                       space_text(best->space, other));
    } else {
        (void)snprintf(why, WHY_SIZE,
                       "%s is as good as %s, its name comes later; stands in while that is away", own,
                       best->connector->name);
    }
}

void route_explain(const struct organization *organization, struct bytes domain,
                   void (*each)(const struct send_connector *connector, bool is_chosen, const char *why,
                                void *owner),
                   void *owner)
{
    const struct send_connector *best_one;
    size_t floor = floor_of(organization, domain);
    bool is_found = route_find(organization, domain, &best_one, 1) == 1;
    const struct send_connector *chosen = is_found ? best_one : NULL;
    struct fit best = is_found ? fit_of(chosen, domain) : (struct fit){0};
    for (size_t i = 0; i < organization->send_count; i++) {
        const struct send_connector *connector = &organization->send[i];
        struct fit fit = fit_of_spaces(connector, domain);
        char why[WHY_SIZE], text[SPACE_TEXT_SIZE];
        if (has_no_route(domain)) {
            (void)snprintf(why, sizeof why, "an address literal has no route");
        } else if (fit.space == NULL) {
            (void)snprintf(why, sizeof why, "no address space holds the domain");
        } else if (!connector->is_enabled) {
            (void)snprintf(why, sizeof why, "%s fits, but the connector is disabled",
                           space_text(fit.space, text));
        } else if (!connector->is_for_this_server) {
            (void)snprintf(why, sizeof why, "%s fits, but its source servers do not name this server",
                           space_text(fit.space, text));
        } else if (connector == chosen) {
            (void)snprintf(why, sizeof why, "%s is the most specific, then the cheapest that fits",
                           space_text(fit.space, text));
        } else {
            say_loss(&fit, &best, floor, why);
        }
        each(connector, connector == chosen, why, owner);
    }
}

#include "organization/send_connector.h"

#include "mail/domain.h"
#include "organization/fixed_rights.h"

#define COST_MAX       100
#define SMART_HOST_MAX 64

/* Normal form in the arena. */
static enum error take_domain(struct bytes text, struct arena *arena, const char **out, struct note *note)
{
    char name[DOMAIN_TEXT_SIZE];
    if (domain_normalize(text, name) != OK) {
        note_set(note, "\"%.*s\" is not a domain name", BYTES_ARG(bytes_first(text, 80)));
        return ERROR_SYNTAX;
    }
    struct bytes copy = arena_copy(arena, bytes_of_text(name));
    *out = copy.ptr;
    return copy.ptr == NULL ? ERROR_LIMIT : OK;
}

static enum error take_cost(struct bytes text, uint32_t *out, struct note *note)
{
    uint64_t cost;
    if (bytes_to_u64(text, COST_MAX, &cost) != OK || cost == 0) {
        note_set(note, "the cost \"%.*s\" is not a number from 1 to %d", BYTES_ARG(bytes_first(text, 80)),
                 COST_MAX);
        return ERROR_SYNTAX;
    }
    *out = (uint32_t)cost;
    return OK;
}

enum error address_space_parse(struct bytes text, struct arena *arena, struct address_space *out,
                               struct note *note)
{
    struct address_space space = {.cost = 1};
    struct bytes trimmed = bytes_trim(text);
    if (!bytes_starts_nocase(trimmed, "SMTP:")) {
        note_set(note, "address space \"%.*s\" is not of type SMTP", BYTES_ARG(bytes_first(trimmed, 80)));
        return ERROR_SYNTAX;
    }
    struct bytes rest = bytes_skip(trimmed, sizeof("SMTP:") - 1);
    size_t semicolon = bytes_find(rest, ';');
    struct bytes domain = bytes_trim(bytes_first(rest, semicolon));
    if (semicolon < rest.len) {
        enum error error = take_cost(bytes_trim(bytes_skip(rest, semicolon + 1)), &space.cost, note);
        if (error != OK) {
            return error;
        }
    }
    if (bytes_equal_text_nocase(domain, "--")) {
        return ERROR_NOT_FOUND;
    }
    if (bytes_equal_text_nocase(domain, "*")) {
        space.domain = "*";
    } else {
        space.with_subdomains = bytes_starts_nocase(domain, "*.");
        enum error error =
            take_domain(space.with_subdomains ? bytes_skip(domain, 2) : domain, arena, &space.domain, note);
        if (error != OK) {
            return error;
        }
    }
    *out = space;
    return OK;
}

/* "[10.0.0.1]", "[IPv6:::1]", "10.0.0.1" or a name. */
static enum error take_smart_host(struct bytes text, struct arena *arena, struct smart_host *out,
                                  struct note *note)
{
    struct bytes inner = text;
    bool is_bracketed = text.len > 1 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']';
    if (is_bracketed) {
        inner = bytes_skip(bytes_first(text, text.len - 1), 1);
        inner = bytes_starts_nocase(inner, "IPv6:") ? bytes_skip(inner, sizeof("IPv6:") - 1) : inner;
    }
    *out = (struct smart_host){.name = NULL};
    if (ip_parse_address(inner, &out->address) == OK) {
        if (ip_is_any(&out->address)) {
            note_set(note, "smart host \"%.*s\" is no host's address", BYTES_ARG(bytes_first(text, 80)));
            return ERROR_SYNTAX;
        }
        return OK;
    }
    if (is_bracketed) {
        note_set(note, "\"%.*s\" is not an address", BYTES_ARG(bytes_first(text, 80)));
        return ERROR_SYNTAX;
    }
    out->address = (struct ip_address){.family = IP_NONE};
    return take_domain(text, arena, &out->name, note);
}

enum error smart_hosts_parse(struct bytes text, struct arena *arena, const struct smart_host **out,
                             size_t *out_count, struct note *note)
{
    struct smart_host *hosts = arena_array(arena, SMART_HOST_MAX, sizeof(*hosts));
    if (hosts == NULL) {
        return ERROR_LIMIT;
    }
    size_t count = 0;
    struct bytes rest = text;
    for (bool is_more = true; is_more;) {
        size_t comma = bytes_find(rest, ',');
        is_more = comma < rest.len;
        if (count == SMART_HOST_MAX) {
            note_set(note, "more than %d smart hosts", SMART_HOST_MAX);
            return ERROR_LIMIT;
        }
        enum error error =
            take_smart_host(bytes_trim(bytes_first(rest, comma)), arena, &hosts[count++], note);
        if (error != OK) {
            return error;
        }
        rest = bytes_skip(rest, comma + 1);
    }
    *out = hosts;
    *out_count = count;
    return OK;
}

enum error smart_host_names(const struct smart_host *hosts, size_t count, struct arena *arena,
                            const char *const **out, size_t *out_count)
{
    const char **names = arena_array(arena, count, sizeof(*names));
    if (names == NULL && count > 0) {
        return ERROR_LIMIT;
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (hosts[i].name != NULL) {
            names[kept++] = hosts[i].name;
        }
    }
    *out = names;
    *out_count = kept;
    return OK;
}

enum error tls_domain_parse(struct bytes text, struct arena *arena, const char **out, struct note *note)
{
    const char *domain;
    bool is_any_below = bytes_starts_nocase(text, "*.");
    enum error error = take_domain(is_any_below ? bytes_skip(text, 2) : text, arena, &domain, note);
    if (error == OK && is_any_below) {
        domain = arena_printf(arena, ".%s", domain);
        error = domain != NULL ? OK : ERROR_LIMIT;
    }
    if (error == OK) {
        *out = domain;
    }
    return error;
}

bool smart_host_is_own(const struct ip_address *address, uint16_t port,
                       const struct receive_connector *receive, size_t receive_count)
{
    for (size_t i = 0; i < receive_count; i++) {
        for (size_t j = 0; j < receive[i].binding_count; j++) {
            const struct ip_endpoint *binding = &receive[i].bindings[j];
            if (!receive[i].is_enabled || binding->port != port ||
                binding->address.family != address->family) {
                continue;
            }
            if (ip_compare(&binding->address, address) == 0 ||
                (ip_is_any(&binding->address) && ip_is_loopback(address))) {
                return true;
            }
        }
    }
    return false;
}

enum identity send_connector_peer(const struct send_connector *connector)
{
    bool is_secured = (connector->send_flags & SEND_AUTH_MASK) == SEND_AUTH_EXTERNAL_AUTHORITATIVE;
    return is_secured ? IDENTITY_EXTERNALLY_SECURED : IDENTITY_ANONYMOUS;
}

enum error send_connector_compute_rights(struct send_connector *connector)
{
    return fixed_rights_compute(&connector->access, connector->grants_nothing, connector->fixed);
}

#include "cli/explain_route.h"

#include "policy/domain_security.h"
#include "policy/recipient.h"
#include "policy/route.h"

static void on_candidate(const struct send_connector *connector, bool is_chosen, const char *why, void *owner)
{
    (void)is_chosen;
    json_array_append_new(owner, json_pack("{s:s,s:s}", "connector", connector->name, "why", why));
}

/* Smart hosts in the order of the directory, or what will be asked of the DNS. */
static json_t *next_hops(const struct organization *organization, const struct send_connector *connector,
                         const char *domain)
{
    json_t *array = json_array();
    bool is_secure = domain_security_sends(connector, &organization->settings, bytes_of_text(domain));
    if (connector->smart_host_count == 0)
        json_array_append_new(array, json_sprintf("MX of %s, port %u%s", domain, (unsigned)connector->port,
                                                  is_secure ? ", by mutual TLS" : ""));
    for (size_t i = 0; i < connector->smart_host_count; i++) {
        const struct smart_host *host = &connector->smart_hosts[i];
        char address[IP_TEXT_SIZE];
        if (host->name)
            json_array_append_new(array, json_sprintf("%s, port %u", host->name, (unsigned)connector->port));
        else
            json_array_append_new(array,
                                  json_sprintf("[%s], port %u", ip_format_address(&host->address, address),
                                               (unsigned)connector->port));
    }
    return array;
}

static json_t *route_json(const struct organization *organization, const struct address *recipient)
{
    struct bytes domain = address_domain(recipient);
    const struct send_connector *connector = NULL;
    json_t *candidates = json_array();
    bool is_found = route_find(organization, domain, &connector, 1) == 1;
    route_explain(organization, domain, on_candidate, candidates);
    return json_pack("{s:s,s:s%,s:s?,s:o,s:o}", "recipient", recipient->text, "domain",
                     domain.ptr ? domain.ptr : "", domain.len, "connector", is_found ? connector->name : NULL,
                     "next_hops", is_found ? next_hops(organization, connector, domain.ptr) : json_array(),
                     "candidates", candidates);
}

json_t *explain_route_json(const struct organization *organization, const struct simulation_request *request)
{
    json_t *routes = json_array();
    for (size_t i = 0; i < request->recipient_count; i++) {
        struct address recipient, resolved;
        struct bytes rest;
        if (address_parse_path(bytes_of_text(request->recipients[i]), true, &recipient, &rest) ==
                ADDRESS_OK &&
            recipient_resolve(organization, &recipient, &resolved))
            json_array_append_new(routes, route_json(organization, &resolved));
    }
    return routes;
}

void explain_route_print(FILE *out, const json_t *routes)
{
    size_t index, inner;
    json_t *route, *part;
    json_array_foreach(routes, index, route)
    {
        const char *connector = json_string_value(json_object_get(route, "connector"));
        fprintf(out, "route of %s: %s\n", json_string_value(json_object_get(route, "recipient")),
                connector ? connector : "none");
        json_array_foreach(json_object_get(route, "next_hops"), inner, part)
            fprintf(out, "  next hop: %s\n", json_string_value(part));
        json_array_foreach(json_object_get(route, "candidates"), inner, part)
            fprintf(out, "  %s: %s\n", json_string_value(json_object_get(part, "connector")),
                    json_string_value(json_object_get(part, "why")));
    }
}

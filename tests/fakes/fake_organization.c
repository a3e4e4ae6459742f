#include "fakes/fake_organization.h"

#include "organization/ace_text.h"
#include "organization/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECEIVE_CONTAINER "CN=SMTP Receive Connectors,CN=Protocols,CN=" FAKE_SERVER ",CN=Servers,CN=Contoso"
#define SEND_CONTAINER    "CN=Connections,CN=Contoso"
#define DOMAIN_CONTAINER  "CN=Accepted Domains,CN=Transport Settings,CN=Contoso"

static void require(bool is_right, const char *what, const char *text)
{
    if (!is_right) {
        fprintf(stderr, "fake_organization: %s: %s\n", what, text);
        abort();
    }
}

static void *allocate(struct organization *organization, size_t count, size_t size)
{
    void *memory = arena_array(&organization->arena, count + 1, size);
    require(memory != NULL, "no memory", "");
    return memory;
}

/* Blank separated parts; returns how many there are at most. */
static size_t count_parts(const char *text)
{
    size_t count = 1;
    for (; *text != '\0'; text++) {
        count += *text == ' ';
    }
    return count;
}

static struct sid sid_of_text(const char *text)
{
    struct sid sid;
    require(sid_parse(bytes_of_text(text), &sid) == OK, "not a SID", text);
    return sid;
}

struct sid fake_organization_sid(const char *dn)
{
    uint32_t hash = 2166136261u;
    for (; *dn != '\0'; dn++) {
        hash = (hash ^ (uint8_t)*dn) * 16777619u;
    }
    char text[64];
    (void)snprintf(text, sizeof(text), "S-1-5-21-1-2-3-%u", hash | 0x10000u);
    return sid_of_text(text);
}

static struct sid sid_of_dn(struct bytes dn)
{
    char *text = bytes_copy_text(dn);
    struct sid sid = fake_organization_sid(text);
    free(text);
    return sid;
}

/* Adds ACE lines; returns why one could not be read, or NULL. */
static const char *add_lines(struct organization *organization, struct access_list_builder *builder,
                             const char *lines, unsigned level, const char *from)
{
    struct bytes rest = bytes_of_text(lines);
    struct bytes line;
    while (bytes_next(&rest, '\n', &line)) {
        struct ace_text text;
        struct note note;
        if (ace_text_parse(line, &text, &note) != OK) {
            return arena_printf(&organization->arena, "dirrelayAce: %s", note.text);
        }
        struct access_grant grant = {.is_deny = text.is_deny,
                                     .is_all_rights = text.is_all_rights,
                                     .rights = text.rights,
                                     .sid =
                                         text.trustee_kind == ACE_TRUSTEE_DN ? sid_of_dn(text.dn) : text.sid};
        struct ace_origin origin = {.text = arena_copy(&organization->arena, line).ptr, .from = from};
        require(access_list_add_grant(builder, &grant, level, &origin) == OK, "ACE limit", "");
    }
    return NULL;
}

static void fill_access(struct organization *organization, const struct fake_organization *fake,
                        const struct fake_receive *row, struct receive_connector *connector)
{
    struct access_list_builder builder;
    access_list_builder_init(&builder, &organization->arena);
    struct sid exchange_servers = sid_of_text(FAKE_EXCHANGE_SERVERS_SID);
    struct sid legacy_interop = sid_of_text(FAKE_LEGACY_INTEROP_SID);
    struct group_sids sids = {&exchange_servers, &legacy_interop};
    const char *bad = add_lines(organization, &builder, row->aces, 0, connector->dn);
    if (bad == NULL) {
        bad = add_lines(organization, &builder, fake->container_aces, 1, RECEIVE_CONTAINER);
    }
    require(permission_group_add(&builder, row->groups, fake->model, fake->is_edge, &sids, connector->dn) ==
                OK,
            "ACE limit", row->name);
    require(access_list_finish(&builder, &connector->access) == OK, "ACE limit", row->name);
    if (bad == NULL && connector->access.acl.state == ACL_ABSENT) {
        bad = "neither a descriptor nor an ACE";
    }
    connector->grants_nothing = bad != NULL;
    connector->grants_nothing_why = bad;
    require(receive_connector_compute_rights(connector) == OK, "no memory", row->name);
}

static void fill_endpoints(struct organization *organization, const struct fake_receive *row,
                           struct receive_connector *connector)
{
    const char *bindings = row->bindings != NULL ? row->bindings : "0.0.0.0:25";
    const char *ranges = row->ranges != NULL ? row->ranges : "10.0.0.0/8";
    struct ip_endpoint *endpoints = allocate(organization, count_parts(bindings), sizeof(*endpoints));
    struct ip_range *list = allocate(organization, count_parts(ranges), sizeof(*list));
    struct bytes part;
    for (struct bytes rest = bytes_of_text(bindings); bytes_next(&rest, ' ', &part);) {
        require(ip_parse_endpoint(part, &endpoints[connector->binding_count++]) == OK, "not a binding",
                bindings);
    }
    for (struct bytes rest = bytes_of_text(ranges); bytes_next(&rest, ' ', &part);) {
        require(ip_parse_range(part, &list[connector->range_count++], NULL) == OK, "not a range", ranges);
    }
    connector->bindings = endpoints;
    connector->ranges = list;
}

static void fill_receive(struct organization *organization, const struct fake_organization *fake,
                         const struct fake_receive *row, struct receive_connector *connector)
{
    struct arena *arena = &organization->arena;
    *connector = (struct receive_connector){
        .dn = arena_printf(arena, "CN=%s,%s", row->name, RECEIVE_CONTAINER),
        .name = row->name,
        .display = arena_printf(arena, "%s\\%s", FAKE_SERVER, row->name),
        .created = row->created,
        .is_enabled = !row->is_disabled,
        .refused = row->refused,
        .auth_mechanism = row->auth,
        .protocol_options = PROTOCOL_OPTIONS_DEFAULT,
        .permission_groups = row->groups,
        .role = row->role,
        .fqdn = FAKE_SERVER_FQDN,
        .connection_timeout_s = 600,
        .inactivity_timeout_s = 300,
        .message_rate_source = 1,
        .max_header_bytes = 262144,
        .max_hops = 30,
        .max_local_hops = 8,
        .max_logon_failures = 3,
        .max_message_bytes = 37748736,
        .max_protocol_errors = 5,
        .max_recipients = 200,
        .tarpit_s = 5,
        .max_acknowledgement_delay_s = 30,
        .allow_open_relay = row->allow_open_relay,
    };
    connector->id.octets[0] = (uint8_t)((connector - organization->receive + 1) >> 8);
    connector->id.octets[15] = (uint8_t)(connector - organization->receive + 1);
    fill_endpoints(organization, row, connector);
    if (row->adjust != NULL) {
        row->adjust(connector);
    }
    fill_access(organization, fake, row, connector);
}

static bool is_never_serving(const struct guid *id, void *owner)
{
    (void)id;
    (void)owner;
    return false;
}

static void refuse_loser(size_t loser, size_t winner, const char *why, void *owner)
{
    (void)winner;
    struct organization *organization = owner;
    struct receive_connector *connectors = (struct receive_connector *)(uintptr_t)organization->receive;
    connectors[loser].refused = arena_printf(&organization->arena, "%s", why);
}

static void check_receive(struct organization *organization, struct receive_connector *connectors)
{
    for (size_t i = 0; i < organization->receive_count; i++) {
        struct note why;
        const char *broken = validate_receive_connector(&connectors[i], &organization->server);
        if (broken == NULL && !connectors[i].allow_open_relay &&
            receive_connector_is_open_relay(&connectors[i], &why)) {
            broken = arena_printf(&organization->arena, "%s", why.text);
        }
        if (connectors[i].refused == NULL) {
            connectors[i].refused = broken;
        }
    }
    require(connector_conflicts(connectors, organization->receive_count, is_never_serving, refuse_loser,
                                organization) == OK,
            "no memory", "conflicts");
}

static void add_receive(struct organization *organization, const struct fake_organization *fake)
{
    size_t count = 0;
    while (fake->receive != NULL && fake->receive[count].name != NULL) {
        count++;
    }
    struct receive_connector *connectors = allocate(organization, count, sizeof(*connectors));
    organization->receive = connectors;
    organization->receive_count = count;
    for (size_t i = 0; i < count; i++) {
        fill_receive(organization, fake, &fake->receive[i], &connectors[i]);
    }
    if (!fake->is_unchecked) {
        check_receive(organization, connectors);
    }
}

static void add_domains(struct organization *organization, const struct fake_organization *fake)
{
    size_t count = 0;
    while (fake->domains != NULL && fake->domains[count].name != NULL) {
        count++;
    }
    struct accepted_domain *domains = allocate(organization, count, sizeof(*domains));
    for (size_t i = 0; i < count; i++) {
        const struct fake_domain *row = &fake->domains[i];
        bool is_below = strncmp(row->name, "*.", 2) == 0;
        domains[i] = (struct accepted_domain){
            .dn = arena_printf(&organization->arena, "CN=%s,%s", row->name, DOMAIN_CONTAINER),
            .name = is_below ? row->name + 2 : row->name,
            .with_subdomains = is_below || row->with_subdomains,
            .is_subdomains_only = is_below && !row->with_subdomains,
            .is_default = row->is_default,
            .allow_open_relay = row->allow_open_relay,
            .type = row->type,
        };
        domains[i].id.octets[0] = 0x40;
        domains[i].id.octets[15] = (uint8_t)(i + 1);
    }
    organization->domains = domains;
    organization->domain_count = count;
}

static void fill_send(struct organization *organization, const struct fake_organization *fake,
                      const struct fake_send *row, struct send_connector *connector)
{
    struct arena *arena = &organization->arena;
    *connector = (struct send_connector){
        .dn = arena_printf(arena, "CN=%s,%s", row->name, SEND_CONTAINER),
        .name = row->name,
        .is_enabled = !row->is_disabled,
        .refused = row->refused,
        .port = row->port != 0 ? row->port : 25,
        .connection_timeout_s = 600,
        .fqdn = FAKE_SERVER_FQDN,
        .max_messages_per_connection = 20,
        .is_for_this_server = !row->is_elsewhere,
    };
    struct address_space *spaces = allocate(organization, count_parts(row->spaces), sizeof(*spaces));
    struct bytes part;
    for (struct bytes rest = bytes_of_text(row->spaces); bytes_next(&rest, ' ', &part);) {
        require(address_space_parse(part, arena, &spaces[connector->space_count++], NULL) == OK,
                "not an address space", row->spaces);
    }
    connector->spaces = spaces;
    if (row->smart_hosts != NULL) {
        require(smart_hosts_parse(bytes_of_text(row->smart_hosts), arena, &connector->smart_hosts,
                                  &connector->smart_host_count, NULL) == OK,
                "not smart hosts", row->smart_hosts);
        require(smart_host_names(connector->smart_hosts, connector->smart_host_count, arena,
                                 &connector->smart_host_names, &connector->smart_host_name_count) == OK,
                "no memory", row->smart_hosts);
    }
    if (row->adjust != NULL) {
        row->adjust(connector);
    }
    struct access_list_builder builder;
    access_list_builder_init(&builder, arena);
    connector->grants_nothing_why = add_lines(organization, &builder, row->aces, 0, connector->dn);
    connector->grants_nothing = connector->grants_nothing_why != NULL;
    require(access_list_finish(&builder, &connector->access) == OK, "ACE limit", row->name);
    require(send_connector_compute_rights(connector) == OK, "no memory", row->name);
    if (connector->refused == NULL && !fake->is_unchecked) {
        connector->refused = validate_send_connector(connector);
    }
}

static void add_send(struct organization *organization, const struct fake_organization *fake)
{
    size_t count = 0;
    while (fake->send != NULL && fake->send[count].name != NULL) {
        count++;
    }
    struct send_connector *connectors = allocate(organization, count, sizeof(*connectors));
    for (size_t i = 0; i < count; i++) {
        fill_send(organization, fake, &fake->send[i], &connectors[i]);
        connectors[i].id.octets[0] = 0x80;
        connectors[i].id.octets[15] = (uint8_t)(i + 1);
    }
    organization->send = connectors;
    organization->send_count = count;
}

struct organization *fake_organization_new(const struct fake_organization *fake)
{
    struct organization *organization = organization_new();
    require(organization != NULL, "no memory", "");
    organization->generation = 1;
    organization->name = "Contoso";
    organization->server = (struct server){.dn = "CN=" FAKE_SERVER ",CN=Servers,CN=Contoso",
                                           .name = FAKE_SERVER,
                                           .fqdn = FAKE_SERVER_FQDN,
                                           .roles = fake->is_edge ? ROLE_EDGE : ROLE_HUB | ROLE_FRONTEND,
                                           .model = fake->model};
    organization->settings.dn = "CN=Transport Settings,CN=Contoso";
    organization->settings.external_postmaster = fake->external_postmaster;
    add_receive(organization, fake);
    add_domains(organization, fake);
    add_send(organization, fake);
    require(organization_finish(organization) == OK, "no memory", "");
    return organization;
}

const struct receive_connector *fake_organization_receive(const struct organization *organization,
                                                          const char *name)
{
    const struct receive_connector *connector =
        organization_receive_by_name(organization, bytes_of_text(name));
    require(connector != NULL, "no such connector", name);
    return connector;
}

const struct receive_connector *fake_organization_match(const struct organization *organization,
                                                        const char *local, const char *remote)
{
    struct ip_endpoint endpoint;
    struct ip_address address;
    require(ip_parse_endpoint(bytes_of_text(local), &endpoint) == OK, "not an endpoint", local);
    require(ip_parse_address(bytes_of_text(remote), &address) == OK, "not an address", remote);
    return connector_match(organization, &endpoint, &address);
}

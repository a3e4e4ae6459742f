/* Receive connectors: values, permissions, rules, conflicts. Facts 1.3, 5, 7; contract 3. */
#include "organization/connector_conflicts.h"
#include "organization/validate.h"
#include "source/attributes.h"
#include "source/load_connector.h"

#include <string.h>

#define BINDINGS_MAX       64
#define RANGES_MAX         100000
#define DEFAULT_BINDING    BYTES_LITERAL("0.0.0.0:25")
#define DEFAULT_RANGE      BYTES_LITERAL("0.0.0.0-255.255.255.255")
#define AUTH_DEFAULT_IN_AD 29 /* facts 2.1 */

static void say_unreadable(struct attribute_reading *reading, const char *name, struct bytes value,
                           const char *why)
{
    if (reading->unreadable.text[0] == '\0')
        note_set(&reading->unreadable, "%s \"%.*s\"%s%s", name, BYTES_ARG(bytes_first(value, 80)),
                 why[0] ? ": " : " is not an address and a port", why);
}

static bool has_endpoint(const struct ip_endpoint *list, size_t count, const struct ip_endpoint *endpoint)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].port == endpoint->port && ip_compare(&list[i].address, &endpoint->address) == 0)
            return true;
    return false;
}

/* What can be read is kept even when something else cannot: a refused connector keeps its place in the match.
 */
static enum error read_bindings(struct load_context *load, const struct entry *entry,
                                struct receive_connector *out, struct attribute_reading *reading)
{
    const char *name = "msExchSmtpReceiveBindings";
    const struct bytes fallback = DEFAULT_BINDING;
    const struct attribute *attribute = entry_find(entry, name);
    const struct bytes *values = attribute && attribute->value_count ? attribute->values : &fallback;
    size_t count = attribute && attribute->value_count ? attribute->value_count : 1;
    if (count > BINDINGS_MAX) {
        say_unreadable(reading, name, values[0], "too many bindings");
        count = BINDINGS_MAX;
    }
    struct ip_endpoint *bindings = arena_array(load->arena, count, sizeof(*bindings));
    if (!bindings)
        return ERROR_LIMIT;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct ip_endpoint endpoint;
        if (ip_parse_endpoint(bytes_trim(values[i]), &endpoint) != OK)
            say_unreadable(reading, name, values[i], "");
        else if (!has_endpoint(bindings, kept, &endpoint))
            bindings[kept++] = endpoint;
    }
    out->bindings = bindings;
    out->binding_count = kept;
    return OK;
}

static enum error read_ranges(struct load_context *load, const struct entry *entry,
                              struct receive_connector *out, struct attribute_reading *reading)
{
    const char *name = "msExchSmtpReceiveRemoteIPRanges";
    const struct bytes fallback = DEFAULT_RANGE;
    const struct attribute *attribute = entry_find(entry, name);
    const struct bytes *values = attribute && attribute->value_count ? attribute->values : &fallback;
    size_t count = attribute && attribute->value_count ? attribute->value_count : 1;
    if (count > RANGES_MAX) {
        say_unreadable(reading, name, values[0], "too many ranges");
        count = RANGES_MAX;
    }
    struct ip_range *ranges = arena_array(load->arena, count, sizeof(*ranges));
    if (!ranges)
        return ERROR_LIMIT;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct note note = {0};
        if (ip_parse_range(bytes_trim(values[i]), &ranges[kept], &note) == OK)
            kept++;
        else
            say_unreadable(reading, name, values[i], note.text[0] ? note.text : "not a range");
    }
    out->ranges = ranges;
    out->range_count = kept;
    return OK;
}

static enum error read_names(struct load_context *load, const struct entry *entry,
                             struct receive_connector *out, struct attribute_reading *reading)
{
    if (out->fqdn) {
        enum error error = load_host_name(load, bytes_of_text(out->fqdn), &out->fqdn);
        if (error == ERROR_SYNTAX)
            say_unreadable(reading, "msExchSMTPReceiveConnectorFQDN", bytes_of_text(out->fqdn),
                           "not a host name");
        else if (error != OK)
            return error;
    }
    if (!out->fqdn || reading->unreadable.text[0])
        out->fqdn = load->organization->server.fqdn;
    if (!out->tls_certificate_name)
        out->tls_certificate_name = out->old_tls_certificate_name;
    if (out->tls_certificate_name && !load_is_certificate_name(bytes_of_text(out->tls_certificate_name)))
        say_unreadable(reading, "msExchSmtpTLSCertificate", bytes_of_text(out->tls_certificate_name),
                       "not <I>issuer<S>subject");
    if (out->banner && !bytes_starts_nocase(bytes_of_text(out->banner), "220 ")) {
        /* Facts 8.1: the built-in one is used then. */
        load_refuse(load, entry->dn, false,
                    "msExchSmtpReceiveBanner \"%.80s\" is no 220 reply: the built-in banner is used",
                    out->banner);
        out->banner = NULL;
    }
    return OK;
}

/* Names of rights whose want can refuse something. */
static void read_report_only(const struct entry *entry, struct receive_connector *out,
                             struct attribute_reading *reading)
{
    const char *name = "dirrelayReportOnly";
    const struct attribute *attribute = entry_find(entry, name);
    for (size_t i = 0; attribute && i < attribute->value_count; i++) {
        enum right right;
        if (!right_by_name(bytes_trim(attribute->values[i]), &right))
            say_unreadable(reading, name, attribute->values[i], "not the name of a right");
        else if (!(REPORT_ONLY_RIGHTS & RIGHT_BIT(right)))
            say_unreadable(reading, name, attribute->values[i], "a right whose want refuses nothing");
        else
            out->report_only |= RIGHT_BIT(right);
    }
}

static enum error read_version(struct load_context *load, const struct entry *entry, void *version,
                               struct attribute_reading *reading)
{
    struct receive_connector *out = version;
    bool is_edge = load_is_edge(load);
    enum error error = attribute_table_read(receive_attributes.rows, receive_attributes.count, entry, is_edge,
                                            load->arena, out, reading);
    if (error == OK)
        error = read_bindings(load, entry, out, reading);
    if (error == OK)
        error = read_ranges(load, entry, out, reading);
    if (error == OK)
        error = read_names(load, entry, out, reading);
    read_report_only(entry, out, reading);
    bool has_mechanism = entry_find(entry, "msExchSMTPReceiveInboundSecurityFlag") != NULL;
    if (load->request->flavor == FLAVOR_AD && !has_mechanism)
        out->auth_mechanism = AUTH_DEFAULT_IN_AD;
    out->lacks_mechanism = load->request->flavor != FLAVOR_AD && !has_mechanism;
    if ((out->role & (out->role - 1)) != 0 && reading->unreadable.text[0] == '\0')
        note_set(&reading->unreadable, "msExchSmtpReceiveRole %u is not one role", out->role);
    return error;
}

static bool serves_the_same(const struct receive_connector *a, const struct receive_connector *b)
{
    if (a->binding_count != b->binding_count || a->range_count != b->range_count || a->role != b->role)
        return false;
    for (size_t i = 0; i < a->binding_count; i++)
        if (!has_endpoint(b->bindings, b->binding_count, &a->bindings[i]))
            return false;
    for (size_t i = 0; i < a->range_count; i++)
        if (ip_compare(&a->ranges[i].low, &b->ranges[i].low) != 0 ||
            ip_compare(&a->ranges[i].high, &b->ranges[i].high) != 0)
            return false;
    return true;
}

/* The same clients, taken for the same identity. */
static bool reaches_the_same(const struct receive_connector *a, const struct receive_connector *b)
{
    return serves_the_same(a, b) && a->auth_mechanism == b->auth_mechanism;
}

static void narrow(const struct entry *present, void *version)
{
    struct receive_connector *connector = version;
    bool is_true;
    if (entry_boolean(present, "msExchSmtpReceiveEnabled", &is_true) == OK && !is_true)
        connector->is_enabled = false;
    struct receive_connector now = {0};
    struct attribute_reading unused = {0};
    read_report_only(present, &now, &unused);
    connector->report_only &= now.report_only;
    connector->allow_open_relay = entry_boolean(present, "dirrelayAllowOpenRelay", &is_true) == OK && is_true;
}

static const struct connector_reader reader = {.read = read_version, .narrow = narrow};

static enum error read_identity(struct load_context *load, const struct entry *entry,
                                struct receive_connector *out)
{
    enum error error = load_name(load, entry, &out->name);
    if (error == ERROR_LIMIT)
        return error;
    out->id = load_id(entry);
    out->created = load_created(entry);
    out->dn = arena_copy(load->arena, bytes_of_text(entry->dn)).ptr;
    if (error == OK && strchr(out->name, '\\'))
        error = ERROR_SYNTAX;
    if (error != OK) {
        out->name = "?";
        out->refused = "its cn cannot be printed, or holds a backslash";
    }
    out->display = load_text(load, "%s\\%s", load->organization->server.name, out->name);
    return out->dn && out->display ? OK : ERROR_LIMIT;
}

/* Rules and open relay, once values and permissions are in place. */
static void find_refusal(struct load_context *load, struct receive_connector *connector)
{
    if (connector->refused)
        return;
    connector->refused = validate_receive_connector(connector, &load->organization->server);
    struct note why = {0};
    if (!connector->refused && connector->is_enabled && !connector->allow_open_relay &&
        receive_connector_is_open_relay(connector, &why)) {
        bool says_it = bytes_starts_nocase(bytes_of_text(why.text), "open relay");
        connector->refused = load_text(load, "would be an %s%s", says_it ? "" : "open relay: ", why.text);
    }
}

static enum error read_connector(struct load_context *load, const struct entry *entry,
                                 struct receive_connector *out, bool *out_is_current)
{
    struct attribute_reading reading = {0};
    bool is_kept = false;
    struct receive_connector present = {0}, last = {0};
    enum error error = read_version(load, entry, &present, &reading);
    if (error == OK && reading.unreadable.text[0])
        error = load_last_good(load, entry, &reader, &last, &is_kept);
    *out = is_kept ? last : present;
    if (error == OK)
        error = read_identity(load, entry, out);
    if (error != OK)
        return error;
    *out_is_current = !is_kept;
    const char *refused = load_judge(load, entry, &reading, is_kept);
    if (refused)
        out->refused = refused;

    struct access_reading access;
    error = load_access(load, entry, true, &access);
    if (error == OK && is_kept && !reaches_the_same(&present, out))
        error = load_limit_to_kept(load, entry, &reading, "clients", &access);
    if (error != OK)
        return error;
    out->access = access.list;
    out->permission_groups = access.permission_groups;
    out->grants_nothing = access.grants_nothing != NULL;
    out->grants_nothing_why = access.grants_nothing;
    error = receive_connector_compute_rights(out);
    find_refusal(load, out);
    return error;
}

struct conflict_search {
    struct load_context *load;
    struct receive_connector *connectors;
};

/* A connector that was changed into a conflict did not serve like this before; the one it collides with did.
 */
static bool is_serving(const struct guid *id, void *owner)
{
    const struct conflict_search *search = owner;
    const struct organization *previous = search->load->request->previous;
    const struct receive_connector *before = previous ? organization_receive_by_id(previous, id) : NULL;
    if (!before || !before->is_enabled || before->refused)
        return false;
    for (size_t i = 0; i < search->load->receive.count; i++)
        if (guid_equal(&search->connectors[i].id, id))
            return serves_the_same(before, &search->connectors[i]);
    return false;
}

/* The sentence names the winner and lives only during the call. */
static void on_conflict(size_t loser, size_t winner, const char *why, void *owner)
{
    struct conflict_search *search = owner;
    (void)winner;
    search->connectors[loser].refused = load_text(search->load, "%s", why);
}

enum error load_receive_connectors(struct load_context *load)
{
    size_t count = load->receive.count;
    if (count == 0)
        return OK;
    struct receive_connector *connectors = arena_array(load->arena, count, sizeof(*connectors));
    bool *is_current = arena_array(&load->scratch, count, sizeof(*is_current));
    if (!connectors || !is_current)
        return ERROR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        enum error error = read_connector(load, load->receive.entries[i], &connectors[i], &is_current[i]);
        if (error != OK)
            return error;
    }
    struct conflict_search search = {load, connectors};
    enum error error = connector_conflicts(connectors, count, is_serving, on_conflict, &search);
    if (error != OK)
        return error;
    for (size_t i = 0; i < count; i++) {
        if (connectors[i].refused)
            load_refuse(load, connectors[i].dn, false, "%s", connectors[i].refused);
        else if (is_current[i])
            image_mark_good(load->request->image, load->receive.entries[i]->id);
    }
    load->organization->receive = connectors;
    load->organization->receive_count = count;
    return OK;
}

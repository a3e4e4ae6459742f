/* Send connectors: values, permissions, rules. Facts 1.4, 2.6, 2.7; contract 7. */
#include "directory/filter_text.h"
#include "organization/validate.h"
#include "source/attributes.h"
#include "source/load_connector.h"

#include <stdlib.h>

#define SPACES_MAX   10000
#define DN_BYTES_MAX 8192

static void say_unreadable(struct attribute_reading *reading, const char *name, const char *why)
{
    if (reading->unreadable.text[0] == '\0')
        note_set(&reading->unreadable, "%s: %s", name, why);
}

static enum error read_spaces(struct load_context *load, const struct entry *entry,
                              struct send_connector *out, struct attribute_reading *reading)
{
    const struct attribute *attribute = entry_find(entry, "routingList");
    size_t count = attribute ? attribute->value_count : 0;
    if (count == 0)
        return OK;
    if (count > SPACES_MAX) {
        say_unreadable(reading, "routingList", "too many address spaces");
        return OK;
    }
    struct address_space *spaces = arena_array(load->arena, count, sizeof(*spaces));
    if (!spaces)
        return ERROR_LIMIT;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct note note = {0};
        enum error error = address_space_parse(attribute->values[i], load->arena, &spaces[kept], &note);
        if (error == OK)
            kept++;
        else if (error == ERROR_SYNTAX)
            say_unreadable(reading, "routingList", note.text);
        else if (error != ERROR_NOT_FOUND)
            return error;
    }
    out->spaces = spaces;
    out->space_count = kept;
    return OK;
}

static enum error read_hosts(struct load_context *load, const struct entry *entry, struct send_connector *out,
                             struct attribute_reading *reading)
{
    struct bytes text;
    if (entry_text(entry, "msExchSmtpSmartHost", &text) == OK && bytes_trim(text).len > 0) {
        struct note note = {0};
        enum error error =
            smart_hosts_parse(text, load->arena, &out->smart_hosts, &out->smart_host_count, &note);
        if (error == ERROR_SYNTAX || (error == ERROR_LIMIT && note.text[0]))
            say_unreadable(reading, "msExchSmtpSmartHost", note.text);
        else if (error != OK)
            return error;
    }
    enum error named = smart_host_names(out->smart_hosts, out->smart_host_count, load->arena,
                                        &out->smart_host_names, &out->smart_host_name_count);
    if (named != OK)
        return named;
    if (entry_text(entry, "msExchSmtpSendBindingIPAddress", &text) == OK && bytes_trim(text).len > 0) {
        struct ip_address source;
        if (ip_parse_address(bytes_trim(text), &source) != OK)
            say_unreadable(reading, "msExchSmtpSendBindingIPAddress", "is not an address");
        else if (!ip_is_any(&source))
            out->source = source;
    }
    return OK;
}

static enum error read_tls_domain(struct load_context *load, const struct entry *entry,
                                  struct send_connector *out, struct attribute_reading *reading)
{
    struct bytes text;
    struct note note = {0};
    if (entry_text(entry, "msExchSmtpSendTlsDomain", &text) != OK || bytes_trim(text).len == 0)
        return OK; /* a bad one is told of by the table */
    enum error error = tls_domain_parse(bytes_trim(text), load->arena, &out->tls_domain, &note);
    if (error != ERROR_SYNTAX)
        return error;
    say_unreadable(reading, "msExchSmtpSendTlsDomain", note.text);
    return OK;
}

/* A bridgehead value names the server or an object below it; none means every server. */
static bool is_for_this_server(struct load_context *load, const struct entry *entry,
                               struct attribute_reading *reading)
{
    const struct attribute *attribute = entry_find(entry, "msExchSourceBridgeheadServersDN");
    if (!attribute || attribute->value_count == 0)
        return true;
    bool is_ours = false;
    struct buffer key;
    buffer_init(&key, DN_BYTES_MAX);
    for (size_t i = 0; i < attribute->value_count; i++) {
        buffer_clear(&key);
        if (dn_normalize(attribute->values[i], &key) != OK)
            say_unreadable(reading, "msExchSourceBridgeheadServersDN", "is not a DN");
        else if (dn_is_within(buffer_bytes(&key), bytes_of_text(load->server_entry->dn_key)))
            is_ours = true;
    }
    buffer_done(&key);
    return is_ours;
}

static enum error read_version(struct load_context *load, const struct entry *entry, void *version,
                               struct attribute_reading *reading)
{
    struct send_connector *out = version;
    enum error error = attribute_table_read(send_attributes.rows, send_attributes.count, entry,
                                            load_is_edge(load), load->arena, out, reading);
    if (error == OK && out->fqdn) {
        error = load_host_name(load, bytes_of_text(out->fqdn), &out->fqdn);
        if (error == ERROR_SYNTAX) {
            say_unreadable(reading, "msExchSMTPSendConnectorFQDN", "is not a host name");
            out->fqdn = NULL;
            error = OK;
        }
    }
    if (!out->fqdn)
        out->fqdn = load->organization->server.fqdn;
    if (out->tls_certificate_name && !load_is_certificate_name(bytes_of_text(out->tls_certificate_name)))
        say_unreadable(reading, "msExchSmtpTLSCertificate", "is not <I>issuer<S>subject");
    if (error == OK)
        error = read_spaces(load, entry, out, reading);
    if (error == OK)
        error = read_hosts(load, entry, out, reading);
    if (error == OK)
        error = read_tls_domain(load, entry, out, reading);
    if (error == OK)
        out->is_for_this_server = is_for_this_server(load, entry, reading);
    return error;
}

static void narrow(const struct entry *present, void *version)
{
    struct send_connector *connector = version;
    bool is_true;
    if (entry_boolean(present, "msExchSmtpSendEnabled", &is_true) == OK && !is_true)
        connector->is_enabled = false;
}

static const struct connector_reader reader = {.read = read_version, .narrow = narrow};

/* A loop through ourselves would fill the queue. */
static bool has_own_smart_host(const struct load_context *load, const struct send_connector *connector)
{
    const struct organization *organization = load->organization;
    for (size_t i = 0; i < connector->smart_host_count; i++)
        if (!connector->smart_hosts[i].name &&
            smart_host_is_own(&connector->smart_hosts[i].address, connector->port, organization->receive,
                              organization->receive_count))
            return true;
    return false;
}

static enum error read_identity(struct load_context *load, const struct entry *entry,
                                struct send_connector *out)
{
    enum error error = load_name(load, entry, &out->name);
    if (error == ERROR_LIMIT)
        return error;
    if (error != OK) {
        out->name = "?";
        out->refused = "its cn cannot be printed";
    }
    out->id = load_id(entry);
    out->created = load_created(entry);
    out->dn = arena_copy(load->arena, bytes_of_text(entry->dn)).ptr;
    return out->dn ? OK : ERROR_LIMIT;
}

static enum error read_permissions(struct load_context *load, const struct entry *entry,
                                   const struct attribute_reading *reading, bool is_kept,
                                   struct send_connector *out)
{
    struct access_reading access;
    enum error error = load_access(load, entry, false, &access);
    if (error == OK && is_kept)
        error = load_limit_to_kept(load, entry, reading, "smart hosts", &access);
    if (error != OK)
        return error;
    out->access = access.list;
    out->grants_nothing = access.grants_nothing != NULL;
    out->grants_nothing_why = access.grants_nothing;
    if (access.has_group_value && !out->refused)
        out->refused = "dirrelayPermissionGroups: a send connector has no permission groups";
    return send_connector_compute_rights(out);
}

static enum error read_connector(struct load_context *load, const struct entry *entry,
                                 struct send_connector *out)
{
    struct attribute_reading reading = {0};
    bool is_kept = false;
    struct send_connector last = {0};
    enum error error = read_version(load, entry, out, &reading);
    if (error == OK && reading.unreadable.text[0])
        error = load_last_good(load, entry, &reader, &last, &is_kept);
    if (is_kept)
        *out = last;
    if (error == OK)
        error = read_identity(load, entry, out);
    if (error != OK)
        return error;
    const char *refused = load_judge(load, entry, &reading, is_kept);
    if (refused)
        out->refused = refused;
    error = read_permissions(load, entry, &reading, is_kept, out);
    if (error != OK)
        return error;
    if (!out->refused)
        out->refused = validate_send_connector(out);
    if (!out->refused && has_own_smart_host(load, out))
        out->refused = "msExchSmtpSmartHost: a smart host is one of this server's own bindings";
    if (out->refused)
        load_refuse(load, out->dn, false, "%s", out->refused);
    else if (!is_kept)
        image_mark_good(load->request->image, entry->id);
    return OK;
}

static int compare_connectors(const void *left, const void *right)
{
    const struct send_connector *a = left;
    const struct send_connector *b = right;
    int order = bytes_compare_nocase(bytes_of_text(a->name), bytes_of_text(b->name));
    return order ? order : bytes_compare_nocase(bytes_of_text(a->dn), bytes_of_text(b->dn));
}

enum error load_send_connectors(struct load_context *load)
{
    size_t count = load->send.count;
    if (count == 0)
        return OK;
    struct send_connector *connectors = arena_array(load->arena, count, sizeof(*connectors));
    if (!connectors)
        return ERROR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        enum error error = read_connector(load, load->send.entries[i], &connectors[i]);
        if (error != OK)
            return error;
    }
    qsort(connectors, count, sizeof(*connectors), compare_connectors);
    load->organization->send = connectors;
    load->organization->send_count = count;
    return OK;
}

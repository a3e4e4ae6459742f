/* The server and the transport settings. */
#include "mail/domain.h"
#include "source/attributes.h"
#include "source/load_context.h"

#define FQDN_PREFIX "ncacn_ip_tcp:"

static enum error read_fqdn(struct load_context *load, const struct entry *entry, struct server *server)
{
    struct bytes fqdn = bytes_of_text(load->request->host_fqdn ? load->request->host_fqdn : server->name);
    const struct attribute *addresses = entry_find(entry, "networkAddress");
    for (size_t i = 0; addresses && i < addresses->value_count; i++) {
        if (!bytes_starts_nocase(addresses->values[i], FQDN_PREFIX))
            continue;
        struct bytes name = bytes_skip(addresses->values[i], sizeof(FQDN_PREFIX) - 1);
        char normal[DOMAIN_TEXT_SIZE];
        if (domain_normalize(name, normal) == OK) {
            fqdn = name;
            break;
        }
        load_refuse(load, entry->dn, false, "networkAddress \"%.*s\" is not a host name",
                    BYTES_ARG(bytes_first(addresses->values[i], 80)));
    }
    server->fqdn = arena_copy(load->arena, fqdn).ptr;
    return server->fqdn ? OK : ERROR_LIMIT;
}

/* What stands on the server or the transport settings holds for every connector: one that is not kept lets
 * none of them serve. */
static void close_connectors(struct load_context *load, const struct entry *entry, const char *why)
{
    if (!load->connectors_why)
        load->connectors_why = load_text(load, "%s: %s", entry->dn, why);
}

/* The values of one object, from its previous good version where the present one cannot be read;
 * *out_is_read: from one of the two. */
static enum error read_values(struct load_context *load, const struct attribute_table *table,
                              const struct entry *entry, void *object, bool *out_is_read)
{
    const struct entry *good = image_last_good(load->request->image, entry->id);
    struct attribute_reading reading = {0};
    enum error error =
        attribute_table_read(table->rows, table->count, entry, false, load->arena, object, &reading);
    bool is_kept = error == OK && reading.unreadable.text[0] && good && good != entry;
    if (is_kept) {
        struct attribute_reading ignored = {0};
        error = attribute_table_read(table->rows, table->count, good, false, load->arena, object, &ignored);
    }
    if (error != OK)
        return error;
    *out_is_read = is_kept || !reading.unreadable.text[0];
    if (reading.unreadable.text[0])
        load_refuse(load, entry->dn, is_kept, "%s", reading.unreadable.text);
    else
        image_mark_good(load->request->image, entry->id);
    if (reading.unsupported.text[0]) {
        load_refuse(load, entry->dn, false, "%s", reading.unsupported.text);
        close_connectors(load, entry, reading.unsupported.text);
    }
    return OK;
}

/* Which rights a permission group holds hangs on model and role. */
static void grant_nothing(struct load_context *load, const struct entry *entry, const char *what)
{
    load->groups_why = load_text(load, "%s on %s cannot be read", what, entry->dn);
    if (load->groups_why)
        load_refuse(load, entry->dn, false, "%s: every connector grants nothing", load->groups_why);
}

static void read_model(struct load_context *load, const struct entry *entry, struct server *server)
{
    struct bytes text;
    enum error error = entry_text(entry, "dirrelayPermissionModel", &text);
    server->model = PERMISSION_MODEL_2010;
    if (error == ERROR_NOT_FOUND)
        return;
    text = error == OK ? bytes_trim(text) : (struct bytes){0};
    if (bytes_equal_text_nocase(text, "2007"))
        server->model = PERMISSION_MODEL_2007;
    else if (!bytes_equal_text_nocase(text, "2010"))
        grant_nothing(load, entry, "dirrelayPermissionModel, neither 2007 nor 2010,");
}

enum error load_server(struct load_context *load)
{
    const struct entry *entry = load->server_entry;
    struct server *server = &load->organization->server;
    enum error error = load_name(load, load->organization_entry, &load->organization->name);
    if (error == OK)
        error = load_name(load, entry, &server->name);
    if (error != OK)
        return error;
    server->dn = arena_copy(load->arena, bytes_of_text(entry->dn)).ptr;
    if (!server->dn)
        return ERROR_LIMIT;
    struct server_values values;
    bool is_read;
    error = read_values(load, &server_attributes, entry, &values, &is_read);
    if (error != OK)
        return error;
    server->roles = values.roles;
    if (!is_read)
        grant_nothing(load, entry, "msExchCurrentServerRoles");
    read_model(load, entry, server);
    return read_fqdn(load, entry, server);
}

/* "5.4.6" */
static bool is_status(struct bytes text)
{
    size_t parts = 0;
    struct bytes part;
    uint64_t number;
    while (bytes_next(&text, '.', &part)) {
        if (part.len > 3 || bytes_to_u64(part, 999, &number) != OK)
            return false;
        parts++;
    }
    return parts == 3;
}

static enum error read_copied(struct load_context *load, const struct entry *entry,
                              struct transport_settings *settings)
{
    const struct attribute *copied = entry_find(entry, "msExchDSNSendCopyToAdmin");
    if (!copied || copied->value_count == 0)
        return OK;
    const char **statuses = arena_array(load->arena, copied->value_count, sizeof(const char *));
    if (!statuses)
        return ERROR_LIMIT;
    for (size_t i = 0; i < copied->value_count; i++) {
        struct bytes value = bytes_trim(copied->values[i]);
        if (!is_status(value)) {
            const char *why = "msExchDSNSendCopyToAdmin holds what is no status such as 5.4.6";
            load_refuse(load, entry->dn, false, "%s", why);
            close_connectors(load, entry, why);
            return OK;
        }
        statuses[i] = arena_copy(load->arena, value).ptr;
        if (!statuses[i])
            return ERROR_LIMIT;
    }
    settings->copied_statuses = statuses;
    settings->copied_status_count = copied->value_count;
    return OK;
}

/* One that cannot be read could be the one that mail must not reach without mutual TLS. */
static enum error read_secure(struct load_context *load, const struct entry *entry, const char *name,
                              const struct secure_domain **out, size_t *out_count)
{
    const struct attribute *attribute = entry_find(entry, name);
    size_t count = attribute ? attribute->value_count : 0;
    struct secure_domain *domains = count > 0 ? arena_array(load->arena, count, sizeof *domains) : NULL;
    if (count > 0 && !domains)
        return ERROR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        struct note note = {0};
        enum error error = secure_domain_parse(attribute->values[i], load->arena, &domains[i], &note);
        if (error == ERROR_SYNTAX) {
            load_refuse(load, entry->dn, false, "%s: %s", name, note.text);
            close_connectors(load, entry, name);
            return OK;
        }
        if (error != OK)
            return error;
    }
    *out = domains;
    *out_count = count;
    return OK;
}

/* What is no name would stand in every report. */
static void check_reporting_name(struct load_context *load, const struct entry *entry,
                                 struct transport_settings *settings)
{
    char normal[DOMAIN_TEXT_SIZE];
    const char *why = "msExchTransportExternalDSNReportingAuthority is not a host name";
    if (settings->external_reporting_name &&
        domain_normalize(bytes_of_text(settings->external_reporting_name), normal) != OK) {
        load_refuse(load, entry->dn, false, "%s", why);
        close_connectors(load, entry, why);
        settings->external_reporting_name = NULL;
    }
}

enum error load_settings(struct load_context *load)
{
    struct transport_settings *settings = &load->organization->settings;
    for (size_t i = 1; i < load->settings.count; i++)
        load_refuse(load, load->settings.entries[i]->dn, false,
                    "another msExchTransportSettings is in force: %s", load->settings.entries[0]->dn);
    if (load->settings.count == 0)
        return OK;
    const struct entry *entry = load->settings.entries[0];
    bool is_read;
    enum error error = read_values(load, &settings_attributes, entry, settings, &is_read);
    if (error != OK)
        return error;
    if (!is_read)
        close_connectors(load, entry, "a value cannot be read");
    check_reporting_name(load, entry, settings);
    error = read_copied(load, entry, settings);
    if (error == OK)
        error = read_secure(load, entry, "msExchTLSSendDomainSecureList", &settings->send_secure,
                            &settings->send_secure_count);
    if (error == OK)
        error = read_secure(load, entry, "msExchTLSReceiveDomainSecureList", &settings->receive_secure,
                            &settings->receive_secure_count);
    if (error != OK)
        return error;
    settings->dn = arena_copy(load->arena, bytes_of_text(entry->dn)).ptr;
    return settings->dn ? OK : ERROR_LIMIT;
}

/* The servers that direct trust knows: every one of the organization, this one among them. Facts 10.2, 10.3.
 */
#include "source/load_context.h"

#define ATTRIBUTE       "msExchServerInternalTLSCert"
#define CERTIFICATE_MAX (64u << 10)
#define DER_SEQUENCE    0x30

static bool take_value(struct load_context *load, struct bytes value, struct bytes *out)
{
    bool is_der = value.len > CERTIFICATE_THUMBPRINT_SIZE && value.len <= CERTIFICATE_MAX &&
                  value.ptr[0] == DER_SEQUENCE;
    if (!is_der && value.len != CERTIFICATE_THUMBPRINT_SIZE)
        return false;
    *out = arena_copy(load->arena, value);
    load->is_out_of_memory |= out->ptr == NULL;
    return true;
}

/* False: the server has none, or none that can be read. */
static bool read_certificate(struct load_context *load, const struct entry *entry, struct bytes *out)
{
    const struct attribute *attribute = entry_find(entry, ATTRIBUTE);
    if (!attribute || attribute->value_count == 0)
        return false;
    if (attribute->value_count == 1 && take_value(load, attribute->values[0], out))
        return true;
    load_refuse(load, entry->dn, false, "%s is neither a certificate nor a thumbprint: not trusted",
                ATTRIBUTE);
    return false;
}

/* Only hub and edge servers are known by their certificate. */
static bool read_identity(const struct entry *entry, enum identity *out)
{
    int64_t roles;
    if (entry_integer(entry, "msExchCurrentServerRoles", 0, INT32_MAX, &roles) != OK ||
        !(roles & (ROLE_HUB | ROLE_EDGE)))
        return false;
    *out = roles & ROLE_HUB ? IDENTITY_HUB : IDENTITY_EDGE;
    return true;
}

enum error load_direct_trust(struct load_context *load)
{
    struct organization *organization = load->organization;
    struct trusted_server *trusted = arena_array(load->arena, load->servers.count + 1, sizeof *trusted);
    if (!trusted)
        return ERROR_LIMIT;
    organization->trusted = trusted;
    for (size_t i = 0; i < load->servers.count; i++) {
        const struct entry *entry = load->servers.entries[i];
        struct trusted_server *server = &trusted[organization->trusted_count];
        if (!read_certificate(load, entry, &server->certificate))
            continue;
        if (entry == load->server_entry)
            organization->server.internal_certificate = server->certificate;
        if (!read_identity(entry, &server->identity))
            continue;
        enum error error = load_name(load, entry, &server->name);
        if (error == OK)
            organization->trusted_count++;
        else if (error != ERROR_SYNTAX)
            return error;
    }
    return OK;
}

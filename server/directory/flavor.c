#include "directory/flavor.h"

#include <string.h>
#include <strings.h>

static const struct flavor rows[] = {
    {FLAVOR_OPENLDAP, "entryUUID", NULL, {NULL, 0}, {NULL, 0}, true},
    /* LDAP_SERVER_SD_FLAGS: owner, group and DACL. */
    {FLAVOR_AD,
     "objectGUID",
     "1.2.840.113556.1.4.801",
     {"\x30\x03\x02\x01\x07", 5},
     {"\x30\x03\x02\x01\x04", 5},
     false},
};

const char *const flavor_root_attributes[] = {
    "namingContexts",   "configurationNamingContext", "defaultNamingContext",
    "supportedControl", "supportedCapabilities",      NULL,
};

const struct flavor *flavor_row(enum directory_flavor kind)
{
    return &rows[kind == FLAVOR_AD ? 1 : 0];
}

bool flavor_needs_control(const struct flavor *flavor, const struct directory_edit *edits, size_t edit_count)
{
    bool has_descriptor = false;
    for (size_t i = 0; i < edit_count; i++)
        has_descriptor = has_descriptor || strcasecmp(edits[i].attribute, "nTSecurityDescriptor") == 0;
    return has_descriptor && flavor->control_oid;
}

static bool has_value(const struct entry *root, const char *attribute, const char *value)
{
    const struct attribute *found = entry_find(root, attribute);
    for (size_t i = 0; found && i < found->value_count; i++)
        if (bytes_equal_text_nocase(found->values[i], value))
            return true;
    return false;
}

/* Copies a DN that fits; one that does not is as good as absent. */
static bool copy_dn(struct bytes value, char out[512])
{
    if (value.len >= 512 || value.len == 0 || memchr(value.ptr, 0, value.len))
        return false;
    memcpy(out, value.ptr, value.len);
    out[value.len] = '\0';
    return true;
}

static void read_contexts(const struct entry *root, struct directory_info *info)
{
    const struct attribute *contexts = entry_find(root, "namingContexts");
    size_t most = sizeof info->naming_contexts / sizeof info->naming_contexts[0];
    for (size_t i = 0; contexts && i < contexts->value_count && info->naming_context_count < most; i++)
        if (copy_dn(contexts->values[i], info->naming_contexts[info->naming_context_count]))
            info->naming_context_count++;
    struct bytes value;
    if (entry_text(root, "configurationNamingContext", &value) == OK)
        copy_dn(value, info->configuration_context);
    if (entry_text(root, "defaultNamingContext", &value) == OK)
        copy_dn(value, info->default_context);
    else if (info->naming_context_count > 0)
        memcpy(info->default_context, info->naming_contexts[0], sizeof info->default_context);
}

void flavor_read_root(const struct entry *root, enum directory_flavor wanted, struct directory_info *info,
                      struct features *features)
{
    /* AD and AD LDS (ADAM) name themselves by a capability. */
    bool is_ad = has_value(root, "supportedCapabilities", "1.2.840.113556.1.4.800") ||
                 has_value(root, "supportedCapabilities", "1.2.840.113556.1.4.1851");
    info->flavor = wanted != FLAVOR_UNKNOWN ? wanted : is_ad ? FLAVOR_AD : FLAVOR_OPENLDAP;
    read_contexts(root, info);
    features->has_paging = has_value(root, "supportedControl", "1.2.840.113556.1.4.319");
    features->has_sync = has_value(root, "supportedControl", "1.3.6.1.4.1.4203.1.9.1.1");
    features->has_notification =
        info->flavor == FLAVOR_AD && has_value(root, "supportedControl", "1.2.840.113556.1.4.528");
}

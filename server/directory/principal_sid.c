#include "directory/principal_sid.h"

#define NT_DOMAIN  21
#define NT_BUILTIN 32

const char *const principal_attributes[] = {"objectClass", "objectSid",  "sambaSID",  "uidNumber",
                                            "gidNumber",   "objectGUID", "entryUUID", NULL};

bool principal_is_group(const struct entry *entry)
{
    static const char *const classes[] = {
        "group",       "groupOfNames", "groupOfUniqueNames", "groupOfMembers",
        "groupOfURLs", "posixGroup",   "sambaGroupMapping"};
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
        if (entry_has_class(entry, classes[i]))
            return true;
    return false;
}

bool principal_sid_may_be_read(const struct sid *sid, bool is_group)
{
    if (sid->authority != SID_AUTHORITY_NT || sid->count < 2)
        return false;
    if (sid->sub_authorities[0] == NT_DOMAIN)
        return true;
    return is_group && sid->sub_authorities[0] == NT_BUILTIN;
}

enum error principal_sid_value(struct bytes value, struct sid *out)
{
    return bytes_starts_nocase(value, "S-1-") ? sid_parse(value, out) : sid_decode(value, out);
}

static enum error read_sid(const struct entry *entry, const struct attribute *attribute, struct sid *out,
                           struct note *note)
{
    if (attribute->value_count != 1 || principal_sid_value(attribute->values[0], out) != OK) {
        note_set(note, "its %.*s is not one SID", BYTES_ARG(attribute->name));
        return ERROR_SYNTAX;
    }
    if (!principal_sid_may_be_read(out, principal_is_group(entry))) {
        char text[SID_TEXT_SIZE];
        note_set(note, "its %.*s %s is no account's: only S-1-5-21-… counts, and S-1-5-32-… for groups",
                 BYTES_ARG(attribute->name), sid_format(out, text));
        return ERROR_SYNTAX;
    }
    return OK;
}

/* ERROR_NOT_FOUND: it has no such number. */
static enum error read_unix(const struct entry *entry, struct sid *out, struct note *note)
{
    const char *name = "uidNumber";
    uint32_t kind = SID_UNIX_USER;
    if (!entry_find(entry, name)) {
        if (!principal_is_group(entry))
            return ERROR_NOT_FOUND;
        name = "gidNumber";
        kind = SID_UNIX_GROUP;
    }
    int64_t number;
    enum error error = entry_integer(entry, name, 0, UINT32_MAX, &number);
    if (error == ERROR_NOT_FOUND)
        return error;
    if (error != OK) {
        note_set(note, "its %s is not one number", name);
        return ERROR_SYNTAX;
    }
    *out = (struct sid){
        .count = 2, .authority = SID_AUTHORITY_UNIX, .sub_authorities = {kind, (uint32_t)number}};
    return OK;
}

enum error principal_sid(const struct entry *entry, struct sid *out, enum principal_source *out_source,
                         struct note *note)
{
    static const struct {
        const char *name;
        enum principal_source source;
    } attributes[] = {{"objectSid", PRINCIPAL_OBJECT_SID}, {"sambaSID", PRINCIPAL_SAMBA_SID}};
    struct sid sid = {0};
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        const struct attribute *attribute = entry_find(entry, attributes[i].name);
        if (!attribute || attribute->value_count == 0)
            continue;
        enum error error = read_sid(entry, attribute, &sid, note);
        if (error == OK) {
            *out = sid;
            *out_source = attributes[i].source;
        }
        return error;
    }
    enum error error = read_unix(entry, &sid, note);
    if (error == OK) {
        *out_source = PRINCIPAL_UNIX;
    } else if (error == ERROR_NOT_FOUND && entry->has_id) {
        sid = (struct sid){.count = 4, .authority = SID_AUTHORITY_RESOURCE};
        for (size_t i = 0; i < 16; i++)
            sid.sub_authorities[i / 4] = sid.sub_authorities[i / 4] << 8 | entry->id[i];
        *out_source = PRINCIPAL_ENTRY_UUID;
    } else {
        if (error == ERROR_NOT_FOUND)
            note_set(note, "it has no entryUUID that can be read");
        return ERROR_SYNTAX;
    }
    *out = sid;
    return OK;
}

#include "auth/principal.h"

#include "base/utf8.h"
#include "directory/filter_text.h"
#include "directory/principal_sid.h"
#include "security/guid.h"

#include <inttypes.h>

#define NAME_MAX_BYTES 512
#define DN_MAX_BYTES   8192

static bool has_class_of(const struct entry *entry, const char *const *classes)
{
    for (; *classes; classes++)
        if (entry_has_class(entry, *classes))
            return true;
    return false;
}

bool principal_is_account(const struct entry *entry)
{
    static const char *const classes[] = {"person",          "organizationalPerson",
                                          "inetOrgPerson",   "user",
                                          "computer",        "account",
                                          "posixAccount",    "device",
                                          "sambaSamAccount", NULL};
    return has_class_of(entry, classes);
}

bool principal_may_log_in(const struct entry *entry)
{
    if (principal_is_account(entry))
        return true;
    bool is_key = entry_has_class(entry, "krbPrincipal") && !entry_has_class(entry, "ipaObject");
    return !is_key && !principal_is_group(entry);
}

enum error principal_domain(struct bytes dn, struct buffer *out_dn, struct buffer *out_name)
{
    struct buffer key;
    buffer_init(&key, DN_MAX_BYTES);
    enum error error = dn_normalize(dn, &key);
    struct bytes domain = {0};
    for (struct bytes rest = buffer_bytes(&key); error == OK && rest.len > 0; rest = dn_parent(rest)) {
        bool is_component = bytes_starts_nocase(rest, "dc=");
        if (!is_component) {
            domain.len = 0;
            buffer_clear(out_name);
            continue;
        }
        if (domain.len == 0)
            domain = rest;
        else
            error = buffer_append_byte(out_name, '.');
        struct bytes label = bytes_skip(bytes_first(rest, bytes_find(rest, ',')), 3);
        if (error == OK)
            error = buffer_append(out_name, label);
    }
    if (error == OK)
        error = buffer_append(out_dn, domain);
    buffer_done(&key);
    return error;
}

/* The directory's own realm or domain by its name in DNS. */
static bool is_own_domain(const struct principal_context *context, struct bytes name, bool may_be_first_label)
{
    struct buffer dn, domain;
    buffer_init(&dn, DN_MAX_BYTES);
    buffer_init(&domain, DN_MAX_BYTES);
    bool is_own = false;
    if (principal_domain(bytes_of_text(context->base), &dn, &domain) == OK && domain.len > 0) {
        struct bytes own = buffer_bytes(&domain);
        is_own = bytes_equal_nocase(own, name) ||
                 (may_be_first_label && bytes_equal_nocase(bytes_first(own, bytes_find(own, '.')), name));
    }
    buffer_done(&dn);
    buffer_done(&domain);
    return is_own;
}

/* Login names */

static enum error ask_login(const struct principal_context *context, struct bytes name,
                            struct search_question *out, struct note *note)
{
    static const char *const unix_names[] = {"uid", "mail"};
    static const char *const windows_names[] = {"sAMAccountName", "userPrincipalName", "mail"};
    const char *const *attributes = context->login_attributes;
    size_t count = context->login_attribute_count;
    (void)note;
    if (count == 0) {
        bool is_windows = context->flavor == FLAVOR_AD;
        attributes = is_windows ? windows_names : unix_names;
        count = is_windows ? 3 : 2;
    }
    enum error error = buffer_append_text(&out->filter, "(|");
    for (size_t i = 0; error == OK && i < count; i++)
        error = filter_append_equal(&out->filter, attributes[i], name);
    return error == OK ? buffer_append_byte(&out->filter, ')') : error;
}

/* Kerberos */

/* "alice" and "REALM" of "alice@REALM"; what needs an escape is nobody's name. */
static bool split_principal(struct bytes name, struct bytes *out_user, struct bytes *out_realm)
{
    size_t at = bytes_find(name, '@');
    *out_user = bytes_first(name, at);
    *out_realm = bytes_skip(name, at + 1);
    return at > 0 && out_realm->len > 0 && bytes_find(name, '\\') == name.len &&
           bytes_find(*out_realm, '@') == out_realm->len;
}

static enum error ask_kerberos(const struct principal_context *context, struct bytes name,
                               struct search_question *out, struct note *note)
{
    static const char *const unix_names[] = {"krbPrincipalName", "userPrincipalName"};
    static const char *const windows_names[] = {"userPrincipalName"};
    bool is_windows = context->flavor == FLAVOR_AD;
    const char *const *full_names = is_windows ? windows_names : unix_names;
    struct bytes user, realm;
    if (!split_principal(name, &user, &realm)) {
        note_set(note, "not a Kerberos principal");
        return ERROR_SYNTAX;
    }
    enum error error = buffer_append_text(&out->filter, "(|");
    for (size_t i = 0; error == OK && i < (is_windows ? 1 : 2); i++)
        error = filter_append_equal(&out->filter, full_names[i], name);
    /* A principal of another realm is somebody here only by its full name. */
    bool is_own = bytes_find(user, '/') == user.len && is_own_domain(context, realm, false);
    if (error == OK && is_own)
        error = filter_append_equal(&out->filter, is_windows ? "sAMAccountName" : "uid", user);
    if (error == OK && is_windows && !is_own) {
        struct buffer mapped;
        buffer_init(&mapped, NAME_MAX_BYTES + 16);
        error = buffer_printf(&mapped, "Kerberos:%.*s", BYTES_ARG(name));
        if (error == OK)
            error = filter_append_equal(&out->filter, "altSecurityIdentities", buffer_bytes(&mapped));
        buffer_done(&mapped);
    }
    return error == OK ? buffer_append_byte(&out->filter, ')') : error;
}

/* NTLM */

static bool split_windows(struct bytes name, struct bytes *out_domain, struct bytes *out_user)
{
    size_t at = bytes_find(name, '\\');
    *out_domain = bytes_first(name, at);
    *out_user = bytes_skip(name, at + 1);
    return at > 0 && out_user->len > 0 && bytes_find(*out_user, '\\') == out_user->len;
}

static enum error ask_ntlm(const struct principal_context *context, struct bytes name,
                           struct search_question *out, struct note *note)
{
    struct bytes domain, user;
    if (!split_windows(name, &domain, &user)) {
        note_set(note, "not DOMAIN\\user");
        return ERROR_SYNTAX;
    }
    bool is_windows = context->flavor == FLAVOR_AD;
    if (!is_windows && !is_own_domain(context, domain, true)) {
        note_set(note, "%.*s is not the directory's domain", BYTES_ARG(bytes_first(domain, 80)));
        return ERROR_NOT_FOUND;
    }
    return filter_append_equal(&out->filter, is_windows ? "sAMAccountName" : "uid", user);
}

enum error principal_ask_domain(const struct principal_context *context, const struct principal_name *name,
                                struct search_question *out, bool *out_is_some)
{
    struct bytes domain, user;
    *out_is_some = name->kind == ACCOUNT_NAME_NTLM && context->flavor == FLAVOR_AD &&
                   split_windows(name->name, &domain, &user) && !is_own_domain(context, domain, false);
    if (!*out_is_some)
        return OK;
    struct buffer dn, dns_name;
    buffer_init(&dn, DN_MAX_BYTES);
    buffer_init(&dns_name, DN_MAX_BYTES);
    enum error error = principal_domain(bytes_of_text(context->base), &dn, &dns_name);
    if (error == OK)
        error = buffer_printf(&out->base, "CN=Partitions,%s", context->configuration_context);
    if (error == OK)
        error = buffer_append_text(&out->filter, "(&(objectClass=crossRef)");
    if (error == OK)
        error = filter_append_equal(&out->filter, "nETBIOSName", domain);
    if (error == OK)
        error = filter_append_equal(&out->filter, "nCName", buffer_bytes(&dn));
    if (error == OK)
        error = buffer_append_byte(&out->filter, ')');
    buffer_done(&dn);
    buffer_done(&dns_name);
    return error;
}

struct principal_name principal_read_login(const struct principal_context *context,
                                           const struct principal_name *name)
{
    struct principal_name read = *name;
    if (name->kind == ACCOUNT_NAME_LOGIN && context->flavor == FLAVOR_AD &&
        bytes_find(name->name, '\\') < name->name.len)
        read.kind = ACCOUNT_NAME_NTLM;
    return read;
}

/* Names of the directory itself */

static enum error ask_dn(const struct principal_context *context, struct bytes name,
                         struct search_question *out, struct note *note)
{
    struct buffer key, base;
    buffer_init(&key, DN_MAX_BYTES);
    buffer_init(&base, DN_MAX_BYTES);
    enum error error = dn_normalize(name, &key);
    if (error == OK)
        error = dn_normalize(bytes_of_text(context->base), &base);
    if (error != OK) {
        note_set(note, "not a DN");
        error = ERROR_SYNTAX;
    } else if (!dn_is_within(buffer_bytes(&key), buffer_bytes(&base))) {
        note_set(note, "not below %.120s", context->base);
        error = ERROR_NOT_FOUND;
    }
    buffer_done(&key);
    buffer_done(&base);
    buffer_clear(&out->base);
    out->scope = SCOPE_BASE;
    out->may_be_absent = true;
    return error == OK ? buffer_append(&out->base, name) : error;
}

static enum error ask_id(const struct principal_context *context, struct bytes name,
                         struct search_question *out, struct note *note)
{
    struct guid guid;
    if (name.len != sizeof(guid.octets)) {
        note_set(note, "not an id");
        return ERROR_SYNTAX;
    }
    for (size_t i = 0; i < sizeof(guid.octets); i++)
        guid.octets[i] = (uint8_t)name.ptr[i];
    if (context->flavor == FLAVOR_AD) {
        uint8_t wire[16];
        guid_encode(&guid, wire);
        return filter_append_equal(&out->filter, "objectGUID", (struct bytes){(const char *)wire, 16});
    }
    char text[GUID_TEXT_SIZE];
    guid_format(&guid, text);
    return filter_append_equal(&out->filter, "entryUUID", bytes_of_text(text));
}

static enum error ask_sid(const struct principal_context *context, struct bytes name,
                          struct search_question *out, struct note *note)
{
    struct sid sid;
    if (sid_parse(name, &sid) != OK) {
        note_set(note, "not a SID");
        return ERROR_SYNTAX;
    }
    if (sid.authority == SID_AUTHORITY_UNIX && sid.count == 2 && sid.sub_authorities[0] == SID_UNIX_USER)
        return buffer_printf(&out->filter, "(uidNumber=%" PRIu32 ")", sid.sub_authorities[1]);
    if (sid.authority == SID_AUTHORITY_RESOURCE && sid.count == 4) {
        char id[16];
        for (size_t i = 0; i < sizeof(id); i++)
            id[i] = (char)(sid.sub_authorities[i / 4] >> (24 - 8 * (i % 4)));
        return ask_id(context, (struct bytes){id, sizeof(id)}, out, note);
    }
    if (!principal_sid_may_be_read(&sid, false)) {
        note_set(note, "no account's SID");
        return ERROR_NOT_FOUND;
    }
    uint8_t binary[68];
    size_t len = sid_encode(&sid, binary);
    enum error error = buffer_append_text(&out->filter, "(|");
    if (error == OK)
        error = filter_append_equal(&out->filter, "objectSid", (struct bytes){(const char *)binary, len});
    if (error == OK)
        error = filter_append_equal(&out->filter, "objectSid", name);
    if (error == OK && context->flavor != FLAVOR_AD)
        error = filter_append_equal(&out->filter, "sambaSID", name);
    return error == OK ? buffer_append_byte(&out->filter, ')') : error;
}

/* Addresses */

static enum error ask_address(const struct principal_context *context, struct bytes name,
                              struct search_question *out, struct note *note)
{
    struct buffer proxy;
    buffer_init(&proxy, NAME_MAX_BYTES + sizeof "smtp:");
    (void)context;
    (void)note;
    enum error error = buffer_append_text(&proxy, "smtp:");
    if (error == OK)
        error = buffer_append(&proxy, name);
    if (error == OK)
        error = buffer_append_text(&out->filter, "(|");
    if (error == OK)
        error = filter_append_equal(&out->filter, "mail", name);
    if (error == OK)
        error = filter_append_equal(&out->filter, "proxyAddresses", buffer_bytes(&proxy));
    if (error == OK)
        error = filter_append_equal(&out->filter, "mailAlternateAddress", name);
    buffer_done(&proxy);
    return error == OK ? buffer_append_byte(&out->filter, ')') : error;
}

struct kind_row {
    enum error (*ask)(const struct principal_context *context, struct bytes name, struct search_question *out,
                      struct note *note);
    size_t most_bytes;
    bool is_text;
};

static const struct kind_row kinds[] = {
    [ACCOUNT_NAME_LOGIN] = {ask_login, NAME_MAX_BYTES, true},
    [ACCOUNT_NAME_KERBEROS] = {ask_kerberos, NAME_MAX_BYTES, true},
    [ACCOUNT_NAME_NTLM] = {ask_ntlm, NAME_MAX_BYTES, true},
    [ACCOUNT_NAME_DN] = {ask_dn, DN_MAX_BYTES, true},
    [ACCOUNT_NAME_SID] = {ask_sid, SID_TEXT_SIZE, true},
    [ACCOUNT_NAME_ID] = {ask_id, 16, false},
    [ACCOUNT_NAME_ADDRESS] = {ask_address, NAME_MAX_BYTES, true},
    [ACCOUNT_NAME_SENDER] = {ask_address, NAME_MAX_BYTES, true},
};

enum error principal_ask(const struct principal_context *context, const struct principal_name *name,
                         struct search_question *out, struct note *note)
{
    const struct kind_row *row = &kinds[name->kind];
    bool is_text = utf8_is_valid(name->name) && bytes_find(name->name, '\0') == name->name.len &&
                   bytes_trim(name->name).len > 0;
    if (name->name.len > row->most_bytes || (row->is_text && !is_text)) {
        note_set(note, "nobody can be called that");
        return ERROR_SYNTAX;
    }
    out->scope = SCOPE_SUBTREE;
    enum error error = buffer_append_text(&out->base, context->base);
    return error == OK ? row->ask(context, name->name, out, note) : error;
}

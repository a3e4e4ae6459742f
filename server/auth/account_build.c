#include "auth/account_build.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define ACCOUNT_BYTES_MAX (64u << 20)

const char *const account_attributes[] = {
    "uid", "sAMAccountName", "cn", "displayName", "mail", "proxyAddresses", "mailAlternateAddress", NULL,
};

static bool is_text(struct bytes value)
{
    return value.len > 0 && utf8_is_valid(value) && bytes_find(value, '\0') == value.len;
}

/* The first value of the first of the attributes that has one. */
static const char *copy_first(struct arena *arena, const struct entry *entry, const char *const *names)
{
    for (; *names; names++) {
        const struct attribute *attribute = entry_find(entry, *names);
        for (size_t i = 0; attribute && i < attribute->value_count; i++)
            if (is_text(attribute->values[i]))
                return arena_copy(arena, attribute->values[i]).ptr;
    }
    return NULL;
}

/* Addresses */

struct address_row {
    const char *attribute;
    const char *prefix;
};

static const struct address_row address_rows[] = {
    {"mail", ""},
    {"proxyAddresses", "smtp:"},
    {"mailAlternateAddress", ""},
};

/* At most, and at least room for one. */
static size_t count_addresses(const struct entry *entry)
{
    size_t count = 1;
    for (size_t row = 0; row < sizeof(address_rows) / sizeof(address_rows[0]); row++) {
        const struct attribute *values = entry_find(entry, address_rows[row].attribute);
        count += values ? values->value_count : 0;
    }
    return count;
}

static enum error add_addresses(struct account *account, const struct entry *entry)
{
    const char **addresses = arena_array(&account->arena, count_addresses(entry), sizeof(const char *));
    if (!addresses)
        return ERROR_LIMIT;
    account->addresses = addresses;
    for (size_t row = 0; row < sizeof(address_rows) / sizeof(address_rows[0]); row++) {
        const struct attribute *values = entry_find(entry, address_rows[row].attribute);
        for (size_t i = 0; values && i < values->value_count; i++) {
            struct bytes address = values->values[i];
            if (!bytes_starts_nocase(address, address_rows[row].prefix))
                continue;
            address = bytes_skip(address, strlen(address_rows[row].prefix));
            if (!is_text(address) || account_owns(account, address))
                continue;
            addresses[account->address_count] = arena_copy(&account->arena, address).ptr;
            if (!addresses[account->address_count++])
                return ERROR_LIMIT;
        }
    }
    return OK;
}

/* SIDs */

static const enum sid_known well_known[] = {SID_EVERYONE, SID_AUTHENTICATED, SID_NETWORK};
#define WELL_KNOWN_COUNT (sizeof(well_known) / sizeof(well_known[0]))

static enum error add_sids(struct account *account, const struct sid_list *list)
{
    size_t count = list->count + WELL_KNOWN_COUNT;
    struct account_sid *sids = arena_array(&account->arena, count, sizeof(*sids));
    struct sid *values = calloc(count, sizeof(*values));
    enum error error = sids && values ? OK : ERROR_LIMIT;
    for (size_t i = 0; error == OK && i < list->count; i++) {
        sids[i] = list->rows[i]->sid;
        if (sids[i].name)
            sids[i].name = arena_copy(&account->arena, bytes_of_text(sids[i].name)).ptr;
        if (!sids[i].name && list->rows[i]->name)
            error = ERROR_LIMIT;
    }
    for (size_t i = 0; error == OK && i < WELL_KNOWN_COUNT; i++)
        sids[list->count + i] = (struct account_sid){
            .sid = *sid_known(well_known[i]),
            .source = ACCOUNT_SID_WELL_KNOWN,
            .name = sid_known_windows_name(well_known[i]),
            .via = ACCOUNT_VIA_SELF,
        };
    for (size_t i = 0; error == OK && i < count; i++)
        values[i] = sids[i].sid;
    account->token = error == OK ? token_new(values, NULL, count) : NULL;
    free(values);
    account->sids = sids;
    account->sid_count = count;
    return account->token ? OK : ERROR_LIMIT;
}

enum error account_build(const struct entry *entry, const struct sid_list *sids, uint64_t epoch,
                         int64_t expires_ms, struct account **out)
{
    static const char *const names[] = {"uid", "sAMAccountName", NULL};
    static const char *const display_names[] = {"displayName", "cn", NULL};
    struct account *account = calloc(1, sizeof(*account));
    if (!account)
        return ERROR_TEMPORARY;
    atomic_init(&account->references, 1);
    arena_init(&account->arena, ACCOUNT_BYTES_MAX);
    memcpy(account->id, entry->id, sizeof(account->id));
    account->epoch = epoch;
    account->expires_ms = expires_ms;
    account->dn = arena_copy(&account->arena, bytes_of_text(entry->dn)).ptr;
    account->name = copy_first(&account->arena, entry, names);
    if (!account->name)
        account->name = account->dn;
    account->display_name = copy_first(&account->arena, entry, display_names);
    enum error error = account->dn ? add_addresses(account, entry) : ERROR_LIMIT;
    if (error == OK && sids)
        error = add_sids(account, sids);
    if (error == OK)
        *out = account;
    else
        account_unref(account);
    return error;
}

size_t account_bytes(const struct account *account)
{
    /* The token holds every SID again, and its place in a table. */
    return sizeof(*account) + account->arena.used_bytes + account->sid_count * (sizeof(struct sid) + 32);
}

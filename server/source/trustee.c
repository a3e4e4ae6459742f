#include "source/trustee.h"

#include "directory/filter_text.h"
#include "directory/principal_sid.h"
#include "organization/ace_text.h"

#include <stdlib.h>

#define DN_BYTES_MAX      8192
#define WELL_KNOWN_PREFIX "B:32:"
#define WELL_KNOWN_DIGITS 32
#define EXCHANGE_RDNS     "cn=microsoft exchange,cn=services,"

static const struct {
    const char *guid_digits;
    const char *name;
} exchange_groups[EXCHANGE_GROUP_COUNT] = {
    [EXCHANGE_GROUP_SERVERS] = {"6C01D2A7F08345038132789EEB127B84", "Exchange Servers"},
    [EXCHANGE_GROUP_LEGACY_INTEROP] = {"3F965B9CF1674B4A936CB8EFB19C4784", "ExchangeLegacyInterop"},
};

struct trustee_row {
    struct sid sid;
    const struct entry *entry;
};

static int compare_rows(const void *left, const void *right)
{
    const struct trustee_row *a = left;
    const struct trustee_row *b = right;
    return sid_compare(&a->sid, &b->sid);
}

/* A SID made of an entryUUID is one principal's alone; the others are compared. */
static bool has_sid_attribute(const struct entry *entry, struct sid *out)
{
    enum principal_source source;
    return principal_sid(entry, out, &source, NULL) == OK && source != PRINCIPAL_ENTRY_UUID;
}

static void add_row(const struct entry *entry, void *owner)
{
    struct trustee_table *table = owner;
    if (has_sid_attribute(entry, &table->rows[table->count].sid))
        table->rows[table->count++].entry = entry;
}

enum error trustee_table_init(struct trustee_table *table, const struct image *image)
{
    /* One more than needed: every entry's SID is first written to the next place. */
    *table = (struct trustee_table){.image = image};
    table->rows = calloc(image_count(image) + 1, sizeof(*table->rows));
    if (!table->rows)
        return ERROR_TEMPORARY;
    image_each(image, add_row, table);
    qsort(table->rows, table->count, sizeof(*table->rows), compare_rows);
    return OK;
}

void trustee_table_done(struct trustee_table *table)
{
    free(table->rows);
    *table = (struct trustee_table){0};
}

/* Another principal with the same SID, or NULL. */
static const struct entry *find_double(const struct trustee_table *table, const struct sid *sid,
                                       const struct entry *entry)
{
    size_t low = 0, high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sid_compare(&table->rows[middle].sid, sid) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < table->count && sid_equal(&table->rows[low].sid, sid); low++)
        if (table->rows[low].entry != entry)
            return table->rows[low].entry;
    return NULL;
}

enum error trustee_resolve(const struct trustee_table *table, struct bytes dn, struct sid *out,
                           struct note *note)
{
    struct buffer key;
    buffer_init(&key, DN_BYTES_MAX);
    enum error error = dn_normalize(dn, &key);
    if (error == OK)
        error = buffer_append_byte(&key, '\0');
    const struct entry *entry = error == OK ? image_by_dn(table->image, key.ptr) : NULL;
    buffer_done(&key);
    if (error != OK) {
        note_set(note, "\"%.*s\" is not a DN", BYTES_ARG(bytes_first(dn, 80)));
        return ERROR_SYNTAX;
    }
    if (!entry)
        return ERROR_NOT_FOUND;
    struct sid sid;
    enum principal_source source;
    error = principal_sid(entry, &sid, &source, note);
    if (error != OK) {
        note_wrap(note, "%.120s", entry->dn);
        return error;
    }
    const struct entry *other = source == PRINCIPAL_ENTRY_UUID ? NULL : find_double(table, &sid, entry);
    if (other) {
        note_set(note, "%.100s has the SID of %.100s", entry->dn, other->dn);
        return ERROR_SYNTAX;
    }
    *out = sid;
    return OK;
}

/* The DN that otherWellKnownObjects gives for a GUID, or empty. */
static struct bytes well_known(const struct entry *entry, const char *guid_digits)
{
    const struct attribute *attribute = entry_find(entry, "otherWellKnownObjects");
    for (size_t i = 0; attribute && i < attribute->value_count; i++) {
        struct bytes value = attribute->values[i];
        if (!bytes_starts_nocase(value, WELL_KNOWN_PREFIX))
            continue;
        value = bytes_skip(value, sizeof(WELL_KNOWN_PREFIX) - 1);
        if (bytes_equal_text_nocase(bytes_first(value, WELL_KNOWN_DIGITS), guid_digits) &&
            value.len > WELL_KNOWN_DIGITS && value.ptr[WELL_KNOWN_DIGITS] == ':')
            return bytes_skip(value, WELL_KNOWN_DIGITS + 1);
    }
    return (struct bytes){0};
}

enum error trustee_exchange_group_dn(const struct entry *exchange, enum exchange_group group,
                                     struct buffer *out)
{
    struct bytes dn = well_known(exchange, exchange_groups[group].guid_digits);
    if (dn.len > 0)
        return buffer_append(out, dn);
    /* CN=Microsoft Exchange,CN=Services,CN=Configuration,<domain> */
    struct bytes domain = dn_parent(dn_parent(dn_parent(bytes_of_text(exchange->dn))));
    return buffer_printf(out, "CN=%s,OU=Microsoft Exchange Security Groups%s%.*s",
                         exchange_groups[group].name, domain.len > 0 ? "," : "", BYTES_ARG(domain));
}

const char *trustee_exchange_group_name(enum exchange_group group)
{
    return exchange_groups[group].name;
}

void trustee_each_dn(const struct entry *entry, void (*each)(struct bytes dn, void *owner), void *owner)
{
    const struct attribute *lines = entry_find(entry, "dirrelayAce");
    for (size_t i = 0; lines && i < lines->value_count; i++) {
        struct ace_text ace;
        if (ace_text_parse(lines->values[i], &ace, NULL) == OK && ace.trustee_kind == ACE_TRUSTEE_DN)
            each(ace.dn, owner);
    }
    if (!bytes_starts_nocase(bytes_of_text(entry->dn_key), EXCHANGE_RDNS))
        return;
    for (int group = 0; group < EXCHANGE_GROUP_COUNT; group++) {
        struct buffer dn;
        buffer_init(&dn, DN_BYTES_MAX);
        if (trustee_exchange_group_dn(entry, (enum exchange_group)group, &dn) == OK)
            each(buffer_bytes(&dn), owner);
        buffer_done(&dn);
    }
}

#include "directory/entry_builder.h"

#include "directory/filter_text.h"
#include "directory/octet.h"

#include <stdlib.h>
#include <string.h>

#define DN_BYTES_MAX 8192

enum error entry_builder_begin(struct entry_builder *builder, struct bytes dn)
{
    *builder = (struct entry_builder){0};
    if (dn.len > DN_BYTES_MAX)
        return ERROR_LIMIT;
    struct buffer key;
    buffer_init(&key, 4 * DN_BYTES_MAX);
    enum error error = memchr(dn.ptr ? dn.ptr : "", 0, dn.len) ? ERROR_SYNTAX : dn_normalize(dn, &key);
    struct entry *entry = error == OK ? calloc(1, sizeof *entry) : NULL;
    if (entry) {
        arena_init(&entry->arena, ENTRY_BYTES_MAX);
        entry->dn = (char *)arena_copy(&entry->arena, dn).ptr;
        entry->dn_key = (char *)arena_copy(&entry->arena, buffer_bytes(&key)).ptr;
        if (entry->dn && entry->dn_key) {
            builder->entry = entry;
        } else {
            entry_free(entry);
            error = ERROR_LIMIT;
        }
    } else if (error == OK) {
        error = ERROR_LIMIT;
    }
    buffer_done(&key);
    return error;
}

static bool is_name_character(char c, bool is_first)
{
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || (!is_first && (c == '-' || c == '.'));
}

/* "descr" or "numericoid" in front of the options; RFC 4512, 2.5. AD has "range=0-*" among the options. */
static enum error read_name(struct bytes description, struct bytes *out)
{
    struct bytes name = bytes_first(description, bytes_find(description, ';'));
    if (name.len == 0 || name.len > 255)
        return ERROR_SYNTAX;
    for (size_t i = 0; i < description.len; i++) {
        char c = description.ptr[i];
        bool is_option = i >= name.len;
        if (!is_name_character(c, i == 0) && !(is_option && (c == ';' || c == '=' || c == '*' || c == '_')))
            return ERROR_SYNTAX;
    }
    *out = name;
    return OK;
}

static struct attribute *find_attribute(struct entry_builder *builder, struct bytes name)
{
    /* Values of one attribute mostly follow each other: the last one first. */
    for (size_t i = builder->entry->attribute_count; i > 0; i--)
        if (bytes_equal_nocase(builder->attributes[i - 1].name, name))
            return &builder->attributes[i - 1];
    return NULL;
}

static struct attribute *append_attribute(struct entry_builder *builder, struct bytes name)
{
    struct entry *entry = builder->entry;
    if (entry->attribute_count == ENTRY_ATTRIBUTES_MAX)
        return NULL;
    if (entry->attribute_count == builder->attribute_capacity) {
        size_t capacity = builder->attribute_capacity ? 2 * builder->attribute_capacity : 16;
        struct attribute *grown = arena_array(&entry->arena, capacity, sizeof *grown);
        if (!grown)
            return NULL;
        if (entry->attribute_count > 0)
            memcpy(grown, builder->attributes, entry->attribute_count * sizeof *grown);
        builder->attributes = grown;
        builder->attribute_capacity = capacity;
        entry->attributes = grown;
    }
    struct bytes copy = arena_copy(&entry->arena, name);
    if (!copy.ptr)
        return NULL;
    struct attribute *attribute = &builder->attributes[entry->attribute_count++];
    *attribute = (struct attribute){.name = copy};
    return attribute;
}

static enum error ensure_attribute(struct entry_builder *builder, struct bytes description,
                                   struct attribute **out)
{
    struct bytes name;
    enum error error = read_name(description, &name);
    if (error != OK)
        return error;
    struct attribute *attribute = find_attribute(builder, name);
    if (!attribute)
        attribute = append_attribute(builder, name);
    if (!attribute)
        return ERROR_LIMIT;
    *out = attribute;
    return OK;
}

enum error entry_builder_name(struct entry_builder *builder, struct bytes description)
{
    struct attribute *attribute;
    return ensure_attribute(builder, description, &attribute);
}

enum error entry_builder_add(struct entry_builder *builder, struct bytes description, struct bytes value)
{
    struct attribute *attribute;
    enum error error = ensure_attribute(builder, description, &attribute);
    if (error != OK)
        return error;
    struct arena *arena = &builder->entry->arena;
    size_t count = attribute->value_count;
    /* The room for values doubles: it is full whenever the count is a power of two. */
    if ((count & (count - 1)) == 0) {
        struct bytes *grown = arena_array(arena, count ? 2 * count : 1, sizeof *grown);
        if (!grown)
            return ERROR_LIMIT;
        if (count > 0)
            memcpy(grown, attribute->values, count * sizeof *grown);
        attribute->values = grown;
    }
    struct bytes copy = arena_copy(arena, value);
    if (!copy.ptr)
        return ERROR_LIMIT;
    ((struct bytes *)attribute->values)[count] = copy;
    attribute->value_count++;
    return OK;
}

/* The 36 characters of RFC 4530. */
static bool read_entry_uuid(struct bytes text, uint8_t out[16])
{
    if (text.len != 36)
        return false;
    uint8_t id[16];
    size_t place = 0;
    for (size_t i = 0; i < 36;) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (text.ptr[i++] != '-')
                return false;
            continue;
        }
        int high = octet_hex_value(text.ptr[i]), low = octet_hex_value(text.ptr[i + 1]);
        if (high < 0 || low < 0)
            return false;
        id[place++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    memcpy(out, id, sizeof id);
    return true;
}

/* AD stores the first three fields little-endian; their text, and so the id, is big-endian. */
static bool read_object_guid(struct bytes value, uint8_t out[16])
{
    static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    if (value.len != 16)
        return false;
    for (size_t i = 0; i < 16; i++)
        out[i] = (uint8_t)value.ptr[order[i]];
    return true;
}

struct entry *entry_builder_finish(struct entry_builder *builder)
{
    struct entry *entry = builder->entry;
    const struct attribute *uuid = entry_find(entry, "entryUUID");
    const struct attribute *guid = entry_find(entry, "objectGUID");
    if (uuid && uuid->value_count == 1)
        entry->has_id = read_entry_uuid(uuid->values[0], entry->id);
    if (!entry->has_id && guid && guid->value_count == 1)
        entry->has_id = read_object_guid(guid->values[0], entry->id);
    *builder = (struct entry_builder){0};
    return entry;
}

void entry_builder_drop(struct entry_builder *builder)
{
    entry_free(builder->entry);
    *builder = (struct entry_builder){0};
}

void entry_make_id(struct entry *entry)
{
    /* FNV-1a with 128 bits: it need not resist anybody, the file's owner could as well write the id himself.
     */
    __extension__ typedef unsigned __int128 wide;
    const wide prime = ((wide)1 << 88) + 0x13b;
    wide hash = ((wide)0x6c62272e07bb0142u << 64) + 0x62b821756295c58du;
    for (const char *c = entry->dn_key; *c; c++)
        hash = (hash ^ (uint8_t)*c) * prime;
    for (size_t i = 16; i > 0; i--, hash >>= 8)
        entry->id[i - 1] = (uint8_t)hash;
    entry->id[6] = (uint8_t)((entry->id[6] & 0x0f) | 0x80);
    entry->id[8] = (uint8_t)((entry->id[8] & 0x3f) | 0x80);
    entry->has_id = true;
}

static bool is_wanted(struct bytes name, const char *const *attributes)
{
    if (!attributes || bytes_equal_text_nocase(name, "entryUUID") ||
        bytes_equal_text_nocase(name, "objectGUID"))
        return true;
    for (; *attributes; attributes++)
        if (strcmp(*attributes, "*") == 0 || bytes_equal_text_nocase(name, *attributes))
            return true;
    return false;
}

struct entry *entry_select(const struct entry *entry, const char *const *attributes)
{
    struct entry_builder builder;
    enum error error = entry_builder_begin(&builder, bytes_of_text(entry->dn));
    for (size_t i = 0; error == OK && i < entry->attribute_count; i++) {
        const struct attribute *attribute = &entry->attributes[i];
        if (!is_wanted(attribute->name, attributes))
            continue;
        error = entry_builder_name(&builder, attribute->name);
        for (size_t v = 0; error == OK && v < attribute->value_count; v++)
            error = entry_builder_add(&builder, attribute->name, attribute->values[v]);
    }
    if (error != OK) {
        entry_builder_drop(&builder);
        return NULL;
    }
    struct entry *copy = entry_builder_finish(&builder);
    copy->has_id = entry->has_id;
    memcpy(copy->id, entry->id, sizeof copy->id);
    return copy;
}

static uint64_t digest_bytes(uint64_t digest, struct bytes bytes)
{
    const uint64_t prime = 0x100000001b3u;
    /* The length goes first, so that "a" "bc" and "ab" "c" differ. */
    for (size_t i = 0, length = bytes.len; i < sizeof length; i++, length >>= 8)
        digest = (digest ^ (uint8_t)length) * prime;
    for (size_t i = 0; i < bytes.len; i++)
        digest = (digest ^ (uint8_t)bytes.ptr[i]) * prime;
    return digest;
}

uint64_t entry_digest(const struct entry *entry)
{
    uint64_t digest = digest_bytes(0xcbf29ce484222325u, bytes_of_text(entry->dn));
    for (size_t i = 0; i < entry->attribute_count; i++) {
        const struct attribute *attribute = &entry->attributes[i];
        digest = digest_bytes(digest, attribute->name);
        for (size_t v = 0; v < attribute->value_count; v++)
            digest = digest_bytes(digest, attribute->values[v]);
    }
    return digest;
}

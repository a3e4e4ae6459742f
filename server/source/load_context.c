#include "source/load_context.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAME_BYTES_MAX   256
#define REFUSED_MAX      100000
#define REASON_BYTES_MAX 4096

const char *load_text(struct load_context *load, const char *format, ...)
{
    char text[REASON_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    const char *copy = arena_copy(load->arena, bytes_of_text(text)).ptr;
    if (!copy)
        load->is_out_of_memory = true;
    return copy;
}

void load_refuse(struct load_context *load, const char *dn, bool is_kept, const char *format, ...)
{
    char text[REASON_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (load->refused_count == load->refused_capacity) {
        size_t capacity = load->refused_capacity ? 2 * load->refused_capacity : 16;
        struct refusal *larger =
            capacity > REFUSED_MAX ? NULL : arena_array(&load->scratch, capacity, sizeof(*larger));
        if (!larger) {
            load->is_out_of_memory = true;
            return;
        }
        if (load->refused_count > 0)
            memcpy(larger, load->refused, load->refused_count * sizeof(*larger));
        load->refused = larger;
        load->refused_capacity = capacity;
    }
    struct refusal refusal = {
        .dn = load_text(load, "%s", dn), .why = load_text(load, "%s", text), .is_kept = is_kept};
    if (refusal.dn && refusal.why)
        load->refused[load->refused_count++] = refusal;
}

bool load_is_edge(const struct load_context *load)
{
    return (load->organization->server.roles & ROLE_EDGE) != 0;
}

enum error load_name(struct load_context *load, const struct entry *entry, const char **out)
{
    const struct attribute *attribute = entry_find(entry, "cn");
    if (!attribute || attribute->value_count == 0)
        return ERROR_SYNTAX;
    struct bytes name = attribute->values[0];
    if (name.len == 0 || name.len > NAME_BYTES_MAX)
        return ERROR_SYNTAX;
    for (size_t i = 0; i < name.len; i++)
        if ((uint8_t)name.ptr[i] < 0x20 || name.ptr[i] == 0x7f)
            return ERROR_SYNTAX;
    *out = arena_copy(load->arena, name).ptr;
    return *out ? OK : ERROR_LIMIT;
}

struct guid load_id(const struct entry *entry)
{
    struct guid id;
    memcpy(id.octets, entry->id, sizeof(id.octets));
    return id;
}

int64_t load_created(const struct entry *entry)
{
    struct bytes text;
    if (entry_text(entry, "createTimestamp", &text) != OK && entry_text(entry, "whenCreated", &text) != OK)
        return 0;
    /* Generalized time; a fraction of a second does not matter here. */
    struct tm time = {0};
    char digits[15];
    if (text.len < sizeof(digits) || text.ptr[text.len - 1] != 'Z')
        return 0;
    memcpy(digits, text.ptr, 14);
    digits[14] = '\0';
    if (strspn(digits, "0123456789") != 14 || !strptime(digits, "%Y%m%d%H%M%S", &time))
        return 0;
    return (int64_t)timegm(&time);
}

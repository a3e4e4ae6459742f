#include "source/load_connector.h"

#include "mail/domain.h"

bool load_is_certificate_name(struct bytes text)
{
    return bytes_starts_nocase(text, "<I>") && bytes_find_text(text, "<S>") < text.len;
}

enum error load_host_name(struct load_context *load, struct bytes text, const char **out)
{
    char normal[DOMAIN_TEXT_SIZE];
    if (domain_normalize(text, normal) != OK)
        return ERROR_SYNTAX;
    bool is_ascii = true;
    for (size_t i = 0; i < text.len; i++)
        is_ascii = is_ascii && (uint8_t)text.ptr[i] < 0x80;
    const char *name = arena_copy(load->arena, is_ascii ? text : bytes_of_text(normal)).ptr;
    if (!name)
        return ERROR_LIMIT;
    *out = name;
    return OK;
}

enum error load_last_good(struct load_context *load, const struct entry *entry,
                          const struct connector_reader *reader, void *version, bool *out_is_good)
{
    const struct entry *good = image_last_good(load->request->image, entry->id);
    *out_is_good = false;
    if (!good || good == entry)
        return OK;
    struct attribute_reading reading = {0};
    enum error error = reader->read(load, good, version, &reading);
    *out_is_good = error == OK && !reading.unreadable.text[0] && !reading.unsupported.text[0];
    if (*out_is_good)
        reader->narrow(entry, version);
    return error;
}

const char *load_judge(struct load_context *load, const struct entry *entry,
                       const struct attribute_reading *reading, bool is_kept)
{
    if (reading->unsupported.text[0])
        return load_text(load, "%s", reading->unsupported.text);
    if (reading->unreadable.text[0] && !is_kept)
        return load_text(load, "%s", reading->unreadable.text);
    if (reading->unreadable.text[0])
        load_refuse(load, entry->dn, true, "%s", reading->unreadable.text);
    return load->connectors_why;
}

enum error load_access(struct load_context *load, const struct entry *entry, bool want_any,
                       struct access_reading *out)
{
    enum error error = access_source_read(&load->access, entry, out);
    if (error != OK)
        return error;
    if (load->groups_why) {
        out->grants_nothing = load->groups_why;
        out->is_unreadable = true;
    }
    if (out->grants_nothing && (out->is_unreadable || want_any))
        load_refuse(load, entry->dn, false, "grants nothing: %s", out->grants_nothing);
    return OK;
}

enum error load_limit_to_kept(struct load_context *load, const struct entry *entry,
                              const struct attribute_reading *reading, const char *who,
                              struct access_reading *access)
{
    struct access_reading before;
    const struct entry *good = image_last_good(load->request->image, entry->id);
    enum error error = access_source_read(&load->access, good, &before);
    if (error != OK || access->grants_nothing || access_list_is_within(&access->list, &before.list))
        return error;
    access->grants_nothing =
        load_text(load, "new rights would go to the %s of the previous version, since %s", who,
                  reading->unreadable.text);
    access->is_unreadable = true;
    load_refuse(load, entry->dn, false, "grants nothing: %s", access->grants_nothing);
    return access->grants_nothing ? OK : ERROR_LIMIT;
}

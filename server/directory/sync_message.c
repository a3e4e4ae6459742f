#include "directory/sync_message.h"

#include "directory/berval.h"

#include <ldap.h>
#include <stdlib.h>
#include <string.h>

enum error sync_message_write_request(struct bytes cookie, struct buffer *out)
{
    BerElement *ber = ber_alloc_t(LBER_USE_DER);
    if (!ber)
        return ERROR_TEMPORARY;
    struct berval cookie_value = berval_of_bytes(cookie), value = {0};
    int code = cookie.len > 0 ? ber_printf(ber, "{eO}", LDAP_SYNC_REFRESH_AND_PERSIST, &cookie_value)
                              : ber_printf(ber, "{e}", LDAP_SYNC_REFRESH_AND_PERSIST);
    enum error error = code < 0 || ber_flatten2(ber, &value, 0) < 0 ? ERROR_TEMPORARY : OK;
    if (error == OK)
        error = buffer_append(out, bytes_of_berval(&value));
    ber_free(ber, 1);
    return error;
}

/* liblber reads from a copy of its own. It follows a null pointer when there is nothing to read. */
static enum error begin(struct bytes value, BerElement **out)
{
    if (value.len == 0)
        return ERROR_PROTOCOL;
    struct berval bytes = berval_of_bytes(value);
    *out = ber_init(&bytes);
    return *out ? OK : ERROR_LIMIT;
}

/* Takes an OCTET STRING when one is next. */
static bool read_optional_cookie(BerElement *ber, struct bytes *out)
{
    ber_len_t length;
    if (ber_peek_tag(ber, &length) != LDAP_TAG_SYNC_COOKIE)
        return true;
    struct berval cookie;
    if (ber_scanf(ber, "m", &cookie) == LBER_ERROR)
        return false;
    *out = bytes_of_berval(&cookie);
    return true;
}

/* Takes a BOOLEAN when one is next. */
static bool read_optional_flag(BerElement *ber, bool *out)
{
    ber_len_t length;
    if (ber_peek_tag(ber, &length) != LBER_BOOLEAN)
        return true;
    ber_int_t flag;
    if (ber_scanf(ber, "b", &flag) == LBER_ERROR)
        return false;
    *out = flag != 0;
    return true;
}

static enum error read_entry(BerElement *ber, struct sync_entry *entry)
{
    ber_int_t state;
    struct berval id;
    if (ber_scanf(ber, "{em", &state, &id) == LBER_ERROR || !read_optional_cookie(ber, &entry->cookie))
        return ERROR_PROTOCOL;
    if (state < LDAP_SYNC_PRESENT || state > LDAP_SYNC_DELETE || id.bv_len != sizeof entry->id)
        return ERROR_PROTOCOL;
    entry->state = (enum sync_state)state;
    memcpy(entry->id, id.bv_val, sizeof entry->id);
    return OK;
}

enum error sync_message_read_entry(struct bytes value, struct sync_entry *out)
{
    struct sync_entry entry = {0};
    enum error error = begin(value, &entry.memory);
    if (error == OK)
        error = read_entry(entry.memory, &entry);
    if (error == OK)
        *out = entry;
    else
        sync_message_entry_done(&entry);
    return error;
}

void sync_message_entry_done(struct sync_entry *entry)
{
    if (entry->memory)
        ber_free(entry->memory, 1);
    *entry = (struct sync_entry){0};
}

static enum error read_ids(BerElement *ber, struct sync_info *info)
{
    size_t capacity = 0;
    ber_len_t length;
    char *end;
    for (ber_tag_t tag = ber_first_element(ber, &length, &end); tag != LBER_DEFAULT;
         tag = ber_next_element(ber, &length, end)) {
        struct berval id;
        if (ber_scanf(ber, "m", &id) == LBER_ERROR || id.bv_len != 16)
            return ERROR_PROTOCOL;
        if (info->id_count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            struct bytes *grown = realloc(info->ids, capacity * sizeof *grown);
            if (!grown)
                return ERROR_LIMIT;
            info->ids = grown;
        }
        info->ids[info->id_count++] = bytes_of_berval(&id);
    }
    return OK;
}

static enum error read_refresh(BerElement *ber, struct sync_info *info)
{
    info->is_refresh_done = true;
    if (ber_scanf(ber, "{") == LBER_ERROR || !read_optional_cookie(ber, &info->cookie) ||
        !read_optional_flag(ber, &info->is_refresh_done))
        return ERROR_PROTOCOL;
    return OK;
}

static enum error read_id_set(BerElement *ber, struct sync_info *info)
{
    if (ber_scanf(ber, "{") == LBER_ERROR || !read_optional_cookie(ber, &info->cookie) ||
        !read_optional_flag(ber, &info->are_deletes))
        return ERROR_PROTOCOL;
    return read_ids(ber, info);
}

static enum error read_kind(BerElement *ber, struct sync_info *info)
{
    ber_len_t length;
    struct berval cookie;
    switch (ber_peek_tag(ber, &length)) {
    case LDAP_TAG_SYNC_NEW_COOKIE:
        info->kind = SYNC_INFO_COOKIE;
        if (ber_scanf(ber, "m", &cookie) == LBER_ERROR)
            return ERROR_PROTOCOL;
        info->cookie = bytes_of_berval(&cookie);
        return OK;
    case LDAP_TAG_SYNC_REFRESH_DELETE:
        info->kind = SYNC_INFO_REFRESH_DELETE;
        return read_refresh(ber, info);
    case LDAP_TAG_SYNC_REFRESH_PRESENT:
        info->kind = SYNC_INFO_REFRESH_PRESENT;
        return read_refresh(ber, info);
    case LDAP_TAG_SYNC_ID_SET:
        info->kind = SYNC_INFO_ID_SET;
        return read_id_set(ber, info);
    default:
        return ERROR_PROTOCOL;
    }
}

enum error sync_message_read_info(struct bytes value, struct sync_info *out)
{
    struct sync_info info = {0};
    enum error error = begin(value, &info.memory);
    if (error == OK)
        error = read_kind(info.memory, &info);
    if (error == OK)
        *out = info;
    else
        sync_message_info_done(&info);
    return error;
}

void sync_message_info_done(struct sync_info *info)
{
    free(info->ids);
    if (info->memory)
        ber_free(info->memory, 1);
    *info = (struct sync_info){0};
}

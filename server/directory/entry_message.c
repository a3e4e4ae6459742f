#include "directory/entry_message.h"

#include "directory/berval.h"

/* ";range=LOW-HIGH" or ";range=LOW-*". */
struct range_option {
    bool is_present;
    bool is_last;
    uint64_t low;
    uint64_t next;
};

static enum error read_range(struct bytes description, struct range_option *out)
{
    *out = (struct range_option){0};
    struct bytes rest = bytes_skip(description, bytes_find(description, ';') + 1), option;
    while (bytes_next(&rest, ';', &option)) {
        if (!bytes_starts_nocase(option, "range="))
            continue;
        struct bytes low = bytes_skip(option, 6);
        size_t dash = bytes_find(low, '-');
        struct bytes high = bytes_skip(low, dash + 1);
        low = bytes_first(low, dash);
        out->is_present = true;
        out->is_last = bytes_equal(high, BYTES_LITERAL("*"));
        uint64_t last = 0;
        if (bytes_to_u64(low, UINT32_MAX, &out->low) != OK ||
            (!out->is_last && bytes_to_u64(high, UINT32_MAX, &last) != OK) ||
            (!out->is_last && last < out->low))
            return ERROR_PROTOCOL;
        out->next = last + 1;
    }
    return OK;
}

static enum error add_values(struct entry_builder *builder, struct bytes description,
                             const struct berval *values)
{
    enum error error = entry_builder_name(builder, description);
    for (; error == OK && values && values->bv_val; values++)
        error = entry_builder_add(builder, description, bytes_of_berval(values));
    return error;
}

/* What each attribute of a message is given to. */
typedef enum error each_attribute(struct bytes description, const struct berval *values, void *owner);

static enum error walk(LDAP *handle, LDAPMessage *message, BerElement *ber, each_attribute *each, void *owner)
{
    for (;;) {
        struct berval name = {0}, *values = NULL;
        int code = ldap_get_attribute_ber(handle, message, ber, &name, &values);
        if (code != LDAP_SUCCESS)
            return ERROR_PROTOCOL;
        if (!name.bv_val)
            return OK;
        enum error error = each(bytes_of_berval(&name), values, owner);
        if (values)
            ber_memfree(values);
        if (error != OK)
            return error;
    }
}

struct begin_state {
    struct entry_builder *builder;
    struct entry_ranges *ranges;
};

static enum error begin_attribute(struct bytes description, const struct berval *values, void *owner)
{
    struct begin_state *state = owner;
    struct range_option option;
    enum error error = read_range(description, &option);
    /* AD lists "member" without values beside "member;range=…": both land on the one name. */
    if (error == OK)
        error = add_values(state->builder, description, values);
    if (error != OK || !option.is_present || option.is_last)
        return error;
    if (state->ranges->count == ENTRY_RANGES_MAX)
        return ERROR_LIMIT;
    struct bytes name = bytes_first(description, bytes_find(description, ';'));
    name = arena_copy(&state->builder->entry->arena, name);
    if (!name.ptr)
        return ERROR_LIMIT;
    state->ranges->rows[state->ranges->count++] = (struct entry_range){name, option.next};
    return OK;
}

enum error entry_message_begin(LDAP *handle, LDAPMessage *message, struct entry_builder *builder,
                               struct entry_ranges *out_ranges)
{
    *builder = (struct entry_builder){0};
    *out_ranges = (struct entry_ranges){0};
    BerElement *ber = NULL;
    struct berval dn;
    if (ldap_get_dn_ber(handle, message, &ber, &dn) != LDAP_SUCCESS)
        return ERROR_PROTOCOL;
    enum error error = entry_builder_begin(builder, bytes_of_berval(&dn));
    struct begin_state state = {builder, out_ranges};
    if (error == OK)
        error = walk(handle, message, ber, begin_attribute, &state);
    ber_free(ber, 0);
    if (error != OK)
        entry_builder_drop(builder);
    return error;
}

struct continue_state {
    struct entry_builder *builder;
    struct entry_range *range;
    bool is_found;
    bool is_last;
};

static enum error continue_attribute(struct bytes description, const struct berval *values, void *owner)
{
    struct continue_state *state = owner;
    struct range_option option;
    enum error error = read_range(description, &option);
    struct bytes name = bytes_first(description, bytes_find(description, ';'));
    if (error != OK || !option.is_present || !bytes_equal_nocase(name, state->range->name))
        return error;
    /* A part that does not begin where the last one ended would lose members, or give them twice. */
    if (option.low != state->range->next || state->is_found)
        return ERROR_PROTOCOL;
    state->is_found = true;
    state->is_last = option.is_last;
    state->range->next = option.next;
    return add_values(state->builder, description, values);
}

enum error entry_message_continue(LDAP *handle, LDAPMessage *message, struct entry_builder *builder,
                                  struct entry_range *range, bool *out_is_last)
{
    BerElement *ber = NULL;
    struct berval dn;
    if (ldap_get_dn_ber(handle, message, &ber, &dn) != LDAP_SUCCESS)
        return ERROR_PROTOCOL;
    struct continue_state state = {builder, range, false, false};
    enum error error = walk(handle, message, ber, continue_attribute, &state);
    ber_free(ber, 0);
    if (error == OK && !state.is_found)
        error = ERROR_PROTOCOL;
    *out_is_last = state.is_last;
    return error;
}

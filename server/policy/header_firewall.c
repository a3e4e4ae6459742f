#include "policy/header_firewall.h"

#define NO_RIGHT RIGHT_COUNT
#define MARK     "X-CrossPremisesHeadersFilteredBySendConnector"

/* Facts 6.1, in the order of the classes. */
static const struct {
    const char *name;
    bool is_prefix;
    enum right inbound; /* the right that keeps it, NO_RIGHT: nothing does */
    enum right outbound;
} CLASSES[] = {
    {"Received", false, RIGHT_ACCEPT_HEADERS_ROUTING, RIGHT_SEND_HEADERS_ROUTING},
    {"Resent-", true, RIGHT_ACCEPT_HEADERS_ROUTING, RIGHT_SEND_HEADERS_ROUTING},
    {"X-MS-Exchange-Organization-", true, RIGHT_ACCEPT_HEADERS_ORGANIZATION, RIGHT_SEND_HEADERS_ORGANIZATION},
    {"X-MS-Exchange-Forest-", true, RIGHT_ACCEPT_HEADERS_FOREST, RIGHT_SEND_HEADERS_FOREST},
    {"X-MS-Exchange-CrossPremises-", true, NO_RIGHT, NO_RIGHT},
};

#define CLASS_COUNT (sizeof(CLASSES) / sizeof(CLASSES[0]))

static bool is_of_class(const struct header_field *field, size_t class)
{
    return CLASSES[class].is_prefix ? header_name_starts(field, CLASSES[class].name)
                                    : header_name_is(field, CLASSES[class].name);
}

bool header_firewall_removes(const struct header_field *field, void *firewall)
{
    struct header_firewall *filter = firewall;
    const char letter = header_first_letter(field);
    if (letter != HEADER_ANY && letter != 'r' && letter != 'x') { /* as no class does */
        return false;
    }
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        enum right keeps = filter->is_inbound ? CLASSES[i].inbound : CLASSES[i].outbound;
        bool is_kept = keeps != NO_RIGHT && (filter->rights & RIGHT_BIT(keeps));
        if (!is_kept && is_of_class(field, i)) {
            filter->has_cross_premises |= keeps == NO_RIGHT;
            return true;
        }
    }
    return false;
}

uint32_t header_firewall_needed(struct bytes block)
{
    uint32_t needed = 0;
    struct header_field field;
    while (header_next(&block, &field)) {
        for (size_t i = 0; i < CLASS_COUNT; i++) {
            if (CLASSES[i].inbound != NO_RIGHT && is_of_class(&field, i)) {
                needed |= RIGHT_BIT(CLASSES[i].inbound);
            }
        }
    }
    return needed;
}

static enum error run(struct bytes block, struct header_firewall *filter, struct buffer *out,
                      size_t *out_removed)
{
    enum error error = OK;
    size_t removed = header_remove(block, header_firewall_removes, filter, out, &error);
    if (error == OK && out_removed != NULL) {
        *out_removed = removed;
    }
    return error;
}

enum error header_firewall_inbound(struct bytes block, uint32_t rights, struct buffer *out,
                                   size_t *out_removed)
{
    struct header_firewall filter = {.rights = rights, .is_inbound = true};
    return run(block, &filter, out, out_removed);
}

enum error header_firewall_outbound(struct bytes block, uint32_t rights, struct bytes host,
                                    struct buffer *out, size_t *out_removed)
{
    struct header_firewall filter = {.rights = rights};
    enum error error = run(block, &filter, out, out_removed);
    bool is_told = filter.has_cross_premises && host.len > 0;
    return error == OK && is_told ? buffer_printf(out, MARK ": %.*s\r\n", BYTES_ARG(host)) : error;
}

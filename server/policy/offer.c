#include "policy/offer.h"

#include <inttypes.h>
#include <stdio.h>

#define LINE_SIZE 64

/* In the order of facts 8.1. SIZE is written apart for its number; STARTTLS has no option of its own. */
static const struct {
    enum offer offer;
    enum protocol_option option;
    const char *keyword;
} KEYWORDS[] = {
    {OFFER_SIZE, OPTION_SIZE, "SIZE"},
    {OFFER_PIPELINING, OPTION_PIPELINING, "PIPELINING"},
    {OFFER_ENHANCEDSTATUSCODES, OPTION_ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES"},
    {OFFER_STARTTLS, 0, "STARTTLS"},
    {OFFER_8BITMIME, OPTION_8BITMIME, "8BITMIME"},
};

bool offer_has_starttls(const struct receive_connector *connector, unsigned channel)
{
    return (connector->auth_mechanism & AUTH_TLS) && (channel & CHANNEL_CERTIFICATE) &&
           !(channel & CHANNEL_TLS);
}

uint32_t offer_of(const struct receive_connector *connector, const struct session_rights *rights,
                  unsigned channel)
{
    uint32_t offered = 0;
    for (size_t i = 0; i < sizeof(KEYWORDS) / sizeof(KEYWORDS[0]); i++) {
        offered |= connector->protocol_options & KEYWORDS[i].option ? KEYWORDS[i].offer : 0;
    }
    offered |= offer_has_starttls(connector, channel) ? OFFER_STARTTLS : 0;
    /* A number that does not bind this session would only make its clients hold mail back. */
    if ((offered & OFFER_SIZE) && !(connector->protocol_options & OPTION_SIZE_HIDDEN) &&
        !session_rights_has(rights, RIGHT_BYPASS_MESSAGE_SIZE_LIMIT)) {
        offered |= OFFER_SIZE_VALUE;
    }
    return offered;
}

void offer_each(uint64_t max_message_bytes, uint32_t offered, void (*each)(const char *line, void *owner),
                void *owner)
{
    for (size_t i = 0; i < sizeof(KEYWORDS) / sizeof(KEYWORDS[0]); i++) {
        if (!(offered & KEYWORDS[i].offer)) {
            continue;
        }
        if (KEYWORDS[i].offer == OFFER_SIZE && (offered & OFFER_SIZE_VALUE)) {
            char line[LINE_SIZE];
            (void)snprintf(line, sizeof(line), "SIZE %" PRIu64, max_message_bytes);
            each(line, owner);
        } else {
            each(KEYWORDS[i].keyword, owner);
        }
    }
}

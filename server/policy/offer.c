#include "policy/offer.h"

#include <inttypes.h>
#include <stdio.h>

#define LINE_SIZE 64

/* In the order of facts 8.1. SIZE is written apart for its number, AUTH and X-EXPS for their mechanisms; what
 * has no option of its own hangs on AuthMechanism. */
static const struct {
    enum offer offer;
    enum protocol_option option;
    const char *keyword;
} KEYWORDS[] = {
    {OFFER_SIZE, OPTION_SIZE, "SIZE"},
    {OFFER_PIPELINING, OPTION_PIPELINING, "PIPELINING"},
    {OFFER_DSN, OPTION_DSN, "DSN"},
    {OFFER_ENHANCEDSTATUSCODES, OPTION_ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES"},
    {OFFER_STARTTLS, 0, "STARTTLS"},
    {OFFER_X_ANONYMOUSTLS, 0, "X-ANONYMOUSTLS"},
    {OFFER_AUTH, 0, "AUTH"},
    {OFFER_EXCHANGE, 0, "X-EXPS"},
    {OFFER_8BITMIME, OPTION_8BITMIME, "8BITMIME"},
    {OFFER_BINARYMIME, OPTION_BINARYMIME, "BINARYMIME"},
    {OFFER_CHUNKING, OPTION_CHUNKING, "CHUNKING"},
    {OFFER_XEXCH50, 0, "XEXCH50"},
    {OFFER_SMTPUTF8, OPTION_SMTPUTF8, "SMTPUTF8"},
};

/* In the order they are shown. Basic authentication outside TLS is a rule of its own. */
static const struct {
    enum offer offer;
    uint32_t flags; /* enum auth_mechanism: one of them is needed */
    enum channel works;
    const char *name;
} MECHANISMS[] = {
    {OFFER_AUTH_GSSAPI, AUTH_INTEGRATED, CHANNEL_GSSAPI, "GSSAPI"},
    {OFFER_AUTH_NTLM, AUTH_INTEGRATED, CHANNEL_NTLM, "NTLM"},
    {OFFER_AUTH_LOGIN, AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS, CHANNEL_LOGIN, "LOGIN"},
    {OFFER_AUTH_PLAIN, AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS, CHANNEL_PLAIN, "PLAIN"},
    {OFFER_EXCHANGE_GSSAPI, AUTH_EXCHANGE_SERVER, CHANNEL_GSSAPI, "GSSAPI"},
    {OFFER_EXCHANGE_NTLM, AUTH_EXCHANGE_SERVER, CHANNEL_NTLM, "NTLM"},
};

uint32_t offer_mechanisms(const struct receive_connector *connector, unsigned channel)
{
    uint32_t offered = 0, flags = connector->auth_mechanism;
    if (!(channel & CHANNEL_TLS)) {
        flags &= flags & AUTH_BASIC_REQUIRE_TLS ? ~(uint32_t)(AUTH_BASIC | AUTH_BASIC_REQUIRE_TLS) : AUTH_ALL;
        flags = connector->protocol_restrictions & RESTRICTION_REQUIRE_TLS ? 0 : flags;
    }
    for (size_t i = 0; i < sizeof(MECHANISMS) / sizeof(MECHANISMS[0]); i++) {
        bool is_offered = (flags & MECHANISMS[i].flags) && (channel & MECHANISMS[i].works);
        offered |= is_offered ? MECHANISMS[i].offer : 0u;
    }
    return offered;
}

bool offer_has_starttls(const struct receive_connector *connector, unsigned channel)
{
    return (connector->auth_mechanism & AUTH_TLS) && (channel & CHANNEL_CERTIFICATE) &&
           !(channel & CHANNEL_TLS);
}

bool offer_has_x_anonymoustls(const struct receive_connector *connector, unsigned channel)
{
    return (connector->auth_mechanism & AUTH_EXCHANGE_SERVER) &&
           !(connector->protocol_options & OPTION_SUPPRESS_X_ANONYMOUSTLS) &&
           (channel & CHANNEL_INTERNAL_CERTIFICATE) && !(channel & CHANNEL_TLS);
}

uint32_t offer_of(const struct receive_connector *connector, const struct session_rights *rights,
                  unsigned channel)
{
    uint32_t offered = 0;
    for (size_t i = 0; i < sizeof(KEYWORDS) / sizeof(KEYWORDS[0]); i++) {
        offered |= connector->protocol_options & KEYWORDS[i].option ? KEYWORDS[i].offer : 0;
    }
    if (!(offered & OFFER_CHUNKING)) {
        offered &= ~(uint32_t)OFFER_BINARYMIME; /* nothing else carries it */
    }
    if (!(offered & OFFER_8BITMIME)) {
        offered &= ~(uint32_t)OFFER_SMTPUTF8; /* RFC 6531 3.1 */
    }
    offered |= channel & CHANNEL_XEXCH50 ? OFFER_XEXCH50 : 0;
    offered |= offer_has_starttls(connector, channel) ? OFFER_STARTTLS : 0;
    offered |= offer_has_x_anonymoustls(connector, channel) ? OFFER_X_ANONYMOUSTLS : 0;
    offered |= offer_mechanisms(connector, channel);
    /* A number that does not bind this session would only make its clients hold mail back. */
    if ((offered & OFFER_SIZE) && !(connector->protocol_options & OPTION_SIZE_HIDDEN) &&
        !session_rights_has(rights, RIGHT_BYPASS_MESSAGE_SIZE_LIMIT)) {
        offered |= OFFER_SIZE_VALUE;
    }
    return offered;
}

/* "AUTH GSSAPI NTLM LOGIN PLAIN": the offered mechanisms of one keyword. */
static void format_mechanisms(const char *keyword, uint32_t offered, char line[LINE_SIZE])
{
    int length = snprintf(line, LINE_SIZE, "%s", keyword);
    for (size_t i = 0; i < sizeof(MECHANISMS) / sizeof(MECHANISMS[0]); i++) {
        if (offered & MECHANISMS[i].offer) {
            length += snprintf(line + length, LINE_SIZE - (size_t)length, " %s", MECHANISMS[i].name);
        }
    }
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
        } else if (KEYWORDS[i].offer & (OFFER_AUTH | OFFER_EXCHANGE)) {
            char line[LINE_SIZE];
            format_mechanisms(KEYWORDS[i].keyword, offered & KEYWORDS[i].offer, line);
            each(line, owner);
        } else {
            each(KEYWORDS[i].keyword, owner);
        }
    }
}

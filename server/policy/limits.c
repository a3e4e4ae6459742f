#include "policy/limits.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Both objects say "unlimited" with 0. */
static uint64_t or_none(uint64_t limit)
{
    return limit == UNLIMITED ? UINT64_MAX : limit;
}

/* A partner has proved its domain, which is not ours. */
static bool is_outside(enum identity identity)
{
    return identity == IDENTITY_ANONYMOUS || identity == IDENTITY_PARTNER;
}

uint64_t limits_message_bytes(const struct organization *organization, const struct session_rights *rights)
{
    const struct transport_settings *settings = &organization->settings;
    if (session_rights_has(rights, RIGHT_BYPASS_MESSAGE_SIZE_LIMIT)) {
        return UINT64_MAX;
    }
    uint64_t ours = is_outside(rights->identity) ? settings->max_receive_bytes : settings->max_send_bytes;
    return smaller(or_none(rights->connector->max_message_bytes), or_none(ours));
}

uint32_t limits_recipients(const struct organization *organization, const struct session_rights *rights)
{
    if (limits_are_bypassed(organization, rights)) {
        return UINT32_MAX;
    }
    uint64_t limit =
        smaller(or_none(rights->connector->max_recipients), or_none(organization->settings.max_recipients));
    return limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX;
}

bool limits_are_bypassed(const struct organization *organization, const struct session_rights *rights)
{
    return session_rights_has(rights, RIGHT_BYPASS_MESSAGE_SIZE_LIMIT) &&
           organization->server.model == PERMISSION_MODEL_2010;
}

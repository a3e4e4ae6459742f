#include "organization/identity.h"

#include <assert.h>

static const enum sid_known SIDS[IDENTITY_FIXED_COUNT] = {
    [IDENTITY_ANONYMOUS] = SID_ANONYMOUS,
    [IDENTITY_PARTNER] = SID_PARTNER_SERVERS,
    [IDENTITY_HUB] = SID_HUB_SERVERS,
    [IDENTITY_EDGE] = SID_EDGE_SERVERS,
    [IDENTITY_EXTERNALLY_SECURED] = SID_EXTERNALLY_SECURED,
    [IDENTITY_LEGACY] = SID_LEGACY_SERVERS,
};

enum sid_known identity_sid(enum identity identity)
{
    assert(identity < IDENTITY_FIXED_COUNT);
    return SIDS[identity];
}

const char *identity_name(enum identity identity)
{
    return sid_known_windows_name(identity_sid(identity));
}

/* Who a session can be without an account: the fixed identities of facts 8.5. */
#ifndef ORGANIZATION_IDENTITY_H
#define ORGANIZATION_IDENTITY_H

#include "security/sid.h"

enum identity {
    IDENTITY_ANONYMOUS,          /* S-1-5-7 alone */
    IDENTITY_PARTNER,            /* -10, for one message */
    IDENTITY_HUB,                /* -21 */
    IDENTITY_EDGE,               /* -22 */
    IDENTITY_EXTERNALLY_SECURED, /* -23 */
    IDENTITY_LEGACY,             /* -24 */
    IDENTITY_FIXED_COUNT,
    IDENTITY_ACCOUNT = IDENTITY_FIXED_COUNT, /* a token of its own, after AUTH */
};

/* The SID of a fixed identity. */
enum sid_known identity_sid(enum identity identity);
/* "NT AUTHORITY\ANONYMOUS LOGON", …; never IDENTITY_ACCOUNT. */
const char *identity_name(enum identity identity);

#endif

#include "policy/report_only.h"

/* What anybody may reach the server for: sender rights alone open no relay. */
#define NEVER_OF_ANONYMOUS                                                                                   \
    (REPORT_ONLY_RIGHTS &                                                                                    \
     ~(RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_SENDER) | RIGHT_BIT(RIGHT_SMTP_ACCEPT_AUTHORITATIVE_DOMAIN_SENDER)))

uint32_t report_only_rights(const struct session_rights *rights)
{
    const struct receive_connector *connector = rights->connector;
    uint32_t lifted =
        connector->report_only & REPORT_ONLY_RIGHTS & ~rights->result.granted & ~rights->withheld;
    if (connector->grants_nothing) {
        return 0;
    }
    bool is_closed = rights->identity == IDENTITY_ANONYMOUS && !connector->allow_open_relay;
    return is_closed ? lifted & ~NEVER_OF_ANONYMOUS : lifted;
}

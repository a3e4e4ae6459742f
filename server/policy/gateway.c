#include "policy/gateway.h"

#include "policy/report_only.h"

#define RELAY RIGHT_BIT(RIGHT_SMTP_ACCEPT_ANY_RECIPIENT)

void gateway_withhold(const struct machine *machine, const struct ip_address *client,
                      struct session_rights *rights)
{
    const struct receive_connector *connector = rights->connector;
    if (rights->identity == receive_connector_identity(connector) && !connector->allow_open_relay &&
        machine_is_gateway(machine, client)) {
        rights->withheld = (rights->result.granted | report_only_rights(rights)) & RELAY;
        rights->result.granted &= ~RELAY;
    }
}

bool gateway_has_withheld(const struct session_rights *rights)
{
    return rights->withheld != 0;
}

const struct ip_address *gateway_in_range(const struct machine *machine,
                                          const struct receive_connector *connector)
{
    struct session_rights rights = {.connector = connector};
    if (!connector->is_enabled || connector->refused != NULL) {
        return NULL;
    }
    for (size_t i = 0; i < machine->gateway_count; i++) {
        const struct ip_address *gateway = &machine->gateways[i];
        session_rights_compute(connector, receive_connector_identity(connector), NULL, &rights);
        gateway_withhold(machine, gateway, &rights);
        for (size_t j = 0; gateway_has_withheld(&rights) && j < connector->range_count; j++) {
            if (ip_range_contains(&connector->ranges[j], gateway)) {
                return gateway;
            }
        }
    }
    return NULL;
}

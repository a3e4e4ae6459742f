/* On the main loop: names the connectors of a new organization that would let a gateway's clients relay. */
#include "base/event.h"
#include "daemon/process_internal.h"
#include "loop/machine_read.h"
#include "policy/gateway.h"

static void warn(const struct receive_connector *connector, const struct ip_address *gateway)
{
    struct event event;
    char address[IP_TEXT_SIZE];
    event_begin(&event, EVENT_WARNING, "gateway.in_range");
    event_text(&event, "connector", connector->display);
    event_text(&event, "gateway", ip_format_address(gateway, address));
    event_text(&event, "why", "whoever a proxy or NAT hides comes from this address: no relay for it");
    event_text(&event, "mend", GATEWAY_MEND);
    event_end(&event, false);
}

void gateway_part_check(const struct process *process)
{
    const struct organization *organization = process->admin.organization;
    struct machine machine;
    machine_read(&machine);
    for (size_t i = 0; i < organization->receive_count; i++) {
        const struct ip_address *gateway = gateway_in_range(&machine, &organization->receive[i]);
        if (gateway)
            warn(&organization->receive[i], gateway);
    }
}

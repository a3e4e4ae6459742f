#include "base/machine.h"

static bool is_among(const struct ip_address *list, size_t count, const struct ip_address *address)
{
    for (size_t i = 0; i < count; i++) {
        if (ip_compare(&list[i], address) == 0) {
            return true;
        }
    }
    return false;
}

bool machine_is_own(const struct machine *machine, const struct ip_address *address)
{
    return is_among(machine->own, machine->own_count, address);
}

bool machine_is_gateway(const struct machine *machine, const struct ip_address *address)
{
    return is_among(machine->gateways, machine->gateway_count, address);
}

void machine_add_gateway(struct machine *machine, const struct ip_address *address)
{
    if (machine->gateway_count < MACHINE_GATEWAYS_MAX && !machine_is_gateway(machine, address)) {
        machine->gateways[machine->gateway_count++] = *address;
    }
}

/* What a policy has to know of the machine it runs on. Read once (loop/machine_read.h), then handed on by
 * value. */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include "base/ip.h"

#define MACHINE_OWN_MAX      64
#define MACHINE_GATEWAYS_MAX 32

/* All zero: nothing is known. */
struct machine {
    struct ip_address own[MACHINE_OWN_MAX]; /* of its interfaces, loopback among them */
    size_t own_count;
    struct ip_address gateways[MACHINE_GATEWAYS_MAX]; /* the routers that it sends through */
    size_t gateway_count;
};

bool machine_is_own(const struct machine *machine, const struct ip_address *address);
bool machine_is_gateway(const struct machine *machine, const struct ip_address *address);
/* Once; one too many is left out. */
void machine_add_gateway(struct machine *machine, const struct ip_address *address);

#endif

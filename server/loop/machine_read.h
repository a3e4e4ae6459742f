/* Reads what the system says of this machine: its addresses, and the routers that it sends through. */
#ifndef LOOP_MACHINE_READ_H
#define LOOP_MACHINE_READ_H

#include "base/machine.h"

/* What the system does not tell stays empty. Of several next hops of one route the kernel shows the first. A
 * few system calls. Any thread. */
void machine_read(struct machine *out);
/* Adds the gateways of a table as Linux shows it in /proc/net/route or /proc/net/ipv6_route; lines that
 * cannot be read are passed over. Pure. */
void machine_add_ipv4_routes(struct machine *machine, struct bytes table);
void machine_add_ipv6_routes(struct machine *machine, struct bytes table);

#endif
